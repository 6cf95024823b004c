"""Deadlines of many objects, the next one found without looking at all of them."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterator
from itertools import count
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class TimerQueue(Generic[K]):
    """At most one deadline a key. Times are the caller's, in seconds."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, K]] = []
        self._current: dict[K, tuple[float, int]] = {}
        self._ticket = count()

    def set(self, key: K, deadline: float | None) -> None:
        """Set or, with None, clear the deadline of `key`."""
        known = self._current.get(key)
        if deadline is None:
            self._current.pop(key, None)
        elif known is None or known[0] != deadline:
            entry = (deadline, next(self._ticket))
            self._current[key] = entry
            heapq.heappush(self._heap, (*entry, key))
        self._tidy()

    def next_deadline(self) -> float | None:
        """Return the earliest deadline."""
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> Iterator[K]:
        """Take the keys whose deadline has come, earliest first."""
        while self._heap and self._heap[0][0] <= now:
            key = heapq.heappop(self._heap)[2]
            del self._current[key]
            self._tidy()
            yield key

    def _tidy(self) -> None:
        """Drop what was set anew meanwhile off the top, and now and then everywhere."""
        heap = self._heap
        if len(heap) > 64 and len(heap) > 2 * len(self._current):
            heap[:] = [e for e in heap if self._current.get(e[2]) == (e[0], e[1])]
            heapq.heapify(heap)
        while heap and self._current.get(heap[0][2]) != (heap[0][0], heap[0][1]):
            heapq.heappop(heap)
