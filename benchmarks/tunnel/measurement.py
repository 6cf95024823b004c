"""Takes the measurements of all runs, and shows them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from benchmarks import targets
from benchmarks.tunnel.moments import Moments
from benchmarks.tunnel.runs import one_switch, two_strongswans, two_switches
from benchmarks.tunnel.traffic import Effort, Measurement
from tests.interop.lab.requirements import missing

USUAL = Effort()


@dataclass(frozen=True)
class Results:
    """What one run found."""

    traffic: tuple[Measurement, ...]
    moments: tuple[Moments, ...]


def unavailable() -> str:
    """Say why it cannot be measured here; empty: it can."""
    return "; ".join(missing())


def measurements(
    effort: Effort = USUAL,
    switches: Sequence[str] | None = None,
    in_the_clear: bool = True,
    progress: Callable[[str], None] = lambda text: None,
) -> Results:
    """Measure all that is here.

    Args:
        effort: of one measurement.
        switches: which ones; None: all that are here.
        in_the_clear: passive mode too, which takes the 10 s of PM-2 for each switch.
        progress: is told what is measured next.

    Raises:
        LabError: something did not start, or traffic did not get through.
    """
    progress("two strongSwans")
    traffic = list(two_strongswans(effort))
    moments: list[Moments] = []
    for target in targets.here() if switches is None else switches:
        progress(f"{target}: with strongSwan at the other end")
        for found in one_switch(target, effort, in_the_clear=in_the_clear):
            if isinstance(found, Moments):
                moments.append(found)
            else:
                traffic.append(found)
        progress(f"{target}: with another of ours at the other end")
        traffic += two_switches(target, effort)
    return Results(tuple(traffic), tuple(moments))


def print_table(results: Results) -> None:
    """Print both."""
    console = Console(width=None if sys.stdout.isatty() else 110)
    table = Table(title="TCP, Mbit/s; UDP packets of 92 bytes; pings")
    for heading in ("router", "other end", "way"):
        table.add_column(heading)
    for heading in ("forth", "back", "packets/s", "ping, ms"):
        table.add_column(heading, justify="right")
    for row in results.traffic:
        rates = (
            f"{row.forth}",
            f"{row.back}",
            f"{row.packets_per_second:,}",
            f"{row.round_trip:.2f}",
        )
        table.add_row(row.router, row.other_end, row.way, *rates)
    console.print(table)
    table = Table("router", "first answer in ESP, s", "lost: clear to ESP", "lost: restart")
    for at in results.moments:
        table.add_row(
            at.router,
            f"{at.first_encrypted:g}",
            _count(at.lost_at_takeover),
            str(at.lost_at_restart),
        )
    console.print(table)


def _count(packets: int | None) -> str:
    return "" if packets is None else str(packets)


def as_json(results: Results) -> str:
    """Write both as JSON."""
    return json.dumps(asdict(results), indent=2) + "\n"
