"""The Internet checksum (RFC 1071)."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address


def internet_checksum(data: bytes) -> int:
    """Return the 16-bit checksum of `data`; 0 if `data` contains its own correct checksum."""
    if len(data) % 2:
        data += b"\x00"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo_header(
    source: IPv4Address, destination: IPv4Address, protocol: int, length: int
) -> bytes:
    """Return the pseudo header that transport checksums cover (RFC 768); `length` in bytes."""
    return source.packed + destination.packed + struct.pack("!BBH", 0, protocol, length)
