"""What is kept of one packet type, and the times that follow from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from controller.passive.states import ATTEMPT_LIMIT, HOLD_TIME, Input, State

DEFAULT_RETRY = 300.0
"""Seconds from the start of one attempt to the next, if nothing else is configured (PM-4)."""


@dataclass(frozen=True, slots=True)
class PassiveSettings:
    """What the operator has set. `retry` is in seconds.

    Raises:
        ValueError: If `retry` isn't a positive, finite number.
    """

    enabled: bool
    retry: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.retry) and self.retry > 0):
            raise ValueError(f"retry must be a positive number of seconds, not {self.retry}")


@dataclass(slots=True)
class PacketTypeRecord:
    """One packet type. Times are in seconds, of the machine's clock."""

    state: State
    since: float
    held_since: float = -math.inf
    attempt_began: float = -math.inf
    failure_unlogged: bool = False  # so that an attempt gives one line at most
    last_failure: str | None = None

    def deadline(self, settings: PassiveSettings) -> float | None:
        """Return when this state ends by itself; None: it doesn't."""
        match self.state:
            case State.HOLDING | State.HOLDING_FAILED if settings.enabled:
                return self.held_since + HOLD_TIME
            case State.HOLDING:
                return self.attempt_began + ATTEMPT_LIMIT
            case State.HOLDING_FAILED:
                return self.attempt_began + HOLD_TIME
            case State.CLEAR:
                return self.attempt_began + settings.retry
            case _:
                return None

    def timer_input(self, settings: PassiveSettings) -> Input:
        """Return what it means that `deadline` is reached."""
        if self.state is State.CLEAR:
            return Input.RETRY_REACHED
        return Input.HOLD_OVER if settings.enabled else Input.ATTEMPT_OVER

    def retry_is_due(self, settings: PassiveSettings, now: float) -> bool:
        """Tell whether `retry` seconds have passed since the last attempt began (PM-4)."""
        return now >= self.attempt_began + settings.retry

    def next_attempt_at(self, settings: PassiveSettings, now: float) -> float | None:
        """Return when the next packet may trigger IKE; None: not while this state lasts."""
        match self.state:
            case State.IDLE | State.CLEAR_RETRY_DUE:
                return now
            case State.HOLDING | State.HOLDING_FAILED if settings.enabled:
                return max(self.held_since + HOLD_TIME, self.attempt_began + settings.retry)
            case State.HOLDING_FAILED | State.CLEAR:
                return self.deadline(settings)
            case _:
                return None
