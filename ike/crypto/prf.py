"""Pseudorandom functions and prf+ (RFC 7296 §2.13)."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from ike.config import Prf

_HASHES: dict[Prf, hashes.HashAlgorithm] = {
    Prf.HMAC_SHA2_256: hashes.SHA256(),
    Prf.HMAC_SHA2_384: hashes.SHA384(),
    Prf.HMAC_SHA2_512: hashes.SHA512(),
}

MAX_BLOCKS = 255  # the counter has one byte


def key_length(prf: Prf) -> int:
    """Return the length in bytes of the PRF's output, which is its preferred key size too."""
    return _HASHES[prf].digest_size


def compute(prf: Prf, key: bytes, *data: bytes) -> bytes:
    """Compute prf(key, data), the pieces of data one after another."""
    mac = HMAC(key, _HASHES[prf])
    for piece in data:
        mac.update(piece)
    return mac.finalize()


def prf_plus(prf: Prf, key: bytes, seed: bytes, length: int) -> bytes:
    """Expand `key` and `seed` to `length` bytes.

    Raises:
        ValueError: more than 255 blocks of the PRF's output are asked for.
    """
    blocks = -(-length // key_length(prf))
    if blocks > MAX_BLOCKS:
        raise ValueError(f"prf+ gives {MAX_BLOCKS} blocks, {blocks} asked for")
    keyed = HMAC(key, _HASHES[prf])
    output = bytearray()
    block = b""
    for counter in range(1, blocks + 1):
        mac = keyed.copy()
        mac.update(block + seed + counter.to_bytes(1, "big"))
        block = mac.finalize()
        output += block
    return bytes(output[:length])
