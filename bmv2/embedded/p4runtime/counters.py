"""Counters, indirect and direct (specification §9.3)."""

from __future__ import annotations

from collections.abc import Iterator

from finsy.proto import p4r

from bmv2.embedded.model import CounterCell
from bmv2.embedded.p4runtime.codes import INDEX_BEYOND_SIZE, Code
from bmv2.embedded.p4runtime.errors import P4RuntimeError, invalid, unimplemented
from bmv2.embedded.p4runtime.schema import CounterSchema, Schema
from bmv2.embedded.p4runtime.undo import Undo

_INT64_MAX = 2**63 - 1


def write_counter(
    schema: Schema, update: p4r.Update.Type.ValueType, message: p4r.CounterEntry
) -> Undo:
    """Set a cell (MODIFY), or as bmv2 does, set it to 0 (DELETE).

    Raises:
        P4RuntimeError: The counter or the cell does not exist, or the update is an INSERT.
    """
    counter = _indirect(schema, message.counter_id)
    if not message.HasField("index"):
        raise unimplemented(f"{counter.name}: writing all cells at once is not implemented")
    cell = _cell(counter, message.index.index)
    return write_cell(update, cell, message.data if message.HasField("data") else None)


def read_counter(schema: Schema, message: p4r.CounterEntry) -> Iterator[p4r.Entity]:
    """Read one cell, all cells of a counter (no index), or of all counters (id 0)."""
    if message.counter_id == 0:
        counters = list(schema.counters.values())
    else:
        counters = [_indirect(schema, message.counter_id)]
    for counter in counters:
        if message.HasField("index"):
            places = [message.index.index]
        else:
            places = list(range(counter.array.size))
        for place in places:
            entity = p4r.Entity()
            entity.counter_entry.counter_id = counter.id
            entity.counter_entry.index.index = place
            encode_cell(_cell(counter, place), entity.counter_entry.data)
            yield entity


def write_cell(
    update: p4r.Update.Type.ValueType, cell: CounterCell, data: p4r.CounterData | None
) -> Undo:
    """Write a cell that was found; without data a MODIFY changes nothing.

    Raises:
        P4RuntimeError: The update is neither MODIFY nor DELETE, or a count is negative.
    """
    if update == p4r.Update.MODIFY:
        return set_cell(cell, data) if data is not None else Undo.NOTHING
    if update == p4r.Update.DELETE:
        return set_cell(cell, p4r.CounterData())
    if update == p4r.Update.INSERT:
        raise invalid("a counter cannot be inserted")
    raise invalid("the type of the update is not set")


def set_cell(cell: CounterCell, data: p4r.CounterData) -> Undo:
    """Set both counts.

    Raises:
        P4RuntimeError: A count is negative.
    """
    if data.packet_count < 0 or data.byte_count < 0:
        raise invalid("a count cannot be negative")
    before = cell.packets, cell.bytes
    cell.packets, cell.bytes = data.packet_count, data.byte_count

    def restore() -> None:
        cell.packets, cell.bytes = before

    return Undo(restore)


def encode_cell(cell: CounterCell, data: p4r.CounterData) -> None:
    """Fill in both counts."""
    data.packet_count = min(cell.packets, _INT64_MAX)
    data.byte_count = min(cell.bytes, _INT64_MAX)


def _indirect(schema: Schema, counter_id: int) -> CounterSchema:
    counter = schema.counters.get(counter_id)
    if counter is None:
        # An id of a direct counter, too, is not one of a CounterEntry.
        raise P4RuntimeError(
            Code.INVALID_ARGUMENT, f"there is no indirect counter with id {counter_id:#x}"
        )
    return counter


def _cell(counter: CounterSchema, index: int) -> CounterCell:
    if index < 0:
        raise invalid(f"{counter.name}: an index cannot be negative")
    if index >= counter.array.size:
        raise P4RuntimeError(
            INDEX_BEYOND_SIZE, f"{counter.name}: the index is not below {counter.array.size}"
        )
    return counter.array.cells[index]
