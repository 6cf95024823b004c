"""What all payloads have in common, and the payload that we don't know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ike.codec.reader import Reader


class Payload(Protocol):
    """One payload: its type in the registry, and its body without the generic header."""

    @property
    def payload_type(self) -> int:
        """The value of the "next payload" field that announces it."""

    def serialize(self) -> bytes:
        """Write the body."""


@dataclass(frozen=True, slots=True)
class UnknownPayload:
    """A payload of a type that is not decoded here, kept as it came.

    Only here does the critical bit matter (RFC 7296 §2.5).
    """

    payload_type: int
    critical: bool
    body: bytes

    @classmethod
    def parse(cls, payload_type: int, critical: bool, reader: Reader) -> UnknownPayload:
        """Take the body as it is."""
        return cls(payload_type, critical, reader.rest())

    def serialize(self) -> bytes:
        """Write the body."""
        return self.body
