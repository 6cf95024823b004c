"""Whether a certificate of a path is revoked, from all that we have and were given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.x509 import ocsp

from ike.pki.crl import check_crl
from ike.pki.errors import CertificateError, CertificateProblem, LoadError
from ike.pki.finding import Finding, Status
from ike.pki.limits import MAX_REVOCATION_DATA, MAX_REVOCATION_SIZE, Budget
from ike.pki.loading import load_ocsp
from ike.pki.ocsp import check_ocsp
from ike.pki.parsed import MALFORMED, ParsedCertificate
from ike.pki.path import Path
from ike.pki.trust import RevocationPolicy, RevocationSource, TrustStore

_MAX_SHOWN = 3  # reasons in a message
_NAMES = {RevocationSource.CRL: "CRL", RevocationSource.OCSP: "OCSP response"}


class RevocationSources:
    """The CRLs and OCSP responses of a trust store, and those that a peer has sent."""

    def __init__(
        self, trust: TrustStore, crls: Sequence[bytes], responses: Sequence[bytes]
    ) -> None:
        """Read what the peer has sent; what can't be read counts as not sent.

        Raises:
            CertificateError: MALFORMED, there is too much of it.
        """
        self._policy = trust.revocation
        self._counts = trust.revocation_sources
        self._crls = trust.crls
        self._ocsp = trust.ocsp
        if self._policy is RevocationPolicy.OFF:
            return
        self._crls += tuple(_received_crls(crls))
        self._ocsp += tuple(_received_ocsp(responses))

    def check(self, path: Path, at: datetime, budget: Budget) -> None:
        """Check each certificate below the trust anchor.

        Raises:
            CertificateError: REVOKED; REVOCATION_UNKNOWN where the policy is REQUIRED; UNTRUSTED
                if the budget is spent.
        """
        if self._policy is RevocationPolicy.OFF:
            return
        unknown = None
        for certificate, issuer in pairwise(path):
            findings = list(self._findings(certificate, issuer, at, budget))
            for finding in findings:
                if finding.status is Status.REVOKED:
                    raise CertificateError(
                        CertificateProblem.REVOKED,
                        f"certificate {certificate.title} is revoked {finding.why}",
                    )
            if unknown is None and all(each.status is Status.UNKNOWN for each in findings):
                reasons = dict.fromkeys(finding.why for finding in findings)
                why = "; ".join(list(reasons)[:_MAX_SHOWN])
                unknown = CertificateError(
                    CertificateProblem.REVOCATION_UNKNOWN,
                    f"whether certificate {certificate.title} is revoked is not known: "
                    + (why or f"there is no {self._what_counts} of {issuer.title}"),
                )
        if unknown is not None and self._policy is RevocationPolicy.REQUIRED:
            raise unknown

    @property
    def _what_counts(self) -> str:
        return " or ".join(_NAMES[source] for source in RevocationSource if source in self._counts)

    def _findings(
        self,
        certificate: ParsedCertificate,
        issuer: ParsedCertificate,
        at: datetime,
        budget: Budget,
    ) -> Iterator[Finding]:
        for crl in self._crls if RevocationSource.CRL in self._counts else ():
            finding = check_crl(crl, certificate, issuer, at, budget)
            if finding is not None:
                yield finding
        for response in self._ocsp if RevocationSource.OCSP in self._counts else ():
            # That its signer is revoked, any CRL may say.
            finding = check_ocsp(response, certificate, issuer, self._crls, at, budget)
            if finding is not None:
                yield finding


def _received_crls(contents: Sequence[bytes]) -> Iterator[x509.CertificateRevocationList]:
    _bound("CRLs", contents)
    for content in contents:
        try:
            yield x509.load_der_x509_crl(content)
        except MALFORMED:
            continue


def _received_ocsp(contents: Sequence[bytes]) -> Iterator[ocsp.OCSPResponse]:
    _bound("OCSP responses", contents)
    for content in contents:
        try:
            yield load_ocsp(content)
        except LoadError:
            continue


def _bound(what: str, contents: Sequence[bytes]) -> None:
    if len(contents) > MAX_REVOCATION_DATA:
        raise CertificateError(
            CertificateProblem.MALFORMED, f"{len(contents)} {what}, {MAX_REVOCATION_DATA} go"
        )
    longest = max(map(len, contents), default=0)
    if longest > MAX_REVOCATION_SIZE:
        raise CertificateError(
            CertificateProblem.MALFORMED,
            f"{what} of up to {longest} bytes, {MAX_REVOCATION_SIZE} go",
        )
