"""Integrity algorithms (transform type 3), for ciphers that are no AEAD."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ike.config import Integrity, Prf
from ike.crypto.aes_mac import cmac, xcbc
from ike.crypto.prf import compute


@dataclass(frozen=True, slots=True)
class IntegritySpec:
    """Lengths in bytes: of the key, and of the truncated MAC."""

    key_length: int
    icv_length: int
    mac: Callable[[bytes, bytes], bytes]

    def icv(self, key: bytes, data: bytes) -> bytes:
        """Compute the integrity check value."""
        return self.mac(key, data)[: self.icv_length]


def _hmac(prf: Prf) -> Callable[[bytes, bytes], bytes]:
    return lambda key, data: compute(prf, key, data)


_SPECS: dict[Integrity, IntegritySpec] = {
    Integrity.HMAC_SHA1_96: IntegritySpec(20, 12, _hmac(Prf.HMAC_SHA1)),
    Integrity.AES_XCBC_96: IntegritySpec(16, 12, xcbc),
    Integrity.AES_CMAC_96: IntegritySpec(16, 12, cmac),
    Integrity.HMAC_SHA2_256_128: IntegritySpec(32, 16, _hmac(Prf.HMAC_SHA2_256)),
    Integrity.HMAC_SHA2_384_192: IntegritySpec(48, 24, _hmac(Prf.HMAC_SHA2_384)),
    Integrity.HMAC_SHA2_512_256: IntegritySpec(64, 32, _hmac(Prf.HMAC_SHA2_512)),
}


def spec(integrity: Integrity) -> IntegritySpec:
    """Look an algorithm up."""
    return _SPECS[integrity]
