"""Many deadlines, of which the earliest is always at hand."""

from __future__ import annotations

import heapq

_SLACK = 64


class Deadlines:
    """One deadline a key, in seconds. Setting one and taking one costs O(log n)."""

    def __init__(self) -> None:
        self._current: dict[int, float] = {}
        # Holds outdated pairs too; `_current` says which ones count.
        self._heap: list[tuple[float, int]] = []

    def set(self, key: int, when: float | None) -> None:
        """Set the deadline of `key`, in place of any other; None removes it."""
        if when == self._current.get(key):
            return
        if when is None:
            del self._current[key]
        else:
            self._current[key] = when
            heapq.heappush(self._heap, (when, key))
        if len(self._heap) > 2 * len(self._current) + _SLACK:
            self._heap = [(when, key) for key, when in self._current.items()]
            heapq.heapify(self._heap)

    def next(self) -> float | None:
        """Return the earliest deadline."""
        while self._heap:
            when, key = self._heap[0]
            if self._current.get(key) == when:
                return when
            heapq.heappop(self._heap)
        return None

    def pop_due(self, now: float) -> int | None:
        """Take out the key with the earliest deadline, if that is `now` or before."""
        when = self.next()
        if when is None or when > now:
            return None
        _, key = heapq.heappop(self._heap)
        del self._current[key]
        return key
