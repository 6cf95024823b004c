"""Measure, and print tables or JSON."""

from __future__ import annotations

import sys

from benchmarks import tunnel
from benchmarks.command import run, say


def main() -> int:
    """Measure and print."""
    return run(
        tunnel.__doc__,
        lambda: tunnel.measurements(progress=say),
        tunnel.as_json,
        tunnel.print_table,
        tunnel.unavailable,
    )


if __name__ == "__main__":
    sys.exit(main())
