"""One pair of ESP SAs, as the engine keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from ike.config import ChildConfig
from ike.crypto.suites import EspSuite
from ike.events import DeletionReason, Role
from ike.types import TrafficSelector


class ChildState(Enum):
    """What a CHILD_SA is there for."""

    LIVE = auto()
    REKEYING = auto()  # we have asked for a new one in its place
    REPLACED = auto()  # a new one is there, this one's end is due
    DELETING = auto()  # we have asked for its end


@dataclass(slots=True, eq=False)
class ChildSa:
    """A pair of ESP SAs. Its keys have gone out with the event, and are not kept.

    `lowest_nonce` decides between two that were made at once (RFC 7296 §2.8.1); `began` and
    `sequence` number the request that made it and its establishment. Times are the caller's, in
    seconds; None: never.
    """

    config: ChildConfig
    role: Role
    spi_in: int
    spi_out: int
    suite: EspSuite
    local_selectors: tuple[TrafficSelector, ...]
    remote_selectors: tuple[TrafficSelector, ...]
    lowest_nonce: bytes
    began: int
    sequence: int
    established_at: float
    rekey_at: float | None = None
    expire_at: float | None = None
    expire_reason: DeletionReason = DeletionReason.EXPIRED
    state: ChildState = ChildState.LIVE

    @property
    def deadline(self) -> float | None:
        """When it wants to be rekeyed or deleted."""
        times = (self.rekey_at if self.state is ChildState.LIVE else None, self.expire_at)
        return min((t for t in times if t is not None), default=None)

    def end_at(self, when: float, reason: DeletionReason) -> None:
        """Have it deleted by us, if the peer does not do so before."""
        self.expire_at = when
        self.expire_reason = reason

    @property
    def is_live(self) -> bool:
        """Whether it is to stay, or to be rekeyed."""
        return self.state in (ChildState.LIVE, ChildState.REKEYING)

    def made_at_once_with(self, other: ChildSa) -> bool:
        """Tell whether both ends made one of the two while the other one was being made."""
        return (
            self.role is not other.role
            and self.began < other.sequence
            and other.began < self.sequence
        )
