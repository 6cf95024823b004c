"""Signatures of private keys, and their names on the wire (RFC 7296 §2.15, RFC 7427, RFC 8420)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey, Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from ike.codec.registry import HashAlgorithm
from ike.config import SignatureScheme
from ike.crypto.errors import SignatureError
from ike.pki.algorithms import PrivateKey, PublicKey, unsupported_key, weak_key


@dataclass(frozen=True, slots=True)
class _Spec:
    """`hash` is what is announced for it, `digest` what it hashes with, None where it is inside."""

    hash: HashAlgorithm
    digest: Callable[[], hashes.HashAlgorithm] | None
    private: type[PrivateKey]
    public: type[PublicKey]
    is_pss: bool = False


def _specs() -> dict[SignatureScheme, _Spec]:
    sha2 = (
        ("512", HashAlgorithm.SHA2_512, hashes.SHA512),
        ("384", HashAlgorithm.SHA2_384, hashes.SHA384),
        ("256", HashAlgorithm.SHA2_256, hashes.SHA256),
    )
    rsa = RSAPrivateKey, RSAPublicKey
    ec = EllipticCurvePrivateKey, EllipticCurvePublicKey
    specs = {
        SignatureScheme.ED448: _Spec(HashAlgorithm.IDENTITY, None, Ed448PrivateKey, Ed448PublicKey),
        SignatureScheme.ED25519: _Spec(
            HashAlgorithm.IDENTITY, None, Ed25519PrivateKey, Ed25519PublicKey
        ),
        SignatureScheme.RSA_PKCS1_SHA1: _Spec(HashAlgorithm.SHA1, hashes.SHA1, *rsa),
    }
    for bits, announced, digest in sha2:
        specs[SignatureScheme(f"ecdsa-sha{bits}")] = _Spec(announced, digest, *ec)
        specs[SignatureScheme(f"rsa-pss-sha{bits}")] = _Spec(announced, digest, *rsa, is_pss=True)
        specs[SignatureScheme(f"rsa-pkcs1-sha{bits}")] = _Spec(announced, digest, *rsa)
    return specs


_SPECS = _specs()

_BEST_RSA = (
    SignatureScheme.RSA_PSS_SHA2_256,
    SignatureScheme.RSA_PSS_SHA2_384,
    SignatureScheme.RSA_PSS_SHA2_512,
    SignatureScheme.RSA_PKCS1_SHA2_256,
    SignatureScheme.RSA_PKCS1_SHA2_384,
    SignatureScheme.RSA_PKCS1_SHA2_512,
)
_BEST_EC = {
    SECP256R1: (
        SignatureScheme.ECDSA_SHA2_256,
        SignatureScheme.ECDSA_SHA2_384,
        SignatureScheme.ECDSA_SHA2_512,
    ),
    SECP384R1: (
        SignatureScheme.ECDSA_SHA2_384,
        SignatureScheme.ECDSA_SHA2_512,
        SignatureScheme.ECDSA_SHA2_256,
    ),
    SECP521R1: (
        SignatureScheme.ECDSA_SHA2_512,
        SignatureScheme.ECDSA_SHA2_384,
        SignatureScheme.ECDSA_SHA2_256,
    ),
}

MODERN_SCHEMES = tuple(s for s in SignatureScheme if s is not SignatureScheme.RSA_PKCS1_SHA1)
"""All but the legacy one."""


def hash_of(scheme: SignatureScheme) -> HashAlgorithm:
    """Return what has to be announced for a scheme (RFC 7427 §4)."""
    return _SPECS[scheme].hash


def schemes_of(key: PrivateKey) -> tuple[SignatureScheme, ...]:
    """Return what a key can sign by, best first, without the legacy scheme."""
    if isinstance(key, RSAPrivateKey):
        return _BEST_RSA
    if isinstance(key, EllipticCurvePrivateKey):
        return _BEST_EC.get(type(key.curve), ())
    if isinstance(key, Ed25519PrivateKey):
        return (SignatureScheme.ED25519,)
    return (SignatureScheme.ED448,)


def can_sign(key: PrivateKey, scheme: SignatureScheme) -> bool:
    """Tell whether a scheme is for keys of this kind."""
    return isinstance(key, _SPECS[scheme].private)


def strong_key(key: object) -> PublicKey:
    """Return a public key if its signatures are worth something.

    Raises:
        SignatureError: it is too weak, or none of ours.
    """
    unsupported = unsupported_key(key)
    if unsupported is not None:
        raise SignatureError(unsupported)
    assert isinstance(key, PublicKey)
    weak = weak_key(key)
    if weak is not None:
        raise SignatureError(weak)
    return key


def describe_key(key: PublicKey) -> str:
    """Name the kind of a key."""
    if isinstance(key, RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, EllipticCurvePublicKey):
        return f"ECDSA {key.curve.name}"
    return "Ed25519" if isinstance(key, Ed25519PublicKey) else "Ed448"


def sign(key: PrivateKey, scheme: SignatureScheme, octets: bytes) -> bytes:
    """Sign; an ECDSA signature is DER, as RFC 7427 has it.

    Raises:
        ValueError: the key is of another kind.
    """
    digest = _digest(scheme)
    if isinstance(key, RSAPrivateKey) and digest is not None:
        return key.sign(octets, _padding(scheme, digest), digest)
    if isinstance(key, EllipticCurvePrivateKey) and digest is not None:
        return key.sign(octets, ECDSA(digest))
    if isinstance(key, Ed25519PrivateKey | Ed448PrivateKey) and can_sign(key, scheme):
        return key.sign(octets)
    raise ValueError(f"the key cannot sign by {scheme}")


def verify(key: PublicKey, scheme: SignatureScheme, signature: bytes, octets: bytes) -> None:
    """Verify a signature in the form that `sign` gives.

    OpenSSL compares a PKCS #1 v1.5 encoding whole: there is no room for anything after, in or
    around the digest. A PSS salt has the length of the digest, no other.

    Raises:
        SignatureError: it is not one of this key's over these octets.
    """
    digest = _digest(scheme)
    if not isinstance(key, _SPECS[scheme].public):
        raise SignatureError(f"{scheme} does not go with a key of {describe_key(key)}")
    try:
        if isinstance(key, Ed25519PublicKey | Ed448PublicKey):
            key.verify(signature, octets)
            return
        assert digest is not None, scheme
        if isinstance(key, RSAPublicKey):
            key.verify(signature, octets, _padding(scheme, digest), digest)
        else:
            key.verify(signature, octets, ECDSA(digest))
    except InvalidSignature:
        raise SignatureError(f"the {scheme} signature does not verify") from None


def _digest(scheme: SignatureScheme) -> hashes.HashAlgorithm | None:
    make = _SPECS[scheme].digest
    return None if make is None else make()


def _padding(
    scheme: SignatureScheme, digest: hashes.HashAlgorithm
) -> padding.PSS | padding.PKCS1v15:
    if _SPECS[scheme].is_pss:
        return padding.PSS(padding.MGF1(digest), digest.digest_size)
    return padding.PKCS1v15()


def ecdsa_to_raw(signature: bytes, curve: EllipticCurve) -> bytes:
    """Write a DER signature as r | s, each as long as the curve's order (RFC 4754 §7)."""
    length = _coordinate_length(curve)
    r, s = decode_dss_signature(signature)
    return r.to_bytes(length, "big") + s.to_bytes(length, "big")


def ecdsa_from_raw(signature: bytes, curve: EllipticCurve) -> bytes:
    """Read r | s.

    Raises:
        SignatureError: it has the wrong length.
    """
    length = _coordinate_length(curve)
    if len(signature) != 2 * length:
        raise SignatureError(
            f"an ECDSA signature of {len(signature)} bytes, {curve.name} has {2 * length}"
        )
    return encode_dss_signature(
        int.from_bytes(signature[:length], "big"), int.from_bytes(signature[length:], "big")
    )


def _coordinate_length(curve: EllipticCurve) -> int:
    return (curve.key_size + 7) // 8
