"""The named objects that actions refer to, made from the document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bmv2.embedded.datapath.codegen.document import Item
from bmv2.embedded.datapath.codegen.layout import MAX_FIELD_BITS, Field, Layout
from bmv2.embedded.datapath.state import Counters, DirectMeters, Meters, Registers

MAX_CELLS = 1 << 20  # of all arrays of a program together
METER_RATES = 2


@dataclass(frozen=True, slots=True)
class LearnList:
    """A digest: its name and the fields that it carries."""

    name: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class DirectMeter:
    """The meter of a table's entries, and the field that takes the colour."""

    meters: DirectMeters
    target: Field


class Resources:
    """All arrays, digests, field lists and extern instances of a program, by name or id."""

    def __init__(self, document: Item, layout: Layout) -> None:
        self._cells = 0
        self.counters: dict[str, Counters] = {}
        self.registers: dict[str, Registers] = {}
        self.meters: dict[str, Meters] = {}
        self.direct_meters: dict[str, DirectMeter] = {}
        self.digests: dict[int, LearnList] = {}
        self.field_lists: dict[int, tuple[Field, ...]] = {}
        self.externs: dict[str, str] = {}  # instance → type
        self.calculations = {item["name"].text(): item for item in document.list("calculations")}
        self.errors = {item[0].text(): item[1].integer() for item in document.list("errors")}
        for item in document.list("counter_arrays"):
            if not item.flag("is_direct"):
                name = item["name"].text()
                self.counters[name] = Counters(name, self._size(item))
        for item in document.list("register_arrays"):
            name, bits = item["name"].text(), item["bitwidth"].integer(1, MAX_FIELD_BITS)
            self.registers[name] = Registers(name, self._size(item), bits)
        for item in document.list("meter_arrays"):
            self._add_meter(item, layout)
        for item in document.list("learn_lists"):
            fields = tuple(_fields(item, layout))
            self.digests[item["id"].integer(1)] = LearnList(item["name"].text(), fields)
        for item in document.list("field_lists"):
            self.field_lists[item["id"].integer(1)] = tuple(_fields(item, layout))
        for item in document.list("extern_instances"):
            for attribute in item.list("attribute_values"):
                raise attribute.error("attributes of externs are not supported")
            self.externs[item["name"].text()] = item["type"].text()

    def _add_meter(self, item: Item, layout: Layout) -> None:
        name, unit = item["name"].text(), item["type"].text()
        if unit not in ("packets", "bytes"):
            raise item.error(f"meters of {unit!r} are not supported")
        if item["rate_count"].integer() != METER_RATES:
            raise item.error(f"a meter must have {METER_RATES} rates")
        if item.flag("is_direct"):
            target = layout.field(item["result_target"])
            self.direct_meters[name] = DirectMeter(DirectMeters(unit == "bytes"), target)
        else:
            self.meters[name] = Meters(name, self._size(item), unit == "bytes")

    def _size(self, item: Item) -> int:
        size = item["size"].integer(0, MAX_CELLS)
        self._cells += size
        if self._cells > MAX_CELLS:
            raise item.error(f"more than {MAX_CELLS} cells in all")
        return size


def _fields(item: Item, layout: Layout) -> Iterator[Field]:
    for element in item["elements"]:
        if element.kind() != "field":
            raise element.error(f"elements of type {element.kind()!r} are not supported")
        yield layout.field(element["value"])
