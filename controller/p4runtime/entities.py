"""State of the switch as the controller declares it: entries, meter cells, packets.

Names are those of P4Info (table, action, field and parameter aliases); values are integers, as
wide as P4Info says. These types are what the reconciler compares and what is encoded for finsy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

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


@dataclass(frozen=True, slots=True)
class MeterCell:
    """One cell of an indirect meter. Rates in packets per second, bursts in packets."""

    meter: str
    index: int
    rate: int
    burst: int


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
