"""The Authentication payload (RFC 7296 §3.8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ike.codec.reader import Reader, u8
from ike.codec.registry import PayloadType


@dataclass(frozen=True, slots=True)
class Authentication:
    """The proof of an identity, by method `method` (`ike.codec.registry.AuthMethod`)."""

    payload_type: ClassVar[int] = PayloadType.AUTH

    method: int
    data: bytes

    @classmethod
    def parse(cls, reader: Reader) -> Authentication:
        """Read the body.

        Raises:
            ParseError: it is cut short.
        """
        method = reader.uint(1)
        reader.skip(3)
        return cls(method, reader.rest())

    def serialize(self) -> bytes:
        """Write the body."""
        return u8(self.method) + bytes(3) + self.data
