"""Whom a responder lets begin: half-open limits, cookies under load (RFC 7296 §2.6)."""

from __future__ import annotations

from enum import Enum, auto
from ipaddress import IPv4Address

from ike.config import Settings


class Decision(Enum):
    """What becomes of an IKE_SA_INIT request."""

    ADMIT = auto()
    ASK_FOR_COOKIE = auto()
    IGNORE = auto()


class Admission:
    """Counts half-open IKE SAs.

    Addresses that have proven themselves with a cookie are counted apart from those that have
    not, so that forged requests cannot use up a real peer's share.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._counts: dict[bool, dict[IPv4Address, int]] = {True: {}, False: {}}
        self._total = 0

    def decide(self, address: IPv4Address, proven: bool) -> Decision:
        """Decide about a request; `proven`: it carries a good cookie."""
        settings = self._settings
        of_address = self._counts[proven].get(address, 0)
        if proven:
            full = (
                self._total >= settings.half_open_limit
                or of_address >= settings.half_open_limit_per_address
            )
            return Decision.IGNORE if full else Decision.ADMIT
        busy = (
            self._total >= settings.cookie_threshold
            or of_address >= settings.half_open_limit_per_address
        )
        return Decision.ASK_FOR_COOKIE if busy else Decision.ADMIT

    def opened(self, address: IPv4Address, proven: bool) -> None:
        """Count a half-open IKE SA."""
        counts = self._counts[proven]
        counts[address] = counts.get(address, 0) + 1
        self._total += 1

    def closed(self, address: IPv4Address, proven: bool) -> None:
        """Count it no more."""
        counts = self._counts[proven]
        left = counts.pop(address) - 1
        if left:
            counts[address] = left
        self._total -= 1

    @property
    def half_open(self) -> int:
        """How many there are."""
        return self._total


class TokenBucket:
    """Lets `rate` things a second happen, and up to `burst` at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Tell whether one more may happen."""
        if self._at is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
