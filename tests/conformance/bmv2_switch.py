"""A real bmv2 without interfaces, and the P4Runtime client that configures it."""

from __future__ import annotations

import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
from finsy.proto import p4i, p4r, p4r_grpc
from google.protobuf import text_format

from bmv2.simple_switch import Installation
from bmv2.simple_switch.command import command_line, free_tcp_port
from bmv2.switch_options import SwitchOptions
from p4src.artefacts import JSON_PATH, P4INFO_PATH
from tests.conformance.dataplane import DataPlane

SECONDS_TO_ANSWER = 20.0
QUIET = 0.03  # seconds without a message from the switch: there will be none

ELECTION_ID = p4r.Uint128(low=1)


class Bmv2Switch:
    """`simple_switch_grpc` with our program, its stream and its data plane."""

    def __init__(self, installation: Installation) -> None:
        self.p4info: p4i.P4Info = text_format.Parse(P4INFO_PATH.read_text(), p4i.P4Info())
        self.device_id = 1
        address = f"127.0.0.1:{free_tcp_port()}"
        frames = f"127.0.0.1:{free_tcp_port()}"
        thrift_port = free_tcp_port() if installation.has_thrift else None
        options = SwitchOptions(grpc_addresses=(address,), device_id=self.device_id)
        command = command_line(installation, options, address, thrift_port)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open while the switch runs
        self._process = subprocess.Popen(
            [*command, "--dp-grpc-server-addr", frames],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._channel = grpc.insecure_channel(address)
        grpc.channel_ready_future(self._channel).result(SECONDS_TO_ANSWER)
        self._stub = p4r_grpc.P4RuntimeStub(self._channel)
        self._requests: queue.SimpleQueue[p4r.StreamMessageRequest | None] = queue.SimpleQueue()
        self._messages: queue.SimpleQueue[p4r.StreamMessageResponse] = queue.SimpleQueue()
        threading.Thread(target=self._read_stream, daemon=True).start()
        arbitration = p4r.MasterArbitrationUpdate(device_id=self.device_id, election_id=ELECTION_ID)
        self._requests.put(p4r.StreamMessageRequest(arbitration=arbitration))
        self._messages.get(timeout=SECONDS_TO_ANSWER)
        self.frames = DataPlane(frames, self.device_id)

    def _read_stream(self) -> None:
        try:
            for message in self._stub.StreamChannel(iter(self._requests.get, None)):
                self._messages.put(message)
        except grpc.RpcError:
            return  # it is closed

    def close(self) -> None:
        self._requests.put(None)
        self.frames.close()
        self._channel.close()
        self._process.kill()
        self._process.wait()
        self._log.close()

    def load(self) -> None:
        """Push our program, so that no entry and no register is left; digests on."""
        self._stub.SetForwardingPipelineConfig(
            p4r.SetForwardingPipelineConfigRequest(
                device_id=self.device_id,
                election_id=ELECTION_ID,
                action=p4r.SetForwardingPipelineConfigRequest.VERIFY_AND_COMMIT,
                config=p4r.ForwardingPipelineConfig(
                    p4info=self.p4info, p4_device_config=JSON_PATH.read_bytes()
                ),
            ),
            timeout=SECONDS_TO_ANSWER,
        )
        for digest in self.p4info.digests:
            entry = p4r.DigestEntry(digest_id=digest.preamble.id)
            entry.config.max_list_size = 1
            self.write(p4r.Update.INSERT, p4r.Entity(digest_entry=entry))
        self.take_messages()

    def write(self, kind: Any, entity: p4r.Entity) -> None:
        request = p4r.WriteRequest(
            device_id=self.device_id,
            election_id=ELECTION_ID,
            updates=[p4r.Update(type=kind, entity=entity)],
        )
        self._stub.Write(request, timeout=SECONDS_TO_ANSWER)

    def read(self, entity: p4r.Entity) -> list[p4r.Entity]:
        request = p4r.ReadRequest(device_id=self.device_id, entities=[entity])
        replies = self._stub.Read(request, timeout=SECONDS_TO_ANSWER)
        return [entity for reply in replies for entity in reply.entities]

    def take_messages(self) -> list[p4r.StreamMessageResponse]:
        """Return what the switch has sent; digests are acknowledged."""
        taken = []
        while True:
            try:
                message = self._messages.get(timeout=QUIET)
            except queue.Empty:
                return taken
            taken.append(message)
            if message.HasField("digest"):
                ack = p4r.DigestListAck(
                    digest_id=message.digest.digest_id, list_id=message.digest.list_id
                )
                self._requests.put(p4r.StreamMessageRequest(digest_ack=ack))


class Pool:
    """Switches that are started once and used by one test after the other."""

    def __init__(self, make: Callable[[], Bmv2Switch]) -> None:
        self._make = make
        self._all: list[Bmv2Switch] = []
        self._free: list[Bmv2Switch] = []

    def take(self) -> Bmv2Switch:
        if not self._free:
            self._free.append(self._make())
            self._all.append(self._free[-1])
        return self._free.pop()

    def take_all_back(self) -> None:
        self._free = list(self._all)

    def close(self) -> None:
        for switch in self._all:
            switch.close()


class WallClock:
    """Time on a real switch: to set it forward is to wait."""

    def __init__(self) -> None:
        self._start = time.monotonic_ns()

    @property
    def now(self) -> int:
        return time.monotonic_ns() - self._start

    @now.setter
    def now(self, target: int) -> None:
        time.sleep(max(0.0, (target - self.now) / 1e9))
