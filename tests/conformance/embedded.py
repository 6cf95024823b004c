"""The embedded switch as the tests' target: P4Runtime without gRPC, and a clock that is set."""

from __future__ import annotations

from finsy.proto import p4r

from bmv2.embedded.datapath import CompiledProgram, EmbeddedDatapath
from bmv2.embedded.p4runtime.service import P4RuntimeService
from p4src.artefacts import JSON_PATH
from tests.conformance.client import (
    DEVICE_ID,
    acknowledgement,
    arbitration,
    digest_entries,
    pipeline_request,
    read_p4info,
    write_request,
)
from tests.conformance.switch import CPU_PORT, Frames


class EmbeddedTarget:
    """`tests.conformance.switch.Switch`.

    Args:
        config: What is pushed as the device config.
        datapath_class: What forwards.
    """

    def __init__(
        self,
        config: bytes | None = None,
        datapath_class: type[EmbeddedDatapath] = EmbeddedDatapath,
    ) -> None:
        self.p4info = read_p4info()
        self.now = 1_000_000_000_000  # nanoseconds
        self._config = JSON_PATH.read_bytes() if config is None else config
        self._sent: Frames = []
        self.datapath = datapath_class(
            lambda: self.now,
            cpu_port=CPU_PORT,
            on_transmit=lambda port, frame: self._sent.append((port, frame)),
        )
        self._service = P4RuntimeService(
            self.datapath, device_id=DEVICE_ID, clock_ns=lambda: self.now
        )
        self._session = self._service.open_session()
        self._session.receive(arbitration())

    def load(self) -> None:
        self._service.set_pipeline(pipeline_request(self.p4info, self._config))
        for entity in digest_entries(self.p4info):
            self.write(p4r.Update.INSERT, entity)
        self._session.drain()

    def write(self, kind: int, entity: p4r.Entity) -> None:
        self._service.write(write_request(kind, entity))

    def read(self, entity: p4r.Entity) -> list[p4r.Entity]:
        request = p4r.ReadRequest(device_id=DEVICE_ID, entities=[entity])
        return [found for reply in self._service.read(request) for found in reply.entities]

    def send(self, port: int, frame: bytes) -> Frames:
        self.datapath.inject(port, frame)
        sent, self._sent = self._sent, []
        return sent

    def packet_out(self, packet: p4r.PacketOut) -> Frames:
        self._session.receive(p4r.StreamMessageRequest(packet=packet))
        sent, self._sent = self._sent, []
        return sent

    def take_messages(self, *, last: bool = False) -> list[p4r.StreamMessageResponse]:
        del last
        messages = self._session.drain()
        for message in messages:
            if message.HasField("digest"):
                self._session.receive(acknowledgement(message.digest))
        return messages

    def wait(self, nanoseconds: int) -> None:
        self.now += nanoseconds
        self._service.advance(self.now)


class OneProgram(EmbeddedDatapath):
    """Compiles once; what is pushed again is the same program with nothing in it."""

    _compiled: CompiledProgram | None = None

    def compile(self, config: bytes) -> CompiledProgram:
        if self._compiled is None:
            self._compiled = super().compile(config)
        _clear(self._compiled)
        return self._compiled


def _clear(program: CompiledProgram) -> None:
    for table in program.tables.values():
        for entry in list(table.entries()):
            table.delete(entry.match, entry.priority)
        table.reset_default()
    for counter in program.counters.values():
        for cell in counter.cells:
            cell.packets = cell.bytes = 0
    for meter in program.meters.values():
        for index in range(meter.size):
            meter.configure(index, None)
    for registers in program.register_arrays.values():
        registers.cells[:] = [0] * registers.size
