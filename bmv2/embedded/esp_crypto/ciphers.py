"""Ciphers that protect no integrity, and the MAC that goes with one."""

from __future__ import annotations

from hmac import compare_digest
from typing import Protocol

from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, algorithms, modes

from bmv2.embedded.esp_crypto.algorithms import IcvError
from bmv2.embedded.esp_crypto.macs import Mac


class EspCipher(Protocol):
    """A cipher that protects no integrity; seals to IV and ciphertext."""

    iv_length: int
    block_length: int

    def encrypt(self, salt: int, iv: int, plaintext: bytes) -> bytes:
        """Give IV and ciphertext."""

    def decrypt(self, salt: int, sealed: bytes) -> bytes:
        """Give the plaintext of IV and ciphertext."""


class Null:
    """No encryption (RFC 2410)."""

    iv_length = 0
    block_length = 1

    def encrypt(self, salt: int, iv: int, plaintext: bytes) -> bytes:
        """See `EspCipher.encrypt`."""
        return plaintext

    def decrypt(self, salt: int, sealed: bytes) -> bytes:
        """See `EspCipher.decrypt`."""
        return sealed


class Cbc:
    """The IV is the first block of what a chain that begins with zeros makes of `iv`."""

    def __init__(self, algorithm: BlockCipherAlgorithm) -> None:
        self._algorithm = algorithm
        self.iv_length = self.block_length = algorithm.block_size // 8

    def encrypt(self, salt: int, iv: int, plaintext: bytes) -> bytes:
        """See `EspCipher.encrypt`."""
        encryptor = Cipher(self._algorithm, modes.CBC(bytes(self.iv_length))).encryptor()
        nonce = iv.to_bytes(self.iv_length, "big")
        return encryptor.update(nonce + plaintext) + encryptor.finalize()

    def decrypt(self, salt: int, sealed: bytes) -> bytes:
        """See `EspCipher.decrypt`."""
        decryptor = Cipher(self._algorithm, modes.CBC(sealed[: self.iv_length])).decryptor()
        return decryptor.update(sealed[self.iv_length :]) + decryptor.finalize()


class Ctr:
    """RFC 3686 §4: the counter block is salt, IV, and a block counter from 1."""

    iv_length = 8
    block_length = 1

    def __init__(self, key: bytes) -> None:
        self._key = algorithms.AES(key)

    def encrypt(self, salt: int, iv: int, plaintext: bytes) -> bytes:
        """See `EspCipher.encrypt`."""
        octets = iv.to_bytes(8, "big")
        return octets + self._run(salt, octets, plaintext)

    def decrypt(self, salt: int, sealed: bytes) -> bytes:
        """See `EspCipher.decrypt`."""
        return self._run(salt, sealed[:8], sealed[8:])

    def _run(self, salt: int, iv: bytes, text: bytes) -> bytes:
        block = salt.to_bytes(4, "big") + iv + b"\0\0\0\1"
        encryptor = Cipher(self._key, modes.CTR(block)).encryptor()
        return encryptor.update(text) + encryptor.finalize()


class MacTransform:
    """A cipher, and a MAC over IV and ciphertext (RFC 4303 §3.3.2.1)."""

    def __init__(self, cipher: EspCipher, mac: Mac, icv_length: int) -> None:
        self._cipher = cipher
        self._mac = mac
        self.icv_length = icv_length
        self.block_length = cipher.block_length
        self.iv_length = cipher.iv_length

    def seal(
        self, salt: int, iv: int, associated: bytes, implicit: bytes, plaintext: bytes
    ) -> bytes:
        """See `Transform.seal`."""
        sealed = self._cipher.encrypt(salt, iv, plaintext)
        return sealed + self._icv(associated + sealed + implicit)

    def open(self, salt: int, associated: bytes, implicit: bytes, payload: bytes) -> bytes:
        """See `Transform.open`."""
        sealed, icv = payload[: -self.icv_length], payload[-self.icv_length :]
        if not compare_digest(icv, self._icv(associated + sealed + implicit)):
            raise IcvError
        return self._cipher.decrypt(salt, sealed)

    def _icv(self, data: bytes) -> bytes:
        return self._mac(data)[: self.icv_length]
