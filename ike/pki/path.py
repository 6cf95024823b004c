"""Certification paths: found from the leaf up, checked from the trust anchor down (RFC 5280 §6).

The search is depth first, over certificates whose subject is the issuer looked for, trust anchors
first. Each extension of a path and each signature check is paid from a `Budget`, results of
signature checks are kept, and a path holds no name and key twice: loops and look-alikes end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from cryptography import x509

from ike.pki.algorithms import weak_key
from ike.pki.constraints import violation
from ike.pki.errors import CertificateError, CertificateProblem
from ike.pki.limits import MAX_DEPTH, Budget
from ike.pki.parsed import ParsedCertificate, quoted
from ike.pki.trust import TrustStore
from ike.pki.usage import check_authority

Path = tuple[ParsedCertificate, ...]
"""A leaf, the CAs above it, and a trust anchor; only that anchor, if it is a peer's own."""


class PathFinder:
    """Finds the paths from a leaf to the trust anchors.

    Attributes:
        failures: why the paths that were not taken were not.
    """

    def __init__(
        self,
        trust: TrustStore,
        received: Sequence[ParsedCertificate],
        at: datetime,
        budget: Budget,
    ) -> None:
        self._anchors = frozenset(trust.anchors)
        self._authorities = tuple(dict.fromkeys((*trust.anchors, *trust.intermediates, *received)))
        self._at = at
        self._budget = budget
        self._verdicts: dict[tuple[ParsedCertificate, ParsedCertificate], bool] = {}
        self.failures: list[CertificateError] = []

    def paths(self, leaf: ParsedCertificate) -> Iterator[Path]:
        """Yield the paths whose signatures, CAs, lengths and names are right.

        Raises:
            CertificateError: UNTRUSTED, the search would cost too much.
        """
        if leaf in self._anchors:
            yield (leaf,)
            return
        for path in self._extend((leaf,)):
            try:
                check_path(path)
            except CertificateError as error:
                self.failures.append(error)
            else:
                yield path

    def _extend(self, path: Path) -> Iterator[Path]:
        last = path[-1]
        if len(path) == MAX_DEPTH:
            self._untrusted(f"the path above {path[0].title} is longer than {MAX_DEPTH}")
            return
        named = False
        for issuer in self._authorities:
            if issuer.subject != last.issuer or any(_same_entity(issuer, each) for each in path):
                continue
            named = True
            self._budget.spend_step()
            if not self._usable(last, issuer):
                continue
            if issuer in self._anchors:
                yield (*path, issuer)
            else:
                yield from self._extend((*path, issuer))
        if not named:
            self._untrusted(
                f"the issuer of {last.title}, {quoted(last.issuer)}, is neither a trust anchor"
                " nor among the certificates received"
            )

    def _usable(self, certificate: ParsedCertificate, issuer: ParsedCertificate) -> bool:
        weak = weak_key(issuer.key)  # before it is computed with: a huge key would cost much
        if weak is not None:
            self.failures.append(
                CertificateError(CertificateProblem.WEAK, f"certificate {issuer.title} has {weak}")
            )
            return False
        if not self._signed(certificate, issuer):
            self._untrusted(
                f"the signature of {certificate.title} is not by the key of {issuer.title}"
            )
            return False
        try:
            check_authority(issuer, self._at, anchor=issuer in self._anchors)
        except CertificateError as error:
            self.failures.append(error)
            return False
        return True

    def _signed(self, certificate: ParsedCertificate, issuer: ParsedCertificate) -> bool:
        pair = (certificate, issuer)
        if pair not in self._verdicts:
            self._budget.spend_signature_check()
            self._verdicts[pair] = certificate.is_signed_by(issuer)
        return self._verdicts[pair]

    def _untrusted(self, why: str) -> None:
        self.failures.append(CertificateError(CertificateProblem.UNTRUSTED, why))


def check_path(path: Path) -> None:
    """Check what CAs demand of the path below them: its length and its names.

    Raises:
        CertificateError: USAGE, pathLenConstraint or name constraints are violated.
    """
    for position, authority in enumerate(path[1:], start=1):
        between = sum(1 for each in path[1:position] if not each.self_issued)
        basic = authority.extension(x509.BasicConstraints)
        if basic is not None and basic.path_length is not None and between > basic.path_length:
            raise CertificateError(
                CertificateProblem.USAGE,
                f"{between} CAs are below {authority.title}, which allows {basic.path_length}",
            )
        constraints = authority.extension(x509.NameConstraints)
        if constraints is None:
            continue
        for below, certificate in enumerate(path[:position]):
            if below > 0 and certificate.self_issued:
                continue  # RFC 5280 §6.1.3 (b): a CA's certificate for itself
            violated = violation(constraints, certificate)
            if violated is not None:
                raise CertificateError(
                    CertificateProblem.USAGE,
                    f"certificate {certificate.title} breaks the name constraints of"
                    f" {authority.title}: {violated}",
                )


def _same_entity(one: ParsedCertificate, other: ParsedCertificate) -> bool:
    return one.subject == other.subject and one.key == other.key
