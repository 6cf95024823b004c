"""TCP throughput, measured by iperf3."""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from tests.interop.lab.daemon import Daemon
from tests.interop.lab.namespace import Namespace

_IPERF_PORT = 5201


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
