"""MACs with their keys: functions from bytes to bytes, not cut to the ICV's length yet."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.hmac import HMAC

_AES_BLOCK = 16

Mac = Callable[[bytes], bytes]


def _mac_of(keyed: HMAC | CMAC, data: bytes) -> bytes:
    mac = keyed.copy()
    mac.update(data)
    return mac.finalize()


def hmac(algorithm: hashes.HashAlgorithm, key: bytes) -> Mac:
    """HMAC (RFC 2104)."""
    return partial(_mac_of, HMAC(key, algorithm))


def cmac(key: bytes) -> Mac:
    """AES-CMAC (RFC 4493)."""
    return partial(_mac_of, CMAC(algorithms.AES(key)))


def xcbc(key: bytes) -> Mac:
    """AES-XCBC-MAC (RFC 3566 §4)."""
    # One block at a time: ECB is AES itself, which XCBC is made of.
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305  # see above
    first, whole, padded = (encryptor.update(bytes([n]) * _AES_BLOCK) for n in (1, 2, 3))
    chain = algorithms.AES(first)

    def mac(data: bytes) -> bytes:
        last_key = whole
        if not data or len(data) % _AES_BLOCK:
            last_key = padded
            data += b"\x80" + bytes(-(len(data) + 1) % _AES_BLOCK)
        last = int.from_bytes(data[-_AES_BLOCK:], "big") ^ int.from_bytes(last_key, "big")
        encryptor = Cipher(chain, modes.CBC(bytes(_AES_BLOCK))).encryptor()
        blocks = data[:-_AES_BLOCK] + last.to_bytes(_AES_BLOCK, "big")
        return (encryptor.update(blocks) + encryptor.finalize())[-_AES_BLOCK:]

    return mac
