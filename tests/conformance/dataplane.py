"""bmv2's gRPC data plane: frames in and out of a switch that has no interfaces.

`simple_switch_grpc --dp-grpc-server-addr` serves it; the messages are described here, since no
package has them compiled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SECONDS_TO_BECOME_READY = 10.0
SETTLED = 0.05  # seconds in which a stream begins, or a packet-out has arrived

_FIELDS = {  # of the request and of the response alike: number and type
    "id": (1, descriptor_pb2.FieldDescriptorProto.TYPE_UINT64),
    "device_id": (2, descriptor_pb2.FieldDescriptorProto.TYPE_UINT64),
    "port": (3, descriptor_pb2.FieldDescriptorProto.TYPE_UINT32),
    "packet": (4, descriptor_pb2.FieldDescriptorProto.TYPE_BYTES),
}


def _frame_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="p4ipsec/tests/dataplane.proto", package="p4ipsec.tests", syntax="proto3"
    )
    message = file.message_type.add(name="Frame")
    for name, (number, kind) in _FIELDS.items():
        message.field.add(
            name=name,
            number=number,
            type=kind,
            label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL,
        )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("p4ipsec.tests.Frame"))


_Frame = _frame_class()


class DataPlane:
    """One client, which is all that bmv2 takes."""

    def __init__(self, address: str, device_id: int) -> None:
        self._device_id = device_id
        self._is_ready = False
        self._channel = grpc.insecure_channel(address)
        self._stream = self._channel.stream_stream(
            "/p4.bm.DataplaneInterface/PacketStream",
            request_serializer=_Frame.SerializeToString,
            response_deserializer=_Frame.FromString,
        )

    def send(self, port: int, frame: bytes) -> list[tuple[int, bytes]]:
        """Send a frame in; return what came out, as (port, frame), once all is processed."""
        return self._collect(iter([_Frame(device_id=self._device_id, port=port, packet=frame)]))

    def during(self, act: Callable[[], None]) -> list[tuple[int, bytes]]:
        """Return what comes out because of `act`, which goes another way than this stream."""

        def requests() -> Iterator[Any]:
            time.sleep(SETTLED)
            act()
            time.sleep(SETTLED)
            yield from ()

        return self._collect(requests())

    def _collect(self, requests: Iterator[Any]) -> list[tuple[int, bytes]]:
        if not self._is_ready:
            self._wait_until_ready()
        return [(reply.port, reply.packet) for reply in self._stream(requests, timeout=20)]

    def _wait_until_ready(self) -> None:
        """Wait for bmv2, which takes no frames for a moment after its first program."""
        deadline = time.monotonic() + SECONDS_TO_BECOME_READY
        while not self._is_ready:
            try:
                list(self._stream(iter(()), timeout=20))
                self._is_ready = True
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE or time.monotonic() > deadline:
                    raise
                time.sleep(SETTLED)

    def close(self) -> None:
        self._channel.close()
