"""UDP over IPv4 (RFC 768)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address

from controller.speaker.checksum import internet_checksum, pseudo_header
from controller.speaker.errors import PacketError
from controller.speaker.ipv4 import PROTOCOL_UDP

HEADER_LENGTH = 8
MAX_LENGTH = 65535

_HEADER = struct.Struct("!HHHH")


@dataclass(frozen=True, slots=True)
class UdpPacket:
    """One UDP packet."""

    source_port: int
    destination_port: int
    payload: bytes

    @classmethod
    def parse(cls, data: bytes, source: IPv4Address, destination: IPv4Address) -> UdpPacket:
        """Read what an IPv4 packet between these addresses carries.

        Raises:
            PacketError: a length is wrong, or the checksum, where there is one, is bad.
        """
        if len(data) < HEADER_LENGTH:
            raise PacketError("UDP", len(data), "truncated header")
        source_port, destination_port, length, checksum = _HEADER.unpack_from(data)
        if not HEADER_LENGTH <= length <= len(data):
            raise PacketError("UDP", 4, f"length {length} of {len(data)} bytes")
        data = data[:length]
        if checksum:
            covered = pseudo_header(source, destination, PROTOCOL_UDP, length) + data
            if internet_checksum(covered) != 0:
                raise PacketError("UDP", 6, "bad checksum")
        return cls(source_port, destination_port, data[HEADER_LENGTH:])

    def serialize(self, source: IPv4Address, destination: IPv4Address) -> bytes:
        """Return the bytes, with the checksum for these addresses.

        Raises:
            PacketError: the payload is longer than 65,527 bytes.
        """
        length = HEADER_LENGTH + len(self.payload)
        if length > MAX_LENGTH:
            raise PacketError("UDP", 4, f"length {length}")
        header = _HEADER.pack(self.source_port, self.destination_port, length, 0)
        covered = pseudo_header(source, destination, PROTOCOL_UDP, length) + header + self.payload
        # 0 would mean that there is none.
        checksum = internet_checksum(covered) or 0xFFFF
        return header[:6] + checksum.to_bytes(2, "big") + self.payload
