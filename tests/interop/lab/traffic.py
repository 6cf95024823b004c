"""Traffic between hosts: pings, throughput by iperf3, and copies checked byte for byte."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from tests.interop.lab.daemon import Daemon
from tests.interop.lab.errors import LabError
from tests.interop.lab.namespace import Namespace
from tests.interop.lab.waiting import wait_for

_IPERF_PORT = 5201
_COPY_PORT = 5202


@dataclass(frozen=True, slots=True)
class PingResult:
    """How many echo requests went out, and how many answers came back."""

    sent: int
    received: int

    @property
    def all_answered(self) -> bool:
        """Whether every request was answered, and there was one."""
        return self.sent == self.received > 0


def ping(
    source: Namespace,
    target: IPv4Address,
    *,
    count: int = 3,
    interval: float = 0.05,
    timeout: float = 1.0,
    size: int = 56,
    dont_fragment: bool = False,
) -> PingResult:
    """Send echo requests and count the answers; no answer is a result, not an error.

    Args:
        source: the namespace to send from.
        target: whom to ask.
        count: requests to send.
        interval: seconds between two.
        timeout: seconds to wait for the last answer.
        size: bytes of ICMP payload.
        dont_fragment: set DF.
    """
    argv = ["ping", "-n", "-q", "-c", str(count), "-i", f"{interval:g}", "-W", f"{timeout:g}"]
    argv += ["-s", str(size), *(("-M", "do") if dont_fragment else ()), str(target)]
    limit = count * interval + timeout + 10.0
    done = subprocess.run(
        source.command(*argv), capture_output=True, text=True, timeout=limit, check=False
    )
    match = re.search(r"(\d+) packets transmitted, (\d+) received", done.stdout)
    if match is None:
        raise LabError(f"ping said nothing to count: {(done.stderr or done.stdout).strip()}")
    return PingResult(int(match[1]), int(match[2]))


@dataclass(frozen=True, slots=True)
class Throughput:
    """What iperf3 measured over one TCP connection, as the receiver saw it."""

    received_bytes: int
    bits_per_second: float


class IperfServer:
    """An iperf3 server in a namespace, as a context manager."""

    def __init__(self, namespace: Namespace, run: Path) -> None:
        self.namespace = namespace
        self._daemon = Daemon(namespace, f"iperf3-{namespace.name}", run)

    def __enter__(self) -> IperfServer:
        self._daemon.start(
            ["iperf3", "--server", "--forceflush", "--port", str(_IPERF_PORT)],
            ready=lambda: "Server listening" in self._daemon.log,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._daemon.stop()


def measure(
    client: Namespace, server: IPv4Address, *, seconds: float = 2.0, reverse: bool = False
) -> Throughput:
    """Measure TCP from client to server, or back, for some seconds.

    Raises:
        LabError: it failed.
    """
    argv = ["iperf3", "--client", str(server), "--port", str(_IPERF_PORT), "--json"]
    argv += ["--time", f"{seconds:g}", "--connect-timeout", "5000"]
    argv += ["--reverse"] if reverse else []
    received = json.loads(client.run(*argv, timeout=seconds + 30.0))["end"]["sum_received"]
    return Throughput(int(received["bytes"]), float(received["bits_per_second"]))


def copy(
    source: Namespace,
    target: Namespace,
    address: IPv4Address,
    *,
    size: int,
    run: Path,
    timeout: float = 60.0,
) -> None:
    """Copy `size` bytes over one TCP connection and check that all of them arrived, unchanged.

    Args:
        source: the namespace that connects and sends.
        target: the namespace that listens and receives.
        address: the target's address.
        size: bytes.
        run: where the receiver's log goes.
        timeout: seconds for the whole copy.

    Raises:
        LabError: it failed, took too long, or what arrived differs from what was sent.
    """
    script = [sys.executable, str(Path(__file__).with_name("tcp_copy.py"))]
    receiver = Daemon(target, f"copy-{target.name}", run)
    receiver.start(
        [*script, "receive", str(address), str(_COPY_PORT)],
        ready=lambda: "listening" in receiver.log,
    )
    try:
        sent = source.run(
            *script, "send", str(address), str(_COPY_PORT), str(size), timeout=timeout
        ).strip()
        wait_for(lambda: not receiver.running, "the receiver's count", timeout=timeout)
        received = receiver.log.splitlines()[-1]
    finally:
        receiver.stop()
    if sent != received:
        raise LabError(f"sent {sent}, received {received}")
