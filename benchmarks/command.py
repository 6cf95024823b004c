"""The command line that all measurements have: a table, or JSON with ``--json``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TypeVar

R = TypeVar("R")


def run(
    description: str | None,
    measurements: Callable[[], R],
    as_json: Callable[[R], str],
    print_table: Callable[[R], None],
    obstacle: Callable[[], str] = str,
) -> int:
    """Measure and print; return the exit code.

    Args:
        description: the module's docstring, of which the first line goes into the help.
        measurements: measures.
        as_json: writes what was measured.
        print_table: shows it.
        obstacle: says that it cannot be measured here, and why; empty: it can.
    """
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    wants_json: bool = parser.parse_args().json
    reason = obstacle()
    if reason:
        print(reason, file=sys.stderr)
        return 1
    measured = measurements()
    if wants_json:
        sys.stdout.write(as_json(measured))
    else:
        print_table(measured)
    return 0


def say(text: str) -> None:
    """Tell on stderr what is measured next."""
    print(f"measuring {text} ...", file=sys.stderr, flush=True)
