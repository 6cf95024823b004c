"""Wakes the service on time: the only place where its timers meet the event loop."""

from __future__ import annotations

import asyncio

from bmv2.embedded.model import ClockNs
from bmv2.embedded.p4runtime.service import P4RuntimeService

MIN_DELAY_S = 0.005
"""Deadlines that fall this close together are handled at once."""


class DeadlineTimer:
    """Calls `P4RuntimeService.advance` whenever it is due, until `close`.

    Args:
        service: What has deadlines.
        clock_ns: The clock of the service.
        clock_speed: How many of that clock's seconds pass in one of the event loop's.
    """

    def __init__(
        self, service: P4RuntimeService, clock_ns: ClockNs, clock_speed: float = 1.0
    ) -> None:
        self._service = service
        self._clock_ns = clock_ns
        self._clock_speed = clock_speed
        self._handle: asyncio.TimerHandle | None = None
        self._armed_ns = 0
        self._closed = False
        service.on_deadline = self.arm
        self.arm()

    def arm(self) -> None:
        """Set the timer, unless it is to fire early enough anyway."""
        deadline = self._service.next_deadline_ns()
        if deadline is None or self._closed:
            return
        if self._handle is not None:
            if self._armed_ns <= deadline:
                return
            self._handle.cancel()
        delay = max((deadline - self._clock_ns()) / 1e9 / self._clock_speed, MIN_DELAY_S)
        self._armed_ns = deadline
        self._handle = asyncio.get_running_loop().call_later(delay, self._fire)

    def close(self) -> None:
        """Stop."""
        self._closed = True
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _fire(self) -> None:
        self._handle = None
        try:
            self._service.advance(self._clock_ns())
        finally:
            self.arm()
