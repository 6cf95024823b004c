"""How much of the machine others took while something was measured."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks.cpu import process_tree

R = TypeVar("R")
_TICKS = os.sysconf("SC_CLK_TCK")  # a second, in /proc


@dataclass(frozen=True)
class _Usage:
    """Seconds in user mode, of all, and of this process and another with its children; and when.

    What the kernel does for them is left out: it handles a packet on anybody's account.
    """

    all: float
    ours: float
    at: float

    @classmethod
    def now(cls, pid: int) -> _Usage:
        # proc(5): user and nice contain guest time; steal is what other virtual machines had.
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
        user, nice, steal = (int(fields[index]) for index in (0, 1, 7))
        own = sum(_user_ticks(each) for each in (os.getpid(), *process_tree(pid)))
        return cls((user + nice + steal) / _TICKS, own / _TICKS, time.monotonic())


def _user_ticks(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])


def disturbed(pid: int, measure: Callable[[], R]) -> tuple[float, R]:
    """Measure; return also the share of all cores that others had, 0 to 1.

    Args:
        pid: the process that is measured, from here.
        measure: does it.
    """
    before = _Usage.now(pid)
    measured = measure()
    after = _Usage.now(pid)
    others = (after.all - before.all) - (after.ours - before.ours)
    cores = (after.at - before.at) * (os.cpu_count() or 1)
    return max(0.0, others / cores), measured
