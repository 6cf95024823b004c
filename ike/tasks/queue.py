"""Tasks of one connection: one under way, others waiting for it, others for their time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ike.tasks.base import Task


class TaskQueue:
    """See the module.

    Attributes:
        current: the task under way.
    """

    def __init__(self) -> None:
        self.current: Task | None = None
        self._waiting: deque[Task] = deque()
        self._later: list[tuple[float, Task]] = []

    def __iter__(self) -> Iterator[Task]:
        if self.current is not None:
            yield self.current
        yield from self._waiting
        yield from (task for _, task in self._later)

    def add(self, task: Task) -> None:
        """Have a task wait for its turn."""
        self._waiting.append(task)

    def add_first(self, task: Task) -> None:
        """Have a task go before all that wait."""
        self._waiting.appendleft(task)

    def add_later(self, task: Task, when: float) -> None:
        """Have a task wait for its turn from a time on."""
        self._later.append((when, task))

    @property
    def deadline(self) -> float | None:
        """When `wake` has something to do next."""
        return min((when for when, _ in self._later), default=None)

    def wake(self, now: float) -> None:
        """Let those wait for their turn whose time has come."""
        self._waiting += [task for when, task in self._later if when <= now]
        self._later = [entry for entry in self._later if entry[0] > now]

    def next(self) -> Task | None:
        """Take the next task, if none is under way."""
        if self.current is not None or not self._waiting:
            return None
        return self._waiting.popleft()

    def hand_over(self, heir: TaskQueue) -> None:
        """Give all that have not begun to another queue."""
        heir._waiting += self._waiting
        heir._later += self._later
        self.clear()

    def clear(self) -> None:
        """Drop all that have not begun."""
        self._waiting.clear()
        self._later.clear()
