"""Measure, and print a table or JSON."""

from __future__ import annotations

import sys

from benchmarks import switch
from benchmarks.command import run, say


def main() -> int:
    """Measure and print."""
    return run(
        switch.__doc__,
        lambda: list(switch.measurements(progress=say)),
        switch.as_json,
        switch.print_table,
        switch.unavailable,
    )


if __name__ == "__main__":
    sys.exit(main())
