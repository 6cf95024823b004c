"""The Certificate and Certificate Request payloads (RFC 7296 §3.6, §3.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ike.codec.reader import Reader, u8
from ike.codec.registry import PayloadType


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate, a CRL, an OCSP response, or where to fetch one."""

    payload_type: ClassVar[int] = PayloadType.CERT

    encoding: int
    data: bytes

    @classmethod
    def parse(cls, reader: Reader) -> Certificate:
        """Read the body.

        Raises:
            ParseError: it is cut short.
        """
        return cls(reader.uint(1), reader.rest())

    def serialize(self) -> bytes:
        """Write the body."""
        return u8(self.encoding) + self.data


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """Which authorities the sender trusts: SHA-1 hashes of their public keys, one after another."""

    payload_type: ClassVar[int] = PayloadType.CERTREQ

    encoding: int
    data: bytes

    @classmethod
    def parse(cls, reader: Reader) -> CertificateRequest:
        """Read the body.

        Raises:
            ParseError: it is cut short.
        """
        return cls(reader.uint(1), reader.rest())

    def serialize(self) -> bytes:
        """Write the body."""
        return u8(self.encoding) + self.data
