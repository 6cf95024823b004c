"""Nodes, links and one event queue: a network whose time is the simulation's."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Protocol

from tests.simulation.clock import SimulatedClock

LINK_DELAY = 0.0005  # seconds
STEP_LIMIT = 5_000_000  # events in one run: more is a loop


class Node(Protocol):
    """Whatever has timers of its own."""

    def next_deadline(self) -> float | None: ...

    def advance(self) -> None: ...


class Link:
    """A wire between two ends; `tap` sees every frame that goes over it, either way."""

    def __init__(self, network: Network, delay: float = LINK_DELAY) -> None:
        self._network = network
        self._delay = delay
        self._receivers: list[Callable[[bytes], None]] = []
        self.tap: list[bytes] = []
        self.up = True

    def attach(self, receive: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """Add an end; return the function that sends from there."""
        end = len(self._receivers)
        assert end < 2, "a link has two ends"
        self._receivers.append(receive)
        return lambda frame: self._send(1 - end, frame)

    def _send(self, to: int, frame: bytes) -> None:
        if not self.up:
            return
        self.tap.append(frame)
        self._network.at(self._network.clock.now + self._delay, lambda: self._receivers[to](frame))


class Network:
    """Runs everything in the order of time."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.nodes: list[Node] = []

    def at(self, time: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._events, (time, next(self._order), action))

    def run(self, seconds: float) -> None:
        """Let that much time pass, doing all that falls due."""
        end = self.clock.now + seconds
        for _ in range(STEP_LIMIT):
            due = self._next()
            if due is None or due > end:
                break
            self.clock.now = max(self.clock.now, due)
            while self._events and self._events[0][0] <= self.clock.now:
                heapq.heappop(self._events)[2]()
            for node in self.nodes:
                deadline = node.next_deadline()
                if deadline is not None and deadline <= self.clock.now:
                    node.advance()
        else:
            raise AssertionError("the simulation does not come to rest")
        self.clock.now = end

    def _next(self) -> float | None:
        deadlines = [node.next_deadline() for node in self.nodes]
        if self._events:
            deadlines.append(self._events[0][0])
        return min((time for time in deadlines if time is not None), default=None)
