"""IOS's words for algorithms, and the transforms of IKEv2 that they stand for."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from controller.config.scalars import shown, text
from ike.config import EncryptionAlgorithm, KeyExchange, Prf

Encryption = tuple[EncryptionAlgorithm, int]
"""The algorithm, and its key length in bits."""

_ESP = {
    "esp-gcm": (EncryptionAlgorithm.AES_GCM_16, 128),  # IOS's default length
    "esp-gcm 128": (EncryptionAlgorithm.AES_GCM_16, 128),
    "esp-gcm 256": (EncryptionAlgorithm.AES_GCM_16, 256),
}
_IKE = {
    "aes-gcm 128": (EncryptionAlgorithm.AES_GCM_16, 128),
    "aes-gcm 256": (EncryptionAlgorithm.AES_GCM_16, 256),
}
_PRF = {
    "sha256": Prf.HMAC_SHA2_256,
    "sha384": Prf.HMAC_SHA2_384,
    "sha512": Prf.HMAC_SHA2_512,
}
_GROUP = {"19": KeyExchange.SECP256R1, "31": KeyExchange.CURVE25519}
_PFS = {f"group{name}": group for name, group in _GROUP.items()}


def _one_of(table: dict[str, object], what: str) -> BeforeValidator:
    def read(value: object) -> object:
        word = " ".join(text(value).split()).lower()
        if word not in table:
            known = ", ".join(f"'{name}'" for name in table)
            raise ValueError(f"expected {what}: {known}; not {shown(word)}")
        return table[word]

    return BeforeValidator(read)


def transform_text(encryption: Encryption) -> str:
    """Write an ESP transform as IOS does: ``esp-gcm 256``."""
    return next(name for name, known in reversed(_ESP.items()) if known == encryption)


EspTransform = Annotated[Encryption, _one_of({**_ESP}, "a transform")]
IkeEncryption = Annotated[Encryption, _one_of({**_IKE}, "an encryption algorithm")]
IkePrf = Annotated[Prf, _one_of({**_PRF}, "a PRF")]
IkeGroup = Annotated[KeyExchange, _one_of({**_GROUP}, "a Diffie-Hellman group")]
PfsGroup = Annotated[KeyExchange, _one_of({**_PFS}, "a Diffie-Hellman group")]
