"""The Configuration payload (RFC 7296 §3.15)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ike.codec.reader import Reader, u8, u16
from ike.codec.registry import PayloadType

MAX_ATTRIBUTES = 64


@dataclass(frozen=True, slots=True)
class ConfigurationAttribute:
    """One attribute, for instance INTERNAL_IP4_ADDRESS (§3.15.1)."""

    attribute_type: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Configuration:
    """Addresses and the like that one end asks of the other."""

    payload_type: ClassVar[int] = PayloadType.CP

    configuration_type: int
    attributes: tuple[ConfigurationAttribute, ...]

    @classmethod
    def parse(cls, reader: Reader) -> Configuration:
        """Read the body.

        Raises:
            ParseError: it is cut short, or has more than 64 attributes.
        """
        configuration_type = reader.uint(1)
        reader.skip(3)
        attributes: list[ConfigurationAttribute] = []
        while reader.remaining:
            if len(attributes) == MAX_ATTRIBUTES:
                raise reader.error(f"more than {MAX_ATTRIBUTES} attributes")
            attribute_type = reader.uint(2) & 0x7FFF
            value = reader.take(reader.uint(2))
            attributes.append(ConfigurationAttribute(attribute_type, value))
        return cls(configuration_type, tuple(attributes))

    def serialize(self) -> bytes:
        """Write the body."""
        attributes = b"".join(
            u16(a.attribute_type) + u16(len(a.value)) + a.value for a in self.attributes
        )
        return u8(self.configuration_type) + bytes(3) + attributes
