"""The embedded switch as a whole: data plane, P4Runtime server and ports.

::

    async with EmbeddedSwitch(SwitchOptions(ports=(parse_port_spec("1=veth1"),))) as switch:
        switch.addresses                  # where P4Runtime is served
        await stop.wait()

or ``await run(options, stop)``. Ports that are not network interfaces, such as the ends of
`ports.link.link`, are handed in as ``extra_ports``.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import Self

from bmv2.embedded.datapath import EmbeddedDatapath
from bmv2.embedded.model import ClockNs
from bmv2.embedded.p4runtime.grpc_server import P4RuntimeServer, serve
from bmv2.embedded.p4runtime.service import P4RuntimeService
from bmv2.embedded.ports.packet_socket import PacketSocketPort
from bmv2.embedded.ports.port import Port
from bmv2.embedded.ports.tap import TapPort
from bmv2.switch_options import OptionsError, PortKind, PortSpec, SwitchOptions

_log = logging.getLogger(__name__)


class EmbeddedSwitch:
    """A switch that runs while its context is open.

    Args:
        options: What it is told.
        extra_ports: Ports that are not network interfaces.
        clock_ns: Its clock: of meters, of idle timeouts, of digests.
        clock_speed: How many of that clock's seconds pass in one of the event loop's.

    Attributes:
        datapath: The forwarding half.
        service: The control half, as P4Runtime without gRPC.
        unknown_port_drops: Frames that the program sent to a port that does not exist.
    """

    def __init__(
        self,
        options: SwitchOptions,
        *,
        extra_ports: Sequence[Port] = (),
        clock_ns: ClockNs = time.monotonic_ns,
        clock_speed: float = 1.0,
    ) -> None:
        self.datapath = EmbeddedDatapath(clock_ns, cpu_port=options.cpu_port)
        self.service = P4RuntimeService(
            self.datapath, device_id=options.device_id, clock_ns=clock_ns
        )
        self.unknown_port_drops = 0
        self._options = options
        self._clock_ns = clock_ns
        self._clock_speed = clock_speed
        self._extra_ports = tuple(extra_ports)
        self._ports: dict[int, Port] = {}
        self._server: P4RuntimeServer | None = None

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where P4Runtime is served, as bound; empty while the switch does not run."""
        return () if self._server is None else self._server.addresses

    @property
    def ports(self) -> tuple[Port, ...]:
        """The ports that are open."""
        return tuple(self._ports.values())

    async def __aenter__(self) -> Self:
        """Open the ports and serve.

        Raises:
            PortError: A port cannot be opened.
            ServeError: P4Runtime cannot be served.
            OptionsError: A port of ``extra_ports`` is in use.
        """
        self.datapath.on_transmit = self._transmit
        try:
            for port in self._extra_ports:
                self._attach(port)
            for spec in self._options.ports:
                self._attach(open_port(spec))
            self._server = await serve(
                self.service,
                self._options.grpc_addresses,
                clock_ns=self._clock_ns,
                clock_speed=self._clock_speed,
                tls=self._options.tls,
            )
        except BaseException:
            self._close_ports()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop to take frames in, then to serve."""
        self._close_ports()
        server, self._server = self._server, None
        if server is not None:
            await server.stop()

    def _attach(self, port: Port) -> None:
        if port.number in self._ports or port.number == self._options.cpu_port:
            port.close()
            raise OptionsError(f"port {port.number} is in use")
        self._ports[port.number] = port
        port.on_receive = partial(self.datapath.inject, port.number)

    def _transmit(self, number: int, frame: bytes) -> None:
        port = self._ports.get(number)
        if port is None:
            self.unknown_port_drops += 1
        else:
            port.send(frame)

    def _close_ports(self) -> None:
        for port in self._ports.values():
            port.close()
        self._ports.clear()


def open_port(spec: PortSpec) -> Port:
    """Open a port.

    Raises:
        PortError: It cannot be opened; says why.
    """
    if spec.kind is PortKind.TAP:
        return TapPort(spec.number, spec.name)
    return PacketSocketPort(spec.number, spec.name)


async def run(options: SwitchOptions, stop: asyncio.Event) -> None:
    """Run a switch until ``stop`` is set.

    Raises:
        PortError: A port cannot be opened.
        ServeError: P4Runtime cannot be served.
    """
    async with EmbeddedSwitch(options) as switch:
        _log.info("device %d: P4Runtime on %s", options.device_id, ", ".join(switch.addresses))
        for spec in options.ports:
            _log.info("device %d: port %s", options.device_id, spec)
        await stop.wait()
