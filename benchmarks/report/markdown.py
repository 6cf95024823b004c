"""The report as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.report.document import Document
from benchmarks.report.goal import goal
from benchmarks.report.ike import beside_charon, engine
from benchmarks.report.switches import embedded_datapath, forwarding, writes
from benchmarks.report.text import paragraph
from benchmarks.report.tunnels import moments, traffic

SECTIONS = (goal, forwarding, traffic, moments, writes, embedded_datapath, beside_charon, engine)

QUIET = 0.5  # of load: what this leaves running does not disturb


def as_markdown(document: Document) -> str:
    """Return the text of ``performance.md``."""
    lines = [*_head(document)]
    for section in SECTIONS:
        lines += section(document)
    lines += _foot(document)
    return "\n".join(lines) + "\n"


def _head(document: Document) -> Iterator[str]:
    machine = document.machine
    yield "# Performance"
    yield from paragraph(
        "All figures are of one run, on one machine, which was hosts, routers and peers at once:",
        "compare them with each other, not with those of other machines. `make bench-report`",
        "writes this file, and [performance.json](performance.json).",
    )
    if machine.load > QUIET:
        yield ""
        yield from paragraph(
            "**The machine was not quiet before this run.** Where there are hardly more cores than",
            "switches, that can halve any figure of packets/s or Mbit/s, and make processor time",
            "longer where two cores share their units.",
        )
    yield ""
    yield from paragraph(
        f"- {machine.date}: {machine.cores} cores of {machine.cpu}, {machine.kernel}; load in the",
        f"minute before the run {machine.load:g}",
        indent="  ",
    )
    versions = ", ".join(f"{name} {found}" for name, found in machine.versions.items())
    yield from paragraph(f"- {versions}", indent="  ")
    yield ""


def _foot(document: Document) -> Iterator[str]:
    yield "## How to repeat it"
    yield ""
    yield from paragraph(
        "As root, `make bench` measures all of this, and prints it; `make bench-report` writes it",
        "here as well, and what matters most into the README. It takes some ten minutes, and wants",
        "the machine for itself. What can't be measured for want of root, bmv2 or strongSwan is",
        "left out, and said. Each section names the command that measures it alone; `TARGET=bmv2`",
        "or `TARGET=embedded` before it leaves the other switch out.",
    )
    if document.skipped:
        yield ""
        yield "Not measured in this run:"
        yield ""
        for name, reason in document.skipped.items():
            yield from paragraph(f"- {name}: {reason}", indent="  ")
