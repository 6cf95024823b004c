"""The clock that everything else is given."""

from __future__ import annotations

import asyncio
import time


class Clock:
    """Monotonic time in seconds, `speed` times as fast as the machine's; and wall time.

    A demonstration runs minutes of timers in seconds with it; a controller runs at 1.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._started = time.monotonic()

    def now(self) -> float:
        """Return seconds since the clock was made."""
        return (time.monotonic() - self._started) * self._speed

    def now_ns(self) -> int:
        """Return the same in nanoseconds."""
        return round(self.now() * 1e9)

    def wall(self) -> float:
        """Return seconds since 1970-01-01 UTC, never sped up."""
        return time.time()

    def real(self, seconds: float) -> float:
        """Return how many of the machine's seconds these are."""
        return seconds / self._speed

    async def wait(self, event: asyncio.Event, until: float | None) -> None:
        """Return when the event is set, or at `until`; clears the event."""
        timeout = None if until is None else max(0.0, self.real(until - self.now()))
        try:
            async with asyncio.timeout(timeout):
                await event.wait()
        except TimeoutError:
            pass
        event.clear()
