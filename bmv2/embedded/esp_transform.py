"""ESP's algorithms with their keys: IV, ciphertext and ICV out of a plaintext, and back.

The numbers are those of p4src/esp_cipher.p4, which are IANA's of IKEv2 transform types 1 and 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache, partial
from hmac import compare_digest
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import (
    BlockCipherAlgorithm,
    Cipher,
    algorithms,
    modes,
)
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.hmac import HMAC

_KEY_CACHE_SIZE = 8192
_AES_BLOCK = 16


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


class _Aead(Protocol):
    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes: ...


class _ShortTagGcm:
    """AES-GCM with a tag of 8 or 12 bytes."""

    def __init__(self, key: bytes, tag_length: int) -> None:
        self._key = algorithms.AES(key)
        self._tag_length = tag_length

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        encryptor = Cipher(self._key, modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(associated_data or b"")
        sealed = encryptor.update(data) + encryptor.finalize()
        return sealed + encryptor.tag[: self._tag_length]

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        sealed, tag = data[: -self._tag_length], data[-self._tag_length :]
        mode = modes.GCM(nonce, tag, min_tag_length=self._tag_length)
        decryptor = Cipher(self._key, mode).decryptor()
        decryptor.authenticate_additional_data(associated_data or b"")
        return decryptor.update(sealed) + decryptor.finalize()


class _AeadTransform:
    """RFC 4106, RFC 4309, RFC 7634: the nonce is salt and IV."""

    iv_length = 8
    block_length = 1

    def __init__(self, aead: _Aead, icv_length: int, salt_length: int) -> None:
        self._aead = aead
        self.icv_length = icv_length
        self._salt_length = salt_length
        self._salt_mask = (1 << 8 * salt_length) - 1

    def seal(
        self, salt: int, iv: int, associated: bytes, implicit: bytes, plaintext: bytes
    ) -> bytes:
        octets = iv.to_bytes(8, "big")
        return octets + self._aead.encrypt(self._salt(salt) + octets, plaintext, associated)

    def open(self, salt: int, associated: bytes, implicit: bytes, payload: bytes) -> bytes:
        try:
            return self._aead.decrypt(self._salt(salt) + payload[:8], payload[8:], associated)
        except InvalidTag:
            raise IcvError from None

    def _salt(self, salt: int) -> bytes:
        return (salt & self._salt_mask).to_bytes(self._salt_length, "big")


Mac = Callable[[bytes], bytes]


class _Cipher(Protocol):
    """A cipher that protects no integrity; seals to IV and ciphertext."""

    iv_length: int
    block_length: int

    def encrypt(self, salt: int, iv: int, plaintext: bytes) -> bytes: ...

    def decrypt(self, salt: int, sealed: bytes) -> bytes: ...


class _Null:
    iv_length = 0
    block_length = 1

    def encrypt(self, salt: int, iv: int, plaintext: bytes) -> bytes:
        return plaintext

    def decrypt(self, salt: int, sealed: bytes) -> bytes:
        return sealed


class _Cbc:
    """The IV is the first block of what a chain that begins with zeros makes of `iv`."""

    def __init__(self, algorithm: BlockCipherAlgorithm) -> None:
        self._algorithm = algorithm
        self.iv_length = self.block_length = algorithm.block_size // 8

    def encrypt(self, salt: int, iv: int, plaintext: bytes) -> bytes:
        encryptor = Cipher(self._algorithm, modes.CBC(bytes(self.iv_length))).encryptor()
        nonce = iv.to_bytes(self.iv_length, "big")
        return encryptor.update(nonce + plaintext) + encryptor.finalize()

    def decrypt(self, salt: int, sealed: bytes) -> bytes:
        decryptor = Cipher(self._algorithm, modes.CBC(sealed[: self.iv_length])).decryptor()
        return decryptor.update(sealed[self.iv_length :]) + decryptor.finalize()


class _Ctr:
    """RFC 3686 §4: the counter block is salt, IV, and a block counter from 1."""

    iv_length = 8
    block_length = 1

    def __init__(self, key: bytes) -> None:
        self._key = algorithms.AES(key)

    def encrypt(self, salt: int, iv: int, plaintext: bytes) -> bytes:
        octets = iv.to_bytes(8, "big")
        return octets + self._run(salt, octets, plaintext)

    def decrypt(self, salt: int, sealed: bytes) -> bytes:
        return self._run(salt, sealed[:8], sealed[8:])

    def _run(self, salt: int, iv: bytes, text: bytes) -> bytes:
        block = salt.to_bytes(4, "big") + iv + b"\0\0\0\1"
        encryptor = Cipher(self._key, modes.CTR(block)).encryptor()
        return encryptor.update(text) + encryptor.finalize()


class _MacTransform:
    """A cipher, and a MAC over IV and ciphertext (RFC 4303 §3.3.2.1)."""

    def __init__(self, cipher: _Cipher, mac: Mac, icv_length: int) -> None:
        self._cipher = cipher
        self._mac = mac
        self.icv_length = icv_length
        self.block_length = cipher.block_length
        self.iv_length = cipher.iv_length

    def seal(
        self, salt: int, iv: int, associated: bytes, implicit: bytes, plaintext: bytes
    ) -> bytes:
        sealed = self._cipher.encrypt(salt, iv, plaintext)
        return sealed + self._icv(associated + sealed + implicit)

    def open(self, salt: int, associated: bytes, implicit: bytes, payload: bytes) -> bytes:
        sealed, icv = payload[: -self.icv_length], payload[-self.icv_length :]
        if not compare_digest(icv, self._icv(associated + sealed + implicit)):
            raise IcvError
        return self._cipher.decrypt(salt, sealed)

    def _icv(self, data: bytes) -> bytes:
        return self._mac(data)[: self.icv_length]


def _mac_of(keyed: HMAC | CMAC, data: bytes) -> bytes:
    mac = keyed.copy()
    mac.update(data)
    return mac.finalize()


def _hmac(algorithm: hashes.HashAlgorithm, key: bytes) -> Mac:
    return partial(_mac_of, HMAC(key, algorithm))


def _cmac(key: bytes) -> Mac:
    return partial(_mac_of, CMAC(algorithms.AES(key)))


def _xcbc(key: bytes) -> Mac:
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


@dataclass(frozen=True, slots=True)
class _Integrity:
    key_length: int  # bytes
    icv_length: int  # bytes
    mac: Callable[[bytes], Mac]


_INTEGRITY: Final[dict[int, _Integrity]] = {
    EspIntegrity.HMAC_SHA1_96: _Integrity(
        20,
        12,
        partial(_hmac, hashes.SHA1()),  # noqa: S303  # old peers have nothing better
    ),
    EspIntegrity.AES_XCBC_96: _Integrity(16, 12, _xcbc),
    EspIntegrity.AES_CMAC_96: _Integrity(16, 12, _cmac),
    EspIntegrity.HMAC_SHA2_256_128: _Integrity(32, 16, partial(_hmac, hashes.SHA256())),
    EspIntegrity.HMAC_SHA2_384_192: _Integrity(48, 24, partial(_hmac, hashes.SHA384())),
    EspIntegrity.HMAC_SHA2_512_256: _Integrity(64, 32, partial(_hmac, hashes.SHA512())),
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
    cipher: _Cipher = _Null()
    if encryption == EspEncryption.AES_CBC:
        cipher = _Cbc(algorithms.AES(octets))
    elif encryption == EspEncryption.AES_CTR:
        cipher = _Ctr(octets)
    elif encryption == EspEncryption.TRIPLE_DES:
        cipher = _Cbc(TripleDES(octets))
    mac = known.mac(_low(integrity_key, known.key_length))
    return _MacTransform(cipher, mac, known.icv_length)


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
        return _AeadTransform(ChaCha20Poly1305(key), 16, 4)
    if encryption in _CCM_ICV:
        icv_length = _CCM_ICV[encryption]
        return _AeadTransform(AESCCM(key, icv_length), icv_length, 3)
    icv_length = _GCM_ICV[encryption]
    aead = AESGCM(key) if icv_length == 16 else _ShortTagGcm(key, icv_length)
    return _AeadTransform(aead, icv_length, 4)


def _low(value: int, length: int) -> bytes:
    return (value & (1 << 8 * length) - 1).to_bytes(length, "big")
