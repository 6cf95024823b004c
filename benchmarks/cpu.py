"""The processor time of other processes."""

from __future__ import annotations

import time
from pathlib import Path

_CPUCLOCK_SCHED = 2  # linux/posix-timers_types.h: which of a process's clocks


def cpu_seconds(pid: int) -> float:
    """Return what a process and the children that it has now have used, in all their threads.

    Raises:
        OSError: there is no such process.
    """
    # What clock_getcpuclockid(3) returns, which Python has for this process only.
    own = time.clock_gettime(~pid << 3 | _CPUCLOCK_SCHED)
    return own + sum(cpu_seconds(child) for child in _children(pid))


def _children(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in lists for child in path.read_text().split()]
