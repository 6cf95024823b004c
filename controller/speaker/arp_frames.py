"""Frames of the neighbor cache, and which addresses can be neighbors at all."""

from __future__ import annotations

from ipaddress import IPv4Address

from controller.p4runtime.entities import PacketOut
from controller.policy.model import Interface
from controller.speaker.arp import ArpOperation, ArpPacket
from controller.speaker.ethernet import TYPE_ARP, EthernetFrame


def can_be_neighbor(interface: Interface, address: IPv4Address) -> bool:
    """Tell whether an address can be that of another host on the interface's subnet."""
    network = interface.address.network
    if address == interface.address.ip or address not in network:
        return False
    if network.prefixlen > 30:  # RFC 3021: both addresses are hosts
        return True
    return address not in (network.network_address, network.broadcast_address)


def arp_request(interface: Interface, address: IPv4Address, destination_mac: int) -> PacketOut:
    """Return the question who has `address`, to one station or to all."""
    arp = ArpPacket(
        ArpOperation.REQUEST,
        sender_mac=interface.mac_address,
        sender_address=interface.address.ip,
        target_mac=0,
        target_address=address,
    )
    return _frame(interface, destination_mac, arp)


def arp_reply(interface: Interface, request: ArpPacket) -> PacketOut:
    """Return the answer to a request for the interface's own address."""
    arp = ArpPacket(
        ArpOperation.REPLY,
        sender_mac=interface.mac_address,
        sender_address=interface.address.ip,
        target_mac=request.sender_mac,
        target_address=request.sender_address,
    )
    return _frame(interface, request.sender_mac, arp)


def to_neighbor(interface: Interface, mac_address: int, frame: bytes) -> PacketOut:
    """Return a frame with its MAC addresses filled in, straight out of its interface."""
    addresses = mac_address.to_bytes(6, "big") + interface.mac_address.to_bytes(6, "big")
    return PacketOut(addresses + frame[len(addresses) :], interface_id=interface.id)


def _frame(interface: Interface, destination_mac: int, arp: ArpPacket) -> PacketOut:
    frame = EthernetFrame(destination_mac, interface.mac_address, TYPE_ARP, arp.serialize())
    return PacketOut(frame.serialize(), interface_id=interface.id)
