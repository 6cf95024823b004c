"""Takes the measurements of all cases, and shows them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from benchmarks import targets
from benchmarks.quiet import disturbed
from benchmarks.switch.bench import Bench, bench
from benchmarks.switch.cases import CASES, CLEAR, PLAIN_FORWARDING, Case
from tests.interop.lab.errors import LabError
from tests.interop.lab.requirements import NETWORK, missing

SIZES = (64, 1400)  # bytes of IP packet
SECONDS = 1.0  # of a round
ROUNDS = 3
QUIET = 0.05  # of all cores, for others: with more, a round is made once more
RATE = 2500  # packets a second at a steady pace


@dataclass(frozen=True)
class Measurement:
    """One row.

    Attributes:
        target: Which switch.
        case: What it did.
        octets: Bytes of the IP packet, before or after all that ESP adds.
        packets_per_second: What got through while there was more than that.
        microseconds: Processor time of the switch for a packet, at `RATE`.
        others: The share of all cores that other processes had meanwhile, 0 to 1.
    """

    target: str
    case: str
    octets: int
    packets_per_second: int
    microseconds: float
    others: float


def unavailable() -> str:
    """Say why it cannot be measured here; empty: it can."""
    return "; ".join(missing(NETWORK))


def measurements(
    seconds: float = SECONDS,
    rounds: int = ROUNDS,
    sizes: Sequence[int] = SIZES,
    switches: Sequence[str] | None = None,
    cases: Sequence[Case] = CASES,
    progress: Callable[[str], None] = lambda text: None,
) -> Iterator[Measurement]:
    """Take all measurements.

    Args:
        seconds: of a round.
        rounds: of a flood, and at a steady pace, of which the best counts; up to twice as many
            while others use the machine.
        sizes: bytes of IP packet.
        switches: which ones; None: all that are here.
        cases: what they do.
        progress: is told what is measured next.

    Raises:
        LabError: a switch did not start, or does not forward.
    """
    for target in targets.here() if switches is None else switches:
        for case in cases:
            progress(f"{target}: {case.name}")
            # Each has a process of its own, that nothing is left in of what came before.
            with bench(target) as running, running.client(case.program) as client:
                case.set_up(client)
                for size in sizes:
                    yield _measure(running, target, case, size, seconds, rounds)


def _measure(
    running: Bench, target: str, case: Case, size: int, seconds: float, rounds: int
) -> Measurement:
    frame = case.frame(size)
    try:
        running.pass_one(case.port, frame)
        paced = _quiet_rounds(
            running, rounds, lambda: running.cpu_of_a_packet(case.port, frame, RATE, seconds)
        )
        flooded = _quiet_rounds(running, rounds, lambda: running.flood(case.port, frame, seconds))
    except LabError as error:
        raise LabError(f"{target}, {case.name}, {size} bytes: {error}") from error
    cpu = min(seconds for _, seconds in paced)
    others, rate = max(flooded, key=lambda found: found[1])
    return Measurement(target, case.name, size, round(rate), round(cpu * 1e6, 1), round(others, 3))


def _quiet_rounds(
    running: Bench, rounds: int, measure: Callable[[], float]
) -> list[tuple[float, float]]:
    """Measure until there were enough quiet rounds, or twice as many in all; return the quietest.

    Each comes with the share that others had of the machine.
    """
    found: list[tuple[float, float]] = []
    while sum(others <= QUIET for others, _ in found) < rounds and len(found) < 2 * rounds:
        found.append(disturbed(running.pid, measure))
    return sorted(found)[:rounds]


def share(rows: Sequence[Measurement], row: Measurement, base: str) -> float | None:
    """Return the packets a second of a row over those of another case; None: not measured."""
    other = _counterpart(rows, row, base)
    return None if other is None else row.packets_per_second / other.packets_per_second


def cpu_share(rows: Sequence[Measurement], row: Measurement, base: str) -> float | None:
    """Return the same of the packets that some processor time is enough for."""
    other = _counterpart(rows, row, base)
    return None if other is None else other.microseconds / row.microseconds


def _counterpart(rows: Sequence[Measurement], row: Measurement, base: str) -> Measurement | None:
    wanted = (row.target, row.octets, base)
    return next((o for o in rows if (o.target, o.octets, o.case) == wanted), None)


def print_table(rows: Sequence[Measurement]) -> None:
    """Print measurements for people."""
    table = Table(title="One switch between two links")
    for heading in ("switch", "case"):
        table.add_column(heading, no_wrap=True)
    for heading in (
        "bytes of IP",
        "packets/s",
        "of plain",
        "of clear",
        "µs CPU a packet",
        "others",
    ):
        table.add_column(heading, justify="right")
    for row in rows:
        shares = (share(rows, row, base) for base in (PLAIN_FORWARDING, CLEAR))
        table.add_row(
            row.target,
            row.case,
            str(row.octets),
            f"{row.packets_per_second:,}",
            *("" if found is None else f"{found:.0%}" for found in shares),
            f"{row.microseconds:.1f}",
            f"{row.others:.0%}",
        )
    Console(width=None if sys.stdout.isatty() else 100).print(table)


def as_json(rows: Sequence[Measurement]) -> str:
    """Return measurements for programs."""
    return json.dumps([asdict(row) for row in rows], indent=2) + "\n"
