"""The IKE header (RFC 7296 §3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from ike.codec.reader import Reader
from ike.codec.registry import HeaderFlag

_LAYOUT = Struct("!QQBBBBII")
HEADER_LENGTH = _LAYOUT.size
VERSION = 0x20  # major 2, minor 0

# Plain numbers: a flag's own & makes an object each time.
_INITIATOR, _RESPONSE = int(HeaderFlag.INITIATOR), int(HeaderFlag.RESPONSE)


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
        (
            initiator_spi,
            responder_spi,
            next_payload,
            version,
            exchange_type,
            flags,
            message_id,
            length,
        ) = Reader(data, "header").unpack(_LAYOUT)
        return cls(
            initiator_spi,
            responder_spi,
            next_payload,
            exchange_type,
            flags,
            message_id,
            length,
            version,
        )

    def serialize(self) -> bytes:
        """Write it."""
        return self.serialize_for(self.next_payload, self.length)

    def serialize_for(self, next_payload: int, length: int) -> bytes:
        """Write it for what follows: the first payload's type, and the whole message's length."""
        return _LAYOUT.pack(
            self.initiator_spi,
            self.responder_spi,
            next_payload,
            self.version,
            self.exchange_type,
            self.flags,
            self.message_id,
            length,
        )

    @property
    def major_version(self) -> int:
        """The major version that the message is written in."""
        return self.version >> 4

    @property
    def is_response(self) -> bool:
        """Whether the R flag is set."""
        return bool(self.flags & _RESPONSE)

    @property
    def from_initiator(self) -> bool:
        """Whether the I flag is set: the sender initiated this IKE SA."""
        return bool(self.flags & _INITIATOR)
