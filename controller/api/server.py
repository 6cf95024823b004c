"""The API's server: the services, health (``grpc.health.v1``) and reflection."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from controller.api.backend import Backend
from controller.api.listening import (
    ServerTls,
    bind_tcp,
    bind_unix,
    check_endpoint,
    server_credentials,
)
from controller.api.proto.p4ipsec.v1 import p4ipsec_pb2 as pb
from controller.api.proto.p4ipsec.v1 import p4ipsec_pb2_grpc as pb_grpc
from controller.api.services import ClearService, ConfigureService, MonitorService, ShowService
from controller.config.scalars import Endpoint

SERVICES = tuple(service.full_name for service in pb.DESCRIPTOR.services_by_name.values())
MAX_REQUEST_SIZE = 64 * 1024  # bytes
MAX_CONCURRENT_CALLS = 128


class ApiServer:
    """A server of the API. `start` and `stop` belong to one event loop; it is used once."""

    def __init__(
        self, backend: Backend, endpoints: Sequence[Endpoint], tls: ServerTls | None = None
    ) -> None:
        self._backend = backend
        self._endpoints = tuple(endpoints)
        self._tls = tls
        self._server: grpc.aio.Server | None = None
        self._health = health.aio.HealthServicer()
        self._sockets: list[Path] = []
        self._listening: list[Endpoint] = []

    @property
    def listening(self) -> tuple[Endpoint, ...]:
        """Where it listens, with the port that the system chose where 0 was asked for."""
        return tuple(self._listening)

    async def start(self) -> None:
        """Listen on every endpoint, or on none.

        Raises:
            ListenError: with the endpoint and what to do.
        """
        for endpoint in self._endpoints:
            check_endpoint(endpoint, self._tls)
        credentials = server_credentials(self._tls) if self._tls else None
        server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", MAX_REQUEST_SIZE),
                # Otherwise a second controller would share the port, and get half of the calls.
                ("grpc.so_reuseport", 0),
            ],
            maximum_concurrent_rpcs=MAX_CONCURRENT_CALLS,
        )
        pb_grpc.add_ShowServicer_to_server(ShowService(self._backend), server)
        pb_grpc.add_ClearServicer_to_server(ClearService(self._backend), server)
        pb_grpc.add_ConfigureServicer_to_server(ConfigureService(self._backend), server)
        pb_grpc.add_MonitorServicer_to_server(MonitorService(self._backend), server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = (*SERVICES, health.SERVICE_NAME)
        reflection.enable_server_reflection((*names, reflection.SERVICE_NAME), server)
        self._server = server
        try:
            for endpoint in self._endpoints:
                self._bind(server, endpoint, credentials)
            await server.start()
        except BaseException:
            await self.stop(grace=0)
            raise
        for name in ("", *SERVICES):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, grace: float = 1.0) -> None:
        """Stop, and give calls under way `grace` seconds. Safe to call twice."""
        server, self._server = self._server, None
        if server is None:
            return
        await self._health.enter_graceful_shutdown()
        await server.stop(grace)
        for path in self._sockets:
            path.unlink(missing_ok=True)
        self._sockets.clear()
        self._listening.clear()

    def _bind(
        self,
        server: grpc.aio.Server,
        endpoint: Endpoint,
        credentials: grpc.ServerCredentials | None,
    ) -> None:
        if endpoint.is_unix:
            path = Path(endpoint.path)
            bind_unix(path, server.add_insecure_port)
            self._sockets.append(path)
            self._listening.append(endpoint)
            return

        def bind(address: str) -> int:
            if credentials is None:
                return server.add_insecure_port(address)
            return server.add_secure_port(address, credentials)

        port = bind_tcp(endpoint, bind)
        self._listening.append(Endpoint(host=endpoint.host, port=port))
