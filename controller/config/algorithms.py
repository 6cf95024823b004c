"""IOS's words for algorithms, and the transforms of IKEv2 that they stand for.

Where IOS has no word for what the engine can do, the word is made as IOS would: the cipher, its
ICV's length in bytes where it is not 16, and its key length in bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from controller.config.scalars import OneOrMore, shown, text
from ike.config import (
    MAX_ADDITIONAL,
    EncryptionAlgorithm,
    Integrity,
    KeyExchange,
    Prf,
    is_legacy,
)
from ike.crypto.encryption import fixed_key_bits, is_aead

Encryption = tuple[EncryptionAlgorithm, int]
"""The algorithm, and its key length in bits."""

_AES_BITS = (128, 192, 256)

_IKE_CIPHERS = {
    "aes": EncryptionAlgorithm.AES_CBC,
    "aes-cbc": EncryptionAlgorithm.AES_CBC,
    "aes-ctr": EncryptionAlgorithm.AES_CTR,
    "aes-gcm": EncryptionAlgorithm.AES_GCM_16,
    "aes-gcm-12": EncryptionAlgorithm.AES_GCM_12,
    "aes-gcm-8": EncryptionAlgorithm.AES_GCM_8,
    "aes-ccm": EncryptionAlgorithm.AES_CCM_16,
    "aes-ccm-12": EncryptionAlgorithm.AES_CCM_12,
    "aes-ccm-8": EncryptionAlgorithm.AES_CCM_8,
    "chacha20-poly1305": EncryptionAlgorithm.CHACHA20_POLY1305,
    "3des": EncryptionAlgorithm.TRIPLE_DES,
}
_ESP_CIPHERS = {
    "esp-gcm": EncryptionAlgorithm.AES_GCM_16,
    "esp-gcm-12": EncryptionAlgorithm.AES_GCM_12,
    "esp-gcm-8": EncryptionAlgorithm.AES_GCM_8,
    "esp-ccm": EncryptionAlgorithm.AES_CCM_16,
    "esp-ccm-12": EncryptionAlgorithm.AES_CCM_12,
    "esp-ccm-8": EncryptionAlgorithm.AES_CCM_8,
    "esp-chacha20-poly1305": EncryptionAlgorithm.CHACHA20_POLY1305,
    "esp-aes": EncryptionAlgorithm.AES_CBC,
    "esp-aes-ctr": EncryptionAlgorithm.AES_CTR,
    "esp-3des": EncryptionAlgorithm.TRIPLE_DES,
    "esp-null": EncryptionAlgorithm.NULL,
}
_ESP_INTEGRITY = {
    "esp-sha256-hmac": Integrity.HMAC_SHA2_256_128,
    "esp-sha384-hmac": Integrity.HMAC_SHA2_384_192,
    "esp-sha512-hmac": Integrity.HMAC_SHA2_512_256,
    "esp-aes-xcbc-mac": Integrity.AES_XCBC_96,
    "esp-aes-cmac": Integrity.AES_CMAC_96,
    "esp-sha-hmac": Integrity.HMAC_SHA1_96,
}
_INTEGRITY = {
    "sha256": Integrity.HMAC_SHA2_256_128,
    "sha384": Integrity.HMAC_SHA2_384_192,
    "sha512": Integrity.HMAC_SHA2_512_256,
    "aes-xcbc": Integrity.AES_XCBC_96,
    "aes-cmac": Integrity.AES_CMAC_96,
    "sha": Integrity.HMAC_SHA1_96,
    "sha1": Integrity.HMAC_SHA1_96,
}
_PRF = {
    "sha256": Prf.HMAC_SHA2_256,
    "sha384": Prf.HMAC_SHA2_384,
    "sha512": Prf.HMAC_SHA2_512,
    "aes-xcbc": Prf.AES128_XCBC,
    "aes-cmac": Prf.AES128_CMAC,
    "sha": Prf.HMAC_SHA1,
    "sha1": Prf.HMAC_SHA1,
}
_GROUP = {str(method.value): method for method in KeyExchange if 0 < method <= KeyExchange.CURVE448}
_METHODS = _GROUP | {
    method.name.lower().replace("_", "-"): method
    for method in KeyExchange
    if method > KeyExchange.CURVE448
}
_PFS = {f"group{name}": group for name, group in _GROUP.items()}

PRF_OF_INTEGRITY: Mapping[Integrity, Prf] = {
    integrity: _PRF[name] for name, integrity in _INTEGRITY.items()
}
"""The PRF that goes with an integrity algorithm where none is configured, as on IOS."""


def _with_lengths(ciphers: Mapping[str, EncryptionAlgorithm]) -> dict[str, Encryption]:
    """Write the key lengths behind the names of the ciphers that have a choice of them."""
    words: dict[str, Encryption] = {}
    for name, algorithm in ciphers.items():
        fixed = fixed_key_bits(algorithm)
        if fixed is not None:
            words[name] = (algorithm, fixed)
            continue
        words |= {f"{name} {bits}": (algorithm, bits) for bits in _AES_BITS}
    return words


def _also(words: dict[str, Encryption], ciphers: Mapping[str, EncryptionAlgorithm]) -> None:
    """Add other ways to write the same: without a length as IOS's default, 128 bits."""
    for name, algorithm in ciphers.items():
        if fixed_key_bits(algorithm) is None:
            words[name] = (algorithm, 128)


_IKE = _with_lengths({name: kind for name, kind in _IKE_CIPHERS.items() if name != "aes-cbc"})
_IKE_WORDS = dict(_IKE)
_also(_IKE_WORDS, _IKE_CIPHERS)
# `encryption aes-cbc-256` and `aes-gcm-256` of IOS's `crypto ikev2 proposal`.
_IKE_WORDS |= {
    word.replace(" ", "-"): encryption
    for word, encryption in _with_lengths(
        {name: _IKE_CIPHERS[name] for name in ("aes-cbc", "aes-gcm")}
    ).items()
}
_ESP = _with_lengths(_ESP_CIPHERS)
_ESP_WORDS = dict(_ESP)
_also(_ESP_WORDS, _ESP_CIPHERS)


def _one_of(table: Mapping[str, object], what: str, known: Mapping[str, object]) -> BeforeValidator:
    expected = ", ".join(f"'{name}'" for name in known)

    def read(value: object) -> object:
        word = " ".join(text(value).split()).lower()
        if word not in table:
            raise ValueError(f"expected {what}: {expected}; not {shown(word)}")
        return table[word]

    return BeforeValidator(read)


@dataclass(frozen=True, slots=True)
class EspTransforms:
    """A cipher, and the integrity algorithm that goes with it; None with an AEAD."""

    encryption: Encryption
    integrity: Integrity | None = None

    def __str__(self) -> str:
        cipher = next(word for word, known in _ESP.items() if known == self.encryption)
        if self.integrity is None:
            return cipher
        return f"{cipher} {_name_of(_ESP_INTEGRITY, self.integrity)}"

    @property
    def is_legacy(self) -> bool:
        """Whether one of them is too weak for anything but old routers."""
        return is_legacy(self.encryption[0]) or (
            self.integrity is not None and is_legacy(self.integrity)
        )


def esp_transforms(value: object) -> EspTransforms:
    """Read ``esp-gcm 256``, ``esp-aes 256 esp-sha256-hmac``, or a list of such transforms.

    Raises:
        ValueError: with what was expected.
    """
    if isinstance(value, EspTransforms):
        return value
    parts = value if isinstance(value, list) else [value]
    words = " ".join(text(part) for part in parts).lower().split()
    ciphers: list[Encryption] = []
    integrity: list[Integrity] = []
    while words:
        word = words.pop(0)
        if words and words[0].isdecimal():
            word += f" {words.pop(0)}"
        if word in _ESP_WORDS:
            ciphers.append(_ESP_WORDS[word])
        elif word in _ESP_INTEGRITY:
            integrity.append(_ESP_INTEGRITY[word])
        else:
            known = ", ".join(f"'{name}'" for name in (*_ESP, *_ESP_INTEGRITY))
            raise ValueError(f"expected transforms: {known}; not {shown(word)}")
    if len(ciphers) != 1:
        raise ValueError("expected one cipher, such as 'esp-gcm 256' or 'esp-aes 256'")
    if is_aead(ciphers[0][0]):
        if integrity:
            raise ValueError("this cipher protects integrity itself: it takes no second transform")
        return EspTransforms(ciphers[0])
    if len(integrity) != 1:
        raise ValueError(
            "expected one integrity transform beside the cipher, such as 'esp-sha256-hmac'"
        )
    return EspTransforms(ciphers[0], integrity[0])


def _name_of(table: Mapping[str, Any], value: object) -> str:
    return next(name for name, known in table.items() if known == value)


def algorithm_text(algorithm: Encryption | Integrity | Prf | KeyExchange) -> str:
    """Write an algorithm of an ISAKMP policy as the configuration does: ``aes-gcm 256``."""
    tables: dict[type, Mapping[str, Any]] = {
        tuple: _IKE,
        Integrity: _INTEGRITY,
        Prf: _PRF,
        KeyExchange: _METHODS,
    }
    return _name_of(tables[type(algorithm)], algorithm)


IkeEncryption = Annotated[Encryption, _one_of(_IKE_WORDS, "an encryption algorithm", _IKE)]
IkeIntegrity = Annotated[Integrity, _one_of(_INTEGRITY, "an integrity algorithm", _INTEGRITY)]
IkePrf = Annotated[Prf, _one_of(_PRF, "a PRF", _PRF)]
IkeGroup = Annotated[KeyExchange, _one_of(_GROUP, "a Diffie-Hellman group", _GROUP)]
_AdditionalMethod = Annotated[
    KeyExchange | None,
    _one_of(_METHODS | {"none": None}, "a key exchange", _METHODS | {"none": None}),
]
AdditionalKeyExchange = Annotated[
    list[OneOrMore[_AdditionalMethod]], Field(max_length=MAX_ADDITIONAL)
]
PfsGroup = Annotated[KeyExchange, _one_of(_PFS, "a Diffie-Hellman group", _PFS)]
