"""IKE over packet-in and packet-out: punted frames to datagrams, datagrams to frames.

On port 4500 IKE shares the port with ESP, so four zero bytes, the non-ESP marker, come before it
(RFC 3948 §2.2), except before a NAT keepalive (§2.3). The IKE engine never sees them. It is our
own port that decides: the peer's can be any that a NAT has chosen, 4500 too.
"""

from __future__ import annotations

from controller.p4runtime.entities import PacketOut
from controller.speaker.errors import PacketError
from controller.speaker.ethernet import TYPE_IPV4, EthernetFrame
from controller.speaker.ipv4 import PROTOCOL_UDP, Ipv4Packet
from controller.speaker.udp import UdpPacket
from ike.types import NAT_KEEPALIVE, Datagram, UdpAddress

IKE_PORT = 500
IKE_NAT_PORT = 4500
NON_ESP_MARKER = bytes(4)


def decode(frame: bytes) -> Datagram:
    """Read a punted IKE frame.

    Raises:
        PacketError: it is no whole, correct UDP packet of IKE.
    """
    ethernet = EthernetFrame.parse(frame)
    if ethernet.ether_type != TYPE_IPV4:
        raise PacketError("Ethernet", 12, f"type {ethernet.ether_type:#06x}")
    packet = Ipv4Packet.parse(ethernet.payload)
    if packet.protocol != PROTOCOL_UDP:
        raise PacketError("IPv4", 9, f"protocol {packet.protocol}")
    if packet.is_fragment:
        raise PacketError("IPv4", 6, "a fragment")
    udp = UdpPacket.parse(packet.payload, packet.source, packet.destination)
    payload = udp.payload
    if udp.destination_port == IKE_NAT_PORT and payload != NAT_KEEPALIVE:
        if not payload.startswith(NON_ESP_MARKER):
            raise PacketError("UDP", 8, "no non-ESP marker")
        payload = payload[len(NON_ESP_MARKER) :]
    return Datagram(
        source=UdpAddress(packet.source, udp.source_port),
        destination=UdpAddress(packet.destination, udp.destination_port),
        payload=payload,
    )


def encode(datagram: Datagram, identification: int = 0) -> PacketOut:
    """Return the packet-out that sends a datagram: through the pipeline, which routes it.

    It bypasses the policy, for IKE itself must not be protected (RFC 4301 §5.1).

    Args:
        datagram: what to send.
        identification: of the IPv4 packet. A packet that is not fragmented needs none that is
            unique (RFC 6864 §4.1).

    Raises:
        PacketError: the payload does not fit a UDP packet.
    """
    source, destination = datagram.source, datagram.destination
    with_marker = source.port == IKE_NAT_PORT and not datagram.is_nat_keepalive
    marker = NON_ESP_MARKER if with_marker else b""
    udp = UdpPacket(source.port, destination.port, marker + datagram.payload)
    packet = Ipv4Packet(
        source=source.address,
        destination=destination.address,
        protocol=PROTOCOL_UDP,
        payload=udp.serialize(source.address, destination.address),
        identification=identification,
    )
    return PacketOut(through_pipeline(packet), interface_id=0, bypass_spd=True)


def through_pipeline(packet: Ipv4Packet) -> bytes:
    """Return the frame of a packet of ours; the pipeline fills in the MAC addresses."""
    return EthernetFrame(0, 0, TYPE_IPV4, packet.serialize()).serialize()
