"""Time that only moves when the simulation says so."""


class SimulatedClock:
    """Seconds since an arbitrary start; never runs by itself."""

    def __init__(self, start: float = 1000.0) -> None:
        self.now = start

    def now_ns(self) -> int:
        return round(self.now * 1e9)
