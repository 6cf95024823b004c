"""Pseudorandom functions and prf+ (RFC 7296 §2.13)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from ike.config import Prf
from ike.crypto.aes_mac import cmac_prf, xcbc_prf

MAX_BLOCKS = 255  # the counter has one byte


_Function = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class _PrfSpec:
    """`length` of the output in bytes, which is the preferred key size too (§2.13).

    `keyed` gives the function for one key, to be called many times. `has_fixed_key`: for SKEYSEED
    each nonce gives half of the key (§2.14, RFC 4434 §2).
    """

    length: int
    compute: Callable[[bytes, bytes], bytes]
    keyed: Callable[[bytes], _Function]
    has_fixed_key: bool = False


def _hmac(algorithm: hashes.HashAlgorithm) -> _PrfSpec:
    def compute_hmac(key: bytes, data: bytes) -> bytes:
        mac = HMAC(key, algorithm)
        mac.update(data)
        return mac.finalize()

    def keyed(key: bytes) -> _Function:
        fresh = HMAC(key, algorithm)  # to take a key in takes longer than the data does

        def compute_copy(data: bytes) -> bytes:
            mac = fresh.copy()
            mac.update(data)
            return mac.finalize()

        return compute_copy

    return _PrfSpec(algorithm.digest_size, compute_hmac, keyed)


def _aes(compute: Callable[[bytes, bytes], bytes]) -> _PrfSpec:
    return _PrfSpec(16, compute, lambda key: partial(compute, key), has_fixed_key=True)


_SPECS: dict[Prf, _PrfSpec] = {
    Prf.HMAC_SHA1: _hmac(hashes.SHA1()),  # noqa: S303  # HMAC needs no collision resistance
    Prf.AES128_XCBC: _aes(xcbc_prf),
    Prf.HMAC_SHA2_256: _hmac(hashes.SHA256()),
    Prf.HMAC_SHA2_384: _hmac(hashes.SHA384()),
    Prf.HMAC_SHA2_512: _hmac(hashes.SHA512()),
    Prf.AES128_CMAC: _aes(cmac_prf),
}


def key_length(prf: Prf) -> int:
    """Return the length in bytes of the PRF's output, which is its preferred key size too."""
    return _SPECS[prf].length


def compute(prf: Prf, key: bytes, *data: bytes) -> bytes:
    """Compute prf(key, data), the pieces of data one after another."""
    return _SPECS[prf].compute(key, b"".join(data))


def nonce_key(prf: Prf, initiator_nonce: bytes, responder_nonce: bytes) -> bytes:
    """Make the key for SKEYSEED out of the nonces (§2.14)."""
    if _SPECS[prf].has_fixed_key:
        half = _SPECS[prf].length // 2
        return initiator_nonce[:half] + responder_nonce[:half]
    return initiator_nonce + responder_nonce


def prf_plus(prf: Prf, key: bytes, seed: bytes, length: int) -> bytes:
    """Expand `key` and `seed` to `length` bytes.

    Raises:
        ValueError: more than 255 blocks of the PRF's output are asked for.
    """
    blocks = -(-length // key_length(prf))
    if blocks > MAX_BLOCKS:
        raise ValueError(f"prf+ gives {MAX_BLOCKS} blocks, {blocks} asked for")
    keyed = _SPECS[prf].keyed(key)
    output = block = b""
    for counter in range(1, blocks + 1):
        block = keyed(block + seed + counter.to_bytes(1, "big"))
        output += block
    return output[:length]
