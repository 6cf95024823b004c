"""The Authentication payload (RFC 7296 §3.8)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import ClassVar

from ike.codec.reader import Reader
from ike.codec.registry import PayloadType

_LAYOUT = Struct("!B3x")  # method


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
        (method,) = reader.unpack(_LAYOUT)
        return cls(method, reader.rest())

    def serialize(self) -> bytes:
        """Write the body."""
        return _LAYOUT.pack(self.method) + self.data
