"""strongSwan's words for algorithms, in the engine's terms: a cell is written once for both."""

from __future__ import annotations

from ike.config import (
    EncryptionAlgorithm,
    EspProposal,
    IkeProposal,
    Integrity,
    KeyExchange,
    Prf,
)

_AES_KINDS = {
    "": EncryptionAlgorithm.AES_CBC,
    "ctr": EncryptionAlgorithm.AES_CTR,
    "gcm16": EncryptionAlgorithm.AES_GCM_16,
    "gcm12": EncryptionAlgorithm.AES_GCM_12,
    "gcm8": EncryptionAlgorithm.AES_GCM_8,
    "ccm16": EncryptionAlgorithm.AES_CCM_16,
    "ccm12": EncryptionAlgorithm.AES_CCM_12,
    "ccm8": EncryptionAlgorithm.AES_CCM_8,
}

ENCRYPTION: dict[str, tuple[EncryptionAlgorithm, int]] = {
    **{f"aes{bits}{k}": (a, bits) for k, a in _AES_KINDS.items() for bits in (128, 192, 256)},
    "chacha20poly1305": (EncryptionAlgorithm.CHACHA20_POLY1305, 256),
    "3des": (EncryptionAlgorithm.TRIPLE_DES, 192),
    "null": (EncryptionAlgorithm.NULL, 0),
}

INTEGRITY: dict[str, Integrity] = {
    "sha256": Integrity.HMAC_SHA2_256_128,
    "sha384": Integrity.HMAC_SHA2_384_192,
    "sha512": Integrity.HMAC_SHA2_512_256,
    "sha1": Integrity.HMAC_SHA1_96,
    "aesxcbc": Integrity.AES_XCBC_96,
    "aescmac": Integrity.AES_CMAC_96,
}

PRF: dict[str, Prf] = {
    "prfsha256": Prf.HMAC_SHA2_256,
    "prfsha384": Prf.HMAC_SHA2_384,
    "prfsha512": Prf.HMAC_SHA2_512,
    "prfsha1": Prf.HMAC_SHA1,
    "prfaesxcbc": Prf.AES128_XCBC,
    "prfaescmac": Prf.AES128_CMAC,
}

KEY_EXCHANGE: dict[str, KeyExchange] = {
    "x25519": KeyExchange.CURVE25519,
    "x448": KeyExchange.CURVE448,
    "ecp256": KeyExchange.SECP256R1,
    "ecp384": KeyExchange.SECP384R1,
    "ecp521": KeyExchange.SECP521R1,
    "modp1024": KeyExchange.MODP1024,
    "modp1536": KeyExchange.MODP1536,
    "modp2048": KeyExchange.MODP2048,
    "modp3072": KeyExchange.MODP3072,
    "modp4096": KeyExchange.MODP4096,
    "modp6144": KeyExchange.MODP6144,
    "modp8192": KeyExchange.MODP8192,
}


def ike_proposal(words: str) -> IkeProposal:
    """Return our IKE proposal for a strongSwan one, ``aes128-sha256-prfsha256-x25519``.

    Raises:
        ValueError: a word that is in none of the tables.
    """
    split = _split(words)
    return IkeProposal(
        encryption=tuple(ENCRYPTION[word] for word in split if word in ENCRYPTION),
        integrity=tuple(INTEGRITY[word] for word in split if word in INTEGRITY),
        prf=tuple(PRF[word] for word in split if word in PRF),
        key_exchange=tuple(KEY_EXCHANGE[word] for word in split if word in KEY_EXCHANGE),
    )


def esp_proposal(words: str) -> EspProposal:
    """Return our ESP proposal for a strongSwan one, ``aes128-sha256``.

    Raises:
        ValueError: a word that is in none of the tables.
    """
    split = _split(words)
    return EspProposal(
        encryption=tuple(ENCRYPTION[word] for word in split if word in ENCRYPTION),
        integrity=tuple(INTEGRITY[word] for word in split if word in INTEGRITY),
        key_exchange=tuple(KEY_EXCHANGE[word] for word in split if word in KEY_EXCHANGE),
    )


def _split(words: str) -> list[str]:
    split = words.split("-")
    for word in split:
        if not any(word in table for table in (ENCRYPTION, INTEGRITY, PRF, KEY_EXCHANGE)):
            raise ValueError(f"{word}: no algorithm")
    return split
