"""TCP throughput, and UDP packets that get through, measured by iperf3."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from tests.interop.lab.daemon import Daemon
from tests.interop.lab.errors import LabError
from tests.interop.lab.namespace import Namespace

_IPERF_PORT = 5201
# Seconds before each try: the server resets a client while it is still busy with one before.
_PAUSES = (0.0, 1.0, 3.0)


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
    client: Namespace,
    server: IPv4Address,
    *,
    seconds: int = 2,
    size: int | None = None,
    reverse: bool = False,
) -> Throughput:
    """Measure TCP from client to server, or back, for some seconds, or for `size` bytes.

    Raises:
        LabError: it failed.
    """
    end = _run(client, server, seconds, size, *(["--reverse"] if reverse else []))
    received = end["sum_received"]
    return Throughput(int(received["bytes"]), float(received["bits_per_second"]))


@dataclass(frozen=True, slots=True)
class PacketRate:
    """What iperf3 counted over UDP, in packets a second."""

    sent: float
    received: float


def measure_packets(
    client: Namespace,
    server: IPv4Address,
    *,
    rate: int,
    payload: int,
    seconds: int = 1,
    size: int | None = None,
) -> PacketRate:
    """Send UDP from client to server for some seconds, or `size` bytes.

    Args:
        client: the namespace to send from.
        server: where a server listens.
        rate: packets a second to send, if the client can.
        payload: bytes of each packet's UDP payload, from 16 on.
        seconds: to send for.
        size: bytes of payload to send, in however long; None: for `seconds`.

    Raises:
        LabError: it failed.
    """
    words = ("--udp", "--length", str(payload), "--bitrate", str(rate * payload * 8))
    total = _run(client, server, seconds, size, *words)["sum"]
    packets, lost, took = int(total["packets"]), int(total["lost_packets"]), total["seconds"]
    return PacketRate(packets / took, (packets - lost) / took)


def _run(
    client: Namespace, server: IPv4Address, seconds: int, size: int | None, *words: str
) -> dict[str, Any]:
    argv = ["iperf3", "--client", str(server), "--port", str(_IPERF_PORT), "--json"]
    argv += ["--time", str(seconds)] if size is None else ["--bytes", str(size)]
    argv += ["--connect-timeout", "5000", *words]
    for pause in _PAUSES:
        time.sleep(pause)
        report = json.loads(client.run(*argv, timeout=seconds + 30.0))
        end = report["end"]
        assert isinstance(end, dict)
        if end:
            return end
    raise LabError(f"iperf3 measured nothing: {report.get('error', 'no reason given')}")
