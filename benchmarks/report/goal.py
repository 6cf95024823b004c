"""The section on the goal: ESP on bmv2 beside plain forwarding on the same bmv2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.report.document import Document
from benchmarks.report.text import opening, percent, table
from benchmarks.report.tunnels import traffic_rows
from benchmarks.switch.cases import CLEAR as CASE_CLEAR
from benchmarks.switch.cases import PLAIN_FORWARDING
from benchmarks.switch.measurement import Measurement as SwitchMeasurement
from benchmarks.tunnel.runs import CLEAR, IN_UDP, PLAIN, RAW
from benchmarks.tunnel.traffic import Measurement as Traffic
from tests.interop.lab.target import BMV2

GOAL = 0.6


@dataclass(frozen=True)
class Comparison:
    """ESP beside what the same switch does without it; more is better."""

    what: str
    plain: float
    clear: float
    esp: float

    @property
    def of_plain(self) -> float:
        """ESP over plain forwarding."""
        return self.esp / self.plain

    @property
    def of_clear(self) -> float:
        """ESP over our router's own clear packets."""
        return self.esp / self.clear


def comparisons(document: Document) -> list[Comparison]:
    """Return every comparison that the run has on bmv2."""
    switch_rows = document.rows("switch", SwitchMeasurement)
    return [
        *_through_routers([row for row in traffic_rows(document) if row.router == BMV2]),
        *_one_switch([row for row in switch_rows if row.target == BMV2]),
    ]


def _through_routers(rows: Sequence[Traffic]) -> Iterator[Comparison]:
    two = {row.way: row for row in rows if row.other_end == BMV2}
    one = {row.way: row for row in rows if row.other_end != BMV2}
    for name, found, esp in (
        ("two routers", two, RAW),
        ("two routers", two, IN_UDP),
        ("one router", one, IN_UDP),
    ):
        if not {PLAIN, CLEAR, esp} <= found.keys():
            continue
        compared = [found[way] for way in (PLAIN, CLEAR, esp)]
        what = f"{esp}, {name}"
        yield Comparison(f"{what}: Mbit/s forth", *(row.forth for row in compared))
        yield Comparison(f"{what}: Mbit/s back", *(row.back for row in compared))
        yield Comparison(f"{what}: packets/s", *(row.packets_per_second for row in compared))


def _one_switch(rows: Sequence[SwitchMeasurement]) -> Iterator[Comparison]:
    rates = {(row.case, row.octets): row.packets_per_second for row in rows}
    for (case, octets), rate in rates.items():
        bases = [rates.get((base, octets)) for base in (PLAIN_FORWARDING, CASE_CLEAR)]
        if case.startswith("ESP") and bases[0] and bases[1]:
            what = f"{case}, one switch, {octets:,} bytes: packets/s"
            yield Comparison(what, bases[0], bases[1], rate)


def _verb(count: int) -> str:
    return "reaches" if count == 1 else "reach"


def goal(document: Document) -> Iterator[str]:
    """Yield how far ESP on bmv2 is from the goal."""
    rows = comparisons(document)
    if not rows:
        return
    reached = sum(row.of_plain >= GOAL for row in rows)
    of_clear = sum(row.of_clear >= GOAL for row in rows)
    yield from opening(
        "## ESP on bmv2, and the goal",
        f"The goal is ESP at {percent(GOAL)} of plain forwarding on the same bmv2, or better.",
        f"Of the {len(rows)} comparisons of this run, {reached} {_verb(reached)} that.",
        "Plain forwarding does a fraction of what the router does before it comes to ESP, so the",
        f"last column tells what ESP itself costs: of the same router in the clear, {of_clear}",
        f"{_verb(of_clear)} {percent(GOAL)}.",
    )
    yield from table(
        ("", "plain forwarding", "clear", "ESP", "of plain", "of clear"),
        (
            (
                row.what,
                f"{row.plain:,.0f}",
                f"{row.clear:,.0f}",
                f"{row.esp:,.0f}",
                percent(row.of_plain),
                percent(row.of_clear),
            )
            for row in rows
        ),
    )
    yield ""
