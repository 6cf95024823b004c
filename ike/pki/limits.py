"""Bounds on what a peer can make us parse and compute (all of it is hostile until verified)."""

from __future__ import annotations

from ike.pki.errors import CertificateError, CertificateProblem

MAX_CERTIFICATES = 10  # of one peer, in one exchange
MAX_CERTIFICATE_SIZE = 32_768  # bytes
MAX_REVOCATION_DATA = 8  # CRLs, and OCSP responses, of one peer in one exchange
MAX_REVOCATION_SIZE = 65_535  # bytes of each of them: what a payload can hold (RFC 7296 §3.2)
MAX_DEPTH = 8  # certificates in a path, leaf and trust anchor included
MAX_SIGNATURE_CHECKS = 32  # of one verification, in all
MAX_STEPS = 64  # path extensions tried in one verification, in all
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192


class Budget:
    """Counts down what one verification may cost."""

    def __init__(self) -> None:
        self._signature_checks = MAX_SIGNATURE_CHECKS
        self._steps = MAX_STEPS

    def spend_signature_check(self) -> None:
        """Count one signature check.

        Raises:
            CertificateError: UNTRUSTED, there were too many.
        """
        self._signature_checks -= 1
        if self._signature_checks < 0:
            raise CertificateError(
                CertificateProblem.UNTRUSTED,
                f"no path to a trust anchor within {MAX_SIGNATURE_CHECKS} signature checks",
            )

    def spend_step(self) -> None:
        """Count one extension of a path.

        Raises:
            CertificateError: UNTRUSTED, there were too many.
        """
        self._steps -= 1
        if self._steps < 0:
            raise CertificateError(
                CertificateProblem.UNTRUSTED,
                f"no path to a trust anchor within {MAX_STEPS} steps",
            )
