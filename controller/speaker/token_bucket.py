"""A rate limit of injected time."""

from __future__ import annotations


class TokenBucket:
    """Allows `rate` events a second on average, and `burst` at once. Full at the start."""

    def __init__(self, rate: float, burst: int) -> None:
        if rate <= 0 or burst < 1:
            raise ValueError(f"rate {rate} and burst {burst} have to be positive")
        self._rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._filled_at: float | None = None

    def allow(self, now: float) -> bool:
        """Take a token, if there is one. `now` in seconds; a clock that goes back adds none."""
        if self._filled_at is not None and now > self._filled_at:
            added = (now - self._filled_at) * self._rate
            self._tokens = min(float(self._burst), self._tokens + added)
        if self._filled_at is None or now > self._filled_at:
            self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
