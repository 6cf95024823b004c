"""The Nonce payload (RFC 7296 §3.9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ike.codec.reader import Reader
from ike.codec.registry import PayloadType

MIN_NONCE = 16  # bytes
MAX_NONCE = 256


@dataclass(frozen=True, slots=True)
class Nonce:
    """16 to 256 random bytes."""

    payload_type: ClassVar[int] = PayloadType.NONCE

    data: bytes

    @classmethod
    def parse(cls, reader: Reader) -> Nonce:
        """Read the body.

        Raises:
            ParseError: it has fewer than 16 or more than 256 bytes.
        """
        if not MIN_NONCE <= reader.remaining <= MAX_NONCE:
            raise reader.error(f"{reader.remaining} bytes, {MIN_NONCE} to {MAX_NONCE} go")
        return cls(reader.rest())

    def serialize(self) -> bytes:
        """Write the body."""
        return self.data
