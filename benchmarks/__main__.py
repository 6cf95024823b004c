"""Run all measurements, print them, and keep them as JSON in ``benchmarks/results/``."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import datapath

RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Measure everything."""
    RESULTS.mkdir(exist_ok=True)
    rows = list(datapath.measurements())
    datapath.print_table(rows)
    (RESULTS / "datapath.json").write_text(datapath.as_json(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
