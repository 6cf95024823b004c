"""Counters of the pipeline: what to ask for, and what the answers mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address

import finsy as fy
from finsy.proto import p4r

from controller.p4runtime.entities import CounterValue
from controller.p4runtime.enums import DropReason
from controller.p4runtime.errors import EntryError


class CounterKind(StrEnum):
    """What can be read: four direct counters by their tables, three indirect ones by name."""

    SAD_IN = "sad_in"
    SAD_OUT = "sad_out"
    DESTINATIONS = "clear_destinations"
    SOURCES = "clear_sources"
    HOLD = "hold_counter"
    CLEAR = "clear_counter"
    DROPS = "drop_counter"


_DIRECT = (
    CounterKind.SAD_IN,
    CounterKind.SAD_OUT,
    CounterKind.DESTINATIONS,
    CounterKind.SOURCES,
)


@dataclass(frozen=True, slots=True)
class Counters:
    """Counter values as read from the switch. What was not asked for is empty.

    `hold`, `clear` and `drops` have no zeros in them.
    """

    sad_in: Mapping[int, CounterValue] = field(default_factory=dict)  # by SA id
    sad_out: Mapping[int, CounterValue] = field(default_factory=dict)  # by packet type
    hold: Mapping[int, CounterValue] = field(default_factory=dict)  # by packet type
    clear: Mapping[int, CounterValue] = field(default_factory=dict)  # by packet type
    destinations: Mapping[tuple[int, IPv4Address], CounterValue] = field(default_factory=dict)
    sources: Mapping[tuple[int, IPv4Address], CounterValue] = field(default_factory=dict)
    drops: Mapping[DropReason, CounterValue] = field(default_factory=dict)


def counter_requests(schema: fy.P4Schema, kinds: Iterable[CounterKind]) -> Iterator[p4r.Entity]:
    """Yield what to ask for, so that the answers are all values of these kinds."""
    for kind in kinds:
        if kind in _DIRECT:
            yield fy.P4TableEntry(kind.value, counter_data=fy.P4CounterData()).encode(schema)
        else:
            yield fy.P4CounterEntry(kind.value).encode(schema)


def decode_counters(schema: fy.P4Schema, messages: Iterable[p4r.Entity]) -> Counters:
    """Return the values out of the answers; cells beyond what we know of are left out.

    Raises:
        EntryError: an answer is none of our program's.
    """
    decoder = _Decoder(schema)
    for message in messages:
        decoder.take(message)
    return decoder.counters()


class _Decoder:
    """Reads messages by their ids: counters are read every second, for thousands of entries."""

    def __init__(self, schema: fy.P4Schema) -> None:
        self._tables = {schema.tables[kind.value].id: kind for kind in _DIRECT}
        self._cells: dict[int, dict[int, CounterValue]] = {}
        self._ids: dict[CounterKind, int] = {}
        for kind in CounterKind:
            if kind not in _DIRECT:
                self._ids[kind] = schema.counters[kind.value].id
                self._cells[self._ids[kind]] = {}
        self._sa_id = schema.actions["decapsulate"].params["sa_id"].id
        self._sad_in: dict[int, CounterValue] = {}
        self._sad_out: dict[int, CounterValue] = {}
        self._destinations: dict[tuple[int, IPv4Address], CounterValue] = {}
        self._sources: dict[tuple[int, IPv4Address], CounterValue] = {}

    def take(self, message: p4r.Entity) -> None:
        if message.HasField("counter_entry"):
            self._take_cell(message.counter_entry)
            return
        entry = message.table_entry
        value = _value(entry.counter_data)
        match self._tables.get(entry.table_id):
            case CounterKind.SAD_IN:
                for param in entry.action.action.params:
                    if param.param_id == self._sa_id:
                        self._sad_in[int.from_bytes(param.value, "big")] = value
            case CounterKind.SAD_OUT:
                (packet_type,) = _match(entry, 1)
                self._sad_out[packet_type] = value
            case CounterKind.DESTINATIONS:
                packet_type, address = _match(entry, 2)
                self._destinations[packet_type, IPv4Address(address)] = value
            case CounterKind.SOURCES:
                packet_type, address = _match(entry, 2)
                self._sources[packet_type, IPv4Address(address)] = value
            case _:
                raise EntryError(f"no counter of our program: table id {entry.table_id:#x}")

    def _take_cell(self, cell: p4r.CounterEntry) -> None:
        cells = self._cells.get(cell.counter_id)
        if cells is None:
            raise EntryError(f"no counter of our program: id {cell.counter_id:#x}")
        if cell.data.packet_count or cell.data.byte_count:
            cells[cell.index.index] = _value(cell.data)

    def counters(self) -> Counters:
        known = {reason.value for reason in DropReason}
        drops = self._cells[self._ids[CounterKind.DROPS]]
        return Counters(
            sad_in=self._sad_in,
            sad_out=self._sad_out,
            hold=self._cells[self._ids[CounterKind.HOLD]],
            clear=self._cells[self._ids[CounterKind.CLEAR]],
            destinations=self._destinations,
            sources=self._sources,
            drops={DropReason(index): drops[index] for index in drops if index in known},
        )


def _match(entry: p4r.TableEntry, count: int) -> list[int]:
    """Return the exact match fields 1 to `count`, as their ids are fixed in the P4 program."""
    values = {field.field_id: field.exact.value for field in entry.match}
    try:
        return [int.from_bytes(values[number], "big") for number in range(1, count + 1)]
    except KeyError:
        raise EntryError(f"an entry without its key: table id {entry.table_id:#x}") from None


def _value(data: p4r.CounterData) -> CounterValue:
    return CounterValue(data.packet_count, data.byte_count)
