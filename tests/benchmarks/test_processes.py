"""What a process takes, and what others take meanwhile, is told apart."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from benchmarks.cpu import cpu_seconds, process_tree
from benchmarks.quiet import disturbed

SPIN = "while True: pass"


@pytest.fixture
def spinning() -> Iterator[int]:
    """A process whose child spins."""
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SPIN!r}])"
    parent = subprocess.Popen([sys.executable, "-c", script])
    while len(tree := process_tree(parent.pid)) < 2 or cpu_seconds(tree[1]) < 0.03:
        time.sleep(0.005)
    yield parent.pid
    os.kill(tree[1], 9)
    parent.wait()


def test_children_count_as_the_process(spinning: int) -> None:
    before = cpu_seconds(spinning)
    deadline = time.monotonic() + 5
    while cpu_seconds(spinning) < before + 0.02:
        assert time.monotonic() < deadline


def test_others_are_those_that_are_not_measured(spinning: int) -> None:
    idle = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    def wait_for_the_spinning() -> float:
        begun, until = time.monotonic(), cpu_seconds(spinning) + 0.1
        while cpu_seconds(spinning) < until:
            time.sleep(0.005)
        return time.monotonic() - begun

    with idle:
        share, seconds = disturbed(idle.pid, wait_for_the_spinning)
    assert share * seconds * (os.cpu_count() or 1) > 0.05
