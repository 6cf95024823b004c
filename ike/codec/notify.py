"""The Notify payload (RFC 7296 §3.10)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import ClassVar

from ike.codec.reader import Reader
from ike.codec.registry import FIRST_STATUS_NOTIFY, NotifyType, PayloadType, ProtocolId, value_name

_LAYOUT = Struct("!BBH")  # protocol, length of the SPI, type


@dataclass(frozen=True, slots=True)
class Notify:
    """An error or a status; `protocol` and `spi` name the SA it is about, if it is about one."""

    payload_type: ClassVar[int] = PayloadType.NOTIFY

    notify_type: int
    data: bytes = b""
    protocol: int = ProtocolId.NONE
    spi: bytes = b""

    @classmethod
    def parse(cls, reader: Reader) -> Notify:
        """Read the body.

        Raises:
            ParseError: it is cut short.
        """
        protocol, spi_size, notify_type = reader.unpack(_LAYOUT)
        spi = reader.take(spi_size) if spi_size else b""
        return cls(notify_type, reader.rest(), protocol, spi)

    def serialize(self) -> bytes:
        """Write the body."""
        header = _LAYOUT.pack(self.protocol, len(self.spi), self.notify_type)
        return header + self.spi + self.data

    @property
    def is_error(self) -> bool:
        """Whether the type lies among the error types."""
        return self.notify_type < FIRST_STATUS_NOTIFY

    @property
    def name(self) -> str:
        """The type's name, or its number."""
        return value_name(NotifyType, self.notify_type)
