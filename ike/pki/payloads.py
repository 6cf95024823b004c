"""Which certificate payloads are sent and taken (RFC 7296 §3.6, §3.7, RFC 4806).

| encoding | sent | taken |
|---|---|---|
| X.509 signature (4) | the chain, the leaf first | yes |
| CRL (7), OCSP content (14) | no | yes |
| hash and URL (12, 13) | no | refused: an IKE daemon fetches nothing from where a peer says |
| others | no | passed over |
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding

from ike.codec.certificate import Certificate, CertificateRequest
from ike.codec.registry import CertificateEncoding, value_name
from ike.pki.credential import Credential
from ike.pki.errors import CertificateError, CertificateProblem
from ike.pki.trust import RevocationPolicy, TrustStore
from ike.printable import printable

_HASH_AND_URL = (CertificateEncoding.HASH_AND_URL_X509, CertificateEncoding.HASH_AND_URL_BUNDLE)
_HASH_SIZE = 20  # bytes of SHA-1
_MAX_URL_SHOWN = 100


@dataclass(frozen=True, slots=True)
class ReceivedCertificates:
    """What a peer has sent, all DER: certificates (its own first), CRLs, OCSP responses."""

    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    ocsp: tuple[bytes, ...]


def certificate_payloads(credential: Credential) -> tuple[Certificate, ...]:
    """Return the CERT payloads that show a credential."""
    return tuple(
        Certificate(CertificateEncoding.X509_SIGNATURE, each.public_bytes(Encoding.DER))
        for each in credential.chain
    )


def certificate_requests(trust: TrustStore) -> tuple[CertificateRequest, ...]:
    """Return the CERTREQ payloads that ask for certificates below the anchors.

    An OCSP response is asked for too, from any responder (RFC 4806 §3.1), unless revocation is off.
    """
    authorities = b"".join(trust.certificate_authorities)
    request = CertificateRequest(CertificateEncoding.X509_SIGNATURE, authorities)
    if trust.revocation is RevocationPolicy.OFF:
        return (request,)
    return request, CertificateRequest(CertificateEncoding.OCSP_CONTENT, b"")


def requested_authorities(requests: Iterable[CertificateRequest]) -> frozenset[bytes]:
    """Return the CAs that a peer trusts, as 20-byte hashes of their keys; a hint, nothing more.

    What is malformed asks for nothing.
    """
    return frozenset(
        request.data[start : start + _HASH_SIZE]
        for request in requests
        if request.encoding == CertificateEncoding.X509_SIGNATURE
        and len(request.data) % _HASH_SIZE == 0
        for start in range(0, len(request.data), _HASH_SIZE)
    )


def received_certificates(payloads: Iterable[Certificate]) -> ReceivedCertificates:
    """Sort a peer's CERT payloads.

    Raises:
        CertificateError: UNSUPPORTED, certificates come as URLs, or in no encoding that is known;
            UNTRUSTED, there is none at all.
    """
    found: dict[int, list[bytes]] = {}
    for payload in payloads:
        if payload.encoding in _HASH_AND_URL:
            url = printable(payload.data[_HASH_SIZE:].decode("ascii", "backslashreplace"))
            raise CertificateError(
                CertificateProblem.UNSUPPORTED,
                "the peer sends its certificate as the hash and URL "
                f"{url[:_MAX_URL_SHOWN]}, which was not offered: certificates are not fetched",
            )
        found.setdefault(payload.encoding, []).append(payload.data)
    certificates = found.get(CertificateEncoding.X509_SIGNATURE, ())
    crls = found.get(CertificateEncoding.CRL, ())
    ocsp = found.get(CertificateEncoding.OCSP_CONTENT, ())
    if not certificates:
        others = ", ".join(value_name(CertificateEncoding, each) for each in sorted(found))
        if others:
            raise CertificateError(
                CertificateProblem.UNSUPPORTED,
                f"the peer sends no certificate as X509_SIGNATURE, only {others}",
            )
        raise CertificateError(CertificateProblem.UNTRUSTED, "the peer sends no certificate")
    return ReceivedCertificates(tuple(certificates), tuple(crls), tuple(ocsp))
