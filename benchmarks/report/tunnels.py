"""The sections on whole routers: traffic, and the moments of a change."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.report.document import Document
from benchmarks.report.text import opening, table
from benchmarks.tunnel.moments import Moments
from benchmarks.tunnel.traffic import PAYLOAD, Measurement


def traffic_rows(document: Document) -> list[Measurement]:
    """Return what was measured through routers; nothing if it was not."""
    return [Measurement(**row) for row in document.results.get("tunnel", {}).get("traffic", ())]


def traffic(document: Document) -> Iterator[str]:
    """Yield what gets through whole routers."""
    rows = traffic_rows(document)
    if not rows:
        return
    yield from opening(
        "## Through whole routers",
        "Two hosts, each behind a router, a core network in between; all of it, iperf3 included,",
        "on the same cores, so with two switches each has half. Mbit/s of one TCP connection,",
        f"forth and back; packets/s of UDP with {PAYLOAD} bytes of payload, as many as arrive at",
        "most; the round trip of a ping with no other traffic, on average. ESP is AES-GCM-256.",
        "With strongSwan it goes in UDP, as its `kernel-libipsec` wants",
        "it; two of our routers use raw ESP, and UDP where they find a NAT in between. *Clear* to",
        "a Linux router is passive mode without an SA; between two of ours no crypto map is bound.",
        "`python -m benchmarks.tunnel`",
    )
    yield from table(
        ("router", "other end", "way", "Mbit/s forth", "Mbit/s back", "packets/s", "ping, ms"),
        (
            (
                row.router,
                row.other_end,
                row.way,
                f"{row.forth:,}",
                f"{row.back:,}",
                f"{row.packets_per_second:,}",
                f"{row.round_trip:.2f}",
            )
            for row in rows
        ),
        texts=3,
    )
    yield ""


def moment_rows(document: Document) -> list[Moments]:
    """Return what was seen of changes; nothing if it was not."""
    return [Moments(**row) for row in document.results.get("tunnel", {}).get("moments", ())]


def moments(document: Document) -> Iterator[str]:
    """Yield what a change costs."""
    rows = moment_rows(document)
    if not rows:
        return
    yield from opening(
        "### What a change costs",
        "Seconds from the first packet without an SA to the first answer through ESP, with IKE in",
        "between; and packets lost, of pings every 10 ms, when an SA takes over from the clear,",
        "and when the controller (with a `state_file`) is killed and started again.",
    )
    yield from table(
        ("router", "first answer in ESP, s", "lost, clear to ESP", "lost, restart"),
        (
            (
                row.router,
                f"{row.first_encrypted:.2f}",
                "not measured" if row.lost_at_takeover is None else str(row.lost_at_takeover),
                str(row.lost_at_restart),
            )
            for row in rows
        ),
    )
    yield ""
