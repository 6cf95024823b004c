"""A switch in a namespace, and the two links that it forwards between."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.cpu import cpu_seconds
from benchmarks.process import SwitchProcess, switch_process
from tests.conformance.client import NO_WIRE, P4RuntimeSwitch, Program
from tests.interop.lab.engine.sockets import open_packet_socket
from tests.interop.lab.errors import LabError
from tests.interop.lab.lab import Lab
from tests.interop.lab.links import Port, connect
from tests.interop.lab.namespace import Namespace
from tests.interop.lab.topology import MTU, namespace_prefix
from tests.interop.lab.waiting import wait_for

_LAB = "benchswitch"
_PORTS = (1, 2)
_BURST = 20  # frames at a steady pace
_FLOOD_BURST = 16  # frames between two looks at the clock
_QUIET = 0.03  # seconds without a frame that comes out: none is on its way


class Bench:
    """A running switch, and frames to and fro.

    Args:
        namespace: Where it runs.
        process: What runs there.
    """

    def __init__(self, namespace: Namespace, process: SwitchProcess) -> None:
        self._pid = process.pid
        self._address = process.address
        self._sockets = {port: open_packet_socket(namespace, _link(port)) for port in _PORTS}

    @contextmanager
    def client(self, program: Program) -> Iterator[P4RuntimeSwitch]:
        """Connect as the primary client, which loads `program` when it is told to."""
        connected = P4RuntimeSwitch(self._address, NO_WIRE, program=program)
        try:
            yield connected
        finally:
            connected.close()

    @property
    def pid(self) -> int:
        """The switch's process."""
        return self._pid

    def close(self) -> None:
        """Close the sockets."""
        for opened in self._sockets.values():
            opened.close()

    def pass_one(self, port: int, frame: bytes) -> None:
        """Send a frame in by a port, and wait until it goes out by the other one.

        Raises:
            LabError: it does not.
        """
        before = self._came_out(port)
        self._sockets[port].send(frame)
        wait_for(lambda: self._came_out(port) > before, "the frame goes through", timeout=5.0)

    def cpu_of_a_packet(self, port: int, frame: bytes, rate: int, seconds: float) -> float:
        """Send at a steady pace; return the switch's processor time for one frame, in seconds.

        Raises:
            LabError: most of them were lost.
        """
        opened, bursts = self._sockets[port], max(1, round(rate * seconds / _BURST))
        used, out, begun = cpu_seconds(self._pid), self._came_out(port), time.monotonic()
        for number in range(bursts):
            for _ in range(_BURST):
                opened.send(frame)
            time.sleep(max(0.0, begun + (number + 1) * _BURST / rate - time.monotonic()))
        self._settle(port)
        used, out = cpu_seconds(self._pid) - used, self._came_out(port) - out
        if out < bursts * _BURST / 2:
            raise LabError(f"of {bursts * _BURST} frames at {rate} a second, {out} got through")
        return used / out

    def flood(self, port: int, frame: bytes, seconds: float) -> float:
        """Send as much as one sender can; return the frames that got through a second."""
        send = self._sockets[port].send
        out, begun = self._came_out(port), time.monotonic()
        while (now := time.monotonic()) < begun + seconds:
            for _ in range(_FLOOD_BURST):
                send(frame)
            time.sleep(0)
        rate = (self._came_out(port) - out) / (now - begun)
        self._settle(port)
        return rate

    def _settle(self, port: int) -> None:
        seen = -1
        while (now := self._came_out(port)) != seen:
            seen = now
            time.sleep(_QUIET)

    def _came_out(self, port: int) -> int:
        """Return how many frames came out by the other port, ever."""
        (other,) = set(_PORTS) - {port}
        devices = Path(f"/proc/{self._pid}/net/dev").read_text()
        found = re.search(rf"^ *{_link(other)}: *\d+ +(\d+)", devices, re.MULTILINE)
        assert found is not None
        return int(found[1])


def _link(port: int) -> str:
    """Return our end of the link to a port."""
    return f"wire{port}"


@contextmanager
def bench(target: str) -> Iterator[Bench]:
    """Start a switch that has no program yet, with ports 1 and 2.

    Raises:
        LabError: it did not come up; with the end of its log.
    """
    lab = Lab(_LAB)
    lab.down()
    namespace = Namespace(f"{namespace_prefix(_LAB)}switch")
    lab.run.mkdir(parents=True)
    try:
        namespace.create()
        for port in _PORTS:
            ends = (Port(namespace, name) for name in (f"port{port}", _link(port)))
            connect(*ends, mtu=MTU, offload=False)
        ports = [f"{port}=port{port}" for port in _PORTS]
        with switch_process(target, lab.run, ports, namespace) as process:
            running = Bench(namespace, process)
            try:
                yield running
            finally:
                running.close()
    finally:
        lab.down()
