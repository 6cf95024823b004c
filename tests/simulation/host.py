"""A host: one address, one gateway, and a record of what arrives."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address

BROADCAST = b"\xff" * 6


def checksum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(
    source: IPv4Address,
    destination: IPv4Address,
    protocol: int,
    payload: bytes,
    *,
    ttl: int = 64,
    tos: int = 0,
    dont_fragment: bool = False,
    fragment: int = 0,
) -> bytes:
    """`fragment` is the field as on the wire without DF: more-fragments bit and offset."""
    header = struct.pack(
        "!BBHHHBBH4s4s",
        0x45,
        tos,
        20 + len(payload),
        0,
        (0x4000 if dont_fragment else 0) | fragment,
        ttl,
        protocol,
        0,
        source.packed,
        destination.packed,
    )
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def udp(source_port: int, destination_port: int, payload: bytes) -> bytes:
    return struct.pack("!HHHH", source_port, destination_port, 8 + len(payload), 0) + payload


@dataclass(frozen=True)
class Received:
    """One IPv4 packet that reached a host."""

    time: float
    source: IPv4Address
    protocol: int
    payload: bytes  # after the IP header
    tos: int
    ttl: int


class Host:
    """Speaks just enough ARP to be reached, and answers nothing else by itself."""

    def __init__(self, address: str, mac: str, now: Callable[[], float]) -> None:
        self.address = IPv4Address(address)
        self.mac = bytes.fromhex(mac.replace(":", ""))
        self.gateway_mac = BROADCAST
        self.received: list[Received] = []
        self._now = now
        self.transmit: Callable[[bytes], None] = lambda frame: None

    def receive(self, frame: bytes) -> None:
        ether_type = frame[12:14]
        if ether_type == b"\x08\x06":
            self._answer_arp(frame)
        elif ether_type == b"\x08\x00" and frame[:6] == self.mac:
            packet = frame[14 : 14 + int.from_bytes(frame[16:18], "big")]
            if packet[16:20] == self.address.packed:
                self.received.append(
                    Received(
                        time=self._now(),
                        source=IPv4Address(packet[12:16]),
                        protocol=packet[9],
                        payload=packet[20:],
                        tos=packet[1],
                        ttl=packet[8],
                    )
                )

    def send(self, packet: bytes) -> None:
        self.transmit(self.gateway_mac + self.mac + b"\x08\x00" + packet)

    def send_udp(
        self, to: IPv4Address | str, payload: bytes = b"x" * 32, port: int = 9, **options: int
    ) -> None:
        self.send(ipv4(self.address, IPv4Address(to), 17, udp(4000, port, payload), **options))

    def send_tcp(self, to: IPv4Address | str, port: int = 80) -> None:
        syn = struct.pack("!HHIIHHHH", 4000, port, 0, 0, 0x5002, 0xFFFF, 0, 0)
        self.send(ipv4(self.address, IPv4Address(to), 6, syn))

    def payloads(self) -> list[bytes]:
        """The UDP payloads that arrived."""
        return [packet.payload[8:] for packet in self.received if packet.protocol == 17]

    def _answer_arp(self, frame: bytes) -> None:
        if frame[20:22] == b"\x00\x01" and frame[38:42] == self.address.packed:
            sender = frame[22:32]
            self.transmit(
                sender[:6]
                + self.mac
                + b"\x08\x06\x00\x01\x08\x00\x06\x04\x00\x02"
                + self.mac
                + self.address.packed
                + sender
            )
