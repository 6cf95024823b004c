"""The Delete payload (RFC 7296 §3.11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ike.codec.reader import Reader, u8, u16
from ike.codec.registry import PayloadType, ProtocolId

_SPI_SIZE: dict[int, int] = {ProtocolId.IKE: 0, ProtocolId.AH: 4, ProtocolId.ESP: 4}


@dataclass(frozen=True, slots=True)
class Delete:
    """SAs that the sender deletes: the IKE SA that carries it, or ESP SAs by inbound SPI."""

    payload_type: ClassVar[int] = PayloadType.DELETE

    protocol: int
    spis: tuple[bytes, ...] = ()

    @classmethod
    def parse(cls, reader: Reader) -> Delete:
        """Read the body.

        Raises:
            ParseError: sizes and counts don't fit the protocol or the length.
        """
        protocol, spi_size = reader.take(2)
        count = reader.uint(2)
        expected = _SPI_SIZE.get(protocol, spi_size)
        if spi_size != expected:
            raise reader.error(f"SPIs of {spi_size} bytes, {expected} expected")
        if count and not spi_size:
            raise reader.error(f"{count} SPIs of no length")
        spis = tuple(reader.take(spi_size) for _ in range(count))
        reader.finish()
        return cls(protocol, spis)

    def serialize(self) -> bytes:
        """Write the body."""
        spi_size = len(self.spis[0]) if self.spis else _SPI_SIZE.get(self.protocol, 0)
        return u8(self.protocol) + u8(spi_size) + u16(len(self.spis)) + b"".join(self.spis)
