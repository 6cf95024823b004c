"""CERT and CERTREQ payloads (RFC 7296 §3.6, §3.7; OCSP: RFC 4806)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ike.authentication.verdict import Rejected
from ike.codec.certificate import Certificate, CertificateRequest
from ike.codec.payload import Payload
from ike.codec.registry import CertificateEncoding, value_name
from ike.config import CertificateCredential, PeerConfig, TrustedCertificate
from ike.distinguished_name import show_name
from ike.events import FailureReason
from ike.pki import (
    CertificateError,
    CertificateProblem,
    TrustStore,
    verify,
)
from ike.types import Identity

MAX_AUTHORITIES = 32  # asked for in one payload: IKE_SA_INIT does not go in fragments

_HASH_AND_URL = frozenset(
    (CertificateEncoding.HASH_AND_URL_X509.name, CertificateEncoding.HASH_AND_URL_BUNDLE.name)
)
_REASONS = {
    CertificateProblem.EXPIRED: FailureReason.CERTIFICATE_EXPIRED,
    CertificateProblem.REVOKED: FailureReason.CERTIFICATE_REVOKED,
    CertificateProblem.IDENTITY: FailureReason.IDENTITY_MISMATCH,
}


@dataclass(frozen=True, slots=True)
class Presented:
    """What a peer's CERT payloads hold, DER; of the certificates its own is first.

    `unread` names the encodings that were passed over; hash and URL is among them, as an IKE
    daemon that fetches what a peer names can be made to fetch anything.
    """

    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    ocsp: tuple[bytes, ...]
    unread: tuple[str, ...]

    @classmethod
    def of(cls, payloads: Iterable[Payload]) -> Presented:
        """Take the CERT payloads of a message."""
        found: dict[int, list[bytes]] = {}
        for payload in payloads:
            if isinstance(payload, Certificate):
                found.setdefault(payload.encoding, []).append(payload.data)
        return cls(
            tuple(found.pop(CertificateEncoding.X509_SIGNATURE, ())),
            tuple(found.pop(CertificateEncoding.CRL, ())),
            tuple(found.pop(CertificateEncoding.OCSP_CONTENT, ())),
            tuple(value_name(CertificateEncoding, encoding) for encoding in list(found)[:4]),
        )


def present(config: CertificateCredential, *, with_ocsp: bool) -> list[Certificate]:
    """Send our certificate and what leads up to an authority, the leaf first."""
    chain = [
        Certificate(CertificateEncoding.X509_SIGNATURE, c.public_bytes(Encoding.DER))
        for c in config.credential.chain
    ]
    responses = config.ocsp if with_ocsp else ()
    return chain + [Certificate(CertificateEncoding.OCSP_CONTENT, r) for r in responses]


def asks_for_ocsp(payloads: Iterable[Payload]) -> bool:
    """Tell whether the peer wants OCSP responses beside our certificates (RFC 4806 §3.1)."""
    return any(
        isinstance(p, CertificateRequest) and p.encoding == CertificateEncoding.OCSP_CONTENT
        for p in payloads
    )


def request(peers: Sequence[PeerConfig]) -> list[CertificateRequest]:
    """Say which authorities we trust for any of `peers`; nothing where none needs a certificate."""
    trusts = [
        p.remote_authentication.trust
        for p in peers
        if isinstance(p.remote_authentication, TrustedCertificate)
    ]
    if not trusts:
        return []
    authorities = dict.fromkeys(a for trust in trusts for a in trust.certificate_authorities)
    data = b"".join(list(authorities)[:MAX_AUTHORITIES])
    requests = [CertificateRequest(CertificateEncoding.X509_SIGNATURE, data)]
    if any(trust.wants_ocsp for trust in trusts):
        # Without hashes: whom the authority has delegated OCSP to will do (RFC 4806 §3.1).
        requests.append(CertificateRequest(CertificateEncoding.OCSP_CONTENT, b""))
    return requests


def validate(
    trust: TrustStore, presented: Presented, identity: Identity, at: datetime
) -> x509.Certificate | Rejected:
    """Find the certificate whose key has to have signed, if it is to be trusted."""
    if not presented.certificates:
        instead = f", but {', '.join(presented.unread)}" if presented.unread else ""
        if not _HASH_AND_URL.isdisjoint(presented.unread):
            instead += "; nothing is fetched from URLs"
        return Rejected(
            FailureReason.CERTIFICATE_INVALID, f"{identity} sent no X.509 certificate{instead}"
        )
    try:
        return verify(
            trust,
            presented.certificates,
            identity,
            at,
            crls=presented.crls,
            ocsp=presented.ocsp,
        )
    except CertificateError as error:
        reason = _REASONS.get(error.reason, FailureReason.CERTIFICATE_INVALID)
        return Rejected(reason, f"the certificate of {identity} is refused: {error}")


def show_certificate(certificate: x509.Certificate) -> str:
    """Describe a certificate of ours for an operator."""
    return (
        f"{show_name(certificate.subject) or 'without a subject'}, issued by "
        f"{show_name(certificate.issuer)}, valid until {certificate.not_valid_after_utc:%Y-%m-%d}"
    )
