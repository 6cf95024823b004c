"""The deparser, and the checksums that are verified before ingress and updated before it."""

from __future__ import annotations

from bmv2.embedded.datapath.codegen.calculations import write_calculation
from bmv2.embedded.datapath.codegen.context import Context
from bmv2.embedded.datapath.codegen.document import Item
from bmv2.embedded.datapath.codegen.expressions import Data, stored
from bmv2.embedded.datapath.codegen.primitives import write_primitive


def write_deparser(context: Context, deparser: Item) -> None:
    """Write the statements that leave the serialized headers in `head`."""
    for primitive in deparser.list("primitives"):
        write_primitive(context, primitive, ())
    writer = context.writer
    writer.line("head = b''")
    for item in deparser["order"]:
        header = context.layout.header(item)
        if header.validity is None:
            raise item.error("metadata cannot be emitted")
        with writer.block(f"if {header.validity}:"):
            writer.line(f"head += {context.pack(header)}")


def write_verification(context: Context, document: Item) -> None:
    """Write the statements that set `checksum_error` to 1 where a checksum is wrong."""
    for item in document.list("checksums"):
        if not _flag(item, "verify"):
            continue
        _check_type(item)
        writer = context.writer
        field = context.layout.field(item["target"])
        conditions = [
            condition
            for condition in (
                context.layout.header(item["target"][0]).validity,
                _condition(context, item),
            )
            if condition is not None
        ]
        with writer.block(f"if {' and '.join(conditions) or 'True'}:"):
            write_calculation(context, item["calculation"], "value")
            with writer.block(f"if value != {field.variable}:"):
                writer.line("checksum_error = 1")


def write_updates(context: Context, document: Item) -> None:
    """Write the statements that update checksums."""
    for item in document.list("checksums"):
        if not _flag(item, "update"):
            continue
        _check_type(item)
        field = context.layout.field(item["target"])
        with context.writer.block(f"if {_condition(context, item) or 'True'}:"):
            write_calculation(context, item["calculation"], "value")
            context.writer.line(f"{field.variable} = {stored(field, Data('value', 64))}")


def _flag(item: Item, key: str) -> bool:
    found = item.get(key)
    return True if found is None else found.boolean()


def _check_type(item: Item) -> None:
    if item["type"].text() != "generic":
        raise item.error(f"checksums of type {item['type'].text()!r} are not supported")


def _condition(context: Context, item: Item) -> str | None:
    condition = item.get("if_cond")
    return None if condition is None else context.expressions.condition(condition)
