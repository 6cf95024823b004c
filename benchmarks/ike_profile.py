"""Where the time of a handshake goes: ``python -m benchmarks.ike_profile [--json]``.

The responder of `benchmarks.ike_handshake` under cProfile, which makes Python code look slower
than it is, and calls into C not: what counts is how the parts compare.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.command import run
from benchmarks.ike_handshake import METHODS, Star
from ike.config import KeyExchange

SAS = 300
# Functions in Rust and C have no file; those of `cryptography` go by their types and modules.
_CRYPTOGRAPHY = re.compile(r"cryptography|method (?:x25519|x448|ec|dh|hmac|hashes)\.")
_BUILT_IN = "~"


@dataclass(frozen=True)
class Share:
    """What one part of the program takes of a responder's time, 0 to 1."""

    key_exchange: str
    part: str
    share: float


def _part(file: str, function: str) -> str:
    if file == _BUILT_IN:
        return "cryptography" if _CRYPTOGRAPHY.search(function) else "Python's built-ins"
    for package in ("ike/codec", "ike/crypto"):
        if f"/{package}/" in file:
            return package.replace("/", ".")
    if "/cryptography/" in file:
        return "cryptography"
    return "rest of ike" if "/ike/" in file else "Python's library"


def shares(method: KeyExchange, count: int) -> list[Share]:
    """Profile a responder of some IKE SAs, the largest share first."""
    Star(method, min(count, 20)).establish()  # warm-up
    profiler = cProfile.Profile(time.process_time)  # the machine may be busy with other things
    Star(method, count, responder_profiler=profiler).establish()
    spent: dict[str, float] = {}
    for (file, _, function), row in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]  # typeshed has it not
        part = _part(file, function)
        spent[part] = spent.get(part, 0.0) + row[2]
    total = sum(spent.values())
    return [
        Share(method.name, part, round(seconds / total, 3))
        for part, seconds in sorted(spent.items(), key=lambda item: -item[1])
    ]


def measurements(count: int = SAS, methods: Sequence[KeyExchange] = METHODS) -> list[Share]:
    """Profile key exchange methods, each with `count` IKE SAs."""
    return [share for method in methods for share in shares(method, count)]


def as_json(rows: list[Share]) -> str:
    """Write the shares as JSON."""
    return json.dumps([asdict(row) for row in rows], indent=2) + "\n"


def print_table(rows: list[Share]) -> None:
    """Show the shares, one column for each part."""
    parts = list(dict.fromkeys(row.part for row in rows))
    table = Table(title="Where a responder's time goes, under cProfile")
    table.add_column("key exchange")
    for part in parts:
        table.add_column(part, justify="right")
    found = {(row.key_exchange, row.part): row.share for row in rows}
    for method in dict.fromkeys(row.key_exchange for row in rows):
        table.add_row(method, *(f"{found.get((method, part), 0.0):.0%}" for part in parts))
    Console(width=None if sys.stdout.isatty() else 100).print(table)


def main() -> int:
    """Profile, and print."""
    return run(__doc__, measurements, as_json, print_table)


if __name__ == "__main__":
    sys.exit(main())
