"""The network of the demo: three routers, a core, and the hosts."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from typing import TypeVar

from bmv2.embedded.ports.link import LinkPort, Wire, link
from controller.service.clock import Clock
from demo import configuration
from demo.configuration import CORE_PORT, PRINTER_PORT, SITE_PORT
from demo.core import Core, Kind
from demo.host import Host
from demo.router import DemoRouter, running_router, write_private
from demo.traffic import Traffic

POLL_INTERVAL = 0.01  # the machine's seconds
ROUTERS = (1, 2, 3)
WARM_UP_INTERVAL = 0.05  # the machine's seconds
WARM_UP_TIMEOUT = 10.0  # the machine's seconds
WARM_UP_PORT = 9  # discard (RFC 863)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Network:
    """All there is, running. Times are seconds of the routers' clock, unless they say."""

    directory: Path
    speed: float
    clock: Clock
    core: Core
    traffic: Traffic
    r1: DemoRouter
    r2: DemoRouter
    r3: DemoRouter
    host1: Host
    host2: Host
    host3: Host
    printer: Host

    @property
    def slack(self) -> float:
        """Seconds that this machine may be late: one of its own."""
        return 1.0 * self.speed

    async def sleep_until(self, time: float) -> None:
        """Let time pass, and traffic with it."""
        await asyncio.sleep(max(0.0, self.clock.real(time - self.clock.now())))
        self.traffic.check()

    async def until(self, condition: Callable[[], bool], within: float) -> bool:
        """Wait until something is so, for at most this time and the slack; return whether it is."""
        deadline = self.clock.now() + within + self.slack
        while not condition():
            self.traffic.check()
            if self.clock.now() >= deadline:
                return False
            await asyncio.sleep(POLL_INTERVAL)
        return True


def core_address(number: int) -> IPv4Address:
    """Return the address of router N on the core."""
    return IPv4Address(f"10.0.0.{number}")


@contextlib.asynccontextmanager
async def running_network(speed: float) -> AsyncIterator[Network]:
    """Start everything, in a private directory, and stop it at the end.

    Args:
        speed: seconds of the routers in one of the machine's.

    Raises:
        TimeoutError: something isn't ready in time.
    """
    clock = Clock(speed)
    wire = Wire()
    core = Core(wire, clock.now)
    files = {1: configuration.r1, 2: configuration.r2, 3: configuration.r3}
    async with contextlib.AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="p4ipsec-demo-")))
        routers: dict[int, DemoRouter] = {}
        hosts: dict[int, Host] = {}
        for number, text in files.items():
            path = directory / f"r{number}.yaml"
            write_private(path, text(directory))
            port, hosts[number] = _host(f"host{number}", number, 0, SITE_PORT, wire)
            ports = [port, core.attach(CORE_PORT, f"R{number}")]
            if number == 3:
                port, printer = _host("printer", 3, 9, PRINTER_PORT, wire)
                ports.append(port)
            routers[number] = await stack.enter_async_context(
                running_router(path, ports, clock, speed)
            )
        traffic = Traffic(clock, core)
        stack.push_async_callback(traffic.stop)
        async with asyncio.timeout(WARM_UP_TIMEOUT):
            await _warm_up([*hosts.values(), printer], core)
        yield Network(
            directory=directory,
            speed=speed,
            clock=clock,
            core=core,
            traffic=traffic,
            r1=routers[1],
            r2=routers[2],
            r3=routers[3],
            host1=hosts[1],
            host2=hosts[2],
            host3=hosts[3],
            printer=printer,
        )


def _host(name: str, site: int, net: int, port: int, wire: Wire) -> tuple[LinkPort, Host]:
    """Make a host, and the switch's end of its link."""
    switch_end, host_end = link((port, name), (0, name), wire)
    prefix = f"10.{site}.{net}"
    mac = 0x02_00_00_00_00_02 | site << 16 | net << 8
    return switch_end, Host(
        name, IPv4Address(f"{prefix}.2"), IPv4Address(f"{prefix}.1"), mac, host_end
    )


async def _warm_up(hosts: list[Host], core: Core) -> None:
    """Let every host and router learn its neighbors, so that no count has ARP's losses."""
    await _repeat(hosts, Host.ask_for_gateway, lambda host: host.has_gateway)
    # A packet to oneself by way of the router shows that the router knows the way back.
    returned: set[Host] = set()
    for host in hosts:
        host.on_udp = partial(_note, returned, host)
    await _repeat(
        hosts,
        lambda host: host.send_udp(host.address, WARM_UP_PORT, b""),
        lambda host: host in returned,
    )
    ways = [(host, core_address(number)) for host in hosts for number in ROUTERS]
    await _repeat(
        [(host, router) for host, router in ways if not _is_gateway(host, router)],
        lambda way: way[0].send_udp(way[1], WARM_UP_PORT, b""),
        lambda way: bool(core.select(Kind.CLEAR, source=way[0].address, destination=way[1])),
    )


def _note(returned: set[Host], host: Host, payload: bytes) -> None:
    returned.add(host)


def _is_gateway(host: Host, router: IPv4Address) -> bool:
    return host.address.packed[1] == router.packed[3]


async def _repeat(
    items: Iterable[T], action: Callable[[T], None], is_done: Callable[[T], bool]
) -> None:
    """Do something with each item until it is done."""
    while items := [item for item in items if not is_done(item)]:
        for item in items:
            action(item)
        await asyncio.sleep(WARM_UP_INTERVAL)
