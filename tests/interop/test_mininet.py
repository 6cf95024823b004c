"""The network of `make mininet`, walked through by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interop.lab.requirements import MININET, missing
from tests.interop.lab.target import target

pytestmark = pytest.mark.interop

ROOT = Path(__file__).parents[2]


def test_migration_in_mininet() -> None:
    """PM-2, PM-3, PM-4, PM-9, and SAs that outlive their controller."""
    problems = missing(MININET)
    if problems:
        if os.environ.get("P4IPSEC_REQUIRE_INTEROP"):
            pytest.fail("; ".join(problems))
        pytest.skip("; ".join(problems))
    done = subprocess.run(
        ["/usr/bin/python3", "-m", "bmv2.topology", "--test", "--json", "--target", target()],
        cwd=ROOT,
        env=os.environ
        | {"PYTHONPATH": str(ROOT), "P4IPSEC": str(Path(sys.executable).with_name("p4ipsec"))},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert [step for step in steps if not step["passed"]] == [], done.stderr
    assert len(steps) == 6
    assert done.returncode == 0, done.stderr
