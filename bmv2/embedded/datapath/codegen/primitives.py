"""Action primitives as Python statements, with the meaning that bmv2 gives them.

See `src/bm_sim/core/primitives.cpp` and `targets/simple_switch/primitives.cpp` there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from bmv2.embedded.datapath.codegen.calculations import HASH_BITS, write_calculation
from bmv2.embedded.datapath.codegen.context import DROP_PORT, Context
from bmv2.embedded.datapath.codegen.document import Item
from bmv2.embedded.datapath.codegen.expressions import Data, stored
from bmv2.embedded.datapath.codegen.extern_calls import find_extern_method, write_extern_call
from bmv2.embedded.datapath.codegen.layout import Field, Header
from bmv2.embedded.datapath.codegen.source import bare, literal

Primitive = Callable[[Context, list[Item], Sequence[Data]], None]
T = TypeVar("T")

INDEX_BITS = 32  # bmv2 takes indices as `unsigned int`


def write_primitive(context: Context, item: Item, params: Sequence[Data]) -> None:
    """Write one primitive call; `PipelineError` where it is unknown or malformed."""
    op = item["op"].text()
    arguments = item.list("parameters")
    known = PRIMITIVES.get(op)
    if known is not None:
        count, function = known
        if len(arguments) != count:
            raise item.error(f"{op} takes {count} parameters")
        function(context, arguments, params)
        return
    method = find_extern_method(context, op, arguments)
    if method is None:
        raise item.error(f"primitive {op!r} is not supported")
    write_extern_call(context, item, method, arguments, params)


def _header(context: Context, item: Item) -> Header:
    if item.kind() != "header":
        raise item.error("expected a header")
    return context.layout.header(item["value"])


def _named(objects: Mapping[str, T], item: Item, kind: str) -> T:
    if item.kind() != kind:
        raise item.error(f"expected a {kind}")
    found = objects.get(item["value"].text())
    if found is None:
        raise item.error(f"unknown {kind} {item['value'].text()!r}")
    return found


def _constant_id(context: Context, item: Item, known: Mapping[int, object], what: str) -> int:
    value = context.expressions.data(item).constant
    if value is None or value not in known:
        raise item.error(f"unknown {what}")
    return value


def _index(context: Context, item: Item, params: Sequence[Data], size: int) -> tuple[str, str]:
    """Return the index into an array of `size` cells, and the head of the block that uses it.

    bmv2 does nothing where the index is out of bounds.
    """
    data = context.expressions.data(item, params)
    index = data.source
    if data.bits is None or data.bits > INDEX_BITS:
        index = f"{index} & {literal((1 << INDEX_BITS) - 1)}"
    if not index.isidentifier():
        context.writer.line(f"index = {index}")
        index = "index"
    return index, f"if {index} < {size}:"


def _assign(context: Context, arguments: list[Item], params: Sequence[Data]) -> None:
    field = context.expressions.target(arguments[0])
    value = stored(field, context.expressions.data(arguments[1], params))
    if value != field.variable:
        context.writer.line(f"{field.variable} = {bare(value)}")


def _assign_header(context: Context, arguments: list[Item], _: Sequence[Data]) -> None:
    target, source = (_header(context, argument) for argument in arguments)
    if target.type_name != source.type_name or target.metadata or source.metadata:
        raise arguments[0].error("the headers are not of one type")
    writer = context.writer
    with writer.block(f"if {source.validity}:"):
        writer.line(f"{target.validity} = 1")
        for mine, other in zip(target.fields, source.fields, strict=True):
            writer.line(f"{mine.variable} = {other.variable}")
    with writer.block("else:"):
        writer.line(f"{target.validity} = 0")


def _add_header(context: Context, arguments: list[Item], _: Sequence[Data]) -> None:
    header = _packet_header(context, arguments[0])
    writer = context.writer
    with writer.block(f"if not {header.validity}:"):
        writer.line(f"{' = '.join(field.variable for field in header.fields)} = 0")
        writer.line(f"{header.validity} = 1")
        writer.line(f"wire_length += {header.octets}")


def _remove_header(context: Context, arguments: list[Item], _: Sequence[Data]) -> None:
    header = _packet_header(context, arguments[0])
    writer = context.writer
    with writer.block(f"if {header.validity}:"):
        writer.line(f"{header.validity} = 0")
        writer.line(f"wire_length -= {header.octets}")


def _packet_header(context: Context, item: Item) -> Header:
    header = _header(context, item)
    if header.metadata:
        raise item.error("metadata is always valid")
    return header


def _mark_to_drop(context: Context, arguments: list[Item], _: Sequence[Data]) -> None:
    header = _header(context, arguments[0])
    port = header.by_name.get("egress_spec")
    if port is None:
        raise arguments[0].error("has no field 'egress_spec'")
    context.writer.line(f"{port.variable} = {literal(DROP_PORT & port.mask)}")
    group = header.by_name.get("mcast_grp")
    if group is not None:
        context.writer.line(f"{group.variable} = 0")


def _count(context: Context, arguments: list[Item], params: Sequence[Data]) -> None:
    counters = _named(context.resources.counters, arguments[0], "counter_array")
    cells = context.bind(counters.name, counters.cells)
    index, check = _index(context, arguments[1], params, counters.size)
    with context.writer.block(check):
        context.writer.line(f"cell = {cells}[{index}]")
        context.writer.line("cell.packets += 1")
        context.writer.line("cell.bytes += length")


def _execute_meter(context: Context, arguments: list[Item], params: Sequence[Data]) -> None:
    meters = _named(context.resources.meters, arguments[0], "meter_array")
    field = context.expressions.target(arguments[2])
    execute = context.bind(meters.name, meters.execute)
    index, check = _index(context, arguments[1], params, meters.size)
    with context.writer.block(check):
        color = stored(field, Data(f"{execute}({index}, length, now)", 2))
        context.writer.line(f"{field.variable} = {color}")


def _register_read(context: Context, arguments: list[Item], params: Sequence[Data]) -> None:
    field = context.expressions.target(arguments[0])
    registers = _named(context.resources.registers, arguments[1], "register_array")
    cells = context.bind(registers.name, registers.cells)
    index, check = _index(context, arguments[2], params, registers.size)
    with context.writer.block(check):
        value = stored(field, Data(f"{cells}[{index}]", registers.bits))
        context.writer.line(f"{field.variable} = {value}")


def _register_write(context: Context, arguments: list[Item], params: Sequence[Data]) -> None:
    registers = _named(context.resources.registers, arguments[0], "register_array")
    cells = context.bind(registers.name, registers.cells)
    data = context.expressions.data(arguments[2], params)
    cell = Field("", registers.name, registers.bits, False, "")
    index, check = _index(context, arguments[1], params, registers.size)
    with context.writer.block(check):
        context.writer.line(f"{cells}[{index}] = {stored(cell, data)}")


def _generate_digest(context: Context, arguments: list[Item], _: Sequence[Data]) -> None:
    digest = _constant_id(context, arguments[1], context.resources.digests, "learn list")
    context.writer.line(f"digest = {digest}")


def _recirculate(context: Context, arguments: list[Item], _: Sequence[Data]) -> None:
    known = context.resources.field_lists
    context.writer.line(f"recirculate = {_constant_id(context, arguments[0], known, 'field list')}")


def _resubmit(context: Context, arguments: list[Item], _: Sequence[Data]) -> None:
    known = context.resources.field_lists
    context.writer.line(f"resubmit = {_constant_id(context, arguments[0], known, 'field list')}")


def _hash(context: Context, arguments: list[Item], params: Sequence[Data]) -> None:
    target, base, calculation, size = arguments
    field = context.expressions.target(target)
    if calculation.kind() != "calculation":
        raise calculation.error("expected a calculation")
    write_calculation(context, calculation["value"], "value")
    limit = context.expressions.data(size, params)
    value = "value"
    if limit.constant is None:
        value = f"(value % (({limit.source}) or 1))"
    elif limit.constant != 0:  # and 0 counts as 1
        value = f"(value % {limit.source})"
    else:
        value = "0"
    offset = context.expressions.data(base, params)
    bits: int | None = HASH_BITS if limit.constant is None else (limit.constant or 1).bit_length()
    if offset.constant != 0:
        value = f"({value} + {offset.source})"
        bits = None
    context.writer.line(f"{field.variable} = {stored(field, Data(value, bits))}")


def _exit(context: Context, _: list[Item], __: Sequence[Data]) -> None:
    context.writer.line("exited = 1")


def _no_op(_: Context, __: list[Item], ___: Sequence[Data]) -> None:
    pass


PRIMITIVES: dict[str, tuple[int, Primitive]] = {
    "assign": (2, _assign),
    "assign_header": (2, _assign_header),
    "add_header": (1, _add_header),
    "remove_header": (1, _remove_header),
    "mark_to_drop": (1, _mark_to_drop),
    "count": (2, _count),
    "execute_meter": (3, _execute_meter),
    "register_read": (3, _register_read),
    "register_write": (3, _register_write),
    "generate_digest": (2, _generate_digest),
    "recirculate": (1, _recirculate),
    "resubmit": (1, _resubmit),
    "modify_field_with_hash_based_offset": (4, _hash),
    "exit": (0, _exit),
    "no_op": (0, _no_op),
}
