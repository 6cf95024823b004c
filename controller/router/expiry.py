"""Warnings of certificates that expire soon, or have expired."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from controller.passive.events import Message, Severity
from controller.policy.model import TrustpointCertificate
from ike.distinguished_name import show_name

WARN_BEFORE = timedelta(days=30)

INTERVAL = 86_400.0
"""Seconds between two warnings of one certificate."""


class ExpiryWatch:
    """Looks at the certificates once a day.

    Args:
        wall_clock: seconds since 1970-01-01 UTC.
    """

    def __init__(self, wall_clock: Callable[[], float]) -> None:
        self._wall_clock = wall_clock
        self._certificates: tuple[TrustpointCertificate, ...] = ()
        self._next: float | None = None

    def set_certificates(self, certificates: Iterable[TrustpointCertificate], now: float) -> None:
        """Watch these, beginning at once."""
        self._certificates = tuple(certificates)
        self._next = now if self._certificates else None

    def next_deadline(self) -> float | None:
        """Return when `advance` has something to do, in seconds."""
        return self._next

    def advance(self, now: float) -> list[Message]:
        """Return a warning for each certificate that has 30 days left, or none."""
        if self._next is None or now < self._next:
            return []
        self._next = now + INTERVAL
        at = datetime.fromtimestamp(self._wall_clock(), UTC)
        return [
            _message(one, at)
            for one in self._certificates
            if one.certificate.not_valid_after_utc - at <= WARN_BEFORE
        ]


def _message(one: TrustpointCertificate, at: datetime) -> Message:
    end = one.certificate.not_valid_after_utc
    left = end - at
    if left < timedelta():
        what = f"has expired on {end:%Y-%m-%d}"
    else:
        days = "1 day" if left.days == 1 else f"{left.days} days"
        what = f"expires on {end:%Y-%m-%d} (in {days})"
    subject = show_name(one.certificate.subject)
    return Message(
        Severity.WARNING, f"certificate of trustpoint {one.trustpoint} {what}: {subject}"
    )
