"""Why a certificate is refused, and why a file cannot be used."""

from __future__ import annotations

from enum import StrEnum


class CertificateProblem(StrEnum):
    """Kinds of reasons to refuse a peer's certificate."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    REVOKED = "revoked"
    REVOCATION_UNKNOWN = "revocation unknown"
    UNTRUSTED = "untrusted"
    IDENTITY = "identity"
    USAGE = "usage"
    WEAK = "weak"
    MALFORMED = "malformed"
    UNSUPPORTED = "unsupported"


class CertificateError(Exception):
    """A peer's certificate is refused. `str` is one sentence for an operator, safe to log.

    Attributes:
        reason: the kind of problem.
    """

    def __init__(self, reason: CertificateProblem, why: str) -> None:
        super().__init__(why)
        self.reason = reason


class LoadError(ValueError):
    """A certificate, key, CRL or OCSP response of ours cannot be used; `str` says why."""
