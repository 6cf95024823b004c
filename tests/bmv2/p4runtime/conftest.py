"""A data plane that only stores: made from P4Info alone, with what the server needs of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from finsy.proto import p4i, p4r
from google.protobuf import text_format
from google.protobuf.message import DecodeError

from bmv2.embedded.model import (
    ActionInfo,
    ActionParam,
    CounterCell,
    Entry,
    EntryExistsError,
    EntryNotFoundError,
    KeyField,
    MatchKey,
    MatchKind,
    MeterConfig,
    PipelineError,
    TableFullError,
)
from bmv2.embedded.p4runtime.service import P4RuntimeService

P4INFO = Path(__file__).parents[3] / "p4src" / "build" / "p4ipsec.p4info.txtpb"
DEVICE_ID = 1
CPU_PORT = 510
ELECTION_ID = 10

_Default = tuple[str, tuple[int, ...]]


class StoredTable:
    def __init__(self, table: p4i.Table, p4info: p4i.P4Info) -> None:
        actions = {action.preamble.id: action for action in p4info.actions}
        self.name = table.preamble.name
        self.keys = tuple(
            KeyField(
                f.name, MatchKind(p4i.MatchField.MatchType.Name(f.match_type).lower()), f.bitwidth
            )
            for f in table.match_fields
        )
        self.actions: Mapping[str, ActionInfo] = {
            actions[ref.id].preamble.name: ActionInfo(
                actions[ref.id].preamble.name,
                tuple(ActionParam(p.name, p.bitwidth) for p in actions[ref.id].params),
            )
            for ref in table.action_refs
        }
        self.max_size = table.size
        self.support_timeout = table.idle_timeout_behavior == p4i.Table.NOTIFY_CONTROL
        self.has_counter = any(
            c.direct_table_id == table.preamble.id for c in p4info.direct_counters
        )
        self.has_meter = any(m.direct_table_id == table.preamble.id for m in p4info.direct_meters)
        self.needs_priority = any(
            key.kind in (MatchKind.TERNARY, MatchKind.RANGE, MatchKind.OPTIONAL)
            for key in self.keys
        )
        self.const_default = table.const_default_action_id != 0
        first = actions[table.const_default_action_id or table.action_refs[0].id]
        self._initial: _Default = (first.preamble.name, (0,) * len(first.params))
        self._default = self._initial
        self._entries: dict[tuple[MatchKey, int], Entry] = {}

    def insert(self, entry: Entry) -> None:
        if (entry.match, entry.priority) in self._entries:
            raise EntryExistsError
        if len(self._entries) >= self.max_size:
            raise TableFullError
        self._entries[entry.match, entry.priority] = entry

    def modify(self, match: MatchKey, priority: int, action: str, params: tuple[int, ...]) -> Entry:
        if (match, priority) not in self._entries:
            raise EntryNotFoundError
        entry = self._entries[match, priority]
        entry.action, entry.params = action, params
        return entry

    def delete(self, match: MatchKey, priority: int) -> Entry:
        if (match, priority) not in self._entries:
            raise EntryNotFoundError
        return self._entries.pop((match, priority))

    def get(self, match: MatchKey, priority: int) -> Entry | None:
        return self._entries.get((match, priority))

    def entries(self) -> Iterable[Entry]:
        return list(self._entries.values())

    def set_default(self, action: str, params: tuple[int, ...]) -> None:
        self._default = (action, params)

    def reset_default(self) -> None:
        self._default = self._initial

    @property
    def default(self) -> _Default:
        return self._default

    @property
    def initial_default(self) -> _Default:
        return self._initial


class StoredCounter:
    def __init__(self, name: str, size: int) -> None:
        self.name, self.size = name, size
        self.cells = [CounterCell() for _ in range(size)]


class StoredMeter:
    def __init__(self, name: str, size: int) -> None:
        self.name, self.size = name, size
        self._configs: dict[int, MeterConfig] = {}

    def configure(self, index: int, config: MeterConfig | None) -> None:
        if config is None:
            self._configs.pop(index, None)
        else:
            self._configs[index] = config

    def config(self, index: int) -> MeterConfig | None:
        return self._configs.get(index)


class StoredProgram:
    def __init__(self, p4info: p4i.P4Info) -> None:
        self.tables = {t.preamble.name: StoredTable(t, p4info) for t in p4info.tables}
        self.counters = {
            c.preamble.name: StoredCounter(c.preamble.name, c.size) for c in p4info.counters
        }
        self.meters = {m.preamble.name: StoredMeter(m.preamble.name, m.size) for m in p4info.meters}
        self.registers = {r.preamble.name: r.size for r in p4info.registers}
        self.adopted: StoredProgram | None = None
        structs = p4info.type_info.structs
        self.digests = {
            d.preamble.name: [
                (m.name, m.type_spec.bitstring.bit.bitwidth)
                for m in structs[d.type_spec.struct.name].members
            ]
            for d in p4info.digests
        }

    def adopt_registers(self, previous: StoredProgram) -> None:
        if any(previous.registers.get(name, size) != size for name, size in self.registers.items()):
            raise PipelineError("a register differs in size")
        self.adopted = previous


class StoredDatapath:
    """Compiles serialized P4Info, and records what is injected."""

    def __init__(self) -> None:
        self.cpu_port = CPU_PORT
        self.program: StoredProgram | None = None
        self.on_cpu_packet = lambda frame: None
        self.on_digest = lambda name, values: None
        self.on_transmit = lambda port, frame: None
        self.port_counters: dict[int, object] = {}
        self.injected: list[tuple[int, bytes]] = []

    def compile(self, config: bytes) -> StoredProgram:
        try:
            return StoredProgram(p4i.P4Info.FromString(config))
        except DecodeError as error:
            raise PipelineError("cannot be parsed") from error

    def commit(self, program: StoredProgram) -> None:
        self.program = program

    def inject(self, port: int, frame: bytes) -> None:
        self.injected.append((port, frame))


class Bench:
    """A server on a `StoredDatapath`, with its clock and a connected primary."""

    def __init__(self, p4info: p4i.P4Info) -> None:
        self.now = 1_000_000_000
        self.datapath = StoredDatapath()
        self.service = P4RuntimeService(
            self.datapath, device_id=DEVICE_ID, clock_ns=lambda: self.now
        )
        self.p4info = p4info
        self.session = self.connect(ELECTION_ID)

    def connect(self, election_id: int | None, role: str = ""):
        session = self.service.open_session()
        session.receive(arbitration(election_id, role=role))
        return session

    def config(self, p4info: p4i.P4Info | None = None, cookie: int = 7):
        info = p4info or self.p4info
        config = p4r.ForwardingPipelineConfig(
            p4info=info, p4_device_config=info.SerializeToString()
        )
        config.cookie.cookie = cookie
        return config

    def set_pipeline(self, action="VERIFY_AND_COMMIT", config=None, election_id=ELECTION_ID):
        request = p4r.SetForwardingPipelineConfigRequest(device_id=DEVICE_ID, action=action)
        request.election_id.low = election_id
        if action != "COMMIT" or config is not None:
            request.config.CopyFrom(config or self.config())
        self.service.set_pipeline(request)

    def write(self, *updates: p4r.Update, atomicity="CONTINUE_ON_ERROR"):
        self.service.write(write_request(*updates, atomicity=atomicity))

    def read(self, *entities: p4r.Entity) -> list[p4r.Entity]:
        request = p4r.ReadRequest(device_id=DEVICE_ID, entities=entities)
        return [entity for response in self.service.read(request) for entity in response.entities]

    def state(self, *, arrays: bool = False) -> list[bytes]:
        """All that a client can read, in an order of its own; arrays are many cells."""
        everything = [
            *self.read(p4r.Entity(table_entry=p4r.TableEntry(counter_data=p4r.CounterData()))),
            *self.read(p4r.Entity(table_entry=p4r.TableEntry(is_default_action=True))),
        ]
        if arrays:
            everything += self.read(p4r.Entity(counter_entry=p4r.CounterEntry()))
            everything += self.read(p4r.Entity(meter_entry=p4r.MeterEntry()))
        return sorted(entity.SerializeToString(deterministic=True) for entity in everything)

    def advance(self, seconds: float) -> None:
        self.now += int(seconds * 1e9)
        self.service.advance(self.now)


def arbitration(election_id: int | None, *, device_id=DEVICE_ID, role=""):
    message = p4r.StreamMessageRequest()
    message.arbitration.device_id = device_id
    if role:
        message.arbitration.role.name = role
    if election_id is not None:
        message.arbitration.election_id.high = election_id >> 64
        message.arbitration.election_id.low = election_id & (2**64 - 1)
    return message


def write_request(*updates, atomicity="CONTINUE_ON_ERROR", election_id=ELECTION_ID):
    request = p4r.WriteRequest(device_id=DEVICE_ID, updates=updates, atomicity=atomicity)
    request.election_id.low = election_id
    return request


@pytest.fixture(scope="session")
def p4info() -> p4i.P4Info:
    return text_format.Parse(P4INFO.read_text(), p4i.P4Info())


@pytest.fixture
def bench(p4info) -> Bench:
    """A server with the project's own pipeline."""
    made = Bench(p4info)
    made.set_pipeline()
    made.session.drain()
    return made


@pytest.fixture
def make_datapath():
    """Makes data planes that only store."""
    return StoredDatapath


@pytest.fixture
def make_bench():
    """Makes servers on data planes that only store."""
    return Bench
