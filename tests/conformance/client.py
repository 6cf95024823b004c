"""The P4Runtime client that configures a switch of any kind."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import grpc
from finsy.proto import p4i, p4r, p4r_grpc
from google.protobuf import text_format

from p4src.artefacts import JSON_PATH, P4INFO_PATH
from tests.conformance.interfaces import Interfaces
from tests.conformance.switch import Frames

SECONDS_TO_ANSWER = 20.0
QUIET = 0.03  # seconds without a message from the switch: there will be none
QUIET_AT_THE_END = 0.1

DEVICE_ID = 1
ELECTION_ID = p4r.Uint128(low=1)


@dataclass(frozen=True)
class Program:
    """What p4c made of a P4 program."""

    p4info: Path
    config: Path


OURS = Program(P4INFO_PATH, JSON_PATH)


def read_p4info(path: Path = P4INFO_PATH) -> p4i.P4Info:
    return text_format.Parse(path.read_text(), p4i.P4Info())


def arbitration(device_id: int = DEVICE_ID) -> p4r.StreamMessageRequest:
    update = p4r.MasterArbitrationUpdate(device_id=device_id, election_id=ELECTION_ID)
    return p4r.StreamMessageRequest(arbitration=update)


def pipeline_request(
    p4info: p4i.P4Info, config: bytes, device_id: int = DEVICE_ID
) -> p4r.SetForwardingPipelineConfigRequest:
    return p4r.SetForwardingPipelineConfigRequest(
        device_id=device_id,
        election_id=ELECTION_ID,
        action=p4r.SetForwardingPipelineConfigRequest.VERIFY_AND_COMMIT,
        config=p4r.ForwardingPipelineConfig(p4info=p4info, p4_device_config=config),
    )


def write_request(kind: int, entity: p4r.Entity, device_id: int = DEVICE_ID) -> p4r.WriteRequest:
    update = p4r.Update(type=kind, entity=entity)  # type: ignore[arg-type]  # an enum's value
    return p4r.WriteRequest(device_id=device_id, election_id=ELECTION_ID, updates=[update])


def digest_entries(p4info: p4i.P4Info) -> Iterator[p4r.Entity]:
    """Every digest, one message a list."""
    for digest in p4info.digests:
        entry = p4r.DigestEntry(digest_id=digest.preamble.id)
        entry.config.max_list_size = 1
        yield p4r.Entity(digest_entry=entry)


def acknowledgement(digests: p4r.DigestList) -> p4r.StreamMessageRequest:
    ack = p4r.DigestListAck(digest_id=digests.digest_id, list_id=digests.list_id)
    return p4r.StreamMessageRequest(digest_ack=ack)


class Wire(Protocol):
    """The ports of a switch, from outside."""

    def send(self, port: int, frame: bytes) -> Frames:
        """Send a frame in; return what comes out, once all is processed."""

    def during(self, act: Callable[[], None]) -> Frames:
        """Return what comes out because of `act`."""

    def close(self) -> None:
        """Let go of the ports."""


NO_WIRE = Interfaces({})
"""Of a switch that no frames are sent to."""


class P4RuntimeSwitch:
    """`tests.conformance.switch.Switch`, over gRPC, and over a wire of its own."""

    def __init__(
        self, address: str, wire: Wire, device_id: int = DEVICE_ID, program: Program = OURS
    ) -> None:
        self.p4info = read_p4info(program.p4info)
        self._program = program
        self._device_id = device_id
        self._wire = wire
        self._channel = grpc.insecure_channel(address)
        grpc.channel_ready_future(self._channel).result(SECONDS_TO_ANSWER)
        self._stub = p4r_grpc.P4RuntimeStub(self._channel)
        self._requests: queue.SimpleQueue[p4r.StreamMessageRequest | None] = queue.SimpleQueue()
        self._messages: queue.SimpleQueue[p4r.StreamMessageResponse] = queue.SimpleQueue()
        threading.Thread(target=self._read_stream, daemon=True).start()
        self._requests.put(arbitration(device_id))
        self._messages.get(timeout=SECONDS_TO_ANSWER)

    def _read_stream(self) -> None:
        try:
            for message in self._stub.StreamChannel(iter(self._requests.get, None)):
                self._messages.put(message)
        except grpc.RpcError:
            return  # it is closed

    def close(self) -> None:
        self._requests.put(None)
        self._wire.close()
        self._channel.close()

    def load(self) -> None:
        config = self._program.config.read_bytes()
        request = pipeline_request(self.p4info, config, self._device_id)
        self._stub.SetForwardingPipelineConfig(request, timeout=SECONDS_TO_ANSWER)
        for entity in digest_entries(self.p4info):
            self.write(p4r.Update.INSERT, entity)
        self.take_messages()

    def write(self, kind: Any, entity: p4r.Entity) -> None:
        self.write_request(write_request(kind, entity, self._device_id))

    def write_request(self, request: p4r.WriteRequest) -> None:
        self._stub.Write(request, timeout=SECONDS_TO_ANSWER)

    def read(self, entity: p4r.Entity) -> list[p4r.Entity]:
        request = p4r.ReadRequest(device_id=self._device_id, entities=[entity])
        replies = self._stub.Read(request, timeout=SECONDS_TO_ANSWER)
        return [entity for reply in replies for entity in reply.entities]

    def send(self, port: int, frame: bytes) -> Frames:
        return self._wire.send(port, frame)

    def packet_out(self, packet: p4r.PacketOut) -> Frames:
        message = p4r.StreamMessageRequest(packet=packet)
        return self._wire.during(lambda: self._requests.put(message))

    def take_messages(self, *, last: bool = False) -> list[p4r.StreamMessageResponse]:
        taken: list[p4r.StreamMessageResponse] = []
        while True:
            try:
                message = self._messages.get(timeout=QUIET_AT_THE_END if last else QUIET)
            except queue.Empty:
                return taken
            taken.append(message)
            if message.HasField("digest"):
                self._requests.put(acknowledgement(message.digest))

    def wait(self, nanoseconds: int) -> None:
        time.sleep(nanoseconds / 1e9)
