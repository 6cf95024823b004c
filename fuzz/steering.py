"""Decisions out of bytes: whoever makes the bytes makes the decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Steering:
    """Reads decisions off bytes, from the front; when they have run out, all are 0."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def has_more(self) -> bool:
        """Whether there are decisions left."""
        return self._at < len(self._data)

    def take(self, length: int) -> bytes:
        """Take bytes, fewer where the data ends."""
        taken = self._data[self._at : self._at + length]
        self._at += length
        return taken

    def number(self, length: int = 1) -> int:
        """Take a number of `length` bytes."""
        return int.from_bytes(self.take(length), "big")

    def below(self, limit: int) -> int:
        """Take a number from 0 to `limit` - 1."""
        return self.number(1 if limit <= 256 else 2) % limit

    def pick(self, options: Sequence[T]) -> T:
        """Take one of several."""
        return options[self.below(len(options))]

    def block(self, limit: int) -> bytes:
        """Take bytes whose number comes first."""
        return self.take(self.below(limit))
