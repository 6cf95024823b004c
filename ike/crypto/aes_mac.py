"""MACs over AES-128: AES-XCBC (RFC 3566, RFC 4434) and AES-CMAC (RFC 4493, RFC 4615)."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

_BLOCK = 16  # bytes


def _encrypt(key: bytes, block: bytes) -> bytes:
    # One block at a time: ECB is AES itself, which XCBC is made of.
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305  # see above
    return encryptor.update(block) + encryptor.finalize()


def xcbc(key: bytes, data: bytes) -> bytes:
    """Compute AES-XCBC-MAC (RFC 3566 §4) with a key of 16 bytes: 16 bytes."""
    k1, k2, k3 = (_encrypt(key, bytes([n]) * _BLOCK) for n in (1, 2, 3))
    whole = len(data) % _BLOCK == 0 and bool(data)
    padded = data if whole else data + b"\x80" + bytes(-(len(data) + 1) % _BLOCK)
    last = bytes(a ^ b for a, b in zip(padded[-_BLOCK:], k2 if whole else k3, strict=True))
    # CBC with a zero IV over all blocks, of which the last one counts.
    encryptor = Cipher(algorithms.AES(k1), modes.CBC(bytes(_BLOCK))).encryptor()
    return (encryptor.update(padded[:-_BLOCK] + last) + encryptor.finalize())[-_BLOCK:]


def cmac(key: bytes, data: bytes) -> bytes:
    """Compute AES-CMAC (RFC 4493) with a key of 16 bytes: 16 bytes."""
    mac = CMAC(algorithms.AES(key))
    mac.update(data)
    return mac.finalize()


def xcbc_prf(key: bytes, data: bytes) -> bytes:
    """Compute AES-XCBC-PRF-128 (RFC 4434 §2) with a key of any length."""
    return xcbc(key.ljust(_BLOCK, b"\0") if len(key) <= _BLOCK else xcbc(bytes(_BLOCK), key), data)


def cmac_prf(key: bytes, data: bytes) -> bytes:
    """Compute AES-CMAC-PRF-128 (RFC 4615 §3) with a key of any length."""
    return cmac(key if len(key) == _BLOCK else cmac(bytes(_BLOCK), key), data)
