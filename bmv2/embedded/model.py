"""What the data plane and the P4Runtime server of the embedded switch share.

The data plane (``bmv2.embedded.datapath``) owns the objects below and reads them for each
packet; the server (``bmv2.embedded.server``) fills them on behalf of controllers. Both run on
one thread, so no lock is needed: a write is atomic with respect to packets.

Values are plain ``int``; widths are those of the P4 program, in bits. Times are ``int``
nanoseconds of the injected clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

ClockNs = Callable[[], int]
"""Monotonic time in nanoseconds. Injected, so that tests decide what time it is."""


class MatchKind(StrEnum):
    """Match kinds of the bmv2 JSON."""

    EXACT = "exact"
    LPM = "lpm"
    TERNARY = "ternary"
    RANGE = "range"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True)
class KeyField:
    """One field of a table's key, in the order of the P4 source."""

    name: str
    kind: MatchKind
    bitwidth: int


@dataclass(frozen=True, slots=True)
class ActionParam:
    """One run-time parameter of an action."""

    name: str
    bitwidth: int


@dataclass(frozen=True, slots=True)
class ActionInfo:
    """An action as tables refer to it."""

    name: str
    params: tuple[ActionParam, ...]


FieldMatch = tuple[int, int]
"""How one key field matches, always two integers.

exact: (value, 0) · lpm: (value, prefix length in bits) · ternary: (value, mask) ·
range: (low, high), both inclusive · optional: (value, 1), or (0, 0) for "any".
Values are already masked to their mask or prefix.
"""

MatchKey = tuple[FieldMatch, ...]
"""One `FieldMatch` a key field, in key order. A "don't care" is mask 0, length 0, or full range."""


@dataclass(slots=True)
class MeterConfig:
    """A two-rate three-colour meter (RFC 2698). Rates in units per second, bursts in units."""

    cir: int
    cburst: int
    pir: int
    pburst: int


@dataclass(slots=True)
class CounterCell:
    """Packets and bytes; a frame's bytes are its length on the wire when it entered."""

    packets: int = 0
    bytes: int = 0


@dataclass(slots=True, eq=False)
class Entry:
    """One table entry. Identity, not value, tells two entries apart."""

    match: MatchKey
    priority: int  # 0 where the table's key needs none; else larger wins
    action: str
    params: tuple[int, ...] = field(repr=False)  # may hold keys
    idle_timeout_ns: int = 0  # 0: never
    last_hit_ns: int = 0  # set at insertion, then at each hit
    counter: CounterCell = field(default_factory=CounterCell)
    meter: MeterConfig | None = None
    opaque: object = None  # the server's own (metadata, controller_metadata)


class TableError(Exception):
    """A table operation that cannot be done; nothing was changed."""


class TableFullError(TableError):
    """The table holds as many entries as it may."""


class EntryExistsError(TableError):
    """An entry with this match and priority is there already."""


class EntryNotFoundError(TableError):
    """No entry with this match and priority."""


class TableStore(Protocol):
    """One match-action table of the running program."""

    name: str
    keys: tuple[KeyField, ...]
    actions: Mapping[str, ActionInfo]
    max_size: int
    support_timeout: bool
    has_counter: bool
    has_meter: bool
    needs_priority: bool
    const_default: bool

    def insert(self, entry: Entry) -> None:
        """Add; `EntryExistsError`, `TableFullError`."""

    def modify(self, match: MatchKey, priority: int, action: str, params: tuple[int, ...]) -> Entry:
        """Change the action of an entry, keeping its counter; `EntryNotFoundError`."""

    def delete(self, match: MatchKey, priority: int) -> Entry:
        """Remove; `EntryNotFoundError`."""

    def get(self, match: MatchKey, priority: int) -> Entry | None:
        """Find the entry with exactly this match and priority."""

    def entries(self) -> Iterable[Entry]:
        """All entries, in insertion order."""

    def set_default(self, action: str, params: tuple[int, ...]) -> None:
        """Set what a miss does."""

    def reset_default(self) -> None:
        """Return to the default action that the program declares."""

    @property
    def default(self) -> tuple[str, tuple[int, ...]]:
        """The current default action."""

    @property
    def initial_default(self) -> tuple[str, tuple[int, ...]]:
        """The default action that the program declares."""


class CounterArray(Protocol):
    """An indirect counter."""

    name: str
    size: int
    cells: Sequence[CounterCell]


class MeterArray(Protocol):
    """An indirect meter; a cell that was never configured is green for all."""

    name: str
    size: int

    def configure(self, index: int, config: MeterConfig | None) -> None:
        """Set a cell's rates, or with None return it to "always green"; its buckets are full."""

    def config(self, index: int) -> MeterConfig | None:
        """Read a cell's rates."""


@dataclass(slots=True)
class PortCounters:
    """Frames through one port; bytes as on the wire, the frame check sequence not included."""

    received: CounterCell = field(default_factory=CounterCell)
    transmitted: CounterCell = field(default_factory=CounterCell)
    dropped: CounterCell = field(default_factory=CounterCell)  # came in here, left nowhere


class Program(Protocol):
    """A pipeline that was compiled from bmv2 JSON, with its state."""

    tables: Mapping[str, TableStore]
    counters: Mapping[str, CounterArray]
    meters: Mapping[str, MeterArray]
    registers: Mapping[str, int]  # name → size; no P4Runtime access, as on bmv2
    digests: Mapping[str, Sequence[tuple[str, int]]]  # learn list name → (field, bits)

    def adopt_registers(self, previous: Program) -> None:
        """Take over the contents of the registers that both programs have, by name.

        Raises:
            PipelineError: One of them has another size or width; nothing was changed.
        """


class PipelineError(Exception):
    """The JSON holds something that this switch does not implement, or is not bmv2 JSON."""


class Datapath(Protocol):
    """The forwarding half of the switch."""

    cpu_port: int
    program: Program | None
    on_cpu_packet: Callable[[bytes], None]  # a frame that left by the CPU port
    on_digest: Callable[[str, tuple[int, ...]], None]  # learn list name, field values
    on_transmit: Callable[[int, bytes], None]  # port, a frame that left by any other port
    port_counters: Mapping[int, PortCounters]  # by port, from its first frame on

    def compile(self, config: bytes) -> Program:
        """Compile bmv2 JSON without using it; `PipelineError` says what is not supported."""

    def commit(self, program: Program) -> None:
        """Start to use a compiled program; its tables are empty."""

    def inject(self, port: int, frame: bytes) -> None:
        """Process a frame as if it came in by this port (the CPU port: a packet-out)."""
