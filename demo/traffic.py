"""Numbered packets from host to host, and what became of each of them."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from controller.service.clock import Clock
from demo.core import Core
from demo.host import Host

FIRST_PORT = 7000
SIZE = 64  # bytes of a payload

_MAGIC = b"demo"
_PAYLOAD = struct.Struct("!4sHI")


@dataclass(frozen=True, slots=True)
class Schedule:
    """When packets go out: a burst at `first`, and every `period` after. In seconds."""

    period: float
    first: float = 0.0
    burst: int = 1


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of a number of packets; the last three add up to the first."""

    sent: int
    dropped: int  # did not arrive
    clear: int  # arrived, and could be read on the core
    encrypted: int  # arrived, and could not


@dataclass(eq=False, slots=True)
class Flow:
    """Packets from one host to another, by their numbers from 0."""

    number: int
    source: Host
    destination: Host
    schedule: Schedule
    sent: list[float] = field(default_factory=list)  # when
    delivered: dict[int, float] = field(default_factory=dict)  # when
    readable: set[int] = field(default_factory=set)  # seen in the clear on the core

    @property
    def name(self) -> str:
        """Say from where to where."""
        return f"{self.source.name} → {self.destination.name}"

    @property
    def address(self) -> IPv4Address:
        """Where the packets go."""
        return self.destination.address

    def tally(self, start: int = 0) -> Tally:
        """Count what became of the packets from this number on."""
        numbers = range(start, len(self.sent))
        arrived = [number for number in numbers if number in self.delivered]
        clear = sum(number in self.readable for number in arrived)
        return Tally(
            len(numbers), len(numbers) - len(arrived), clear, encrypted=len(arrived) - clear
        )

    def encrypted(self, start: int = 0) -> list[int]:
        """Return the numbers of the packets that arrived encrypted, from one on."""
        return [
            number
            for number in range(start, len(self.sent))
            if number in self.delivered and number not in self.readable
        ]

    def clear(self, start: int = 0) -> list[int]:
        """Return the numbers of the packets that were seen in the clear, from one on."""
        return sorted(number for number in self.readable if number >= start)

    def send(self, now: float) -> None:
        """Send the next packet."""
        payload = _PAYLOAD.pack(_MAGIC, self.number, len(self.sent)).ljust(SIZE, b".")
        self.sent.append(now)
        self.source.send_udp(self.address, FIRST_PORT + self.number, payload)


class Traffic:
    """All flows, and the tasks that send them."""

    def __init__(self, clock: Clock, core: Core) -> None:
        self.flows: list[Flow] = []
        self._clock = clock
        self._tasks: list[asyncio.Task[None]] = []
        core.on_clear = self._seen_in_clear

    def start(self, source: Host, destination: Host, schedule: Schedule) -> Flow:
        """Begin a flow; it goes on until `stop`."""
        flow = Flow(len(self.flows), source, destination, schedule)
        self.flows.append(flow)
        destination.on_udp = self._arrived
        self._tasks.append(asyncio.create_task(self._run(flow), name=flow.name))
        return flow

    def check(self) -> None:
        """Raise what has ended a flow, if something has."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def stop(self) -> None:
        """End all flows."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, flow: Flow) -> None:
        due = self._clock.now() + flow.schedule.first
        while True:
            await asyncio.sleep(max(0.0, self._clock.real(due - self._clock.now())))
            for _ in range(flow.schedule.burst):
                flow.send(self._clock.now())
            # A machine that can't keep up sends later, but not in a rush.
            due = max(due + flow.schedule.period, self._clock.now())

    def _arrived(self, payload: bytes) -> None:
        found = self._find(payload)
        if found is not None:
            flow, number = found
            flow.delivered.setdefault(number, self._clock.now())

    def _seen_in_clear(self, payload: bytes) -> None:
        found = self._find(payload)
        if found is not None:
            flow, number = found
            flow.readable.add(number)

    def _find(self, payload: bytes) -> tuple[Flow, int] | None:
        if len(payload) != SIZE:
            return None
        magic, flow, number = _PAYLOAD.unpack_from(payload)
        if magic != _MAGIC or flow >= len(self.flows):
            return None
        return self.flows[flow], number
