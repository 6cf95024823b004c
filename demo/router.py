"""One router as it runs anywhere: an embedded switch, a controller and its API."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bmv2.embedded.ports.port import Port
from bmv2.embedded.switch import EmbeddedSwitch
from bmv2.switch_options import SwitchOptions
from controller.api.client import Client
from controller.api.server import ApiServer
from controller.router.router import Router
from controller.service.backend import ServiceBackend
from controller.service.clock import Clock
from controller.service.run import channel_of, load
from controller.service.service import Service
from demo.messages import MessageWatcher
from ike.config import Settings

READY_TIMEOUT = 30.0  # the machine's seconds

T = TypeVar("T")


class DemoRouter:
    """What an operator has of a router: its file, its API, its log."""

    def __init__(
        self, name: str, path: Path, service: Service, client: Client, log: MessageWatcher
    ) -> None:
        self.name = name
        self.log = log
        self._path = path
        self._service = service
        self._client = client

    async def ask(self, question: Callable[[Client], T]) -> T:
        """Ask the API; `question` is run in a thread, since the client waits for its answers."""
        return await asyncio.to_thread(question, self._client)

    async def reload(self, text: str) -> None:
        """Go over to another configuration file, as SIGHUP makes a controller do."""
        write_private(self._path, text)
        _, policy = load(self._path)
        await self._service.reload(policy)

    @property
    def file(self) -> str:
        """The configuration file as it is now."""
        return self._path.read_text()


@contextlib.asynccontextmanager
async def running_router(
    path: Path, ports: Sequence[Port], clock: Clock, speed: float
) -> AsyncIterator[DemoRouter]:
    """Start a router from its configuration file, and stop it at the end.

    Raises:
        TimeoutError: it isn't ready after `READY_TIMEOUT`.
    """
    config, policy = load(path)
    router = Router(
        policy,
        now=clock.now(),
        wall_clock=clock.wall,
        random_bytes=os.urandom,
        settings=Settings(),
    )
    channel = channel_of(config)
    service = Service(router, channel, clock)
    options = SwitchOptions(
        grpc_addresses=(str(config.switch.address),), device_id=config.switch.device_id
    )
    switch = EmbeddedSwitch(options, extra_ports=ports, clock_ns=clock.now_ns, clock_speed=speed)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_exit(switch)
        await _to_the_end(switch.__aenter__())
        await stack.enter_async_context(channel)
        server = ApiServer(ServiceBackend(service, path), config.api.listen)
        stack.push_async_callback(server.stop)
        await _to_the_end(server.start())
        await stack.enter_async_context(_working(service))
        client = stack.enter_context(Client(config.api.listen[0]))
        log = stack.enter_context(MessageWatcher(config.api.listen[0], clock))
        async with asyncio.timeout(READY_TIMEOUT):
            await service.wait_ready()
        yield DemoRouter(policy.hostname, path, service, client, log)


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else can read: it holds a pre-shared key."""
    path.touch(mode=0o600)
    path.write_text(text)


async def _to_the_end(start: Coroutine[Any, Any, object]) -> None:
    """Await what must not be cancelled halfway: a gRPC server that starts can't be stopped then."""
    task = asyncio.create_task(start)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


@contextlib.asynccontextmanager
async def _working(service: Service) -> AsyncIterator[None]:
    """Let the service work meanwhile; what ends it early ends us too."""
    async with asyncio.TaskGroup() as tasks:
        work = tasks.create_task(service.run())
        try:
            yield
            await service.shut_down(leave_sas=False)
        finally:
            work.cancel()
