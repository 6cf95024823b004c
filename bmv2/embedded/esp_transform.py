"""ESP's algorithms with their keys, chosen by their numbers; prepared keys are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

from bmv2.embedded.esp_crypto.aead import AeadTransform, ShortTagGcm
from bmv2.embedded.esp_crypto.algorithms import EspEncryption, EspIntegrity, Transform
from bmv2.embedded.esp_crypto.ciphers import Cbc, Ctr, EspCipher, MacTransform, Null
from bmv2.embedded.esp_crypto.macs import Mac, cmac, hmac, xcbc

_KEY_CACHE_SIZE = 8192


@dataclass(frozen=True, slots=True)
class _Integrity:
    key_length: int  # bytes
    icv_length: int  # bytes
    mac: Callable[[bytes], Mac]


_INTEGRITY: Final[dict[int, _Integrity]] = {
    EspIntegrity.HMAC_SHA1_96: _Integrity(
        20,
        12,
        partial(hmac, hashes.SHA1()),  # noqa: S303  # old peers have nothing better
    ),
    EspIntegrity.AES_XCBC_96: _Integrity(16, 12, xcbc),
    EspIntegrity.AES_CMAC_96: _Integrity(16, 12, cmac),
    EspIntegrity.HMAC_SHA2_256_128: _Integrity(32, 16, partial(hmac, hashes.SHA256())),
    EspIntegrity.HMAC_SHA2_384_192: _Integrity(48, 24, partial(hmac, hashes.SHA384())),
    EspIntegrity.HMAC_SHA2_512_256: _Integrity(64, 32, partial(hmac, hashes.SHA512())),
}

_AES_KEYS: Final = (128, 192, 256)
_KEY_LENGTHS: Final[dict[int, tuple[int, ...]]] = {  # bits
    EspEncryption.TRIPLE_DES: (192,),
    EspEncryption.NULL: (0,),
    EspEncryption.CHACHA20_POLY1305: (256,),
    **{cipher: _AES_KEYS for cipher in EspEncryption if cipher.name.startswith("AES_")},
}
_GCM_ICV: Final[dict[int, int]] = {
    EspEncryption.AES_GCM_8: 8,
    EspEncryption.AES_GCM_12: 12,
    EspEncryption.AES_GCM_16: 16,
}
_CCM_ICV: Final[dict[int, int]] = {
    EspEncryption.AES_CCM_8: 8,
    EspEncryption.AES_CCM_12: 12,
    EspEncryption.AES_CCM_16: 16,
}


@lru_cache(maxsize=_KEY_CACHE_SIZE)
def transform(
    encryption: int, key_length: int, key: int, integrity: int, integrity_key: int
) -> Transform | None:
    """Prepare keys.

    Args:
        encryption: an `EspEncryption`.
        key_length: bits.
        key: 256 bits, of which the low `key_length` are taken.
        integrity: an `EspIntegrity`.
        integrity_key: 512 bits, of which the low ones are taken.

    Returns:
        None where there are no such algorithms, or not together.
    """
    if key_length not in _KEY_LENGTHS.get(encryption, ()):
        return None
    octets = _low(key, key_length // 8)
    if (
        encryption in _GCM_ICV
        or encryption in _CCM_ICV
        or (encryption == EspEncryption.CHACHA20_POLY1305)
    ):
        return _aead(encryption, octets) if integrity == EspIntegrity.NONE else None
    known = _INTEGRITY.get(integrity)
    if known is None:
        return None
    cipher: EspCipher = Null()
    if encryption == EspEncryption.AES_CBC:
        cipher = Cbc(algorithms.AES(octets))
    elif encryption == EspEncryption.AES_CTR:
        cipher = Ctr(octets)
    elif encryption == EspEncryption.TRIPLE_DES:
        cipher = Cbc(TripleDES(octets))
    mac = known.mac(_low(integrity_key, known.key_length))
    return MacTransform(cipher, mac, known.icv_length)


def every_combination() -> list[tuple[EspEncryption, int, EspIntegrity]]:
    """List what there is: cipher, bits of key, integrity algorithm."""
    return [
        (encryption, key_length, integrity)
        for encryption in EspEncryption
        for key_length in _KEY_LENGTHS[encryption]
        for integrity in EspIntegrity
        if transform(encryption, key_length, 1, integrity, 1) is not None
    ]


def _aead(encryption: int, key: bytes) -> Transform:
    if encryption == EspEncryption.CHACHA20_POLY1305:
        return AeadTransform(ChaCha20Poly1305(key), 16, 4)
    if encryption in _CCM_ICV:
        icv_length = _CCM_ICV[encryption]
        return AeadTransform(AESCCM(key, icv_length), icv_length, 3)
    icv_length = _GCM_ICV[encryption]
    aead = AESGCM(key) if icv_length == 16 else ShortTagGcm(key, icv_length)
    return AeadTransform(aead, icv_length, 4)


def _low(value: int, length: int) -> bytes:
    return (value & (1 << 8 * length) - 1).to_bytes(length, "big")
