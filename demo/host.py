"""A host behind a router: one address, one gateway, UDP out and in."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address

from bmv2.embedded.ports.link import LinkPort
from controller.speaker.arp import ArpOperation, ArpPacket
from controller.speaker.errors import PacketError
from controller.speaker.ethernet import BROADCAST, TYPE_ARP, TYPE_IPV4, EthernetFrame
from controller.speaker.ipv4 import PROTOCOL_UDP, Ipv4Packet
from controller.speaker.udp import UdpPacket

SOURCE_PORT = 4000


class Host:
    """Asks for its gateway by ARP, and answers when it is asked for.

    Attributes:
        on_udp: called with the payload of each UDP packet for this host.
    """

    def __init__(
        self, name: str, address: IPv4Address, gateway: IPv4Address, mac: int, port: LinkPort
    ) -> None:
        self.name = name
        self.address = address
        self.on_udp: Callable[[bytes], None] = lambda payload: None
        self._gateway = gateway
        self._gateway_mac: int | None = None
        self._mac = mac
        self._port = port
        port.on_receive = self._receive

    @property
    def has_gateway(self) -> bool:
        """Tell whether the gateway has answered."""
        return self._gateway_mac is not None

    def ask_for_gateway(self) -> None:
        """Send an ARP request."""
        self._send_arp(ArpOperation.REQUEST, BROADCAST, 0, self._gateway)

    def send_udp(self, destination: IPv4Address, port: int, payload: bytes) -> None:
        """Send one packet; `ask_for_gateway` has to be answered before."""
        assert self._gateway_mac is not None
        udp = UdpPacket(SOURCE_PORT, port, payload).serialize(self.address, destination)
        packet = Ipv4Packet(self.address, destination, PROTOCOL_UDP, udp).serialize()
        self._send(self._gateway_mac, TYPE_IPV4, packet)

    def _receive(self, data: bytes) -> None:
        try:
            frame = EthernetFrame.parse(data)
            if frame.ether_type == TYPE_ARP:
                self._receive_arp(ArpPacket.parse(frame.payload))
            elif frame.ether_type == TYPE_IPV4 and frame.destination == self._mac:
                self._receive_ip(Ipv4Packet.parse(frame.payload))
        except PacketError:
            return  # as any host would: what can't be read is not there

    def _receive_arp(self, arp: ArpPacket) -> None:
        if arp.operation is ArpOperation.REPLY and arp.sender_address == self._gateway:
            self._gateway_mac = arp.sender_mac
        elif arp.operation is ArpOperation.REQUEST and arp.target_address == self.address:
            self._send_arp(ArpOperation.REPLY, arp.sender_mac, arp.sender_mac, arp.sender_address)

    def _receive_ip(self, packet: Ipv4Packet) -> None:
        if packet.destination == self.address and packet.protocol == PROTOCOL_UDP:
            udp = UdpPacket.parse(packet.payload, packet.source, packet.destination)
            self.on_udp(udp.payload)

    def _send_arp(
        self, operation: ArpOperation, to: int, target_mac: int, target: IPv4Address
    ) -> None:
        arp = ArpPacket(operation, self._mac, self.address, target_mac, target)
        self._send(to, TYPE_ARP, arp.serialize())

    def _send(self, to: int, ether_type: int, payload: bytes) -> None:
        self._port.send(EthernetFrame(to, self._mac, ether_type, payload).serialize())
