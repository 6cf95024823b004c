"""Echo requests and replies inside a tunnel, IPv4 and IPv6."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from scapy.layers.inet import ICMP, IP
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, IPv6
from scapy.packet import Raw

IPV4 = 4  # next header of ESP around an IPv4 packet
IPV6 = 41
ICMP_V4 = 1
_PAYLOAD = b"echo inside ESP"
_ECHO_REQUEST = 8

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Echo:
    """An echo request or reply: what there is to know about it."""

    source: Address
    destination: Address
    is_request: bool
    identifier: int
    sequence: int
    data: bytes = _PAYLOAD

    @classmethod
    def parse(cls, packet: bytes) -> Echo | None:
        """Read an IP packet; None for anything else than an ICMP echo."""
        if packet[:1] and packet[0] >> 4 == 6:
            return cls._parse_v6(packet)
        ip = IP(packet)
        if ICMP not in ip or ip[ICMP].type not in (0, _ECHO_REQUEST):
            return None
        icmp = ip[ICMP]
        return cls(
            ip_address(ip.src),
            ip_address(ip.dst),
            icmp.type == _ECHO_REQUEST,
            icmp.id,
            icmp.seq,
            bytes(icmp.payload),
        )

    @classmethod
    def _parse_v6(cls, packet: bytes) -> Echo | None:
        ip = IPv6(packet)
        for layer in (ICMPv6EchoRequest, ICMPv6EchoReply):
            if layer in ip:
                icmp = ip[layer]
                request = layer is ICMPv6EchoRequest
                addresses = ip_address(ip.src), ip_address(ip.dst)
                return cls(*addresses, request, icmp.id, icmp.seq, bytes(icmp.data))
        return None

    def reply(self) -> Echo:
        """Return the answer to a request."""
        return Echo(self.destination, self.source, False, self.identifier, self.sequence, self.data)

    def serialize(self) -> tuple[int, bytes]:
        """Return the IP packet, and ESP's next header for it."""
        if self.source.version == 6:
            layer = ICMPv6EchoRequest if self.is_request else ICMPv6EchoReply
            icmp6 = layer(id=self.identifier, seq=self.sequence, data=self.data)
            return IPV6, bytes(IPv6(src=str(self.source), dst=str(self.destination)) / icmp6)
        kind = _ECHO_REQUEST if self.is_request else 0
        icmp = ICMP(type=kind, id=self.identifier, seq=self.sequence) / Raw(self.data)
        return IPV4, bytes(IP(src=str(self.source), dst=str(self.destination)) / icmp)
