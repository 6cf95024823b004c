"""A switch and its P4Runtime clients, as the cases see them: over gRPC, or without."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import grpc
from finsy.proto import p4r, p4r_grpc, rpc_status

from bmv2.embedded.datapath import EmbeddedDatapath
from bmv2.embedded.p4runtime.codes import Code
from bmv2.embedded.p4runtime.errors import P4RuntimeError
from bmv2.embedded.p4runtime.service import P4RuntimeService
from tests.conformance.client import DEVICE_ID, SECONDS_TO_ANSWER, Wire
from tests.conformance.switch import CPU_PORT, Frames

Message = p4r.StreamMessageResponse | str
"""What came over a stream, or the name of the code that it ended with."""


class RefusedError(Exception):
    """A request that was refused: the code's name, and for each update its code's name."""

    def __init__(self, code: str, updates: tuple[str, ...] = ()) -> None:
        super().__init__(code, updates)
        self.code = code
        self.updates = updates


class Connection(Protocol):
    """One client of the switch."""

    def call(self, method: str, request: Any) -> Any:
        """Make a unary call or a Read (a list of its responses), or raise `RefusedError`."""

    def send(self, message: p4r.StreamMessageRequest) -> None:
        """Send on the stream, which begins with the first message."""

    def take(self, seconds: float) -> list[Message]:
        """Let time pass, and return what has come over the stream."""

    def close(self) -> None:
        """Leave."""


class World(Protocol):
    """One switch without a program."""

    def connect(self) -> Connection:
        """Make another client."""

    def inject(self, port: int, frame: bytes) -> Frames:
        """Send a frame in by a port."""

    def close(self) -> None:
        """End the switch."""


class GrpcWorld:
    """A switch that is running.

    Args:
        address: Where it serves P4Runtime.
        wire: Its ports.
        stop: Ends it.
    """

    def __init__(self, address: str, wire: Wire, stop: Callable[[], None]) -> None:
        self._address = address
        self._wire = wire
        self._stop = stop
        self._connections: list[_GrpcConnection] = []

    def connect(self) -> Connection:
        self._connections.append(_GrpcConnection(self._address))
        return self._connections[-1]

    def inject(self, port: int, frame: bytes) -> Frames:
        return self._wire.send(port, frame)

    def close(self) -> None:
        for connection in self._connections:
            connection.close()
        self._wire.close()
        self._stop()


class _GrpcConnection:
    def __init__(self, address: str) -> None:
        self._channel = grpc.insecure_channel(address)
        grpc.channel_ready_future(self._channel).result(SECONDS_TO_ANSWER)
        self._stub = p4r_grpc.P4RuntimeStub(self._channel)
        self._requests: queue.SimpleQueue[p4r.StreamMessageRequest | None] = queue.SimpleQueue()
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._is_open = False

    def call(self, method: str, request: Any) -> Any:
        try:
            reply = getattr(self._stub, method)(request, timeout=SECONDS_TO_ANSWER)
            return list(reply) if method == "Read" else reply
        except grpc.RpcError as error:
            raise RefusedError(error.code().name, _updates(error)) from None

    def send(self, message: p4r.StreamMessageRequest) -> None:
        self._requests.put(message)
        if not self._is_open:
            self._is_open = True
            threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            for message in self._stub.StreamChannel(iter(self._requests.get, None)):
                self._inbox.put(message)
        except grpc.RpcError as error:
            self._inbox.put(error.code().name)

    def take(self, seconds: float) -> list[Message]:
        time.sleep(seconds)
        taken: list[Message] = []
        while not self._inbox.empty():
            taken.append(self._inbox.get())
        return taken

    def close(self) -> None:
        self._requests.put(None)
        self._channel.close()


def _updates(error: grpc.RpcError) -> tuple[str, ...]:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            return update_codes(rpc_status.Status.FromString(value))
    return ()


def update_codes(status: Any) -> tuple[str, ...]:
    """Return the name of each update's code."""
    codes: list[str] = []
    for detail in status.details:
        error = p4r.Error()
        detail.Unpack(error)
        codes.append(Code(error.canonical_code).name)
    return tuple(codes)


class EmbeddedWorld:
    """The embedded switch without gRPC; its time passes when a client waits."""

    def __init__(self) -> None:
        self._now = 1_000_000_000_000
        self._sent: Frames = []
        self._datapath = EmbeddedDatapath(
            lambda: self._now,
            cpu_port=CPU_PORT,
            on_transmit=lambda port, frame: self._sent.append((port, frame)),
        )
        self.service = P4RuntimeService(
            self._datapath, device_id=DEVICE_ID, clock_ns=lambda: self._now
        )

    def connect(self) -> Connection:
        return _EmbeddedConnection(self)

    def inject(self, port: int, frame: bytes) -> Frames:
        self._datapath.inject(port, frame)
        sent, self._sent = self._sent, []
        return sent

    def pass_time(self, seconds: float) -> None:
        end = self._now + round(seconds * 1e9)
        while (due := self.service.next_deadline_ns()) is not None and due <= end:
            self._now = max(self._now, due)
            self.service.advance(self._now)
        self._now = end

    def close(self) -> None:
        pass


class _EmbeddedConnection:
    def __init__(self, world: EmbeddedWorld) -> None:
        self._world = world
        self._session = world.service.open_session()
        self._ended: list[Message] = []

    def call(self, method: str, request: Any) -> Any:
        service = self._world.service
        calls: dict[str, Callable[[Any], Any]] = {
            "Capabilities": service.capabilities,
            "Write": service.write,
            "Read": lambda request: list(service.read(request)),
            "SetForwardingPipelineConfig": service.set_pipeline,
            "GetForwardingPipelineConfig": service.get_pipeline,
        }
        try:
            return calls[method](request)
        except P4RuntimeError as error:
            raise RefusedError(error.code.name, update_codes(error.to_status())) from None

    def send(self, message: p4r.StreamMessageRequest) -> None:
        if not self._session.closed:
            try:
                self._session.receive(message)
            except P4RuntimeError as error:
                self._ended.append(error.code.name)
                self._session.close()

    def take(self, seconds: float) -> list[Message]:
        self._world.pass_time(seconds)
        taken: list[Message] = [*self._session.drain(), *self._ended]
        self._ended.clear()
        return taken

    def close(self) -> None:
        self._session.close()
