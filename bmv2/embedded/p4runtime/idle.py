"""Idle timeouts (specification §9.1.8 and §16.4): which entries were not hit for too long.

Hits only stamp an entry; its deadline is looked at again when the old one passes. So a hit costs
nothing here, and each entry costs one step every time that its timeout passes.
"""

from __future__ import annotations

import heapq
from itertools import count

from bmv2.embedded.model import Entry
from bmv2.embedded.p4runtime.schema import TableSchema

MIN_TIMEOUT_NS = 1_000_000
"""bmv2 keeps timeouts in milliseconds; a shorter one is this long."""

_Item = tuple[int, int, TableSchema, Entry]  # deadline, sequence number, table, entry


class IdleTimers:
    """The deadlines of all entries that have an idle timeout."""

    def __init__(self) -> None:
        self._heap: list[_Item] = []
        self._sequence = count()
        self._current: dict[int, int] = {}  # id(entry) → sequence number of its valid item

    def watch(self, table: TableSchema, entry: Entry) -> None:
        """Start to watch an entry, or see to it that its timeout changed or became 0."""
        self.forget(entry)
        if entry.idle_timeout_ns:
            self._push(table, entry, _deadline(entry))
            self._compact()

    def forget(self, entry: Entry) -> None:
        """Stop to watch an entry."""
        self._current.pop(id(entry), None)

    def next_deadline_ns(self) -> int | None:
        """When the next entry may be due, at the latest."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def expire(self, now_ns: int) -> list[tuple[TableSchema, Entry]]:
        """Entries that were idle for their timeout; each is due again after another timeout."""
        expired: list[tuple[TableSchema, Entry]] = []
        while True:
            self._drop_stale()
            if not self._heap or self._heap[0][0] > now_ns:
                return expired
            _, _, table, entry = heapq.heappop(self._heap)
            deadline = _deadline(entry)
            if deadline <= now_ns:
                expired.append((table, entry))
                deadline = now_ns + max(entry.idle_timeout_ns, MIN_TIMEOUT_NS)
            self._push(table, entry, deadline)

    def _push(self, table: TableSchema, entry: Entry, deadline: int) -> None:
        sequence = next(self._sequence)
        self._current[id(entry)] = sequence
        heapq.heappush(self._heap, (deadline, sequence, table, entry))

    def _is_stale(self, item: _Item) -> bool:
        return self._current.get(id(item[3])) != item[1]

    def _drop_stale(self) -> None:
        while self._heap and self._is_stale(self._heap[0]):
            heapq.heappop(self._heap)

    def _compact(self) -> None:
        """Keep the heap in proportion to what is watched, however much comes and goes."""
        if len(self._heap) > 2 * len(self._current) + 64:
            self._heap = [item for item in self._heap if not self._is_stale(item)]
            heapq.heapify(self._heap)


def _deadline(entry: Entry) -> int:
    return entry.last_hit_ns + max(entry.idle_timeout_ns, MIN_TIMEOUT_NS)
