"""Which trace takes which branch of the P4 program."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from p4src.artefacts import JSON_PATH
from tests.conformance.coverage.instrument import COUNTER, Branch, instrument
from tests.conformance.embedded import EmbeddedTarget, OneProgram
from tests.conformance.trace.files import traces
from tests.conformance.trace.replay import replay

LIST = Path(__file__).with_name("branches.txt")
HEAD = """\
# Every branch of the P4 program, and the first of the traces of a real bmv2 that takes it.
# Written by `make conformance TARGET=bmv2 RECORD=1`.
"""
UNREACHABLE: Mapping[str, str] = {
    "parser parse_packet_out: too short": "the switch itself writes the header of a packet-out",
    "admit.p4 if meta.sa_in != 0: true": (
        "what comes out of an SA keeps the outer packet's Ethernet header, whose type is IPv4, and"
        " is MALFORMED where it is too short to be that"
    ),
}
"""Branches that no packet can take: by name without the line, why."""


def why_unreachable(name: str) -> str | None:
    """Tell why no packet takes a branch; None if one should."""
    return UNREACHABLE.get(without_line(name))


def without_line(name: str) -> str:
    """Return a branch's name that stays when the lines of its file move."""
    return re.sub(r"^(\w+\.p4):\d+ ", r"\1 ", name)


def measure(names: Mapping[str, Path] | None = None) -> dict[str, str | None]:
    """Return the branches with the first trace that takes each, or None."""
    config, branches = instrument(JSON_PATH.read_bytes())
    target = EmbeddedTarget(config, datapath_class=OneProgram)
    first: dict[str, str | None] = {branch.name: None for branch in branches}
    for name, path in (traces() if names is None else names).items():
        replay(path.read_text().splitlines(), target)
        for taken in _taken(target, branches):
            first[taken] = first[taken] or name
    return first


def _taken(target: EmbeddedTarget, branches: Sequence[Branch]) -> list[str]:
    program = target.datapath.program
    assert program is not None
    cells = {index: cell.packets for index, cell in enumerate(program.counters[COUNTER].cells)}
    return [branch.name for branch in branches if branch.taken(cells)]


def listing(first: Mapping[str, str | None]) -> str:
    """Write the branches, a line each."""
    lines = []
    for name, trace in first.items():
        case = trace or f"unreachable: {why_unreachable(name) or 'NO CASE TAKES IT'}"
        lines.append(f"{name}\t{case}\n")
    return HEAD + "".join(lines)
