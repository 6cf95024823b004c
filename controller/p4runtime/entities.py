"""State of the switch as the controller declares it: entries, meter cells, packets.

Names are those of P4Info (table, action, field and parameter aliases); values are integers, as
wide as P4Info says. These types are what the reconciler compares and what is encoded for finsy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address

MatchValue = int | tuple[int, int]
"""exact: value · lpm: (value, prefix length) · ternary: (value, mask) · range: (low, high).
A field that is left out matches everything."""


@dataclass(frozen=True, slots=True)
class EntryKey:
    """What makes an entry the same entry."""

    table: str
    match: tuple[tuple[str, MatchValue], ...]  # (field, value), in the order of P4Info
    priority: int = 0
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One table entry. `label` says what it is to an operator, and does not count in equality.

    Parameters can be key material, so `repr` leaves them out.
    """

    key: EntryKey
    action: str
    params: tuple[tuple[str, int], ...] = field(default=(), repr=False)
    idle_timeout: float = 0.0  # seconds; 0: never
    label: str = field(default="", compare=False)

    @property
    def description(self) -> str:
        """Say which entry this is: by its label, or, as it was found on a switch, by its match."""
        if self.label:
            return self.label
        match = ", ".join(f"{name} {_match_text(name, value)}" for name, value in self.key.match)
        priority = f", priority {self.key.priority}" if self.key.priority else ""
        return f"the entry of {self.key.table} that was found with {match or 'no match'}{priority}"


_ADDRESSES = frozenset({"address", "destination", "next_hop", "prefix", "source"})
"""Match fields that are IPv4 addresses."""


def _match_text(name: str, value: MatchValue) -> str:
    if name not in _ADDRESSES:
        return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)
    if isinstance(value, int):
        return str(IPv4Address(value))
    address, rest = value  # a prefix length, or a mask
    return f"{IPv4Address(address)}/{rest if rest <= 32 else IPv4Address(rest)}"


@dataclass(frozen=True, slots=True)
class MeterCell:
    """One cell of an indirect meter. Rates in packets per second, bursts in packets."""

    meter: str
    index: int
    rate: int
    burst: int

    @property
    def description(self) -> str:
        """Say which cell this is."""
        return f"cell {self.index} of {self.meter}"


Declared = Entry | MeterCell


class UpdateKind(StrEnum):
    """P4Runtime's Update.Type."""

    INSERT = "insert"
    MODIFY = "modify"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Update:
    """One write. Meter cells are only ever modified."""

    kind: UpdateKind
    entity: Declared


@dataclass(frozen=True, slots=True)
class WriteFailure:
    """An update that the switch refused; `code` is the gRPC code's name."""

    update: Update
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class PacketIn:
    """A packet that the pipeline punted, with the header `packet_in` taken off."""

    reason: int  # PuntReason
    interface_id: int
    packet_type: int
    sa_id: int
    next_hop: int
    frame: bytes  # from the Ethernet header on


@dataclass(frozen=True, slots=True)
class PacketOut:
    """A frame to send. `interface_id` 0: through the pipeline like any packet."""

    frame: bytes
    interface_id: int = 0
    bypass_spd: bool = False


@dataclass(frozen=True, slots=True)
class ClearReport:
    """The digest of `report.p4`: each half is absent when its packet type is 0."""

    sent_packet_type: int
    destination: int
    received_packet_type: int
    source: int
    retry_due: bool


@dataclass(frozen=True, slots=True)
class CounterValue:
    """Packets and bytes of a counter."""

    packets: int
    bytes: int
