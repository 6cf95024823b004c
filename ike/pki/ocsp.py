"""OCSP responses (RFC 6960), from files and in CERT payloads (RFC 4806).

A response counts if it is signed by the CA that issued the certificate, or by a responder to which
that very CA has issued a certificate with the OCSPSigning purpose. Signatures with RSASSA-PSS are
not supported.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import HashAlgorithm
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from ike.pki.algorithms import signature_fits, weak_key, weak_signature
from ike.pki.crl import check_crl
from ike.pki.errors import CertificateError
from ike.pki.finding import CLOCK_SKEW, GOOD, Finding, Status
from ike.pki.limits import Budget
from ike.pki.parsed import MALFORMED, ParsedCertificate
from ike.pki.usage import check_validity, show_time

MAX_AGE = timedelta(days=1)  # of a response that does not say until when it is valid
_MAX_RESPONDER_CERTIFICATES = 4
_UNDERSTOOD = (x509.OCSPNonce,)


def check_ocsp(
    response: ocsp.OCSPResponse,
    certificate: ParsedCertificate,
    issuer: ParsedCertificate,
    crls: tuple[x509.CertificateRevocationList, ...],
    at: datetime,
    budget: Budget,
) -> Finding | None:
    """Return what a response says of a certificate; None if it says nothing of it.

    Args:
        response: a successful response.
        certificate: the one asked about.
        issuer: its CA, verified.
        crls: lists that may name a delegated responder.
        at: the time.
        budget: what signature checks are paid from.

    Raises:
        CertificateError: UNTRUSTED, the budget is spent.
    """
    try:
        answers = list(_answers(response, certificate, issuer))
        if not answers:
            return None
        unusable = _why_unusable(response, issuer, crls, at, budget)
        if unusable is not None:
            return Finding(Status.UNKNOWN, f"the OCSP response {unusable}")
        findings = [_read(answer, at) for answer in answers]
    except (*MALFORMED, UnsupportedAlgorithm):
        return Finding(Status.UNKNOWN, "an OCSP response cannot be read")
    return next((each for each in findings if each.status is Status.REVOKED), findings[0])


def _answers(
    response: ocsp.OCSPResponse, certificate: ParsedCertificate, issuer: ParsedCertificate
) -> Iterator[ocsp.OCSPSingleResponse]:
    serial = certificate.certificate.serial_number
    for answer in response.responses:
        if answer.serial_number != serial:
            continue
        wanted = _certificate_id(certificate, issuer, answer.hash_algorithm)
        if (answer.issuer_name_hash, answer.issuer_key_hash) == wanted:
            yield answer


def _certificate_id(
    certificate: ParsedCertificate, issuer: ParsedCertificate, algorithm: HashAlgorithm
) -> tuple[bytes, bytes]:
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        certificate.certificate, issuer.certificate, algorithm
    )
    request = builder.build()
    return request.issuer_name_hash, request.issuer_key_hash


def _why_unusable(
    response: ocsp.OCSPResponse,
    issuer: ParsedCertificate,
    crls: tuple[x509.CertificateRevocationList, ...],
    at: datetime,
    budget: Budget,
) -> str | None:
    algorithm, digest = response.signature_algorithm_oid, response.signature_hash_algorithm
    weak = weak_signature(algorithm, digest)
    if weak is not None:
        return f"is {weak}"
    for extension in response.extensions:
        if extension.critical and not isinstance(extension.value, _UNDERSTOOD):
            return f"has the unknown critical extension {extension.oid.dotted_string}"
    signer = issuer
    if not _is_responder(response, issuer):
        found = _delegated(response, issuer, crls, at, budget)
        if isinstance(found, str):
            return found
        signer = found
    budget.spend_signature_check()
    if not signature_fits(
        signer.key, algorithm, digest, response.signature, response.tbs_response_bytes
    ):
        return f"has a signature that is not by the key of {signer.title}"
    return None


def _is_responder(response: ocsp.OCSPResponse, signer: ParsedCertificate) -> bool:
    if response.responder_key_hash is not None:
        # RFC 6960 §4.2.1: SHA-1 of the key, as in a subject key identifier.
        key_id = x509.SubjectKeyIdentifier.from_public_key(signer.key)
        return response.responder_key_hash == key_id.digest
    return response.responder_name == signer.subject


def _delegated(
    response: ocsp.OCSPResponse,
    issuer: ParsedCertificate,
    crls: tuple[x509.CertificateRevocationList, ...],
    at: datetime,
    budget: Budget,
) -> ParsedCertificate | str:
    """Return the delegated responder that signed (RFC 6960 §4.2.2.2), or why there is none."""
    why = "is by a responder whose certificate is not enclosed"
    for enclosed in response.certificates[:_MAX_RESPONDER_CERTIFICATES]:
        try:
            responder = ParsedCertificate.of(enclosed)
            if not _is_responder(response, responder):
                continue
            check_validity(responder, at)
        except CertificateError as error:
            why = f"is by a responder whose certificate does not go: {error}"
            continue
        weak = weak_key(responder.key) or weak_signature(
            enclosed.signature_algorithm_oid, responder.signature_hash
        )
        purposes = responder.extension(x509.ExtendedKeyUsage) or ()
        usage = responder.extension(x509.KeyUsage)
        if weak is not None:
            why = f"is by a responder with a weak certificate: {weak}"
        elif ExtendedKeyUsageOID.OCSP_SIGNING not in purposes or (
            usage is not None and not (usage.digital_signature or usage.content_commitment)
        ):
            why = f"is by {responder.title}, which may not sign OCSP responses"
        elif not _signed(responder, issuer, budget):
            why = f"is by {responder.title}, whose certificate is not by {issuer.title}"
        elif any(_revokes(crl, responder, issuer, at, budget) for crl in crls):
            why = f"is by {responder.title}, which is revoked"
        else:
            return responder
    return why


def _signed(responder: ParsedCertificate, issuer: ParsedCertificate, budget: Budget) -> bool:
    budget.spend_signature_check()
    return responder.is_signed_by(issuer)


def _revokes(
    crl: x509.CertificateRevocationList,
    responder: ParsedCertificate,
    issuer: ParsedCertificate,
    at: datetime,
    budget: Budget,
) -> bool:
    finding = check_crl(crl, responder, issuer, at, budget)
    return finding is not None and finding.status is Status.REVOKED


def _read(answer: ocsp.OCSPSingleResponse, at: datetime) -> Finding:
    if answer.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        reason = answer.revocation_reason.value if answer.revocation_reason else "unspecified"
        since = answer.revocation_time_utc
        when = f"since {show_time(since)}, " if since is not None else ""
        return Finding(Status.REVOKED, f"{when}reason {reason}, by OCSP")
    if answer.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        return Finding(Status.UNKNOWN, "the OCSP responder does not know the certificate")
    made, until = answer.this_update_utc, answer.next_update_utc
    if made > at + CLOCK_SKEW:
        return Finding(Status.UNKNOWN, f"the OCSP response is not valid before {show_time(made)}")
    if until is None:
        until = made + MAX_AGE
    if at > until:
        return Finding(Status.UNKNOWN, f"the OCSP response is stale since {show_time(until)}")
    return GOOD
