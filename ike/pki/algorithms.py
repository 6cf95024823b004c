"""Which keys and signature algorithms are good enough, and signatures that the library leaves us.

Certificates and CRLs bring their own check of a signature; OCSP responses do not.
"""

from __future__ import annotations

from typing import TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.x509.oid import ObjectIdentifier, SignatureAlgorithmOID

from ike.pki.limits import MAX_RSA_BITS, MIN_RSA_BITS

PublicKey: TypeAlias = (
    rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey
)
PrivateKey: TypeAlias = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)

_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_STRONG_HASHES = frozenset(
    ("sha224", "sha256", "sha384", "sha512", "sha3-224", "sha3-256", "sha3-384", "sha3-512")
)
_HASHES_INSIDE = (SignatureAlgorithmOID.ED25519, SignatureAlgorithmOID.ED448)
_RSA_PKCS1 = frozenset(
    (
        SignatureAlgorithmOID.RSA_WITH_SHA224,
        SignatureAlgorithmOID.RSA_WITH_SHA256,
        SignatureAlgorithmOID.RSA_WITH_SHA384,
        SignatureAlgorithmOID.RSA_WITH_SHA512,
    )
)


def unsupported_key(key: object) -> str | None:
    """Say why a key is of no kind that is supported, or return None."""
    if isinstance(key, rsa.RSAPublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        return None
    if isinstance(key, ec.EllipticCurvePublicKey):
        if isinstance(key.curve, _CURVES):
            return None
        return f"an ECDSA key on the curve {key.curve.name}; P-256, P-384 and P-521 go"
    kind = type(key).__name__.removesuffix("PublicKey")
    return f"a {kind} key; RSA, ECDSA, Ed25519 and Ed448 go"


def weak_key(key: PublicKey) -> str | None:
    """Say why a key is of no strength that is accepted, or return None."""
    if isinstance(key, rsa.RSAPublicKey) and not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        return f"an RSA key of {key.key_size} bits, {MIN_RSA_BITS} to {MAX_RSA_BITS} go"
    return None


def weak_signature(algorithm: ObjectIdentifier, digest: hashes.HashAlgorithm | None) -> str | None:
    """Say why a signature algorithm is too weak (MD5, SHA-1), or return None."""
    if algorithm in _HASHES_INSIDE:
        return None
    if digest is None or digest.name not in _STRONG_HASHES:
        return f"signed with {digest.name.upper() if digest else algorithm.dotted_string}"
    return None


def signature_fits(
    key: PublicKey,
    algorithm: ObjectIdentifier,
    digest: hashes.HashAlgorithm | None,
    signature: bytes,
    data: bytes,
) -> bool:
    """Check a signature of an OCSP response. RSASSA-PSS is not supported: its parameters are lost.

    Args:
        key: the signer's.
        algorithm: the algorithm that the response names; it must be one of this kind of key.
        digest: the hash that it names, if it names one.
        signature: the signature, in bytes.
        data: what was signed.
    """
    try:
        match key:
            case rsa.RSAPublicKey() if digest is not None and algorithm in _RSA_PKCS1:
                key.verify(signature, data, padding.PKCS1v15(), digest)
            case ec.EllipticCurvePublicKey() if digest is not None:
                key.verify(signature, data, ec.ECDSA(digest))
            case ed25519.Ed25519PublicKey() if algorithm == SignatureAlgorithmOID.ED25519:
                key.verify(signature, data)
            case ed448.Ed448PublicKey() if algorithm == SignatureAlgorithmOID.ED448:
                key.verify(signature, data)
            case _:
                return False
    except InvalidSignature:
        return False
    return True
