"""Table entries and meter cells to P4Runtime messages and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

import finsy as fy
from finsy.p4schema import P4MatchField, P4MatchType
from finsy.proto import p4r

from controller.p4runtime.entities import (
    Declared,
    Entry,
    EntryKey,
    MatchValue,
    MeterCell,
    Update,
    UpdateKind,
)
from controller.p4runtime.errors import EntryError
from controller.p4runtime.ordering import TABLES
from p4src import artefacts

METERS = ("punt_meter", "ike_meter", "no_sa_meter", "report_meter")
NS_PER_SECOND = 1_000_000_000


def load_schema() -> fy.P4Schema:
    """Return the schema of the compiled program, with the program itself for the switch.

    Raises:
        OSError: the artefacts are not there.
    """
    return fy.P4Schema(artefacts.P4INFO_PATH, artefacts.JSON_PATH)


def to_finsy(schema: fy.P4Schema, entity: Declared) -> fy.P4TableEntry | fy.P4MeterEntry:
    """Return finsy's form of an entity."""
    if isinstance(entity, MeterCell):
        config = fy.P4MeterConfig(
            cir=entity.rate, cburst=entity.burst, pir=entity.rate, pburst=entity.burst
        )
        return fy.P4MeterEntry(entity.meter, index=entity.index, config=config)
    table = schema.tables[entity.key.table]
    match = {
        name: value
        for name, value in entity.key.match
        if not _matches_everything(table.match_fields[name], value)
    }
    return fy.P4TableEntry(
        entity.key.table,
        match=fy.P4TableMatch(match) if match else None,
        action=fy.P4TableAction(entity.action, **dict(entity.params)) if entity.action else None,
        priority=entity.key.priority,
        is_default_action=entity.key.is_default,
        idle_timeout_ns=round(entity.idle_timeout * NS_PER_SECOND),
    )


def encode_entity(schema: fy.P4Schema, entity: Declared) -> p4r.Entity:
    """Return the message of an entity.

    Raises:
        EntryError: the program has no such table, field, action or parameter, or a value is wider
            than it. The message has no values in it: they can be key material.
    """
    try:
        return to_finsy(schema, entity).encode(schema)
    except (ValueError, KeyError, TypeError, OverflowError):
        # What finsy says quotes the value, so neither the text nor the cause may get out.
        label = entity.label if isinstance(entity, Entry) else f"{entity.meter} {entity.index}"
        raise EntryError(f"does not fit the P4 program: {label}") from None


_UPDATE_TYPES = {
    UpdateKind.INSERT: p4r.Update.INSERT,
    UpdateKind.MODIFY: p4r.Update.MODIFY,
    UpdateKind.DELETE: p4r.Update.DELETE,
}


def encode_update(schema: fy.P4Schema, update: Update) -> p4r.Update:
    """Return the message of one update.

    Raises:
        EntryError: as `encode_entity`.
    """
    entity = update.entity
    kind = update.kind
    if kind is UpdateKind.DELETE:
        if not isinstance(entity, Entry):
            raise EntryError(f"a meter cell can't be deleted: {entity.meter} {entity.index}")
        # The key is enough, and keeps key material off the wire.
        entity = Entry(entity.key, "", label=entity.label)
        if entity.key.is_default:
            # P4Runtime §9.1.3: without an action, MODIFY brings back the program's own default.
            kind = UpdateKind.MODIFY
    return p4r.Update(type=_UPDATE_TYPES[kind], entity=encode_entity(schema, entity))


def encode_updates(schema: fy.P4Schema, updates: Iterable[Update]) -> list[p4r.Update]:
    """Return the messages of updates, in their order.

    Raises:
        EntryError: as `encode_entity`.
    """
    return [encode_update(schema, update) for update in updates]


def decode_key(schema: fy.P4Schema, message: p4r.TableEntry) -> EntryKey:
    """Return what makes the entry the same entry.

    Raises:
        EntryError: it is none of our program's.
    """
    return _key(schema, _table_entry(schema, message))


def decode_entry(schema: fy.P4Schema, message: p4r.Entity | p4r.TableEntry) -> Entry:
    """Return a table entry of the switch. Its label names the table and the match.

    Raises:
        EntryError: it is none of our program's.
    """
    table_entry = message.table_entry if isinstance(message, p4r.Entity) else message
    found = _table_entry(schema, table_entry)
    key = _key(schema, found)
    match = " ".join(f"{name}={_show(value)}" for name, value in key.match) or "default"
    label = f"{key.table} {match}"
    timeout = found.idle_timeout_ns / NS_PER_SECOND
    if found.action is None:
        return Entry(key, "", (), timeout, label)
    if not isinstance(found.action, fy.P4TableAction):
        raise EntryError(f"an indirect action: {label}")
    action = schema.tables[found.table_id].actions[found.action.name]
    params = tuple(
        (param.name, cast("int", found.action.args[param.name]))
        for param in action.params
        if param.name in found.action.args
    )
    return Entry(key, action.alias, params, timeout, label)


def _table_entry(schema: fy.P4Schema, message: p4r.TableEntry) -> fy.P4TableEntry:
    try:
        entry = fy.P4TableEntry.decode_entry(message, schema)
    except (ValueError, KeyError, TypeError):
        raise EntryError(f"not an entry of our program: table id {message.table_id:#x}") from None
    if not entry.table_id:
        raise EntryError("a table entry without a table")
    return entry


def _key(schema: fy.P4Schema, entry: fy.P4TableEntry) -> EntryKey:
    table = schema.tables[entry.table_id]
    values: dict[str, MatchValue] = entry.match or {}
    match = tuple(
        (field.alias, values[field.alias])
        for field in table.match_fields
        if field.alias in values and not _matches_everything(field, values[field.alias])
    )
    return EntryKey(table.alias, match, entry.priority, entry.is_default_action)


def _matches_everything(field: P4MatchField, value: MatchValue) -> bool:
    """Tell whether P4Runtime §9.1.1 wants the field left out."""
    match field.match_type:
        case P4MatchType.RANGE:
            return value == (0, (1 << field.bitwidth) - 1)
        case P4MatchType.TERNARY | P4MatchType.LPM:
            return isinstance(value, tuple) and value[1] == 0
        case _:
            return False


def _show(value: MatchValue) -> str:
    return f"{value[0]:#x}/{value[1]:#x}" if isinstance(value, tuple) else f"{value:#x}"


def decode_meter_cell(schema: fy.P4Schema, message: p4r.Entity) -> MeterCell | None:
    """Return a meter cell; None if it is not configured, or not as one of ours would be.

    Raises:
        EntryError: it is none of our program's.
    """
    entry = message.meter_entry
    meter = schema.meters.get(entry.meter_id)
    if meter is None:
        raise EntryError(f"not a meter of our program: id {entry.meter_id:#x}")
    config = entry.config
    if not entry.HasField("config") or config.cir != config.pir or config.cburst != config.pburst:
        return None
    return MeterCell(meter.alias, entry.index.index, config.cir, config.cburst)


def read_table_requests(schema: fy.P4Schema) -> Iterator[p4r.Entity]:
    """Yield what to ask for, so that the answers are every entry of our tables."""
    for table in TABLES:
        is_default = table == "passive_mode"
        yield fy.P4TableEntry(table, is_default_action=is_default).encode(schema)


def read_meter_requests(schema: fy.P4Schema) -> Iterator[p4r.Entity]:
    """Yield what to ask for, so that the answers are every cell of our meters."""
    for meter in METERS:
        yield fy.P4MeterEntry(meter).encode(schema)
