"""The core network between the routers, with a tap: it judges what went over the wire, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address

from bmv2.embedded.ports.link import LinkPort, Wire, link
from controller.speaker.errors import PacketError
from controller.speaker.ethernet import TYPE_IPV4, EthernetFrame
from controller.speaker.ipv4 import PROTOCOL_UDP, Ipv4Packet
from controller.speaker.udp import UdpPacket

PROTOCOL_ESP = 50
IKE_PORTS = frozenset({500, 4500})
NON_ESP_MARKER = bytes(4)  # RFC 3948 §2.2


class Kind(StrEnum):
    """What a frame on the core is."""

    ESP = "esp"
    IKE = "ike"
    CLEAR = "clear"  # a packet of a host, for all to read
    OTHER = "other"  # ARP


@dataclass(frozen=True, slots=True)
class Seen:
    """One frame on the core. Addresses are those of its IP header, if it has one."""

    time: float  # seconds of the routers' clock
    kind: Kind
    source: IPv4Address | None = None
    destination: IPv4Address | None = None


class Core:
    """A hub: what a router sends reaches all others.

    Attributes:
        seen: every frame, in order.
        on_clear: called with the UDP payload of each packet in the clear.
    """

    def __init__(self, wire: Wire, now: Callable[[], float]) -> None:
        self.seen: list[Seen] = []
        self.on_clear: Callable[[bytes], None] = lambda payload: None
        self._wire = wire
        self._now = now
        self._ends: list[LinkPort] = []

    def attach(self, port: int, name: str) -> LinkPort:
        """Return the end of a new link to the core, for a switch."""
        theirs, ours = link((port, name), (len(self._ends), f"core to {name}"), self._wire)
        self._ends.append(ours)
        ours.on_receive = lambda frame: self._forward(ours, frame)
        return theirs

    def select(
        self,
        kind: Kind,
        *,
        start: int = 0,
        source: IPv4Address | None = None,
        destination: IPv4Address | None = None,
    ) -> list[Seen]:
        """Return the frames of a kind, from the index `start` on; None matches any address."""
        return [
            frame
            for frame in self.seen[start:]
            if frame.kind is kind
            and source in (None, frame.source)
            and destination in (None, frame.destination)
        ]

    def _forward(self, origin: LinkPort, frame: bytes) -> None:
        self.seen.append(self._judge(frame))
        for end in self._ends:
            if end is not origin:
                end.send(frame)

    def _judge(self, data: bytes) -> Seen:
        now = self._now()
        try:
            frame = EthernetFrame.parse(data)
            if frame.ether_type != TYPE_IPV4:
                return Seen(now, Kind.OTHER)
            packet = Ipv4Packet.parse(frame.payload)
            kind, payload = _classify(packet)
        except PacketError:
            return Seen(now, Kind.OTHER)
        if kind is Kind.CLEAR:
            self.on_clear(payload)
        return Seen(now, kind, packet.source, packet.destination)


def _classify(packet: Ipv4Packet) -> tuple[Kind, bytes]:
    """Tell the kind of a packet, and what its UDP packet carries.

    Raises:
        PacketError: it isn't what its header says.
    """
    if packet.protocol == PROTOCOL_ESP:
        return Kind.ESP, b""
    if packet.protocol != PROTOCOL_UDP:
        return Kind.CLEAR, b""
    udp = UdpPacket.parse(packet.payload, packet.source, packet.destination)
    if udp.destination_port not in IKE_PORTS:
        return Kind.CLEAR, udp.payload
    if udp.destination_port == 4500 and udp.payload[:4] != NON_ESP_MARKER:
        return Kind.ESP, b""
    return Kind.IKE, b""
