"""What a certificate is for: end entities (RFC 4945 §5.1.3), CAs (RFC 5280 §4.2.1), and when."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, ObjectIdentifier

from ike.pki.algorithms import weak_key, weak_signature
from ike.pki.errors import CertificateError, CertificateProblem
from ike.pki.parsed import ParsedCertificate

IKE_INTERMEDIATE = ObjectIdentifier("1.3.6.1.5.5.8.2.2")  # what old implementations ask for
_IKE_PURPOSES = frozenset(
    (
        ExtendedKeyUsageOID.IPSEC_IKE,
        IKE_INTERMEDIATE,
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    )
)
# Policies are processed with "any policy" as the initial set and no explicit policy required: then
# no outcome of theirs can refuse a path, unless a CA requires an explicit policy (RFC 5280 §6.1.1).
_UNDERSTOOD = frozenset(
    (
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.POLICY_MAPPINGS,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.INHIBIT_ANY_POLICY,
    )
)


def check_validity(certificate: ParsedCertificate, at: datetime) -> None:
    """Check the period of validity, both ends included.

    Raises:
        CertificateError: EXPIRED or NOT_YET_VALID.
    """
    if at > certificate.not_after:
        raise CertificateError(
            CertificateProblem.EXPIRED,
            f"certificate {certificate.title} expired on {show_time(certificate.not_after)}",
        )
    if at < certificate.not_before:
        raise CertificateError(
            CertificateProblem.NOT_YET_VALID,
            f"certificate {certificate.title} is not valid before "
            f"{show_time(certificate.not_before)}",
        )


def check_end_entity(certificate: ParsedCertificate, at: datetime, *, anchor: bool) -> None:
    """Check that a certificate may authenticate a peer at this time.

    Args:
        certificate: the peer's.
        at: the time.
        anchor: it is itself trusted, so its own signature is not relied on.

    Raises:
        CertificateError: EXPIRED, NOT_YET_VALID, USAGE, UNSUPPORTED or WEAK.
    """
    check_validity(certificate, at)
    _check_strength(certificate, signature_counts=not anchor)
    _check_critical(certificate)
    usage = certificate.extension(x509.KeyUsage)
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise _usage(certificate, "keyUsage has neither digitalSignature nor nonRepudiation")
    _check_purpose(certificate)


def check_authority(certificate: ParsedCertificate, at: datetime, *, anchor: bool) -> None:
    """Check that a certificate may sign others at this time.

    An extendedKeyUsage in a CA below the trust anchor bounds what it may issue, as in other
    validators (RFC 5280 leaves it open).

    Args:
        certificate: the CA's.
        at: the time.
        anchor: it is trusted, so its own signature is not relied on.

    Raises:
        CertificateError: EXPIRED, NOT_YET_VALID, USAGE, UNSUPPORTED or WEAK.
    """
    if not certificate.is_authority:
        raise _usage(certificate, "it is no CA, but has issued certificates")
    usage = certificate.extension(x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        raise _usage(certificate, "keyUsage lacks keyCertSign")
    check_validity(certificate, at)
    _check_strength(certificate, signature_counts=not anchor)
    _check_critical(certificate)
    policy = certificate.extension(x509.PolicyConstraints)
    if policy is not None and policy.require_explicit_policy is not None:
        raise CertificateError(
            CertificateProblem.UNSUPPORTED,
            f"certificate {certificate.title} requires explicit policies, which are not supported",
        )
    if not anchor:
        _check_purpose(certificate)


def show_time(moment: datetime) -> str:
    """Write a time of a certificate."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _check_strength(certificate: ParsedCertificate, *, signature_counts: bool) -> None:
    weak = weak_key(certificate.key)
    if weak is not None:
        raise CertificateError(
            CertificateProblem.WEAK, f"certificate {certificate.title} has {weak}"
        )
    if signature_counts:
        algorithm = certificate.certificate.signature_algorithm_oid
        weak = weak_signature(algorithm, certificate.signature_hash)
        if weak is not None:
            raise CertificateError(
                CertificateProblem.WEAK, f"certificate {certificate.title} is {weak}"
            )


def _check_critical(certificate: ParsedCertificate) -> None:
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise CertificateError(
                CertificateProblem.UNSUPPORTED,
                f"certificate {certificate.title} has the critical extension "
                f"{extension.oid.dotted_string}, which is not supported",
            )


def _check_purpose(certificate: ParsedCertificate) -> None:
    purposes = certificate.extension(x509.ExtendedKeyUsage)
    if purposes is not None and _IKE_PURPOSES.isdisjoint(purposes):
        shown = ", ".join(purpose.dotted_string for purpose in list(purposes)[:5])
        raise _usage(certificate, f"extendedKeyUsage is not for IKE: {shown}")


def _usage(certificate: ParsedCertificate, why: str) -> CertificateError:
    return CertificateError(CertificateProblem.USAGE, f"certificate {certificate.title}: {why}")
