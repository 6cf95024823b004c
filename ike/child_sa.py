"""One pair of ESP SAs, as the engine keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from ike.config import ChildConfig, Mode
from ike.crypto.suites import EspSuite
from ike.events import DeletionReason, Role
from ike.lifetimes import Volume
from ike.types import TrafficSelector


class ChildState(Enum):
    """What a CHILD_SA is there for."""

    LIVE = auto()
    REKEYING = auto()  # we have asked for a new one in its place
    REPLACED = auto()  # a new one is there, this one's end is due
    DELETING = auto()  # we have asked for its end

    @property
    def is_live(self) -> bool:
        """Whether the CHILD_SA is to stay, or to be rekeyed."""
        return self in (ChildState.LIVE, ChildState.REKEYING)


@dataclass(frozen=True, slots=True, eq=False)
class Making:
    """The exchange that made a CHILD_SA.

    `began` and `ended` number its request and its end at this end (`Environment.next_sequence`).
    """

    role: Role
    lowest_nonce: bytes
    began: int
    ended: int

    def at_once_with(self, other: Making) -> bool:
        """Tell whether one end made this while the other end made the other one."""
        return self.role is not other.role and self.began < other.ended and other.began < self.ended


@dataclass(slots=True, eq=False)
class ChildSa:
    """A pair of ESP SAs. Its keys have gone out with the event, and are not kept.

    `more_selectors`, `tfc_padding`: see `ChildAgreement`. `origin` is the making of the first one
    in its line, before all rekeys. Times are the caller's, in seconds; None: never.
    """

    config: ChildConfig
    spi_in: int
    spi_out: int
    suite: EspSuite
    local_selectors: tuple[TrafficSelector, ...]
    remote_selectors: tuple[TrafficSelector, ...]
    making: Making
    origin: Making
    established_at: float
    more_selectors: bool = False
    mode: Mode = Mode.TUNNEL
    rekey_at: float | None = None
    expire_at: float | None = None
    expire_reason: DeletionReason = DeletionReason.EXPIRED
    state: ChildState = ChildState.LIVE
    tfc_padding: bool = True
    volume: Volume = field(default_factory=Volume)

    @property
    def deadline(self) -> float | None:
        """When it wants to be rekeyed or deleted."""
        times = (self.rekey_at if self.state is ChildState.LIVE else None, self.expire_at)
        return min((t for t in times if t is not None), default=None)

    @property
    def is_live(self) -> bool:
        """Whether it is to stay, or to be rekeyed."""
        return self.state.is_live


@dataclass(frozen=True, slots=True)
class Contest:
    """Two CHILD_SAs of one packet type that both ends made at once.

    `we_delete`: the loser is of our making.
    """

    loser: ChildSa
    we_delete: bool

    @classmethod
    def between(cls, one: ChildSa, other: ChildSa) -> Contest | None:
        """Compare two; None if they were not made at once.

        The lowest of the four nonces loses, and who initiated its exchange deletes it (RFC 7296
        §2.8.1). Two rekeys of one CHILD_SA are compared by their own exchanges, else it is those
        that began the two lines: so both ends compare the same, whatever was rekeyed meanwhile.
        """
        siblings = one.origin is other.origin
        mine, theirs = (one.making, other.making) if siblings else (one.origin, other.origin)
        if not mine.at_once_with(theirs):
            return None
        loser, making = (one, mine) if mine.lowest_nonce < theirs.lowest_nonce else (other, theirs)
        return cls(loser, making.role is Role.INITIATOR)
