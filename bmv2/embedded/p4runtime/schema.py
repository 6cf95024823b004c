"""What requests may name: the objects of a P4Info, each with its counterpart in the program.

`binding.bind` makes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from finsy.proto import p4i

from bmv2.embedded.model import CounterArray, MatchKind, MeterArray, TableStore
from bmv2.embedded.p4runtime.restrictions import Restriction


class Scope(Enum):
    """Where a table may use an action."""

    TABLE_AND_DEFAULT = p4i.ActionRef.TABLE_AND_DEFAULT
    TABLE_ONLY = p4i.ActionRef.TABLE_ONLY
    DEFAULT_ONLY = p4i.ActionRef.DEFAULT_ONLY


@dataclass(frozen=True, slots=True)
class MatchFieldSchema:
    """One field of a table's key."""

    id: int
    name: str
    kind: MatchKind
    bitwidth: int


@dataclass(frozen=True, slots=True)
class ParamSchema:
    """One parameter of an action."""

    id: int
    name: str
    bitwidth: int


@dataclass(frozen=True, slots=True)
class ActionSchema:
    """An action, with its parameters in the program's order."""

    id: int
    name: str
    params: tuple[ParamSchema, ...]
    param_places: Mapping[int, int]  # param id → place in `params`


@dataclass(frozen=True, slots=True, eq=False)
class TableSchema:
    """A table: its P4Info, and its entries in the running program."""

    id: int
    name: str
    store: TableStore
    fields: tuple[MatchFieldSchema, ...]
    field_places: Mapping[int, int]  # field id → place in `fields`
    actions: Mapping[int, ActionSchema]
    scopes: Mapping[int, Scope]
    action_ids: Mapping[str, int]  # name → id, also of actions that only the default may use
    restrictions: tuple[Restriction, ...]
    needs_priority: bool
    const_default: bool
    const_entries: bool
    support_timeout: bool
    has_direct_counter: bool
    has_direct_meter: bool


@dataclass(frozen=True, slots=True, eq=False)
class CounterSchema:
    """An indirect counter; as in bmv2 it counts packets and bytes, whatever its unit."""

    id: int
    name: str
    array: CounterArray


@dataclass(frozen=True, slots=True, eq=False)
class MeterSchema:
    """An indirect meter."""

    id: int
    name: str
    array: MeterArray


@dataclass(frozen=True, slots=True)
class DigestSchema:
    """A digest; widths are those of its members, in bits.

    `is_struct` tells a struct from a tuple or from one bit string.
    """

    id: int
    name: str
    bitwidths: tuple[int, ...]
    shape: str  # "struct", "tuple" or "bitstring"


@dataclass(frozen=True, slots=True)
class PacketMetadataSchema:
    """The fields of a controller packet header, in the order of the wire: (id, name, bits)."""

    fields: tuple[tuple[int, str, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """Everything that requests may name, by id."""

    tables: Mapping[int, TableSchema]
    actions: Mapping[int, ActionSchema]
    counters: Mapping[int, CounterSchema]
    direct_counters: frozenset[int]
    meters: Mapping[int, MeterSchema]
    direct_meters: frozenset[int]
    digests: Mapping[int, DigestSchema]
    digest_ids: Mapping[str, int]
    packet_in: PacketMetadataSchema | None
    packet_out: PacketMetadataSchema | None
