"""Joining a P4Info to the compiled program that it came with.

Every object of the P4Info has to be in the program with the same shape, so that afterwards nothing
has to be looked up by name, and nothing can be missing.
"""

from __future__ import annotations

from collections.abc import Mapping

from finsy.proto import p4i

from bmv2.embedded.model import ActionInfo, MatchKind, Program, TableStore
from bmv2.embedded.p4runtime import restrictions
from bmv2.embedded.p4runtime.codes import CONFIG_NOT_REALIZABLE
from bmv2.embedded.p4runtime.errors import P4RuntimeError
from bmv2.embedded.p4runtime.schema import (
    ActionSchema,
    CounterSchema,
    DigestSchema,
    MatchFieldSchema,
    MeterSchema,
    PacketMetadataSchema,
    ParamSchema,
    Schema,
    Scope,
    TableSchema,
)

_MATCH_KINDS: Mapping[int, MatchKind] = {
    p4i.MatchField.EXACT: MatchKind.EXACT,
    p4i.MatchField.LPM: MatchKind.LPM,
    p4i.MatchField.TERNARY: MatchKind.TERNARY,
    p4i.MatchField.RANGE: MatchKind.RANGE,
    p4i.MatchField.OPTIONAL: MatchKind.OPTIONAL,
}
_NEED_PRIORITY = frozenset({MatchKind.TERNARY, MatchKind.RANGE, MatchKind.OPTIONAL})


def _mismatch(message: str) -> P4RuntimeError:
    return P4RuntimeError(CONFIG_NOT_REALIZABLE, f"P4Info and device config differ: {message}")


def bind(p4info: p4i.P4Info, program: Program) -> Schema:
    """Join a P4Info to the compiled program that it came with.

    Raises:
        P4RuntimeError: They do not describe the same program.
    """
    if not p4info.ByteSize():
        raise _mismatch("P4Info is empty")
    _check_ids_are_unique(p4info)
    if p4info.action_profiles or p4info.value_sets or p4info.externs:
        raise _mismatch("action profiles, value sets and other externs are not implemented")
    actions = {action.preamble.id: _bind_action_ids(action) for action in p4info.actions}
    direct_counters = {counter.direct_table_id for counter in p4info.direct_counters}
    direct_meters = {meter.direct_table_id for meter in p4info.direct_meters}
    tables = {
        table.preamble.id: _bind_table(table, program, actions, direct_counters, direct_meters)
        for table in p4info.tables
    }
    headers = {
        header.preamble.name: PacketMetadataSchema(
            tuple((field.id, field.name, field.bitwidth) for field in header.metadata)
        )
        for header in p4info.controller_packet_metadata
    }
    digests = {
        digest.preamble.id: _bind_digest(digest, p4info, program) for digest in p4info.digests
    }
    return Schema(
        tables=tables,
        actions=actions,
        counters={
            counter.preamble.id: _bind_counter(counter, program) for counter in p4info.counters
        },
        direct_counters=frozenset(counter.preamble.id for counter in p4info.direct_counters),
        meters={meter.preamble.id: _bind_meter(meter, program) for meter in p4info.meters},
        direct_meters=frozenset(meter.preamble.id for meter in p4info.direct_meters),
        digests=digests,
        digest_ids={digest.name: digest.id for digest in digests.values()},
        packet_in=headers.get("packet_in"),
        packet_out=headers.get("packet_out"),
    )


def _check_ids_are_unique(p4info: p4i.P4Info) -> None:
    seen: set[int] = set()
    for objects in (
        p4info.tables,
        p4info.actions,
        p4info.counters,
        p4info.direct_counters,
        p4info.meters,
        p4info.direct_meters,
        p4info.digests,
        p4info.registers,
    ):
        for thing in objects:
            if thing.preamble.id in seen or thing.preamble.id == 0:
                raise _mismatch(f"id {thing.preamble.id:#x} is 0, or is used twice")
            seen.add(thing.preamble.id)


def _bind_action_ids(action: p4i.Action) -> ActionSchema:
    params = tuple(ParamSchema(param.id, param.name, param.bitwidth) for param in action.params)
    return ActionSchema(
        id=action.preamble.id,
        name=action.preamble.name,
        params=params,
        param_places={param.id: place for place, param in enumerate(params)},
    )


def _bind_table(
    table: p4i.Table,
    program: Program,
    actions: Mapping[int, ActionSchema],
    direct_counters: set[int],
    direct_meters: set[int],
) -> TableSchema:
    name = table.preamble.name
    store = program.tables.get(name)
    if store is None:
        raise _mismatch(f"there is no table {name}")
    if table.implementation_id:
        raise _mismatch(f"table {name} has an action profile, which is not implemented")
    fields = _bind_key(table, store)
    scopes: dict[int, Scope] = {}
    for ref in table.action_refs:
        action = actions.get(ref.id)
        if action is None:
            raise _mismatch(f"table {name} refers to action id {ref.id:#x}, which is not declared")
        _check_action(name, action, store.actions.get(action.name))
        scopes[ref.id] = Scope(ref.scope)
    support_timeout = table.idle_timeout_behavior == p4i.Table.NOTIFY_CONTROL
    if support_timeout and not store.support_timeout:
        raise _mismatch(f"table {name} has no idle timeout")
    if table.preamble.id in direct_counters and not store.has_counter:
        raise _mismatch(f"table {name} has no direct counter")
    if table.preamble.id in direct_meters and not store.has_meter:
        raise _mismatch(f"table {name} has no direct meter")
    exact = {f.name: place for place, f in enumerate(fields) if f.kind is MatchKind.EXACT}
    return TableSchema(
        id=table.preamble.id,
        name=name,
        store=store,
        fields=fields,
        field_places={f.id: place for place, f in enumerate(fields)},
        actions={action_id: actions[action_id] for action_id in scopes},
        scopes=scopes,
        action_ids={action.name: action.id for action in actions.values()},
        restrictions=restrictions.parse(table.preamble.annotations, exact),
        needs_priority=any(f.kind in _NEED_PRIORITY for f in fields),
        const_default=table.const_default_action_id != 0,
        const_entries=table.is_const_table,
        support_timeout=support_timeout,
        has_direct_counter=table.preamble.id in direct_counters,
        has_direct_meter=table.preamble.id in direct_meters,
    )


def _bind_key(table: p4i.Table, store: TableStore) -> tuple[MatchFieldSchema, ...]:
    name = table.preamble.name
    fields: list[MatchFieldSchema] = []
    for match_field in table.match_fields:
        kind = _MATCH_KINDS.get(match_field.match_type)
        if kind is None:
            raise _mismatch(
                f"table {name}: the match kind of {match_field.name} is not implemented"
            )
        fields.append(
            MatchFieldSchema(match_field.id, match_field.name, kind, match_field.bitwidth)
        )
    shape = [(f.kind, f.bitwidth) for f in fields]
    # A key whose fields are of mixed kinds is ternary or LPM as a whole in bmv2 JSON, but each
    # field keeps its own kind there, which is the one that P4Info names.
    if shape != [(key.kind, key.bitwidth) for key in store.keys]:
        raise _mismatch(f"the keys of table {name} differ")
    return tuple(fields)


def _check_action(table: str, action: ActionSchema, info: ActionInfo | None) -> None:
    if info is None:
        raise _mismatch(f"table {table} has no action {action.name}")
    if [param.bitwidth for param in action.params] != [param.bitwidth for param in info.params]:
        raise _mismatch(f"the parameters of action {action.name} differ")


def _bind_counter(counter: p4i.Counter, program: Program) -> CounterSchema:
    name = counter.preamble.name
    array = program.counters.get(name)
    if array is None or array.size != counter.size:
        raise _mismatch(f"there is no counter {name} of size {counter.size}")
    return CounterSchema(counter.preamble.id, name, array)


def _bind_meter(meter: p4i.Meter, program: Program) -> MeterSchema:
    name = meter.preamble.name
    array = program.meters.get(name)
    if array is None or array.size != meter.size:
        raise _mismatch(f"there is no meter {name} of size {meter.size}")
    return MeterSchema(meter.preamble.id, name, array)


def _bind_digest(digest: p4i.Digest, p4info: p4i.P4Info, program: Program) -> DigestSchema:
    name = digest.preamble.name
    spec = digest.type_spec
    shape = spec.WhichOneof("type_spec") or "nothing"
    if shape == "struct":
        if spec.struct.name not in p4info.type_info.structs:
            raise _mismatch(f"digest {name}: there is no struct {spec.struct.name}")
        members = [m.type_spec for m in p4info.type_info.structs[spec.struct.name].members]
    elif shape == "tuple":
        members = list(spec.tuple.members)
    elif shape == "bitstring":
        members = [spec]
    else:
        raise _mismatch(f"digest {name}: a digest of {shape} is not implemented")
    if any(m.bitstring.WhichOneof("type_spec") != "bit" for m in members):
        raise _mismatch(f"digest {name}: only members of type bit<W> are implemented")
    bitwidths = tuple(m.bitstring.bit.bitwidth for m in members)
    fields = program.digests.get(name)
    if fields is None or tuple(bits for _, bits in fields) != bitwidths:
        raise _mismatch(f"there is no digest {name} with fields of {bitwidths} bits")
    return DigestSchema(digest.preamble.id, name, bitwidths, shape)
