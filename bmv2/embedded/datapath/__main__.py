"""Show what a program is compiled to: ``python -m bmv2.embedded.datapath FILE``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bmv2.embedded.datapath.codegen.compiler import compile_program
from bmv2.embedded.model import PipelineError


def main() -> int:
    """Print the generated source; the exit code is 1 where the file cannot be compiled."""
    parser = argparse.ArgumentParser(description="Print the Python that a program becomes.")
    parser.add_argument("file", type=Path, help="bmv2 JSON, as p4c-bm2-ss writes it")
    path: Path = parser.parse_args().file
    try:
        sys.stdout.write(compile_program(path.read_bytes()).source)
    except (OSError, PipelineError) as error:
        print(f"error: {path}: {error}", file=sys.stderr)  # noqa: T201 - a command's own output
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
