"""ESP's algorithms by number, and what one that has its keys can do.

The numbers are those of p4src/esp_cipher.p4, which are IANA's of IKEv2 transform types 1 and 3.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol


class EspEncryption(IntEnum):
    """Ciphers."""

    TRIPLE_DES = 3
    NULL = 11
    AES_CBC = 12
    AES_CTR = 13
    AES_CCM_8 = 14
    AES_CCM_12 = 15
    AES_CCM_16 = 16
    AES_GCM_8 = 18
    AES_GCM_12 = 19
    AES_GCM_16 = 20
    CHACHA20_POLY1305 = 28


class EspIntegrity(IntEnum):
    """Integrity algorithms; NONE with an AEAD."""

    NONE = 0
    HMAC_SHA1_96 = 2
    AES_XCBC_96 = 5
    AES_CMAC_96 = 8
    HMAC_SHA2_256_128 = 12
    HMAC_SHA2_384_192 = 13
    HMAC_SHA2_512_256 = 14


class IcvError(Exception):
    """The integrity check value is wrong."""


class Transform(Protocol):
    """A cipher, and the integrity algorithm that goes with it, with their keys.

    Attributes:
        iv_length: bytes.
        block_length: bytes that the plaintext's length has to be a multiple of.
        icv_length: bytes.
    """

    iv_length: int
    block_length: int
    icv_length: int

    def seal(
        self, salt: int, iv: int, associated: bytes, implicit: bytes, plaintext: bytes
    ) -> bytes:
        """Give IV, ciphertext and ICV.

        Args:
            salt: 32 bits.
            iv: 64 bits, never the same twice under one key.
            associated: the ESP header as it is authenticated by an AEAD, or before the IV.
            implicit: what is authenticated after the ciphertext, by what is no AEAD.
            plaintext: bytes, of `block_length` times anything.
        """

    def open(self, salt: int, associated: bytes, implicit: bytes, payload: bytes) -> bytes:
        """Check IV, ciphertext and ICV, and give the plaintext.

        Raises:
            IcvError: they are not authentic.
        """
