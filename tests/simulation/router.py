"""A router of the simulation: the real control plane, driving a real embedded switch.

Only gRPC and the wall clock are left out: requests are encoded as P4Runtime messages and go
straight into the switch's service.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import cache

import finsy as fy
from finsy.proto import p4r

from bmv2.embedded.datapath import EmbeddedDatapath
from bmv2.embedded.p4runtime.errors import P4RuntimeError
from bmv2.embedded.p4runtime.service import P4RuntimeService
from bmv2.embedded.p4runtime.session import StreamSession
from controller.p4runtime import codec
from controller.p4runtime.entities import CounterValue, Entry, Update, WriteFailure
from controller.p4runtime.ordering import batches
from controller.passive.events import Message
from controller.policy.model import Policy
from controller.router.outputs import Send, Write
from controller.router.router import Router
from ike.types import Secret
from p4src import JSON_PATH
from tests.ike.authority import NOW
from tests.simulation.clock import SimulatedClock

DEVICE_ID = 1
ELECTION_ID = 1
COUNTER_INTERVAL = 1.0  # seconds
EPOCH = NOW.timestamp()  # so that the certificates of tests are valid


@cache
def schema() -> fy.P4Schema:
    return codec.load_schema()


class SimulatedSwitch:
    """The embedded switch without gRPC."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.clock = clock
        self._transmit: dict[int, Callable[[bytes], None]] = {}
        self.reset()

    def reset(self) -> None:
        """Power off and on: no program, no entry, no register survives."""
        self.datapath = EmbeddedDatapath(self.clock.now_ns)
        self.datapath.on_transmit = self._leave
        self.service = P4RuntimeService(
            self.datapath, device_id=DEVICE_ID, clock_ns=self.clock.now_ns
        )

    def connect(self, port: int, transmit: Callable[[bytes], None]) -> None:
        self._transmit[port] = transmit

    def _leave(self, port: int, frame: bytes) -> None:
        transmit = self._transmit.get(port)
        if transmit is not None:
            transmit(frame)


class SimulatedRouter:
    """A switch with its controller; a node of the network."""

    def __init__(
        self, name: str, policy: Policy, clock: SimulatedClock, random: Callable[[int], bytes]
    ) -> None:
        self.name = name
        self.policy = policy
        self.clock = clock
        self._random = random
        self.switch = SimulatedSwitch(clock)
        self.messages: list[tuple[float, Message]] = []
        self.writes: list[Update] = []
        self.failures: list[WriteFailure] = []
        self.packet_ins = 0
        self.digests = 0
        self.session: StreamSession | None = None
        self._inputs: deque[p4r.StreamMessageResponse] = deque()
        self._running = False
        self._counters_at = clock.now
        self.start_controller()

    # --- the controller's life ------------------------------------------------------------

    def start_controller(self, state: bytes | None = None, key: Secret | None = None) -> None:
        """Start a process, with the IKE SAs that an earlier one has exported if they are given."""
        self.control = Router(
            self.policy,
            now=self.clock.now,
            wall_clock=lambda: EPOCH + self.clock.now,
            random_bytes=self._random,
        )
        if state is not None and key is not None:
            self.control.import_state(state, key, self.clock.now)
        self.connect()

    def kill_controller(self) -> None:
        """The process is gone, with no goodbye."""
        self.disconnect()

    def disconnect(self) -> None:
        if self.session is not None:
            self.session.close()
            self.session = None
        self._inputs.clear()

    def connect(self) -> None:
        service = self.switch.service
        self.session = service.open_session(lambda: None)
        self.session.receive(
            p4r.StreamMessageRequest(
                arbitration=p4r.MasterArbitrationUpdate(
                    device_id=DEVICE_ID, election_id=p4r.Uint128(low=ELECTION_ID)
                )
            )
        )
        self.session.drain()
        if self.switch.datapath.program is None:
            config = p4r.ForwardingPipelineConfig(
                p4info=schema().p4info, p4_device_config=JSON_PATH.read_bytes()
            )
            service.set_pipeline(
                p4r.SetForwardingPipelineConfigRequest(
                    device_id=DEVICE_ID,
                    election_id=p4r.Uint128(low=ELECTION_ID),
                    action=p4r.SetForwardingPipelineConfigRequest.VERIFY_AND_COMMIT,
                    config=config,
                )
            )
            service.write(
                p4r.WriteRequest(
                    device_id=DEVICE_ID,
                    election_id=p4r.Uint128(low=ELECTION_ID),
                    updates=[
                        codec.encode_digest_config(
                            schema(), max_list_size=1, max_timeout=0, ack_timeout=1.0
                        )
                    ],
                )
            )
        self.control.connected(self.found(), self.clock.now)
        self.work()

    # --- packets --------------------------------------------------------------------------

    def port(self, number: int) -> Callable[[bytes], None]:
        """The way into this port."""
        return lambda frame: self._receive(number, frame)

    def _receive(self, port: int, frame: bytes) -> None:
        self.switch.datapath.inject(port, frame)
        self.work()

    # --- time -----------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        deadlines = [self.control.next_deadline() if self.session else None]
        switch_ns = self.switch.service.next_deadline_ns()
        if switch_ns is not None:
            deadlines.append(switch_ns / 1e9)
        if self.session and self.control.sad.pairs():
            deadlines.append(self._counters_at)
        return min((time for time in deadlines if time is not None), default=None)

    def advance(self) -> None:
        self.switch.service.advance(self.clock.now_ns())
        if self.session is not None:
            if self._counters_at <= self.clock.now:
                self._counters_at = self.clock.now + COUNTER_INTERVAL
                self.control.sa_counters(
                    self.sad_in_counters(), self.sad_out_counters(), self.clock.now
                )
            self.control.advance(self.clock.now)
        self.work()

    # --- the operator ---------------------------------------------------------------------

    def set_passive_mode(self, enabled: bool) -> list[Message]:
        told = self.control.set_passive_mode(enabled, self.clock.now)
        self.work()
        return told

    def clear_sas(self) -> int:
        count = self.control.clear_sas(None, self.clock.now)
        self.work()
        return count

    def log(self, part: str = "") -> list[str]:
        """The lines logged so far that have this in them."""
        return [message.text for _, message in self.messages if part in message.text]

    # --- what the switch holds ------------------------------------------------------------

    def found(self) -> list[Entry]:
        request = p4r.ReadRequest(
            device_id=DEVICE_ID, entities=list(codec.read_table_requests(schema()))
        )
        return [
            codec.decode_entry(schema(), entity)
            for response in self.switch.service.read(request)
            for entity in response.entities
        ]

    def entries(self, table: str) -> list[Entry]:
        return [entry for entry in self.found() if entry.key.table == table]

    def sad_in_counters(self) -> dict[int, CounterValue]:
        program = self.switch.datapath.program
        assert program is not None
        return {
            entry.params[0]: CounterValue(entry.counter.packets, entry.counter.bytes)
            for entry in program.tables["RouterIngress.sad_in.sad_in"].entries()
            if entry.params  # else its keys are not known yet
        }

    def sad_out_counters(self) -> dict[int, CounterValue]:
        program = self.switch.datapath.program
        assert program is not None
        return {
            entry.match[0][0]: CounterValue(entry.counter.packets, entry.counter.bytes)
            for entry in program.tables["RouterIngress.sad_out.sad_out"].entries()
        }

    def counter(self, name: str, index: int) -> int:
        program = self.switch.datapath.program
        assert program is not None
        return program.counters[name].cells[index].packets

    def drops(self, reason: int) -> int:
        return self.counter("RouterIngress.finish.drop_counter", reason)

    def sent_clear(self) -> int:
        """Packets of all packet types that went in the clear for want of an SA."""
        program = self.switch.datapath.program
        assert program is not None
        return sum(c.packets for c in program.counters["RouterIngress.no_sa.clear_counter"].cells)

    # --- inside ---------------------------------------------------------------------------

    def work(self) -> None:
        """Carry out what the control plane wants, and tell it what comes of it, until at rest."""
        if self._running:
            return
        self._running = True
        try:
            while self._carry_out() or self._take_in():
                pass
        finally:
            self._running = False
        now = self.clock.now
        self.messages += ((now, message) for message in self.control.take_messages())

    def _carry_out(self) -> bool:
        outputs = self.control.take_outputs()
        for output in outputs:
            if self.session is None:
                continue
            match output:
                case Write(updates):
                    self._write(updates)
                case Send(packet):
                    self.session.receive(codec.encode_packet_out(schema(), packet))
        return bool(outputs)

    def _write(self, updates: tuple[Update, ...]) -> None:
        failures: list[WriteFailure] = []
        for batch in batches(updates):
            self.writes += batch
            request = p4r.WriteRequest(
                device_id=DEVICE_ID,
                election_id=p4r.Uint128(low=ELECTION_ID),
                updates=codec.encode_updates(schema(), batch),
            )
            try:
                self.switch.service.write(request)
            except P4RuntimeError as error:
                failures += codec.decode_failures(batch, error.to_status())
        self.failures += failures
        self.control.written(updates, failures, self.clock.now)

    def _take_in(self) -> bool:
        if self.session is None:
            return False
        self._inputs.extend(self.session.drain())
        if not self._inputs:
            return False
        message = self._inputs.popleft()
        now = self.clock.now
        match message.WhichOneof("update"):
            case "packet":
                self.packet_ins += 1
                self.control.packet_in(codec.decode_packet_in(schema(), message), now)
            case "digest":
                for report in codec.decode_digest(schema(), message):
                    self.digests += 1
                    self.control.clear_report(report, now)
                self.session.receive(codec.encode_digest_ack(message))
            case "idle_timeout_notification":
                self.control.idle(codec.decode_idle_entries(schema(), message), now)
            case "error":
                raise AssertionError(f"the switch refused a packet-out: {message.error}")
        return True
