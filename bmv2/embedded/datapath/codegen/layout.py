"""Header types and instances: which fields there are, and the Python variable of each.

Every field of every header instance is one local variable of the generated function, and so is
the validity of every header instance that is not metadata.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from bmv2.embedded.datapath.codegen.document import Item
from bmv2.embedded.datapath.codegen.source import Namer

VALIDITY = "$valid$"
MAX_FIELD_BITS = 4096
MAX_FIELDS = 10_000


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a header instance. `variable` holds its value, within its width."""

    header: str
    name: str
    bits: int
    signed: bool
    variable: str

    @property
    def mask(self) -> int:
        """All ones, as wide as the field."""
        return (1 << self.bits) - 1


@dataclass(frozen=True)
class Header:
    """A header or metadata instance. `validity` is a variable of 0 or 1; None: metadata."""

    name: str
    type_name: str
    fields: tuple[Field, ...]
    validity: str | None

    @property
    def metadata(self) -> bool:
        """Always valid, and never part of a packet."""
        return self.validity is None

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Fields by name."""
        return {field.name: field for field in self.fields}

    @property
    def bits(self) -> int:
        """Width on the wire, in bits."""
        return sum(field.bits for field in self.fields)

    @property
    def octets(self) -> int:
        """Length on the wire, in bytes."""
        return self.bits // 8


class Layout:
    """The header instances of a program."""

    def __init__(self, document: Item, namer: Namer) -> None:
        for key in (
            "header_stacks",
            "header_unions",
            "header_union_types",
            "header_union_stacks",
            "parse_vsets",
        ):
            document.refuse_members(key)
        types = {item["name"].text(): item for item in document.list("header_types")}
        self.headers: dict[str, Header] = {}
        total = 0
        for item in document.list("headers"):
            type_item = types.get(item["header_type"].text())
            if type_item is None:
                raise item.error("unknown header type")
            header = _instance(item, type_item, namer)
            if header.name in self.headers:
                raise item.error("a header of this name exists already")
            total += len(header.fields)
            if total > MAX_FIELDS:
                raise item.error(f"more than {MAX_FIELDS} fields")
            self.headers[header.name] = header

    def header(self, item: Item) -> Header:
        """Return the header instance that an item names."""
        header = self.headers.get(item.text())
        if header is None:
            raise item.error(f"unknown header {item.text()!r}")
        return header

    def field(self, item: Item) -> Field:
        """Return the field that a pair of names refers to; not for `VALIDITY`."""
        header = self.header(item[0])
        field = header.by_name.get(item[1].text())
        if field is None:
            raise item.error(f"header {header.name!r} has no field {item[1].text()!r}")
        return field

    def find(self, header: str, field: str) -> Field | None:
        """Return a field by its names, or None."""
        found = self.headers.get(header)
        return None if found is None else found.by_name.get(field)


def _instance(item: Item, type_item: Item, namer: Namer) -> Header:
    name = item["name"].text()
    metadata = item.flag("metadata")
    # p4c gathers all scalars of the program in one metadata instance of this name.
    prefix = "" if metadata and name == "scalars" else f"{name}_"
    fields = []
    for field_item in type_item["fields"]:
        field_name = field_item[0].text()
        if field_item[1].value == "*":
            raise field_item.error("fields of variable length are not supported")
        bits = field_item[1].integer(1, MAX_FIELD_BITS)
        signed_item, saturating = field_item.get(2), field_item.get(3)
        if saturating is not None and saturating.boolean():
            raise field_item.error("saturating fields are not supported")
        signed = signed_item is not None and signed_item.boolean()
        variable = namer.name(prefix + field_name)
        fields.append(Field(name, field_name, bits, signed, variable))
    header = Header(
        name,
        type_item["name"].text(),
        tuple(fields),
        None if metadata else namer.name(f"{name}_valid"),
    )
    if not metadata and (header.bits % 8 or not header.bits):
        raise type_item.error("a header must be a whole number of bytes")
    if len(header.by_name) != len(fields):
        raise type_item.error("two fields of one name")
    return header
