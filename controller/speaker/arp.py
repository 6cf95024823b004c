"""ARP for IPv4 over Ethernet (RFC 826)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address

from controller.speaker.errors import PacketError

LENGTH = 28

_HARDWARE_ETHERNET = 1
_PROTOCOL_IPV4 = 0x0800
_HEADER = struct.Struct("!HHBBH")


class ArpOperation(IntEnum):
    """The opcodes that are answered or learned from."""

    REQUEST = 1
    REPLY = 2


@dataclass(frozen=True, slots=True)
class ArpPacket:
    """One request or reply. MAC addresses are integers of 48 bits."""

    operation: ArpOperation
    sender_mac: int
    sender_address: IPv4Address
    target_mac: int
    target_address: IPv4Address

    @classmethod
    def parse(cls, data: bytes) -> ArpPacket:
        """Read an ARP packet; what follows its 28 bytes is Ethernet's padding.

        Raises:
            PacketError: it is truncated, not about IPv4 on Ethernet, or of another operation.
        """
        if len(data) < LENGTH:
            raise PacketError("ARP", len(data), "truncated")
        hardware, protocol, hardware_length, protocol_length, operation = _HEADER.unpack_from(data)
        if (hardware, hardware_length) != (_HARDWARE_ETHERNET, 6):
            raise PacketError("ARP", 0, f"hardware type {hardware}, length {hardware_length}")
        if (protocol, protocol_length) != (_PROTOCOL_IPV4, 4):
            raise PacketError("ARP", 2, f"protocol {protocol:#06x}, length {protocol_length}")
        try:
            known = ArpOperation(operation)
        except ValueError:
            raise PacketError("ARP", 6, f"operation {operation}") from None
        return cls(
            operation=known,
            sender_mac=int.from_bytes(data[8:14], "big"),
            sender_address=IPv4Address(data[14:18]),
            target_mac=int.from_bytes(data[18:24], "big"),
            target_address=IPv4Address(data[24:28]),
        )

    def serialize(self) -> bytes:
        """Return the 28 bytes of the packet."""
        return (
            _HEADER.pack(_HARDWARE_ETHERNET, _PROTOCOL_IPV4, 6, 4, self.operation)
            + self.sender_mac.to_bytes(6, "big")
            + self.sender_address.packed
            + self.target_mac.to_bytes(6, "big")
            + self.target_address.packed
        )
