"""A crypto map as one list of table entries.

On IOS a packet goes through the entries of a crypto map by sequence number, and in each through
the lines of its access list. The first line that matches decides for that entry: ``permit``
protects the packet as that entry says, ``deny`` sends it on to the *next entry*, and so does a
list without a matching line. What no entry permits is sent in the clear.

A table has no "go on to the next entry". So a deny line is written out: whatever the later entries
say about the traffic that it matches, cut down to that traffic, and a bypass for the rest of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from controller.policy.box import EVERYTHING, Box, BoxSet

# Each level is a deny line inside of what a deny line of an earlier entry matches.
MAX_NESTED_DENIES = 100

TargetT = TypeVar("TargetT")


class TooManyRulesError(Exception):
    """A crypto map that needs more table entries than there is room for. Says why."""


@dataclass(frozen=True, slots=True)
class Line(Generic[TargetT]):
    """A line of an access list: the packets it matches, and what it permits them to; None: deny."""

    boxes: tuple[Box, ...]
    target: TargetT | None


@dataclass(frozen=True, slots=True)
class FlatRule(Generic[TargetT]):
    """A table entry; `target` None is bypass."""

    box: Box
    target: TargetT | None


def flatten(
    entries: Sequence[Sequence[Line[TargetT]]], limit: int
) -> tuple[FlatRule[TargetT], ...]:
    """Write a crypto map as a list in which the first entry that matches decides.

    Args:
        entries: the lines of the access list of each entry, in order of sequence.
        limit: the most rules that are allowed.

    Returns:
        The rules, none of which is covered by a single one before it. What none matches is
        bypassed.

    Raises:
        TooManyRulesError: more than `limit`, or denies nested too deeply.
    """
    walk = _Walk(entries, limit)
    walk.run(0, EVERYTHING, 0)
    return tuple(walk.rules)


class _Walk(Generic[TargetT]):
    def __init__(self, entries: Sequence[Sequence[Line[TargetT]]], limit: int) -> None:
        self._entries = entries
        self._limit = limit
        self._decided = BoxSet()
        self.rules: list[FlatRule[TargetT]] = []

    def run(self, first: int, within: Box, depth: int) -> None:
        """Add the rules of the entries from `first` on, for packets of the box `within`."""
        if depth > MAX_NESTED_DENIES:
            raise TooManyRulesError(
                f"has deny lines in more than {MAX_NESTED_DENIES} entries, each within the one "
                "before; merge entries or deny lines"
            )
        for index in range(first, len(self._entries)):
            if self._entry(index, within, depth):
                return

    def _entry(self, index: int, within: Box, depth: int) -> bool:
        """Add the rules of one entry; tell whether every packet of `within` is decided now."""
        for line in self._entries[index]:
            for box in line.boxes:
                part = within.intersection(box)
                if part is None or self._decided.covers(part):
                    continue
                if line.target is not None:
                    self._add(part, line.target)
                    if part == within:
                        return True
                elif part == within:
                    return False  # the rest of this list never sees a packet
                else:
                    self.run(index + 1, part, depth + 1)
                    self._add(part, None)
        return False

    def _add(self, box: Box, target: TargetT | None) -> None:
        if self._decided.covers(box):
            return
        if len(self.rules) == self._limit:
            raise TooManyRulesError(
                f"needs more than {self._limit:,} table entries: every deny line repeats the later "
                "entries that it overlaps with; use fewer or narrower deny lines"
            )
        self.rules.append(FlatRule(box, target))
        self._decided.add(box)
