"""A peer's certificate, verified: encoding, use, identity, path, revocation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from warnings import catch_warnings

from cryptography import x509

from ike.pki.errors import CertificateError, CertificateProblem
from ike.pki.identity import is_for, show_identities
from ike.pki.limits import MAX_CERTIFICATES, Budget
from ike.pki.parsed import ParsedCertificate
from ike.pki.path import PathFinder
from ike.pki.revocation import RevocationSources
from ike.pki.trust import TrustStore
from ike.pki.usage import check_end_entity
from ike.types import Identity

# Of all that is wrong with the paths that were tried, what an operator is told: what comes first
# here. Only a certificate that is signed by its issuer gets to fail for anything but UNTRUSTED.
_TELLING = (
    CertificateProblem.REVOKED,
    CertificateProblem.REVOCATION_UNKNOWN,
    CertificateProblem.EXPIRED,
    CertificateProblem.NOT_YET_VALID,
    CertificateProblem.WEAK,
    CertificateProblem.USAGE,
    CertificateProblem.UNSUPPORTED,
)


def verify(
    trust: TrustStore,
    certificates: Sequence[bytes],
    identity: Identity,
    at: datetime,
    *,
    crls: Sequence[bytes] = (),
    ocsp: Sequence[bytes] = (),
) -> x509.Certificate:
    """Return the certificate whose key authenticates the peer, if it is to be trusted.

    Args:
        trust: what we believe in.
        certificates: what the peer has sent, DER, its own certificate first (RFC 7296 §3.6).
            Certificates after it that can't be read or aren't needed are passed over.
        identity: who the peer says it is.
        at: the time, with a time zone.
        crls: CRLs that the peer has sent, DER.
        ocsp: OCSP responses that the peer has sent, DER.

    Raises:
        CertificateError: it is not, and why.
        ValueError: `at` has no time zone.
    """
    if at.tzinfo is None:
        raise ValueError("the time to verify a certificate at has no time zone")
    if not certificates:
        raise CertificateError(CertificateProblem.UNTRUSTED, "no certificate was sent")
    if len(certificates) > MAX_CERTIFICATES:
        raise CertificateError(
            CertificateProblem.MALFORMED,
            f"{len(certificates)} certificates were sent, {MAX_CERTIFICATES} go",
        )
    # The library warns of odd names and numbers on standard error, which a peer could fill.
    with catch_warnings(action="ignore"):
        return _verify(trust, certificates, identity, at, crls, ocsp)


def _verify(
    trust: TrustStore,
    certificates: Sequence[bytes],
    identity: Identity,
    at: datetime,
    crls: Sequence[bytes],
    ocsp: Sequence[bytes],
) -> x509.Certificate:
    leaf = ParsedCertificate.parse(certificates[0])
    check_end_entity(leaf, at, anchor=leaf in trust.anchors)
    if not is_for(leaf, identity):
        raise CertificateError(
            CertificateProblem.IDENTITY,
            f"the certificate is for {show_identities(leaf)}, not for {identity}",
        )
    sources = RevocationSources(trust, crls, ocsp)
    budget = Budget()
    finder = PathFinder(trust, _readable(certificates[1:]), at, budget)
    failures = finder.failures
    for path in finder.paths(leaf):
        try:
            sources.check(path, at, budget)
        except CertificateError as error:
            failures.append(error)
        else:
            return leaf.certificate
    raise min(failures, key=_rank)


def _readable(certificates: Sequence[bytes]) -> list[ParsedCertificate]:
    readable = []
    for der in certificates:
        try:
            readable.append(ParsedCertificate.parse(der))
        except CertificateError:
            continue
    return readable


def _rank(error: CertificateError) -> int:
    return _TELLING.index(error.reason) if error.reason in _TELLING else len(_TELLING)
