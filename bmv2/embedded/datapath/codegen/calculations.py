"""Named calculations: hashes and checksums over fields, headers and the payload."""

from __future__ import annotations

from dataclasses import dataclass

from bmv2.embedded.datapath.codegen.context import Context
from bmv2.embedded.datapath.codegen.document import Item
from bmv2.embedded.datapath.codegen.expressions import unsigned
from bmv2.embedded.datapath.codegen.layout import MAX_FIELD_BITS, Header
from bmv2.embedded.datapath.codegen.source import literal
from bmv2.embedded.datapath.hashes import CHECKSUMS16, HASHES

HASH_BITS = 64


@dataclass(slots=True)
class _Group:
    """Inputs that are there or not together. `validity` None: always."""

    validity: str | None
    parts: list[tuple[str, int]]  # source, bits

    @property
    def bits(self) -> int:
        return sum(bits for _, bits in self.parts)

    def joined(self) -> str:
        """Return source for the concatenation of the parts."""
        left, terms = self.bits, []
        for source, bits in self.parts:
            left -= bits
            terms.append(f"{source} << {left}" if left else source)
        return " | ".join(f"({term})" for term in terms)

    def summed(self) -> str:
        """Return source for a number congruent to the sum of their 16-bit words mod 0xffff."""
        left, terms = self.bits + -self.bits % 16, []
        for source, bits in self.parts:
            left -= bits
            shift = left % 16
            terms.append(f"({source} << {shift})" if shift else source)
        return " + ".join(terms)


def write_calculation(context: Context, name: Item, target: str) -> None:
    """Write statements that leave the value of a calculation in the variable `target`.

    Raises:
        PipelineError: it is unknown, or its algorithm or one of its inputs is.
    """
    calculation = context.resources.calculations.get(name.text())
    if calculation is None:
        raise name.error(f"unknown calculation {name.text()!r}")
    algorithm = calculation["algo"].text()
    function = HASHES.get(algorithm)
    if function is None:
        raise calculation.error(f"hash algorithm {algorithm!r} is not supported")
    groups, with_payload = _inputs(context, calculation)
    writer = context.writer
    if algorithm in CHECKSUMS16 and len(groups) == 1 and not with_payload:
        group = groups[0]
        source = f"complement_sum16({group.summed()})"
        if group.validity is not None:
            source += f" if {group.validity} else {literal(function(b''))}"
        writer.line(f"{target} = {source}")
        return
    writer.line("value = bits = 0")
    for group in groups:
        if group.validity is None:
            _write_append(context, group)
        else:
            with writer.block(f"if {group.validity}:"):
                _write_append(context, group)
    writer.line("octets = (value << -bits % 8).to_bytes((bits + 7) // 8, 'big')")
    if with_payload:
        writer.line("octets += payload")
    writer.line(f"{target} = {context.bind(algorithm, function)}(octets)")


def _write_append(context: Context, group: _Group) -> None:
    context.writer.line(f"value = value << {group.bits} | {group.joined()}")
    context.writer.line(f"bits += {group.bits}")


def _inputs(context: Context, calculation: Item) -> tuple[list[_Group], bool]:
    groups: list[_Group] = []
    with_payload = False

    def add(validity: str | None, source: str, bits: int) -> None:
        if not groups or groups[-1].validity != validity:
            groups.append(_Group(validity, []))
        groups[-1].parts.append((source, bits))

    def header_of(item: Item) -> Header:
        return context.layout.header(item)

    for item in calculation["input"]:
        kind = item.kind()
        if kind == "payload":
            with_payload = True
        elif kind == "field":
            field = context.layout.field(item["value"])
            add(header_of(item["value"][0]).validity, unsigned(field), field.bits)
        elif kind == "header":
            header = header_of(item["value"])
            for field in header.fields:
                add(header.validity, unsigned(field), field.bits)
        elif kind == "hexstr":
            bits = item["bitwidth"].integer(1, MAX_FIELD_BITS)
            value = item["value"].hexadecimal()
            if not 0 <= value < 1 << bits:
                raise item.error(f"does not fit {bits} bits")
            add(None, literal(value), bits)
        else:
            raise item.error(f"inputs of type {kind!r} are not supported")
    return groups, with_payload
