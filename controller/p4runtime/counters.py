"""Counters of the pipeline: what to ask for, and what the answers mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address

import finsy as fy
from finsy.proto import p4r

from controller.p4runtime import tables
from controller.p4runtime.codec import decode_entry
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
    sad_in: dict[int, CounterValue] = {}
    sad_out: dict[int, CounterValue] = {}
    destinations: dict[tuple[int, IPv4Address], CounterValue] = {}
    sources: dict[tuple[int, IPv4Address], CounterValue] = {}
    cells: dict[int, dict[int, CounterValue]] = {
        schema.counters[kind.value].id: {} for kind in CounterKind if kind not in _DIRECT
    }
    for message in messages:
        if message.HasField("counter_entry"):
            cell = message.counter_entry
            if cell.counter_id not in cells:
                raise EntryError(f"not a counter of our program: id {cell.counter_id:#x}")
            if cell.data.packet_count or cell.data.byte_count:
                cells[cell.counter_id][cell.index.index] = _value(cell.data)
            continue
        entry = decode_entry(schema, message)
        value = _value(message.table_entry.counter_data)
        match entry.key.table:
            case CounterKind.SAD_IN.value:
                sad_in[tables.parse_sad_in(entry).sa_id] = value
            case CounterKind.SAD_OUT.value:
                sad_out[tables.parse_sad_out(entry).packet_type] = value
            case CounterKind.DESTINATIONS.value:
                destinations[tables.parse_clear_destination(entry)] = value
            case CounterKind.SOURCES.value:
                sources[tables.parse_clear_source(entry)] = value
            case _:
                raise EntryError(f"{entry.key.table} has no counter that we know of")
    known = {reason.value for reason in DropReason}
    return Counters(
        sad_in=sad_in,
        sad_out=sad_out,
        hold=cells[schema.counters[CounterKind.HOLD.value].id],
        clear=cells[schema.counters[CounterKind.CLEAR.value].id],
        destinations=destinations,
        sources=sources,
        drops={
            DropReason(index): value
            for index, value in cells[schema.counters[CounterKind.DROPS.value].id].items()
            if index in known
        },
    )


def _value(data: p4r.CounterData) -> CounterValue:
    return CounterValue(data.packet_count, data.byte_count)
