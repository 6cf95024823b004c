"""ESP in user space (RFC 4303): one SA, with any cipher that the engine negotiates."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hmac import compare_digest
from itertools import count

from ike.config import EncryptionAlgorithm, Integrity
from ike.crypto.errors import IntegrityError
from ike.crypto.integrity import IntegritySpec
from ike.crypto.integrity import spec as integrity_spec
from ike.crypto.message_cipher import MessageCipher, message_cipher
from ike.types import Secret

_HEADER = 8  # bytes: SPI and sequence number
_ALIGNMENT = 4  # bytes that a packet ends on (§2.4)


class EspError(Exception):
    """A packet that is not authentic, or not whole."""


class _NullCipher:
    """ENCR_NULL (RFC 2410) with a MAC, as a `MessageCipher`."""

    block_length = 1

    def __init__(self, integrity: IntegritySpec, key: bytes) -> None:
        self._integrity = integrity
        self._key = key

    @property
    def overhead(self) -> int:
        return self._integrity.icv_length

    def seal(self, associated: bytes, plaintext: bytes) -> bytes:
        return plaintext + self._integrity.icv(self._key, associated + plaintext)

    def open(self, associated: bytes, body: bytes) -> bytes:
        plaintext, icv = body[: -self.overhead], body[-self.overhead :]
        if not compare_digest(icv, self._integrity.icv(self._key, associated + plaintext)):
            raise IntegrityError
        return plaintext


class EspSa:
    """One direction of a CHILD_SA: seals or opens packets, the ESP header first.

    The layout of ESP's protected part is that of IKE's Encrypted payload: IV, ciphertext, ICV
    over all with the header, so the same ciphers serve.
    """

    def __init__(
        self,
        spi: int,
        encryption: EncryptionAlgorithm,
        key_bits: int,
        key: Secret,
        salt: Secret,
        integrity: Integrity | None,
        integrity_key: Secret,
    ) -> None:
        self.spi = spi
        self.highest = 0  # sequence number that came in
        self._sequence: Iterator[int] = count(1)
        self._cipher = self._make_cipher(encryption, key_bits, key, salt, integrity, integrity_key)

    @staticmethod
    def _make_cipher(
        encryption: EncryptionAlgorithm,
        key_bits: int,
        key: Secret,
        salt: Secret,
        integrity: Integrity | None,
        integrity_key: Secret,
    ) -> MessageCipher:
        mac = None if integrity is None else integrity_spec(integrity)
        if encryption is EncryptionAlgorithm.NULL:
            assert mac is not None, "ENCR_NULL without integrity"
            return _NullCipher(mac, integrity_key.reveal())
        material = key.reveal() + salt.reveal()
        return message_cipher(
            encryption, key_bits, material, mac, integrity_key.reveal(), os.urandom
        )

    def seal(self, next_header: int, payload: bytes) -> bytes:
        """Return the ESP packet that carries `payload`, with the next sequence number."""
        header = self.spi.to_bytes(4) + next(self._sequence).to_bytes(4)
        alignment = max(_ALIGNMENT, self._cipher.block_length)
        padding = bytes(range(1, -(len(payload) + 2) % alignment + 1))
        trailer = padding + bytes((len(padding), next_header))
        return header + self._cipher.seal(header, payload + trailer)

    def open(self, packet: bytes) -> tuple[int, bytes]:
        """Return the next header and the payload of an ESP packet.

        Raises:
            EspError: it is not authentic, a replay, or its padding is wrong.
        """
        header = packet[:_HEADER]
        sequence = int.from_bytes(header[4:])
        try:
            plaintext = self._cipher.open(header, packet[_HEADER:])
        except IntegrityError as error:
            raise EspError(f"SPI {self.spi:#010x}: not authentic") from error
        if sequence <= self.highest:
            raise EspError(f"SPI {self.spi:#010x}: number {sequence} after {self.highest}")
        self.highest = sequence
        length, next_header = plaintext[-2:]
        payload, padding = plaintext[: -2 - length], plaintext[-2 - length : -2]
        if padding != bytes(range(1, length + 1)):
            raise EspError(f"SPI {self.spi:#010x}: padding is not 1, 2, 3, ... (RFC 4303 §2.4)")
        return next_header, payload
