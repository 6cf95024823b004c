"""Serving P4Runtime over TCP and Unix sockets, with the health and reflection services.

::

    server = await serve(service, ["127.0.0.1:9559", "unix:/run/p4ipsec/s1.sock"],
                         clock_ns=time.monotonic_ns, tls=TlsFiles(...))
    server.addresses     # as bound: a port 0 is the port that was taken
    await server.stop()
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence

import grpc
from finsy.proto import p4r, p4r_grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from bmv2.embedded.model import ClockNs
from bmv2.embedded.p4runtime.deadlines import DeadlineTimer
from bmv2.embedded.p4runtime.service import P4RuntimeService
from bmv2.embedded.p4runtime.servicer import P4RuntimeServicer
from bmv2.embedded.p4runtime.tls import TlsError, server_credentials
from bmv2.switch_options import TlsFiles

MAX_MESSAGE = 64 * 1024 * 1024
"""The longest message either way, in bytes: room for a config, or a batch of 100,000 entries."""

MAX_CONCURRENT_STREAMS = 64
"""The most calls of one connection at a time."""

MAX_CONCURRENT_CALLS = 256
"""The most calls of all connections at a time; more are refused with RESOURCE_EXHAUSTED."""

_OPTIONS: Sequence[tuple[str, int]] = (
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.max_concurrent_streams", MAX_CONCURRENT_STREAMS),
    # A primary that vanished without a word must not stay the primary.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    # Two switches on one port would share its clients.
    ("grpc.so_reuseport", 0),
)


class ServeError(Exception):
    """The server cannot start; the message says what to do."""


class P4RuntimeServer:
    """A server that runs.

    Attributes:
        addresses: Where it listens, in the order asked for.
    """

    def __init__(
        self,
        server: grpc.aio.Server,
        servicer: P4RuntimeServicer,
        timer: DeadlineTimer,
        addresses: tuple[str, ...],
    ) -> None:
        self._server = server
        self._servicer = servicer
        self._timer = timer
        self.addresses = addresses

    async def stop(self, grace_s: float = 0.5) -> None:
        """Stop to listen, and end all calls, those that take longer than ``grace_s`` by force."""
        self._timer.close()
        self._servicer.stop()
        await self._server.stop(grace_s)
        for address in self.addresses:
            if address.startswith("unix:"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(address.removeprefix("unix:"))


async def serve(
    service: P4RuntimeService,
    addresses: Sequence[str],
    *,
    clock_ns: ClockNs,
    clock_speed: float = 1.0,
    tls: TlsFiles | None = None,
) -> P4RuntimeServer:
    """Start to serve.

    Args:
        service: What to serve; its timers run from here on.
        addresses: ``host:port``, or ``unix:`` and a path; a Unix socket is for its owner only.
        clock_ns: The clock of the service.
        clock_speed: How many of that clock's seconds pass in one of the event loop's.
        tls: Encrypt TCP with these; Unix sockets are never encrypted.

    Raises:
        ServeError: An address cannot be bound, or a TLS file cannot be used.
    """
    if not addresses:
        raise ServeError("no address to serve P4Runtime on")
    try:
        credentials = None if tls is None else server_credentials(tls)
    except TlsError as error:
        raise ServeError(str(error)) from error
    server = grpc.aio.server(options=_OPTIONS, maximum_concurrent_rpcs=MAX_CONCURRENT_CALLS)
    servicer = P4RuntimeServicer(service)
    p4r_grpc.add_P4RuntimeServicer_to_server(servicer, server)
    checker = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checker, server)
    name = p4r.DESCRIPTOR.services_by_name["P4Runtime"].full_name
    reflection.enable_server_reflection(
        (name, health.SERVICE_NAME, reflection.SERVICE_NAME), server
    )
    bound = tuple([_bind(server, address, credentials) for address in addresses])
    await server.start()
    for served in ("", name):
        await checker.set(served, health_pb2.HealthCheckResponse.SERVING)
    timer = DeadlineTimer(service, clock_ns, clock_speed)
    return P4RuntimeServer(server, servicer, timer, bound)


def _bind(server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials | None) -> str:
    try:
        if address.startswith("unix:"):
            return _bind_unix(server, address)
        if credentials is None:
            port = server.add_insecure_port(address)
        else:
            port = server.add_secure_port(address, credentials)
    except RuntimeError as error:
        # gRPC has logged the cause, and keeps it to itself.
        raise ServeError(
            f"cannot serve P4Runtime on {address}: it is in use, or not an address of this machine"
        ) from error
    host = address.rpartition(":")[0]
    return f"{host}:{port}"


def _bind_unix(server: grpc.aio.Server, address: str) -> str:
    before = os.umask(0o177)
    try:
        server.add_insecure_port(address)
    finally:
        os.umask(before)
    return address
