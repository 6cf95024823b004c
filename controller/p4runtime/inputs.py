"""What a switch tells the controller, and the bounded queue that it waits in."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field

from controller.p4runtime.entities import ClearReport, Entry, MeterCell, PacketIn

PACKETS_PER_REASON = 256
"""Packet-ins of one punt reason that wait at most, so that no reason starves another."""

REPORTS = 4096
"""Clear reports that wait at most."""


@dataclass(frozen=True, slots=True)
class Connected:
    """We are the switch's primary controller, and it runs our program.

    `found` is every entry of our tables with the default action of `passive_mode`, `meters` every
    cell that is configured: both for `DesiredState.reconcile`. `pipeline_pushed`: the switch ran
    no program, or another one, so that nothing of what it held before is left.
    """

    found: tuple[Entry, ...] = field(repr=False)
    meters: tuple[MeterCell, ...] = field(repr=False)
    pipeline_pushed: bool
    notice: str = ""  # something that the operator should know


@dataclass(frozen=True, slots=True)
class Lost:
    """There is no switch to write to, for this reason; the channel goes on trying."""

    reason: str


@dataclass(frozen=True, slots=True)
class IdleEntries:
    """Entries that no packet has hit for their idle timeout."""

    entries: tuple[Entry, ...]


SwitchInput = Connected | Lost | PacketIn | ClearReport | IdleEntries

_REPORT = "report"


class InputQueue:
    """Inputs in the order of their arrival. Packets and reports are bounded, and dropped beyond.

    `Connected` and `Lost` are few, and `IdleEntries` are bounded by the tables; none is dropped.

    Attributes:
        packets_dropped: packet-ins for which there was no room.
        reports_dropped: clear reports for which there was no room.
        stream_errors: messages that could not be read, and errors about messages of ours.
    """

    def __init__(self) -> None:
        self._inputs: deque[SwitchInput] = deque()
        self._waiting: Counter[int | str] = Counter()
        self._available = asyncio.Event()
        self.packets_dropped = 0
        self.reports_dropped = 0
        self.stream_errors = 0

    def __len__(self) -> int:
        return len(self._inputs)

    def put(self, item: SwitchInput) -> bool:
        """Add an input; False if it was dropped."""
        match item:
            case PacketIn():
                if self._waiting[item.reason] >= PACKETS_PER_REASON:
                    self.packets_dropped += 1
                    return False
                self._waiting[item.reason] += 1
            case ClearReport():
                if self._waiting[_REPORT] >= REPORTS:
                    self.reports_dropped += 1
                    return False
                self._waiting[_REPORT] += 1
            case _:
                pass
        self._inputs.append(item)
        self._available.set()
        return True

    async def get(self) -> SwitchInput:
        """Wait for the next input and take it."""
        while not self._inputs:
            self._available.clear()
            await self._available.wait()
        return self._take()

    def take_all(self) -> list[SwitchInput]:
        """Take what is there, without waiting."""
        return [self._take() for _ in range(len(self._inputs))]

    def _take(self) -> SwitchInput:
        item = self._inputs.popleft()
        match item:
            case PacketIn():
                self._waiting[item.reason] -= 1
            case ClearReport():
                self._waiting[_REPORT] -= 1
            case _:
                pass
        return item
