"""The answer of ``show crypto pki certificates``."""

from __future__ import annotations

from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA256

from controller.policy.model import Policy, TrustpointCertificate
from controller.router.expiry import WARN_BEFORE
from controller.status import PkiCertificateStatus
from ike.crypto.errors import SignatureError
from ike.crypto.signature import describe_key, strong_key
from ike.distinguished_name import show_name


def certificates(policy: Policy, at: datetime) -> tuple[PkiCertificateStatus, ...]:
    """Return every certificate of the trustpoints, in order of the configuration.

    Args:
        policy: the configuration in force.
        at: the time by the calendar, aware.
    """
    return tuple(_status(one, at) for one in policy.certificates)


def _status(one: TrustpointCertificate, at: datetime) -> PkiCertificateStatus:
    certificate = one.certificate
    return PkiCertificateStatus(
        trustpoint=one.trustpoint,
        use=str(one.use),
        state=_state(one, at),
        subject=show_name(certificate.subject),
        issuer=show_name(certificate.issuer),
        serial_number=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc.isoformat(),
        not_after=certificate.not_valid_after_utc.isoformat(),
        expires_in=(certificate.not_valid_after_utc - at).total_seconds(),
        key=_key(one),
        fingerprint=certificate.fingerprint(SHA256()).hex(),
    )


def _state(one: TrustpointCertificate, at: datetime) -> str:
    if at < one.certificate.not_valid_before_utc:
        return "not yet valid"
    left = one.certificate.not_valid_after_utc - at
    if left.total_seconds() < 0:
        return "expired"
    return "expires soon" if left <= WARN_BEFORE else "valid"


def _key(one: TrustpointCertificate) -> str:
    try:
        return describe_key(strong_key(one.certificate.public_key()))
    except SignatureError as error:
        return str(error)
