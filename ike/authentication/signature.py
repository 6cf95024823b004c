"""AUTH by a signature: RFC 7427 where both ends know it, else the older methods.

| method | key | signs |
|---|---|---|
| 14 | all | an AlgorithmIdentifier says what (RFC 7427, RFC 8420) |
| 1 | RSA | PKCS #1 v1.5; with SHA-1, as RFC 7296 §3.8 has it, where the configuration names it |
| 9, 10, 11 | P-256, P-384, P-521 | r and s, with SHA-256, -384, -512 (RFC 4754) |
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from ike.authentication.hashes import accepted_schemes, announced_hashes, show
from ike.codec.authentication import Authentication
from ike.codec.registry import AuthMethod, HashAlgorithm
from ike.config import CertificateCredential, SignatureScheme, TrustedCertificate
from ike.crypto.algorithm_identifier import algorithm_identifier, scheme_of
from ike.crypto.errors import SignatureError
from ike.crypto.signature import (
    can_sign,
    describe_key,
    ecdsa_from_raw,
    ecdsa_to_raw,
    hash_of,
    schemes_of,
    sign,
    strong_key,
    verify,
)
from ike.pki.algorithms import PublicKey

_MAX_SHOWN_IDENTIFIER = 24  # bytes


@dataclass(frozen=True, slots=True)
class _EcdsaMethod:
    method: AuthMethod
    curve: type[EllipticCurve]
    scheme: SignatureScheme


_ECDSA_METHODS = (
    _EcdsaMethod(AuthMethod.ECDSA_SHA256_P256, SECP256R1, SignatureScheme.ECDSA_SHA2_256),
    _EcdsaMethod(AuthMethod.ECDSA_SHA384_P384, SECP384R1, SignatureScheme.ECDSA_SHA2_384),
    _EcdsaMethod(AuthMethod.ECDSA_SHA512_P521, SECP521R1, SignatureScheme.ECDSA_SHA2_512),
)

_RSA_SCHEMES = (
    SignatureScheme.RSA_PKCS1_SHA1,
    SignatureScheme.RSA_PKCS1_SHA2_256,
    SignatureScheme.RSA_PKCS1_SHA2_384,
    SignatureScheme.RSA_PKCS1_SHA2_512,
)

SIGNATURE_METHODS = frozenset(
    {
        AuthMethod.DIGITAL_SIGNATURE,
        AuthMethod.RSA_SIGNATURE,
        *(m.method for m in _ECDSA_METHODS),
    }
)


def usable_schemes(config: CertificateCredential) -> tuple[SignatureScheme, ...]:
    """Return what we may sign by, best first."""
    return config.schemes or schemes_of(config.credential.private_key)


def choose_scheme(
    config: CertificateCredential, peer_hashes: frozenset[int]
) -> tuple[AuthMethod, SignatureScheme]:
    """Choose the best way to sign that the peer can verify.

    Raises:
        SignatureError: there is none.
    """
    key = config.credential.private_key
    schemes = [s for s in usable_schemes(config) if can_sign(key, s)]
    if peer_hashes:
        for scheme in schemes:
            if hash_of(scheme) in peer_hashes and scheme is not SignatureScheme.RSA_PKCS1_SHA1:
                return AuthMethod.DIGITAL_SIGNATURE, scheme
        raise SignatureError(
            f"the peer has announced the hashes {show(peer_hashes)}, "
            f"we can sign by {', '.join(schemes) or 'nothing'}"
        )
    if isinstance(key, RSAPrivateKey) and SignatureScheme.RSA_PKCS1_SHA1 in schemes:
        return AuthMethod.RSA_SIGNATURE, SignatureScheme.RSA_PKCS1_SHA1
    if isinstance(key, EllipticCurvePrivateKey):
        for ecdsa in _ECDSA_METHODS:
            if isinstance(key.curve, ecdsa.curve) and ecdsa.scheme in schemes:
                return ecdsa.method, ecdsa.scheme
    raise SignatureError(
        "the peer has announced no signature hash algorithms (RFC 7427), "
        f"we can sign by {', '.join(schemes) or 'nothing'} alone"
    )


def make_signature(
    config: CertificateCredential, peer_hashes: frozenset[int], octets: bytes
) -> Authentication:
    """Sign by the best scheme that the peer can verify.

    Raises:
        SignatureError: there is none.
    """
    key = config.credential.private_key
    method, scheme = choose_scheme(config, peer_hashes)
    signature = sign(key, scheme, octets)
    if method is AuthMethod.DIGITAL_SIGNATURE:
        identifier = algorithm_identifier(scheme)
        signature = bytes([len(identifier)]) + identifier + signature
    elif isinstance(key, EllipticCurvePrivateKey):
        signature = ecdsa_to_raw(signature, key.curve)
    return Authentication(method, signature)


def check_signature(
    config: TrustedCertificate, key: object, authentication: Authentication, octets: bytes
) -> None:
    """Check a peer's signature; the method is one of `SIGNATURE_METHODS`.

    Raises:
        SignatureError: it does not verify, or not by what the peer may use.
    """
    key = strong_key(key)
    accepted = accepted_schemes(config)
    if authentication.method == AuthMethod.DIGITAL_SIGNATURE:
        scheme, signature = _read_digital_signature(authentication.data)
        hash_algorithm = hash_of(scheme)
        if hash_algorithm not in announced_hashes(config):
            raise SignatureError(
                f"it signs by {scheme} with the hash {hash_algorithm.name}, "
                f"we have announced {show(announced_hashes(config))}"
            )
        if scheme not in accepted:
            raise SignatureError(f"it signs by {scheme}, configured is {', '.join(accepted)}")
        verify(key, scheme, signature, octets)
    elif authentication.method == AuthMethod.RSA_SIGNATURE:
        _check_rsa(key, accepted, authentication.data, octets)
    else:
        _check_ecdsa(key, accepted, authentication, octets)


def _read_digital_signature(data: bytes) -> tuple[SignatureScheme, bytes]:
    length = data[0] if data else 0
    identifier, signature = data[1 : 1 + length], data[1 + length :]
    scheme = scheme_of(identifier)
    if scheme is None:
        shown = identifier[:_MAX_SHOWN_IDENTIFIER].hex()
        raise SignatureError(f"it signs by an algorithm that is not known: {shown or 'none'}")
    return scheme, signature


def _check_rsa(
    key: PublicKey, accepted: tuple[SignatureScheme, ...], signature: bytes, octets: bytes
) -> None:
    """Check by each hash that is accepted: the method does not say which one it is."""
    if not isinstance(key, RSAPublicKey):
        raise SignatureError(f"an RSA signature does not go with a key of {describe_key(key)}")
    schemes = [s for s in _RSA_SCHEMES if s in accepted]
    for scheme in schemes:
        try:
            verify(key, scheme, signature, octets)
        except SignatureError:
            continue
        return
    hashes = show(hash_of(s) for s in schemes)
    legacy = (
        ""
        if SignatureScheme.RSA_PKCS1_SHA1 in schemes
        else f"; {HashAlgorithm.SHA1.name} is not accepted"
    )
    raise SignatureError(f"the RSA signature does not verify with {hashes or 'any hash'}{legacy}")


def _check_ecdsa(
    key: PublicKey,
    accepted: tuple[SignatureScheme, ...],
    authentication: Authentication,
    octets: bytes,
) -> None:
    ecdsa = next(m for m in _ECDSA_METHODS if m.method == authentication.method)
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, ecdsa.curve):
        raise SignatureError(f"{ecdsa.method.name} does not go with a key of {describe_key(key)}")
    if ecdsa.scheme not in accepted:
        raise SignatureError(f"it signs by {ecdsa.scheme}, configured is {', '.join(accepted)}")
    verify(key, ecdsa.scheme, ecdsa_from_raw(authentication.data, key.curve), octets)
