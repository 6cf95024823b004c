"""The frames that go through a router as `tests.bmv2.datapath.conftest.Router` sets it up.

Sizes are bytes of the IP packet that is forwarded, without the Ethernet header and, where it is
in ESP, without all that ESP adds.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from bmv2.embedded import esp
from controller.speaker.ethernet import TYPE_IPV4, EthernetFrame
from controller.speaker.ipv4 import HEADER_LENGTH as IPV4_LENGTH
from controller.speaker.ipv4 import PROTOCOL_UDP, Ipv4Packet
from controller.speaker.udp import HEADER_LENGTH as UDP_LENGTH
from controller.speaker.udp import UdpPacket
from tests.bmv2.datapath.conftest import Router

HOST = IPv4Address("10.0.1.2")
FAR_HOST = IPv4Address("10.0.2.2")
US = IPv4Address("192.0.2.1")
PEER = IPv4Address("192.0.2.2")

SPI_IN = 0x2002
ESP_PORT = 4500  # RFC 3948
_PROTOCOL_ESP = 50


def outbound(size: int, destination: IPv4Address = FAR_HOST) -> bytes:
    """Return a frame of the host, by port 1, for a host behind the peer."""
    return _ethernet(1, udp_packet(HOST, destination, size))


def inbound(size: int, source: IPv4Address = FAR_HOST) -> bytes:
    """Return a frame from the peer, by port 2, for the host, in the clear."""
    return _ethernet(2, udp_packet(source, HOST, size))


def inbound_esp(size: int, *, encapsulated: bool = False) -> bytes:
    """Return what `inbound` carries, in ESP with sequence number 1, or in ESP in UDP."""
    _, payload = esp.encapsulate(
        udp_packet(FAR_HOST, HOST, size),
        **Router.ALGORITHMS,
        key=Router.KEY,
        salt=Router.SALT,
        spi=SPI_IN,
        sequence_number=1,
        iv=1,
    )
    packet = SPI_IN.to_bytes(4, "big") + (1).to_bytes(4, "big") + payload
    if encapsulated:
        packet = UdpPacket(ESP_PORT, ESP_PORT, packet).serialize(PEER, US)
    protocol = PROTOCOL_UDP if encapsulated else _PROTOCOL_ESP
    return _ethernet(2, Ipv4Packet(PEER, US, protocol, packet).serialize())


def udp_packet(source: IPv4Address, destination: IPv4Address, size: int) -> bytes:
    """Return an IP packet of `size` bytes, from 28 on."""
    payload = b"x" * (size - IPV4_LENGTH - UDP_LENGTH)
    udp = UdpPacket(1234, 5678, payload).serialize(source, destination)
    return Ipv4Packet(source, destination, PROTOCOL_UDP, udp).serialize()


def _ethernet(port: int, packet: bytes) -> bytes:
    ours, theirs = Router.mac(Router.MAC[port]), Router.mac(Router.HOST_MAC[port])
    return EthernetFrame(ours, theirs, TYPE_IPV4, packet).serialize()
