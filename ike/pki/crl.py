"""Certificate revocation lists (RFC 5280 §5, §6.3): direct and complete ones.

A list that is signed by the issuer and names the certificate revokes it, however old the list is
and whatever its scope. That a list does *not* name a certificate counts only while the list is
current and covers certificates of its kind. Indirect and delta CRLs are not supported, nor are
lists that are signed by another key of the same CA.
"""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import ExtensionOID

from ike.pki.algorithms import weak_signature
from ike.pki.finding import CLOCK_SKEW, GOOD, Finding, Status
from ike.pki.limits import Budget
from ike.pki.parsed import MALFORMED, ParsedCertificate
from ike.pki.usage import show_time

_UNDERSTOOD = (ExtensionOID.ISSUING_DISTRIBUTION_POINT,)


def check_crl(
    crl: x509.CertificateRevocationList,
    certificate: ParsedCertificate,
    issuer: ParsedCertificate,
    at: datetime,
    budget: Budget,
) -> Finding | None:
    """Return what a CRL says of a certificate; None if it is another CA's.

    Raises:
        CertificateError: UNTRUSTED, the budget is spent.
    """
    try:
        if crl.issuer != issuer.subject:
            return None
        unusable = _why_unusable(crl, issuer, budget)
        if unusable is not None:
            return _unknown(issuer, unusable)
        entry = crl.get_revoked_certificate_by_serial_number(certificate.certificate.serial_number)
        if entry is not None:
            return _revoked(entry, issuer)
        limited = _why_not_covered(crl, certificate, at)
        return GOOD if limited is None else _unknown(issuer, limited)
    except (*MALFORMED, UnsupportedAlgorithm):
        return Finding(Status.UNKNOWN, f"a CRL for {issuer.title} cannot be read")


def why_unsupported(crl: x509.CertificateRevocationList) -> str | None:
    """Say why a CRL can never be used, whoever's it is; None if it can.

    Raises:
        Exception: one of `MALFORMED`, or UnsupportedAlgorithm.
    """
    weak = weak_signature(crl.signature_algorithm_oid, crl.signature_hash_algorithm)
    if weak is not None:
        return f"is {weak}"
    for extension in crl.extensions:
        if isinstance(extension.value, x509.DeltaCRLIndicator):
            return "is a delta CRL, which is not supported"
        if isinstance(extension.value, x509.IssuingDistributionPoint):
            if extension.value.indirect_crl:
                return "is an indirect CRL, which is not supported"
        elif extension.critical and extension.oid not in _UNDERSTOOD:
            return f"has the unknown critical extension {extension.oid.dotted_string}"
    return None


def _why_unusable(
    crl: x509.CertificateRevocationList, issuer: ParsedCertificate, budget: Budget
) -> str | None:
    unsupported = why_unsupported(crl)
    if unsupported is not None:
        return unsupported
    usage = issuer.extension(x509.KeyUsage)
    if usage is not None and not usage.crl_sign:
        return "is by a CA whose keyUsage lacks cRLSign"
    budget.spend_signature_check()
    if not crl.is_signature_valid(issuer.key):
        return "has a signature that is not by the CA's key"
    return None


def _why_not_covered(
    crl: x509.CertificateRevocationList, certificate: ParsedCertificate, at: datetime
) -> str | None:
    if at < crl.last_update_utc - CLOCK_SKEW:
        return f"is not valid before {show_time(crl.last_update_utc)}"
    if crl.next_update_utc is None:
        return "does not say how long it is valid"
    if at > crl.next_update_utc:
        return f"is stale since {show_time(crl.next_update_utc)}"
    try:
        scope = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
    except x509.ExtensionNotFound:
        return None
    if scope.only_some_reasons is not None:
        return "covers only some reasons"
    if scope.only_contains_attribute_certs:
        return "covers only attribute certificates"
    if scope.only_contains_user_certs and certificate.is_authority:
        return "covers only end entities"
    if scope.only_contains_ca_certs and not certificate.is_authority:
        return "covers only CAs"
    if scope.relative_name is not None:
        return "has a relative distribution point, which is not supported"
    if scope.full_name and not _is_distribution_point(scope.full_name, certificate):
        return "is of another distribution point"
    return None


def _is_distribution_point(names: list[x509.GeneralName], certificate: ParsedCertificate) -> bool:
    points = certificate.extension(x509.CRLDistributionPoints) or ()
    return any(name in names for point in points for name in point.full_name or ())


def _unknown(issuer: ParsedCertificate, why: str) -> Finding:
    return Finding(Status.UNKNOWN, f"the CRL of {issuer.title} {why}")


def _revoked(entry: x509.RevokedCertificate, issuer: ParsedCertificate) -> Finding:
    try:
        reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except (*MALFORMED, x509.ExtensionNotFound):
        reason = "unspecified"
    when = show_time(entry.revocation_date_utc)
    return Finding(Status.REVOKED, f"since {when}, reason {reason}, by the CRL of {issuer.title}")
