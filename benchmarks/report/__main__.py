"""Write ``performance.md`` beside the JSON of a run, as the run itself does."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.report.document import Document
from benchmarks.report.files import write


def main() -> None:
    """Read the JSON, and write the report anew."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("json", type=Path, help="what `make bench` has written")
    parser.add_argument("--readme", type=Path, help="a README to write the summary into")
    arguments = parser.parse_args()
    path: Path = arguments.json
    write(Document.parse(path.read_text()), path.parent, arguments.readme)


if __name__ == "__main__":
    main()
