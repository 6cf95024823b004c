"""Bounded reading of one length-delimited block, and its counterpart for writing."""

from __future__ import annotations

from struct import Struct
from typing import Any

from ike.codec.errors import ParseError


class Reader:
    """A cursor over one block; every read is checked against the block's end.

    The check is written out in each kind of read: a message is read in many small ones.

    Args:
        data: the whole message, so that errors carry offsets into it.
        payload: the block's name for errors.
        start: first byte of the block.
        end: one past its last byte.
    """

    __slots__ = ("_data", "_end", "payload", "position")

    def __init__(self, data: bytes, payload: str, start: int = 0, end: int | None = None) -> None:
        self._data = data
        self._end = len(data) if end is None else end
        self.payload = payload
        self.position = start

    @property
    def remaining(self) -> int:
        """How many bytes of the block are unread."""
        return self._end - self.position

    def error(self, why: str, offset: int | None = None) -> ParseError:
        """Make the error for this block, at `offset` or at the cursor."""
        return ParseError(self.payload, self.position if offset is None else offset, why)

    def take(self, length: int) -> bytes:
        """Read `length` bytes.

        Raises:
            ParseError: the block is shorter.
        """
        start = self.position
        end = start + length
        if end > self._end:
            raise self._short(length)
        self.position = end
        return self._data[start:end]

    def rest(self) -> bytes:
        """Read what is left."""
        start = self.position
        self.position = self._end
        return self._data[start : self._end]

    def uint(self, length: int) -> int:
        """Read a big-endian number of `length` bytes.

        Raises:
            ParseError: the block is shorter.
        """
        return int.from_bytes(self.take(length), "big")

    def unpack(self, layout: Struct) -> tuple[Any, ...]:
        """Read several fields at once: most of a message is small ones, so this is for speed.

        Raises:
            ParseError: the block is shorter.
        """
        start = self.position
        end = start + layout.size
        if end > self._end:
            raise self._short(layout.size)
        self.position = end
        return layout.unpack_from(self._data, start)

    def skip(self, length: int) -> None:
        """Pass over bytes, such as reserved ones, which are ignored on receipt (RFC 7296 §2.5).

        Raises:
            ParseError: the block is shorter.
        """
        end = self.position + length
        if end > self._end:
            raise self._short(length)
        self.position = end

    def block(self, payload: str, length: int) -> Reader:
        """Open the next `length` bytes as a block of their own.

        Raises:
            ParseError: the length is larger than what is left.
        """
        start = self.position
        end = start + length
        if end > self._end:
            raise self._short(length)
        self.position = end
        return Reader(self._data, payload, start, end)

    def finish(self) -> None:
        """Check that all was read.

        Raises:
            ParseError: it was not.
        """
        if self.position != self._end:
            raise self.error(f"{self.remaining} bytes too many")

    def _short(self, length: int) -> ParseError:
        return self.error(f"{length} bytes expected, {self.remaining} left")


def u8(value: int) -> bytes:
    """Write one byte."""
    return value.to_bytes(1, "big")


def u16(value: int) -> bytes:
    """Write two bytes, big-endian."""
    return value.to_bytes(2, "big")


def u32(value: int) -> bytes:
    """Write four bytes, big-endian."""
    return value.to_bytes(4, "big")


def u64(value: int) -> bytes:
    """Write eight bytes, big-endian."""
    return value.to_bytes(8, "big")
