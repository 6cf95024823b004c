"""Ciphers: their key material, and the protection of the Encrypted payload with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ike.codec.reader import u64
from ike.config import EncryptionAlgorithm
from ike.crypto.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class EncryptionSpec:
    """What there is to know about a cipher with one key length. Lengths in bytes.

    `salt_length` follows the key in the key material (RFC 4106 §8.1, RFC 5282 §7.1).
    """

    key_length: int
    salt_length: int
    iv_length: int
    icv_length: int

    @property
    def material_length(self) -> int:
        """How much of KEYMAT one direction takes."""
        return self.key_length + self.salt_length


_SPECS: dict[tuple[EncryptionAlgorithm, int], EncryptionSpec] = {
    (EncryptionAlgorithm.AES_GCM_16, bits): EncryptionSpec(bits // 8, 4, 8, 16)
    for bits in (128, 256)
}


def spec(algorithm: EncryptionAlgorithm, key_bits: int) -> EncryptionSpec:
    """Look a cipher up.

    Raises:
        KeyError: this engine does not have the cipher with that key length.
    """
    return _SPECS[algorithm, key_bits]


class MessageCipher(Protocol):
    """One direction of an IKE SA: what protects its Encrypted payloads."""

    @property
    def block_length(self) -> int:
        """Bytes that the plaintext's length has to be a multiple of."""

    @property
    def overhead(self) -> int:
        """Bytes that `seal` adds to the plaintext."""

    def seal(self, associated: bytes, plaintext: bytes) -> bytes:
        """Encrypt, and give IV, ciphertext and ICV."""

    def open(self, associated: bytes, body: bytes) -> bytes:
        """Check and decrypt IV, ciphertext and ICV.

        Raises:
            IntegrityError: the ICV is wrong, or the body is too short to hold one.
        """


class GcmMessageCipher:
    """AES-GCM for the Encrypted payload (RFC 5282). The IV is a counter: it never repeats."""

    block_length = 1  # RFC 5282 §3: no padding is needed

    __slots__ = ("_aead", "_counter", "_salt", "_spec")

    def __init__(self, cipher_spec: EncryptionSpec, material: bytes) -> None:
        self._spec = cipher_spec
        self._aead = AESGCM(material[: cipher_spec.key_length])
        self._salt = material[cipher_spec.key_length :]
        self._counter = 0

    @property
    def overhead(self) -> int:
        """Bytes that `seal` adds to the plaintext."""
        return self._spec.iv_length + self._spec.icv_length

    def seal(self, associated: bytes, plaintext: bytes) -> bytes:
        """Encrypt, and give IV, ciphertext and ICV."""
        iv = u64(self._counter)
        self._counter += 1
        return iv + self._aead.encrypt(self._salt + iv, plaintext, associated)

    def open(self, associated: bytes, body: bytes) -> bytes:
        """Check and decrypt IV, ciphertext and ICV.

        Raises:
            IntegrityError: the ICV is wrong, or the body is too short to hold one.
        """
        if len(body) < self.overhead:
            raise IntegrityError
        iv = body[: self._spec.iv_length]
        try:
            return self._aead.decrypt(self._salt + iv, body[self._spec.iv_length :], associated)
        except InvalidTag:
            raise IntegrityError from None


def message_cipher(algorithm: EncryptionAlgorithm, key_bits: int, material: bytes) -> MessageCipher:
    """Make the cipher for one direction of an IKE SA out of SK_e*.

    Raises:
        KeyError: this engine does not have the cipher with that key length.
    """
    return GcmMessageCipher(spec(algorithm, key_bits), material)
