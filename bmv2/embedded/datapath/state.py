"""Counters, registers and meters: the state of a program outside its tables."""

from __future__ import annotations

from collections.abc import Sequence

from bmv2.embedded.model import CounterCell, MeterConfig

NANOSECONDS = 1_000_000_000


class Counters:
    """An indirect counter; `bmv2.embedded.model.CounterArray`."""

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self.size = size
        self.cells: Sequence[CounterCell] = [CounterCell() for _ in range(size)]


class Registers:
    """A register array. The generated function indexes `cells` itself."""

    def __init__(self, name: str, size: int, bits: int) -> None:
        self.name = name
        self.size = size
        self.bits = bits
        self.cells = [0] * size


class TwoRateMeter:
    """One two-rate three-colour meter, colour-blind (RFC 2698).

    As in bmv2, tokens are counted from the moment of configuration, so that no rounding adds up.
    """

    __slots__ = ("_committed", "_committed_seen", "_origin", "_peak", "_peak_seen", "config")

    def __init__(self, config: MeterConfig, now: int) -> None:
        self.config = config
        self._origin = now
        self._committed, self._peak = config.cburst, config.pburst
        self._committed_seen = self._peak_seen = 0

    def execute(self, units: int, now: int) -> int:
        """Return the colour of a packet: 0 green, 1 yellow, 2 red.

        Args:
            units: what the packet costs: 1, or its length in bytes.
            now: nanoseconds.
        """
        config, elapsed = self.config, max(now - self._origin, 0)
        seen = max(elapsed * config.pir // NANOSECONDS, self._peak_seen)
        self._peak = min(self._peak + seen - self._peak_seen, config.pburst)
        self._peak_seen = seen
        if self._peak < units:
            return 2
        self._peak -= units
        seen = max(elapsed * config.cir // NANOSECONDS, self._committed_seen)
        self._committed = min(self._committed + seen - self._committed_seen, config.cburst)
        self._committed_seen = seen
        if self._committed < units:
            return 1
        self._committed -= units
        return 0


class Meters:
    """An indirect meter; `bmv2.embedded.model.MeterArray`."""

    def __init__(self, name: str, size: int, counts_bytes: bool) -> None:
        self.name = name
        self.size = size
        self.counts_bytes = counts_bytes
        self._configs: dict[int, MeterConfig] = {}
        self._meters: dict[int, TwoRateMeter] = {}

    def configure(self, index: int, config: MeterConfig | None) -> None:
        """Set a cell's rates; see `MeterArray.configure`. `IndexError` outside the array."""
        self._check(index)
        self._meters.pop(index, None)
        if config is None:
            self._configs.pop(index, None)
        else:
            self._configs[index] = config

    def config(self, index: int) -> MeterConfig | None:
        """Return a cell's rates; `IndexError` outside the array."""
        self._check(index)
        return self._configs.get(index)

    def execute(self, index: int, length: int, now: int) -> int:
        """Return the colour of a packet of `length` bytes at `now` nanoseconds."""
        meter = self._meters.get(index)
        if meter is None:
            config = self._configs.get(index)
            if config is None:
                return 0
            # Its time begins with the first packet: until then its buckets are full anyway.
            meter = self._meters[index] = TwoRateMeter(config, now)
        return meter.execute(length if self.counts_bytes else 1, now)

    def _check(self, index: int) -> None:
        if not 0 <= index < self.size:
            raise IndexError(f"{self.name}: index {index} is not within 0..{self.size - 1}")


class DirectMeters:
    """The meters of a table's entries, each made from the rates that its entry holds."""

    def __init__(self, counts_bytes: bool) -> None:
        self._counts_bytes = counts_bytes
        self._meters: dict[object, TwoRateMeter] = {}

    def pristine(self) -> DirectMeters:
        """Make another one as this one was at first."""
        return DirectMeters(self._counts_bytes)

    def execute(self, entry: object, config: MeterConfig | None, length: int, now: int) -> int:
        """Return the colour of a packet that hit `entry`; 0 where that has no rates."""
        if config is None:
            return 0
        meter = self._meters.get(entry)
        if meter is None or meter.config is not config:
            meter = self._meters[entry] = TwoRateMeter(config, now)
        return meter.execute(length if self._counts_bytes else 1, now)

    def forget(self, entry: object) -> None:
        """Drop the meter of a deleted entry."""
        self._meters.pop(entry, None)
