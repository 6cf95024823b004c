"""Calls of extern methods.

To p4c an extern's method is a primitive named `_<type>_<method>` with the instance as its first
argument.
"""

from __future__ import annotations

from collections.abc import Sequence

from bmv2.embedded.datapath.codegen.context import Context
from bmv2.embedded.datapath.codegen.document import Item
from bmv2.embedded.datapath.codegen.expressions import Data, stored
from bmv2.embedded.datapath.codegen.layout import Field, Header
from bmv2.embedded.datapath.externs import EXTERNS, Method


def find_extern_method(context: Context, op: str, arguments: list[Item]) -> Method | None:
    """Return the method that a primitive calls, or None where it is not one of an extern."""
    if not arguments or arguments[0].kind() != "extern":
        return None
    instance = arguments[0]["value"]
    type_name = context.resources.externs.get(instance.text())
    if type_name is None:
        raise instance.error(f"unknown extern instance {instance.text()!r}")
    prefix = f"_{type_name}_"
    return EXTERNS[type_name].get(op.removeprefix(prefix)) if op.startswith(prefix) else None


def check_extern_types(document: Item) -> None:
    """Raise `PipelineError` for an instance of a type that this switch does not have."""
    for instance in document.list("extern_instances"):
        if instance["type"].text() not in EXTERNS:
            raise instance.error(f"extern type {instance['type'].text()!r} is not supported")


def write_extern_call(
    context: Context, item: Item, method: Method, arguments: list[Item], params: Sequence[Data]
) -> None:
    """Write the call of a method; `arguments` begin with the instance."""
    has_header = method.takes_header or method.gives_header
    expected = 1 + has_header + len(method.inputs) + len(method.outputs)
    if len(arguments) != expected:
        raise item.error(f"takes {expected - 1} arguments")
    rest = arguments[1:]
    sources, variables = ["payload"], ["payload"]
    header = _header(context, rest.pop(0)) if has_header else None
    given = context.variable("given") if method.gives_header else ""
    if header and method.takes_header:
        sources.append(f"{context.pack(header)} if {header.validity} else b''")
    if given:
        variables.append(given)
    for argument, (name, bits) in zip(rest, method.inputs, strict=False):
        data = context.expressions.data(argument, params)
        sources.append(stored(Field("", name, bits, False, ""), data))
    targets = [context.expressions.target(argument) for argument in rest[len(method.inputs) :]]
    function = context.bind(method.function.__name__, method.function)
    variables += [target.variable for target in targets]
    context.writer.line(f"{', '.join(variables)} = {function}({', '.join(sources)})")
    for target, (_, bits) in zip(targets, method.outputs, strict=True):
        value = stored(target, Data(target.variable, bits))
        if value != target.variable:
            context.writer.line(f"{target.variable} = {value}")
    if header and given:
        with context.writer.block(f"if {given}:"):
            context.unpack(header, f"{given}, 0")
            context.writer.line(f"{header.validity} = 1")


def _header(context: Context, item: Item) -> Header:
    if item.kind() != "header":
        raise item.error("expected a header")
    header = context.layout.header(item["value"])
    if header.validity is None:
        raise item.error("metadata is no header")
    return header
