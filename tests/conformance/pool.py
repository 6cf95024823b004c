"""Switches that are started once and used by one test after the other."""

from __future__ import annotations

from collections.abc import Callable

from tests.conformance.client import P4RuntimeSwitch


class Pool:
    """Starts another switch when all are taken."""

    def __init__(self, make: Callable[[], P4RuntimeSwitch]) -> None:
        self._make = make
        self._all: list[P4RuntimeSwitch] = []
        self._free: list[P4RuntimeSwitch] = []

    def take(self) -> P4RuntimeSwitch:
        if not self._free:
            self._free.append(self._make())
            self._all.append(self._free[-1])
        return self._free.pop()

    def take_all_back(self) -> None:
        self._free = list(self._all)

    def close(self) -> None:
        for switch in self._all:
            switch.close()
