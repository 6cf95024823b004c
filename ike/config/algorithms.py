"""Algorithms by their numbers (IANA "IKEv2 Parameters"), and which of them are legacy."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class EncryptionAlgorithm(IntEnum):
    """Transform type 1 (IANA "IKEv2 Transform Type 1"). NULL is for CHILD_SAs alone."""

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


class Prf(IntEnum):
    """Transform type 2."""

    HMAC_SHA1 = 2
    AES128_XCBC = 4
    HMAC_SHA2_256 = 5
    HMAC_SHA2_384 = 6
    HMAC_SHA2_512 = 7
    AES128_CMAC = 8


class Integrity(IntEnum):
    """Transform type 3; for ciphers that are no AEAD."""

    HMAC_SHA1_96 = 2
    AES_XCBC_96 = 5
    AES_CMAC_96 = 8
    HMAC_SHA2_256_128 = 12
    HMAC_SHA2_384_192 = 13
    HMAC_SHA2_512_256 = 14


class KeyExchange(IntEnum):
    """Transform type 4, and 6 to 12 (RFC 9370). `cryptography` has no ML-KEM-512."""

    MODP1024 = 2
    MODP1536 = 5
    MODP2048 = 14
    MODP3072 = 15
    MODP4096 = 16
    MODP6144 = 17
    MODP8192 = 18
    SECP256R1 = 19
    SECP384R1 = 20
    SECP521R1 = 21
    CURVE25519 = 31
    CURVE448 = 32
    ML_KEM_768 = 36
    ML_KEM_1024 = 37


class SignatureScheme(StrEnum):
    """How a private key signs; what an AlgorithmIdentifier of RFC 7427 names.

    `RSA_PKCS1_SHA1` is what RFC 7296 §3.8 has for peers without RFC 7427. It is legacy: used and
    accepted only where it is named.
    """

    ED448 = "ed448"
    ED25519 = "ed25519"
    ECDSA_SHA2_512 = "ecdsa-sha512"
    ECDSA_SHA2_384 = "ecdsa-sha384"
    ECDSA_SHA2_256 = "ecdsa-sha256"
    RSA_PSS_SHA2_512 = "rsa-pss-sha512"
    RSA_PSS_SHA2_384 = "rsa-pss-sha384"
    RSA_PSS_SHA2_256 = "rsa-pss-sha256"
    RSA_PKCS1_SHA2_512 = "rsa-pkcs1-sha512"
    RSA_PKCS1_SHA2_384 = "rsa-pkcs1-sha384"
    RSA_PKCS1_SHA2_256 = "rsa-pkcs1-sha256"
    RSA_PKCS1_SHA1 = "rsa-pkcs1-sha1"


_LEGACY = (
    EncryptionAlgorithm.TRIPLE_DES,
    Prf.HMAC_SHA1,
    Integrity.HMAC_SHA1_96,
    KeyExchange.MODP1024,
    KeyExchange.MODP1536,
)


def is_legacy(algorithm: EncryptionAlgorithm | Prf | Integrity | KeyExchange) -> bool:
    """Tell what is too weak for anything but the routers that a migration starts from.

    RFC 8247, RFC 8221.
    """
    # By identity: numbers of different transform types are equal.
    return any(algorithm is known for known in _LEGACY)
