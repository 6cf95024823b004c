"""The Encrypted payload (RFC 7296 §3.14) and Encrypted Fragment payload (RFC 7383 §2.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ike.codec.reader import Reader, u16
from ike.codec.registry import PayloadType


@dataclass(frozen=True, slots=True)
class Encrypted:
    """SK: IV, ciphertext and ICV; `first_payload` is the type of the first payload inside."""

    payload_type: ClassVar[int] = PayloadType.SK

    first_payload: int
    body: bytes

    @classmethod
    def parse(cls, first_payload: int, reader: Reader) -> Encrypted:
        """Take the body as it is."""
        return cls(first_payload, reader.rest())

    def serialize(self) -> bytes:
        """Write the body."""
        return self.body


@dataclass(frozen=True, slots=True)
class EncryptedFragment:
    """SKF: fragment `number` of `total`, counted from 1."""

    payload_type: ClassVar[int] = PayloadType.SKF

    first_payload: int
    number: int
    total: int
    body: bytes

    @classmethod
    def parse(cls, first_payload: int, reader: Reader) -> EncryptedFragment:
        """Read the body.

        Raises:
            ParseError: it is cut short, or the number is not within 1 to total (§2.6).
        """
        number, total = reader.uint(2), reader.uint(2)
        if not 1 <= number <= total:
            raise reader.error(f"fragment {number} of {total}")
        return cls(first_payload, number, total, reader.rest())

    def serialize(self) -> bytes:
        """Write the body."""
        return u16(self.number) + u16(self.total) + self.body
