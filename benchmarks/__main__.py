"""Run all measurements, print them, and write the report."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.report.files import write
from benchmarks.suite import run_suite

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=RESULTS, help="of the report")
    parser.add_argument("--readme", type=Path, help="a README to write the summary into")
    arguments = parser.parse_args()
    write(run_suite(), arguments.folder, arguments.readme)


if __name__ == "__main__":
    main()
