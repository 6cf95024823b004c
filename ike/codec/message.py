"""A whole IKE message: header and payloads (RFC 7296 §3)."""

from __future__ import annotations

from dataclasses import dataclass

from ike.codec.chain import parse_chain, serialize_chain
from ike.codec.errors import ParseError
from ike.codec.header import HEADER_LENGTH, Header
from ike.codec.payload import Payload
from ike.codec.registry import PayloadType

MAX_MESSAGE = 65_535  # bytes, what UDP carries


@dataclass(frozen=True, slots=True)
class Message:
    """Header and payloads. The header's `next_payload` and `length` follow from the payloads."""

    header: Header
    payloads: tuple[Payload, ...]

    @classmethod
    def parse(cls, data: bytes, header: Header | None = None) -> Message:
        """Read a message; `header` saves reading it twice.

        Raises:
            ParseError: header or payloads are malformed, or the length is not the datagram's.
        """
        header = header or Header.parse(data)
        if header.length != len(data) or len(data) > MAX_MESSAGE:
            raise ParseError("header", 24, f"length {header.length} in {len(data)} bytes")
        return cls(header, parse_chain(data, header.next_payload, HEADER_LENGTH, len(data)))

    def serialize(self) -> bytes:
        """Write it, with the right length and next payload."""
        body = serialize_chain(self.payloads)
        first = self.payloads[0].payload_type if self.payloads else PayloadType.NONE
        return self.header.serialize_for(first, HEADER_LENGTH + len(body)) + body
