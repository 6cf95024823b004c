"""IPv4 packets without options, which the pipeline does not let through (RFC 791)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address

from controller.speaker.checksum import internet_checksum
from controller.speaker.errors import PacketError

HEADER_LENGTH = 20
MAX_LENGTH = 65535
DEFAULT_TTL = 64

PROTOCOL_ICMP = 1
PROTOCOL_UDP = 17

DSCP_CS6 = 48
"""Network control, which is IP precedence 6: ICMP errors (RFC 1812 §4.3.2.5)."""

_HEADER = struct.Struct("!BBHHHBBH4s4s")
_DONT_FRAGMENT = 0x4000
_MORE_FRAGMENTS = 0x2000
_OFFSET_MASK = 0x1FFF


@dataclass(frozen=True, slots=True)
class Ipv4Packet:
    """One packet, or one fragment of one."""

    source: IPv4Address
    destination: IPv4Address
    protocol: int
    payload: bytes
    ttl: int = DEFAULT_TTL
    identification: int = 0
    dont_fragment: bool = False
    more_fragments: bool = False
    fragment_offset: int = 0  # in units of 8 bytes
    dscp: int = 0
    ecn: int = 0

    @property
    def is_fragment(self) -> bool:
        """Tell whether this is only a part of a packet."""
        return self.more_fragments or self.fragment_offset != 0

    @classmethod
    def parse(cls, data: bytes) -> Ipv4Packet:
        """Read a packet; what follows its total length is Ethernet's padding.

        Raises:
            PacketError: a length or the version is wrong, it has options, or its checksum is bad.
        """
        if len(data) < HEADER_LENGTH:
            raise PacketError("IPv4", len(data), "truncated header")
        (
            version_ihl,
            traffic_class,
            total_length,
            identification,
            fragment,
            ttl,
            protocol,
            _,
            source,
            destination,
        ) = _HEADER.unpack_from(data)
        if version_ihl >> 4 != 4:
            raise PacketError("IPv4", 0, f"version {version_ihl >> 4}")
        if version_ihl & 0xF != 5:
            raise PacketError("IPv4", 0, f"header of {version_ihl & 0xF} words")
        if not HEADER_LENGTH <= total_length <= len(data):
            raise PacketError("IPv4", 2, f"total length {total_length} of {len(data)} bytes")
        if internet_checksum(data[:HEADER_LENGTH]) != 0:
            raise PacketError("IPv4", 10, "bad header checksum")
        return cls(
            source=IPv4Address(source),
            destination=IPv4Address(destination),
            protocol=protocol,
            payload=data[HEADER_LENGTH:total_length],
            ttl=ttl,
            identification=identification,
            dont_fragment=bool(fragment & _DONT_FRAGMENT),
            more_fragments=bool(fragment & _MORE_FRAGMENTS),
            fragment_offset=fragment & _OFFSET_MASK,
            dscp=traffic_class >> 2,
            ecn=traffic_class & 3,
        )

    def serialize(self) -> bytes:
        """Return the bytes of the packet, with its checksum.

        Raises:
            PacketError: it is longer than 65,535 bytes.
        """
        total_length = HEADER_LENGTH + len(self.payload)
        if total_length > MAX_LENGTH:
            raise PacketError("IPv4", 2, f"total length {total_length}")
        header = _HEADER.pack(
            0x45,
            self.dscp << 2 | self.ecn,
            total_length,
            self.identification,
            _DONT_FRAGMENT * self.dont_fragment
            | _MORE_FRAGMENTS * self.more_fragments
            | self.fragment_offset,
            self.ttl,
            self.protocol,
            0,
            self.source.packed,
            self.destination.packed,
        )
        checksum = internet_checksum(header)
        return header[:10] + checksum.to_bytes(2, "big") + header[12:] + self.payload
