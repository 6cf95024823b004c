"""The Key Exchange payload (RFC 7296 §3.4)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import ClassVar

from ike.codec.reader import Reader
from ike.codec.registry import PayloadType

_LAYOUT = Struct("!H2x")  # method


@dataclass(frozen=True, slots=True)
class KeyExchangePayload:
    """A public value of key exchange method `method` (transform type 4)."""

    payload_type: ClassVar[int] = PayloadType.KE

    method: int
    data: bytes

    @classmethod
    def parse(cls, reader: Reader) -> KeyExchangePayload:
        """Read the body.

        Raises:
            ParseError: it is cut short or holds no value.
        """
        (method,) = reader.unpack(_LAYOUT)
        if not reader.remaining:
            raise reader.error("no key exchange data")
        return cls(method, reader.rest())

    def serialize(self) -> bytes:
        """Write the body."""
        return _LAYOUT.pack(self.method) + self.data
