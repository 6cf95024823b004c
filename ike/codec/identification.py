"""The Identification payloads (RFC 7296 §3.5)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import ClassVar

from ike.codec.reader import Reader
from ike.codec.registry import PayloadType
from ike.types import IdType

_LAYOUT = Struct("!B3x")  # type
MAX_IDENTITY = 2048  # bytes; a distinguished name can be long, nothing else is


@dataclass(frozen=True, slots=True)
class _Identification:
    id_type: int
    data: bytes

    @classmethod
    def _read(cls, reader: Reader) -> tuple[int, bytes]:
        (id_type,) = reader.unpack(_LAYOUT)
        shortest, longest = (0, 0) if id_type == IdType.NULL else (1, MAX_IDENTITY)
        if not shortest <= reader.remaining <= longest:
            raise reader.error(
                f"an identity of {reader.remaining} bytes, {shortest} to {longest} go"
            )
        return id_type, reader.rest()

    def serialize(self) -> bytes:
        """Write the body; this is also what AUTH covers (§2.15)."""
        return _LAYOUT.pack(self.id_type) + self.data


@dataclass(frozen=True, slots=True)
class IdentificationInitiator(_Identification):
    """IDi: who the initiator is."""

    payload_type: ClassVar[int] = PayloadType.IDI

    @classmethod
    def parse(cls, reader: Reader) -> IdentificationInitiator:
        """Read the body.

        Raises:
            ParseError: it is cut short, empty or too long.
        """
        return cls(*cls._read(reader))


@dataclass(frozen=True, slots=True)
class IdentificationResponder(_Identification):
    """IDr: who the responder is, or is asked to be."""

    payload_type: ClassVar[int] = PayloadType.IDR

    @classmethod
    def parse(cls, reader: Reader) -> IdentificationResponder:
        """Read the body.

        Raises:
            ParseError: it is cut short, empty or too long.
        """
        return cls(*cls._read(reader))
