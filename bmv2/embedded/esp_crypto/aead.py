"""AEADs in ESP: one key, and an ICV over the header too."""

from __future__ import annotations

from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bmv2.embedded.esp_crypto.algorithms import IcvError


class Aead(Protocol):
    """An AEAD as `cryptography` has them; the tag follows the ciphertext."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        """Give ciphertext and tag."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        """Give the plaintext; `InvalidTag` where it is not authentic."""


class ShortTagGcm:
    """AES-GCM with a tag of 8 or 12 bytes."""

    def __init__(self, key: bytes, tag_length: int) -> None:
        self._key = algorithms.AES(key)
        self._tag_length = tag_length

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        """See `Aead.encrypt`."""
        encryptor = Cipher(self._key, modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(associated_data or b"")
        sealed = encryptor.update(data) + encryptor.finalize()
        return sealed + encryptor.tag[: self._tag_length]

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        """See `Aead.decrypt`."""
        sealed, tag = data[: -self._tag_length], data[-self._tag_length :]
        mode = modes.GCM(nonce, tag, min_tag_length=self._tag_length)
        decryptor = Cipher(self._key, mode).decryptor()
        decryptor.authenticate_additional_data(associated_data or b"")
        return decryptor.update(sealed) + decryptor.finalize()


class AeadTransform:
    """RFC 4106, RFC 4309, RFC 7634: the nonce is salt and IV."""

    iv_length = 8
    block_length = 1

    def __init__(self, aead: Aead, icv_length: int, salt_length: int) -> None:
        self._aead = aead
        self.icv_length = icv_length
        self._salt_length = salt_length
        self._salt_mask = (1 << 8 * salt_length) - 1

    def seal(
        self, salt: int, iv: int, associated: bytes, implicit: bytes, plaintext: bytes
    ) -> bytes:
        """See `Transform.seal`."""
        octets = iv.to_bytes(8, "big")
        return octets + self._aead.encrypt(self._salt(salt) + octets, plaintext, associated)

    def open(self, salt: int, associated: bytes, implicit: bytes, payload: bytes) -> bytes:
        """See `Transform.open`."""
        try:
            return self._aead.decrypt(self._salt(salt) + payload[:8], payload[8:], associated)
        except InvalidTag:
            raise IcvError from None

    def _salt(self, salt: int) -> bytes:
        return (salt & self._salt_mask).to_bytes(self._salt_length, "big")
