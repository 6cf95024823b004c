"""Records the traces of a target anew, and compares them with the committed ones.

``python -m tests.conformance --target bmv2 [--record] [-- pytest's arguments]``: ends with 1 where
anything differs, and with ``--record`` replaces the committed ones.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bmv2.simple_switch import find_installation
from tests.conformance.coverage.measure import LIST, listing, measure
from tests.conformance.trace.files import (
    RECORDED_WITH,
    RERECORD,
    TRACES,
    read_recorded_with,
    recorded_with,
    recordings,
    traces,
)

_DIRECTORY = Path(__file__).parent
_LINES_SHOWN = 20
_COLUMNS_SHOWN = 160


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--target", default="bmv2", help="bmv2, or grpc://host:port")
    parser.add_argument("--record", action="store_true", help="accept what differs")
    parser.add_argument(
        "--pi",
        default=os.environ.get("P4IPSEC_PI", ""),
        help="the version of PI that bmv2 was built with, which bmv2 itself does not tell",
    )
    parser.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name)
        if not _run(options.target, fresh, options.pytest):
            return 1
        if options.record:
            _accept(fresh, options.pi, complete=not options.pytest)
            return 0
        return _compare(fresh, complete=not options.pytest)


def _run(target: str, directory: Path, more: Sequence[str]) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", str(_DIRECTORY), "--target", target]
    return not subprocess.run([*command, "--record", str(directory), *more], check=False).returncode


def _accept(fresh: Path, pi: str, *, complete: bool) -> None:
    """Replace the committed traces; those of tests that are gone go too, if all tests ran."""
    if complete:
        for path in recordings().values():
            path.unlink()
    for path in recordings(fresh).values():
        goal = TRACES / path.relative_to(fresh)
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, goal)
    version = find_installation().version
    if not pi and (TRACES / RECORDED_WITH).exists():
        before = read_recorded_with()
        pi = before["PI"] if before["bmv2"] == version else ""
    described = recorded_with(version, pi or "unknown")
    (TRACES / RECORDED_WITH).write_text(json.dumps(described, indent=2) + "\n")
    LIST.write_text(listing(measure()))
    print(f"{len(traces())} traces in {TRACES}; what they cover is in {LIST}")


def _compare(fresh: Path, *, complete: bool) -> int:
    new, old = recordings(fresh), recordings()
    different = sorted(name for name in new if name not in old) + sorted(
        name
        for name in old
        if (complete and name not in new)
        or (name in new and new[name].read_bytes() != old[name].read_bytes())
    )
    for name in different:
        print(f"== {name}")
        before, after = (
            path.read_text().splitlines() if path is not None else []
            for path in (old.get(name), new.get(name))
        )
        lines = list(difflib.unified_diff(before, after, "committed", "now", n=0, lineterm=""))
        for line in lines[:_LINES_SHOWN]:
            print(line[:_COLUMNS_SHOWN])
    if different:
        print(f"{len(different)} of {len(new)} recordings differ; to accept them: {RERECORD}")
        return 1
    print(f"{len(new)} recordings, all as committed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
