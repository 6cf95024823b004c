"""The IKE header (RFC 7296 §3.1)."""

from __future__ import annotations

from dataclasses import dataclass

from ike.codec.reader import Reader, u8, u32, u64
from ike.codec.registry import HeaderFlag

HEADER_LENGTH = 28
VERSION = 0x20  # major 2, minor 0


@dataclass(frozen=True, slots=True)
class Header:
    """The first 28 bytes of every IKE message; `length` counts the whole message, in bytes."""

    initiator_spi: int
    responder_spi: int
    next_payload: int
    exchange_type: int
    flags: int
    message_id: int
    length: int
    version: int = VERSION

    @classmethod
    def parse(cls, data: bytes) -> Header:
        """Read the header of a message.

        Raises:
            ParseError: there are fewer than 28 bytes.
        """
        reader = Reader(data, "header")
        initiator_spi = reader.uint(8)
        responder_spi = reader.uint(8)
        next_payload, version, exchange_type, flags = reader.take(4)
        return cls(
            initiator_spi,
            responder_spi,
            next_payload,
            exchange_type,
            flags,
            reader.uint(4),
            reader.uint(4),
            version,
        )

    def serialize(self) -> bytes:
        """Write it."""
        return (
            u64(self.initiator_spi)
            + u64(self.responder_spi)
            + u8(self.next_payload)
            + u8(self.version)
            + u8(self.exchange_type)
            + u8(self.flags)
            + u32(self.message_id)
            + u32(self.length)
        )

    @property
    def major_version(self) -> int:
        """The major version that the message is written in."""
        return self.version >> 4

    @property
    def is_response(self) -> bool:
        """Whether the R flag is set."""
        return bool(self.flags & HeaderFlag.RESPONSE)

    @property
    def from_initiator(self) -> bool:
        """Whether the I flag is set: the sender initiated this IKE SA."""
        return bool(self.flags & HeaderFlag.INITIATOR)
