"""TCP through real routers in the lab: ``python -m benchmarks.tunnel [--json]`` (root).

Our router on each switch that is here, with strongSwan at the other end (ESP in UDP, AES-GCM-256),
beside the same router's packets in the clear, and beside a tunnel between two strongSwans, all in
one run: on two cores absolute numbers say more about the machine than about the switch.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from tests.interop.lab.lab import Lab
from tests.interop.lab.ping import PingStream, ping
from tests.interop.lab.requirements import missing
from tests.interop.lab.router import Router
from tests.interop.lab.router_config import RouterConfig
from tests.interop.lab.scenario import CHILD, peer_connection
from tests.interop.lab.target import BMV2, EMBEDDED
from tests.interop.lab.throughput import IperfServer, measure
from tests.interop.lab.topology import SITE_A, SITE_B, SITE_C, Site
from tests.interop.lab.waiting import wait_for

SECONDS = 6.0  # of one measurement
HOLD = 10.0  # seconds (PM-2)
PING_INTERVAL = 0.01  # seconds


@dataclass(frozen=True)
class Measurement:
    """One row. Back is from the other end to us."""

    router: str
    way: str
    forth: float  # Mbit/s
    back: float  # Mbit/s


@dataclass(frozen=True)
class Moments:
    """What it takes until packets are encrypted, and what a change costs."""

    router: str
    first_encrypted: float  # seconds from the first packet without an SA to the first answer
    lost_at_takeover: int  # packets, when an SA takes over from the clear
    lost_at_restart: int  # packets, when the controller is killed and started again


def unavailable() -> str:
    """Say why it cannot be measured here; empty: it can."""
    return "; ".join(missing())


def measurements(
    seconds: float = SECONDS, progress: Callable[[str], None] = lambda text: None
) -> tuple[list[Measurement], list[Moments]]:
    """Measure all that is here."""
    rows: list[Measurement] = []
    moments: list[Moments] = []
    progress("two strongSwans")
    rows += _two_strongswans(seconds)
    switches = [EMBEDDED] + ([BMV2] if shutil.which("simple_switch_grpc") else [])
    for switch in switches:
        progress(f"the {switch} switch")
        found, at = _our_router(switch, seconds)
        rows += found
        moments.append(at)
    return rows, moments


@contextmanager
def _lab(name: str) -> Iterator[Lab]:
    lab = Lab(name)
    lab.down()
    lab.up()
    try:
        yield lab
    finally:
        lab.down()


def _two_strongswans(seconds: float) -> Iterator[Measurement]:
    with _lab("bench0") as lab:
        lab.network.make_linux_router(SITE_A)
        yield _throughput(lab, "Linux kernel", "clear", SITE_B, seconds)
        near, far = lab.strongswan("router"), lab.strongswan("gateway")
        near.start(peer_connection(SITE_A, SITE_B))
        far.start(peer_connection(SITE_B))
        near.initiate(CHILD)
        yield _throughput(lab, "strongSwan (kernel-libipsec)", "ESP", SITE_B, seconds)


def _our_router(switch: str, seconds: float) -> tuple[list[Measurement], Moments]:
    os.environ["TARGET"] = switch
    with _lab("bench1") as lab:
        router = Router(lab["router"], lab.run / "router")
        gateway = lab.strongswan("gateway")
        gateway.start(peer_connection(SITE_B))
        state_file = lab.run / "router" / "ike.state"
        router.start(RouterConfig(retry=15, keepalive=30, state_file=state_file))
        first = _time_to_answer(lab, SITE_B)
        rows = [_throughput(lab, switch, "ESP", SITE_B, seconds)]
        ping(lab["host-a"], SITE_C.host_address, count=1, timeout=0.5)
        time.sleep(HOLD)
        rows.insert(0, _throughput(lab, switch, "clear", SITE_C, seconds))
        restart = _lost(lab, SITE_B, lambda: _restart_controller(router))
        legacy = lab.strongswan("legacy")

        def upgrade() -> None:
            legacy.start(peer_connection(SITE_C))
            legacy.wait_for_child(CHILD, timeout=40.0)
            time.sleep(1.0)

        takeover = _lost(lab, SITE_C, upgrade)
        legacy.stop()
        router.stop()
        gateway.stop()
    return rows, Moments(switch, first, takeover, restart)


def _throughput(lab: Lab, router: str, way: str, site: Site, seconds: float) -> Measurement:
    with IperfServer(lab[site.host], lab.run):
        forth, back = (
            measure(lab["host-a"], site.host_address, seconds=seconds, reverse=reverse)
            for reverse in (False, True)
        )
    return Measurement(
        router, way, round(forth.bits_per_second / 1e6), round(back.bits_per_second / 1e6)
    )


def _time_to_answer(lab: Lab, site: Site) -> float:
    began = time.monotonic()
    wait_for(
        lambda: ping(lab["host-a"], site.host_address, count=1, timeout=0.2).all_answered,
        "a ping through the new SA",
        interval=0.01,
    )
    return round(time.monotonic() - began, 3)


def _lost(lab: Lab, site: Site, change: Callable[[], None]) -> int:
    """Count the pings without an answer while something changes; the last are on their way."""
    with PingStream(lab["host-a"], site.host_address, lab.run, interval=PING_INTERVAL) as stream:
        stream.wait_for_answer()
        change()
        time.sleep(1.0)
        stream.stop()
    answered = stream.answered()
    return answered[-1] - len(answered)


def _restart_controller(router: Router) -> None:
    router.controller.kill()
    router.start_controller()


def print_table(rows: Sequence[Measurement], moments: Sequence[Moments]) -> None:
    """Print both."""
    console = Console()
    table = Table("router", "way", "forth", "back", title="TCP, Mbit/s")
    for row in rows:
        table.add_row(row.router, row.way, f"{row.forth:g}", f"{row.back:g}")
    console.print(table)
    table = Table("router", "first answer in ESP, s", "lost: clear to ESP", "lost: restart")
    for at in moments:
        table.add_row(
            at.router, f"{at.first_encrypted:g}", str(at.lost_at_takeover), str(at.lost_at_restart)
        )
    console.print(table)


def as_json(rows: Sequence[Measurement], moments: Sequence[Moments]) -> str:
    """Write both as JSON."""
    found = {
        "unit": "Mbit/s",
        "throughput": [asdict(row) for row in rows],
        "moments": [asdict(at) for at in moments],
    }
    return json.dumps(found, indent=2) + "\n"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.tunnel", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each measurement")
    arguments = parser.parse_args()
    reason = unavailable()
    if reason:
        print(f"error: {reason}", file=sys.stderr)
        return 1
    rows, moments = measurements(
        arguments.seconds, lambda text: print(f"measuring {text} ...", file=sys.stderr)
    )
    if arguments.json:
        print(as_json(rows, moments), end="")
    else:
        print_table(rows, moments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
