"""What gets through between two hosts: TCP for Mbit/s, small UDP packets for packets/s, pings."""

from __future__ import annotations

from dataclasses import dataclass

from tests.interop.lab.errors import LabError
from tests.interop.lab.lab import Lab
from tests.interop.lab.ping import ping
from tests.interop.lab.throughput import (
    IperfServer,
    Throughput,
    measure,
    measure_packets,
)
from tests.interop.lab.topology import SITE_A, Site

PAYLOAD = 64  # bytes of UDP payload, in an IP packet of 92
_LITTLE = 1.2  # times as much


@dataclass(frozen=True)
class Effort:
    """How long one measurement takes.

    Attributes:
        seconds: Of TCP.
        size: Bytes to send instead, in however long, of TCP as of UDP.
        first_rate: UDP packets a second, doubled until it brings little more.
        pings: Echo requests.
    """

    seconds: int = 5
    size: int | None = None
    first_rate: int = 4000
    pings: int = 100


@dataclass(frozen=True)
class Measurement:
    """One row.

    Attributes:
        router: What the router at our end is.
        other_end: What the router at the other end is.
        way: How packets go between them.
        forth: Mbit/s of TCP, from us to the other end.
        back: Mbit/s of TCP, from the other end to us.
        packets_per_second: UDP packets that arrive at the other end, of as many as it takes.
        round_trip: Milliseconds of a ping and its answer on average, with no other traffic.
    """

    router: str
    other_end: str
    way: str
    forth: int
    back: int
    packets_per_second: int
    round_trip: float


def measure_traffic(
    lab: Lab, site: Site, effort: Effort, *, router: str, other_end: str, way: str
) -> Measurement:
    """Measure between the host of our site and that of another."""
    client, server = lab[SITE_A.host], site.host_address
    quiet = ping(client, server, count=effort.pings, interval=0.02)
    if not quiet.all_answered or quiet.round_trip is None:
        raise LabError(f"{server} answered {quiet.received} of {quiet.sent} pings")
    with IperfServer(lab[site.host], lab.run):
        forth, back = (
            measure(client, server, seconds=effort.seconds, size=effort.size, reverse=reverse)
            for reverse in (False, True)
        )
        packets = _most_packets(lab, site, effort)
    return Measurement(
        router,
        other_end,
        way,
        _mbit(forth),
        _mbit(back),
        round(packets),
        round(quiet.round_trip * 1000, 2),
    )


def _mbit(measured: Throughput) -> int:
    return round(measured.bits_per_second / 1e6)


def _most_packets(lab: Lab, site: Site, effort: Effort) -> float:
    """Ask for more and more packets, for a second each time, until hardly more arrive."""
    client, server = lab[SITE_A.host], site.host_address
    rate, most, before = effort.first_rate, 0.0, 0.0
    while most >= _LITTLE * before:
        before = most
        try:
            measured = measure_packets(client, server, rate=rate, payload=PAYLOAD, size=effort.size)
        except LabError:
            if most:  # more than the way takes, so that iperf's own connection breaks
                break
            raise
        most = max(most, measured.received)
        rate *= 2
    return most
