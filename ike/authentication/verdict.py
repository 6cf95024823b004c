"""What comes of checking a proof."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ike.events import FailureReason


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The peer is who it says; `not_after`: until when its certificate says so, aware UTC."""

    not_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """It is not, or does not prove it; `detail` is for an operator, and not for the peer."""

    reason: FailureReason
    detail: str


Verdict = Authenticated | Rejected


def unproven(detail: str) -> Rejected:
    """Reject a proof."""
    return Rejected(FailureReason.AUTHENTICATION_FAILED, detail)
