"""Ethernet II frames. MAC addresses are integers of 48 bits."""

from __future__ import annotations

from dataclasses import dataclass

from controller.speaker.errors import PacketError

HEADER_LENGTH = 14
BROADCAST = 0xFFFFFFFFFFFF
MAX_FRAME_LENGTH = 65535 + HEADER_LENGTH

TYPE_IPV4 = 0x0800
TYPE_ARP = 0x0806


@dataclass(frozen=True, slots=True)
class EthernetFrame:
    """One frame, without preamble and frame check sequence."""

    destination: int
    source: int
    ether_type: int
    payload: bytes

    @classmethod
    def parse(cls, data: bytes) -> EthernetFrame:
        """Read a frame.

        Raises:
            PacketError: it is shorter than its header, or longer than any IPv4 packet could be.
        """
        if len(data) < HEADER_LENGTH:
            raise PacketError("Ethernet", len(data), "truncated header")
        if len(data) > MAX_FRAME_LENGTH:
            raise PacketError("Ethernet", MAX_FRAME_LENGTH, "too long")
        return cls(
            destination=int.from_bytes(data[0:6], "big"),
            source=int.from_bytes(data[6:12], "big"),
            ether_type=int.from_bytes(data[12:14], "big"),
            payload=data[HEADER_LENGTH:],
        )

    def serialize(self) -> bytes:
        """Return the bytes of the frame."""
        return (
            self.destination.to_bytes(6, "big")
            + self.source.to_bytes(6, "big")
            + self.ether_type.to_bytes(2, "big")
            + self.payload
        )


def is_unicast(mac_address: int) -> bool:
    """Tell whether a MAC address names one station: not 0, and not a group (IEEE 802)."""
    return mac_address != 0 and not mac_address >> 40 & 1
