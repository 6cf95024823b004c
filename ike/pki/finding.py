"""What a CRL or an OCSP response says of one certificate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

CLOCK_SKEW = timedelta(minutes=5)
"""By how much the clock of a CA or an OCSP responder may be ahead of ours."""


class Status(Enum):
    """The state of a certificate, as far as one source knows it."""

    GOOD = auto()
    REVOKED = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Finding:
    """A status, and why (not for GOOD)."""

    status: Status
    why: str = ""


GOOD = Finding(Status.GOOD)
