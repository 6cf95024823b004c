"""Lookup structures: from the values of a key to the entry that matches best.

Tables with `exact` keys only are a dictionary. Every other table is a dictionary, too, of the
results found so far, over a search by groups of entries with the same mask: what is scanned is
the few distinct masks, not the entries.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import Protocol

from bmv2.embedded.model import Entry, FieldMatch, KeyField, MatchKey, MatchKind

Key = int | tuple[int, ...]
"""What the generated function looks up: a value, or a tuple of them for more than one field."""

CACHE_SIZE = 8192


class Search(Protocol):
    """Finds the best entry without a cache."""

    def add(self, entry: Entry) -> None:
        """Take an entry in."""

    def remove(self, entry: Entry) -> None:
        """Let an entry go."""

    def find(self, values: tuple[int, ...]) -> Entry | None:
        """Return the best entry for these values."""


class Cache(dict[Key, Entry | None]):
    """Results of a search; emptied by each change of the table and when it is full."""

    def __init__(self, search: Search) -> None:
        super().__init__()
        self._search = search

    def __missing__(self, key: Key) -> Entry | None:
        entry = self._search.find(key if isinstance(key, tuple) else (key,))
        if len(self) >= CACHE_SIZE:
            self.clear()
        self[key] = entry
        return entry


def full_mask(key: KeyField) -> int:
    """All ones, as wide as a key field."""
    return (1 << key.bitwidth) - 1


class LongestPrefix:
    """`exact` fields and one `lpm` field: a dictionary for each prefix length in use."""

    def __init__(self, keys: Sequence[KeyField]) -> None:
        self._at = next(i for i, key in enumerate(keys) if key.kind is MatchKind.LPM)
        self._bits = keys[self._at].bitwidth
        self._lengths: list[int] = []  # longest first
        self._entries: dict[int, dict[tuple[int, ...], Entry]] = {}

    def add(self, entry: Entry) -> None:
        """Take an entry in."""
        length = entry.match[self._at][1]
        if length not in self._entries:
            self._entries[length] = {}
            self._lengths = sorted(self._entries, reverse=True)
        self._entries[length][self._values(entry.match)] = entry

    def remove(self, entry: Entry) -> None:
        """Let an entry go."""
        length = entry.match[self._at][1]
        entries = self._entries[length]
        del entries[self._values(entry.match)]
        if not entries:
            del self._entries[length]
            self._lengths.remove(length)

    def find(self, values: tuple[int, ...]) -> Entry | None:
        """Return the entry with the longest prefix of these values."""
        before, value, after = values[: self._at], values[self._at], values[self._at + 1 :]
        for length in self._lengths:
            shift = self._bits - length
            found = self._entries[length].get((*before, value >> shift << shift, *after))
            if found is not None:
                return found
        return None

    @staticmethod
    def _values(match: MatchKey) -> tuple[int, ...]:
        return tuple(value for value, _ in match)


def ternary_mask(key: KeyField, field: FieldMatch) -> int:
    """Return the bits of a key field that an entry compares as they are.

    A proper range compares none: its bounds are checked after the masked lookup.
    """
    value, other = field
    if key.kind is MatchKind.TERNARY:
        return other
    if key.kind is MatchKind.LPM:
        return full_mask(key) >> (key.bitwidth - other) << (key.bitwidth - other)
    if key.kind is MatchKind.OPTIONAL:
        return full_mask(key) if other else 0
    if key.kind is MatchKind.RANGE:
        return full_mask(key) if value == other else 0
    return full_mask(key)


Bounds = tuple[tuple[int, int, int], ...]  # index of the key field, low, high


class _Group:
    """The entries of one mask, by masked value, best first."""

    def __init__(self, masks: tuple[int, ...]) -> None:
        self.masks = masks
        self.buckets: dict[tuple[int, ...], list[tuple[int, int, Bounds, Entry]]] = {}
        self.best = 0  # no entry here has a higher priority; it is not lowered again


class PriorityMasks:
    """Any match kinds, with priorities: groups by mask, the best group first."""

    def __init__(self, keys: Sequence[KeyField]) -> None:
        self._keys = tuple(keys)
        self._groups: dict[tuple[int, ...], _Group] = {}
        self._order: list[_Group] = []
        self._serial = 0

    def add(self, entry: Entry) -> None:
        """Take an entry in. Among equal priorities the first one wins, as in bmv2."""
        masks, values, bounds = self._split(entry.match)
        group = self._groups.get(masks)
        if group is None:
            group = self._groups[masks] = _Group(masks)
        self._serial += 1
        bucket = group.buckets.setdefault(values, [])
        item = (-entry.priority, self._serial, bounds, entry)
        bisect.insort(bucket, item, key=lambda member: member[:2])
        group.best = max(group.best, entry.priority)
        self._sort()

    def remove(self, entry: Entry) -> None:
        """Let an entry go."""
        masks, values, _ = self._split(entry.match)
        group = self._groups[masks]
        bucket = [item for item in group.buckets[values] if item[3] is not entry]
        if bucket:
            group.buckets[values] = bucket
        else:
            del group.buckets[values]
        if not group.buckets:
            del self._groups[masks]
        self._sort()

    def find(self, values: tuple[int, ...]) -> Entry | None:
        """Return the entry of the highest priority that matches these values."""
        found: tuple[int, int, Bounds, Entry] | None = None
        for group in self._order:
            if found is not None and -found[0] > group.best:
                break
            masked = tuple([value & mask for value, mask in zip(values, group.masks, strict=True)])
            for item in group.buckets.get(masked, ()):
                if found is not None and item[:2] > found[:2]:
                    break
                if all(low <= values[index] <= high for index, low, high in item[2]):
                    found = item
                    break
        return None if found is None else found[3]

    def _split(self, match: MatchKey) -> tuple[tuple[int, ...], tuple[int, ...], Bounds]:
        pairs = list(zip(self._keys, match, strict=True))
        masks = tuple(ternary_mask(key, field) for key, field in pairs)
        values = tuple(field[0] & mask for field, mask in zip(match, masks, strict=True))
        bounds = tuple(
            (index, low, high)
            for index, (key, (low, high)) in enumerate(pairs)
            if key.kind is MatchKind.RANGE and low != high and (low, high) != (0, full_mask(key))
        )
        return masks, values, bounds

    def _sort(self) -> None:
        self._order = sorted(self._groups.values(), key=lambda group: -group.best)
