"""AlgorithmIdentifiers of signatures, as RFC 7427 puts them before the signature.

There are few, so that they are compared byte by byte with what they have to be: nothing is parsed,
and nothing can hide in parameters that nobody looks at.
"""

from __future__ import annotations

from itertools import product

from ike.config import SignatureScheme

_SEQUENCE, _OID, _NULL, _INTEGER = 0x30, 0x06, 0x05, 0x02
_CONTEXT = 0xA0

_RSA = "2a864886f70d0101"
_SHA2 = "6086480165030402"


def _der(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return bytes((tag, len(content))) + content


def _oid(prefix: str, last: int) -> bytes:
    return _der(_OID, bytes.fromhex(prefix) + bytes([last]))


_NULL_PARAMETERS = _der(_NULL)


def _pss(hash_oid: bytes, salt_length: int) -> tuple[bytes, ...]:
    """Write RSASSA-PSS with the same hash everywhere, and a salt of its length (RFC 4055 §3.1).

    Each hash may come with NULL for parameters, or with none (RFC 4055 §2.1); we send NULL.
    """
    forms = []
    for outer, inner in product((_NULL_PARAMETERS, b""), repeat=2):
        parameters = _der(
            _SEQUENCE,
            _der(_CONTEXT, _der(_SEQUENCE, hash_oid, outer)),
            _der(_CONTEXT | 1, _der(_SEQUENCE, _oid(_RSA, 8), _der(_SEQUENCE, hash_oid, inner))),
            _der(_CONTEXT | 2, _der(_INTEGER, bytes([salt_length]))),
        )
        forms.append(_der(_SEQUENCE, _oid(_RSA, 10), parameters))
    return tuple(forms)


def _pkcs1(last: int) -> tuple[bytes, ...]:
    """Write sha*WithRSAEncryption: NULL parameters, and none accepted (RFC 4055 §5)."""
    oid = _oid(_RSA, last)
    return _der(_SEQUENCE, oid, _NULL_PARAMETERS), _der(_SEQUENCE, oid)


def _ecdsa(last: int) -> tuple[bytes, ...]:
    return (_der(_SEQUENCE, _oid("2a8648ce3d0403", last)),)


_FORMS: dict[SignatureScheme, tuple[bytes, ...]] = {
    SignatureScheme.ED25519: (_der(_SEQUENCE, _oid("2b65", 0x70)),),
    SignatureScheme.ED448: (_der(_SEQUENCE, _oid("2b65", 0x71)),),
    SignatureScheme.ECDSA_SHA2_256: _ecdsa(2),
    SignatureScheme.ECDSA_SHA2_384: _ecdsa(3),
    SignatureScheme.ECDSA_SHA2_512: _ecdsa(4),
    SignatureScheme.RSA_PKCS1_SHA1: _pkcs1(5),
    SignatureScheme.RSA_PKCS1_SHA2_256: _pkcs1(11),
    SignatureScheme.RSA_PKCS1_SHA2_384: _pkcs1(12),
    SignatureScheme.RSA_PKCS1_SHA2_512: _pkcs1(13),
    SignatureScheme.RSA_PSS_SHA2_256: _pss(_oid(_SHA2, 1), 32),
    SignatureScheme.RSA_PSS_SHA2_384: _pss(_oid(_SHA2, 2), 48),
    SignatureScheme.RSA_PSS_SHA2_512: _pss(_oid(_SHA2, 3), 64),
}

_SCHEMES = {form: scheme for scheme, forms in _FORMS.items() for form in forms}


def algorithm_identifier(scheme: SignatureScheme) -> bytes:
    """Return the AlgorithmIdentifier of a scheme, DER (RFC 7427 Appendix A)."""
    return _FORMS[scheme][0]


def scheme_of(identifier: bytes) -> SignatureScheme | None:
    """Return the scheme that an AlgorithmIdentifier stands for; None if it is none of ours."""
    return _SCHEMES.get(identifier)
