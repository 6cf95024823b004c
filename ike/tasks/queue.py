"""Tasks of one connection: some under way, others waiting for them, others for their time.

What is under way at once is what §2.3 and §2.25 of RFC 7296 let be: tasks about different packet
types go in parallel, those about the same one go one after another, and what is about the IKE SA
itself goes alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeVar

from ike.state.records import LaterRecord, RunningRecord, TaskRecord, TasksRecord
from ike.tasks.base import Task

T = TypeVar("T", bound=Task)


class TaskQueue:
    """See the module.

    Attributes:
        running: the tasks under way, by the message ids of their requests.
    """

    def __init__(self) -> None:
        self.running: dict[int, Task] = {}
        self._waiting: deque[Task] = deque()
        self._later: list[tuple[float, Task]] = []

    def __iter__(self) -> Iterator[Task]:
        yield from self.running.values()
        yield from self._waiting
        yield from (task for _, task in self._later)

    def under_way(self, *kinds: type[T]) -> Iterator[T]:
        """Give the tasks of some kinds that are under way."""
        return (task for task in self.running.values() if isinstance(task, kinds))

    def is_under_way(self, *kinds: type[Task]) -> bool:
        """Tell whether a task of one of these kinds is under way."""
        return any(isinstance(task, kinds) for task in self.running.values())

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
        """Take the next task that may begin now.

        One that goes alone waits for all that are under way, and all behind it wait for it.
        """
        busy: set[str] = set()
        for task in self.running.values():
            if task.goes_alone:
                return None
            busy |= task.packet_types
        for task in self._waiting:
            if task.goes_alone and (self.running or task is not self._waiting[0]):
                return None
            if busy.isdisjoint(task.packet_types):
                self._waiting.remove(task)
                return task
            busy |= task.packet_types
        return None

    def hand_over(self, heir: TaskQueue) -> None:
        """Give all that have not begun to another queue."""
        heir._waiting += self._waiting
        heir._later += self._later
        self.clear()

    def clear(self) -> list[Task]:
        """Take all out that have not begun, or wait to go on."""
        dropped = [*self._waiting, *(task for _, task in self._later)]
        self._waiting.clear()
        self._later.clear()
        return dropped

    def snapshot(self, now: float) -> TasksRecord:
        """Describe it for another process (`ike.state`)."""
        return TasksRecord(
            tuple(RunningRecord(number, task.snapshot()) for number, task in self.running.items()),
            tuple(task.snapshot() for task in self._waiting),
            tuple(LaterRecord(when - now, task.snapshot()) for when, task in self._later),
        )

    def restore(
        self, record: TasksRecord, restore_task: Callable[[TaskRecord], Task], now: float
    ) -> None:
        """Be what `snapshot` described."""
        self.running = {one.message_id: restore_task(one.task) for one in record.running}
        self._waiting = deque(restore_task(task) for task in record.waiting)
        self._later = [(now + one.due_in, restore_task(one.task)) for one in record.later]
