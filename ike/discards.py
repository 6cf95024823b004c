"""Messages that are thrown away, by reason."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum


class Discard(StrEnum):
    """Why a message is thrown away; some are answered all the same (RFC 7296 §1.5, §2.21)."""

    INVALID_SYNTAX = "ike_invalid_syntax"
    INVALID_MAJOR_VERSION = "ike_invalid_major_version"
    INTEGRITY_FAILED = "ike_integrity_failed"
    UNKNOWN_SPI = "ike_unknown_spi"
    UNKNOWN_PEER = "ike_unknown_peer"


class DiscardCounters:
    """How many messages were thrown away for each reason."""

    def __init__(self) -> None:
        self._counts: Counter[Discard] = Counter()

    def count(self, reason: Discard | None) -> None:
        """Count a message; None: it was not thrown away."""
        if reason is not None:
            self._counts[reason] += 1

    def totals(self) -> dict[str, int]:
        """Give all counts, those that are 0 too."""
        return {reason.value: self._counts[reason] for reason in Discard}
