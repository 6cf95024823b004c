"""The Vendor ID payload (RFC 7296 §3.12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ike.codec.reader import Reader
from ike.codec.registry import PayloadType


@dataclass(frozen=True, slots=True)
class VendorId:
    """What the sender's implementation says it is."""

    payload_type: ClassVar[int] = PayloadType.VENDOR_ID

    data: bytes

    @classmethod
    def parse(cls, reader: Reader) -> VendorId:
        """Take the body as it is."""
        return cls(reader.rest())

    def serialize(self) -> bytes:
        """Write the body."""
        return self.data
