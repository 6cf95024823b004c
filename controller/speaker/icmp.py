"""ICMP that the router owes to others: echo replies and errors (RFC 792, RFC 1812 §4.3)."""

from __future__ import annotations

import struct
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address

from controller.p4runtime.entities import PacketOut
from controller.policy.model import Interface
from controller.speaker.checksum import internet_checksum
from controller.speaker.errors import PacketError
from controller.speaker.ethernet import TYPE_IPV4, EthernetFrame, is_unicast
from controller.speaker.ike_transport import through_pipeline
from controller.speaker.ipv4 import DSCP_CS6, HEADER_LENGTH, PROTOCOL_ICMP, Ipv4Packet

MAX_ECHO_LENGTH = 9000
"""Bytes of ICMP message that are still answered."""

MAX_ERROR_LENGTH = 576
"""Bytes of an IP packet with an ICMP error (RFC 1812 §4.3.2.3)."""

MIN_MTU = 68  # RFC 791 §3.2

_ICMP_HEADER = struct.Struct("!BBHI")


class IcmpType(IntEnum):
    """The message types that are made, answered or must not be answered."""

    ECHO_REPLY = 0
    DESTINATION_UNREACHABLE = 3
    SOURCE_QUENCH = 4
    REDIRECT = 5
    ECHO_REQUEST = 8
    TIME_EXCEEDED = 11
    PARAMETER_PROBLEM = 12


HOST_UNREACHABLE = 1
FRAGMENTATION_NEEDED = 4

_QUERIES = frozenset({0, 8, 9, 10, 13, 14, 15, 16, 17, 18})
"""Types that an error may be sent about. Any other may be an error itself (RFC 1812 §4.3.2.7)."""


@dataclass(frozen=True, slots=True)
class IcmpMessage:
    """One message; `rest` is the second word of its header."""

    icmp_type: int
    code: int
    rest: int
    payload: bytes

    @classmethod
    def parse(cls, data: bytes) -> IcmpMessage:
        """Read what an IPv4 packet carries.

        Raises:
            PacketError: it is truncated, or its checksum is bad.
        """
        if len(data) < _ICMP_HEADER.size:
            raise PacketError("ICMP", len(data), "truncated header")
        if internet_checksum(data) != 0:
            raise PacketError("ICMP", 2, "bad checksum")
        icmp_type, code, _, rest = _ICMP_HEADER.unpack_from(data)
        return cls(icmp_type, code, rest, data[_ICMP_HEADER.size :])

    def serialize(self) -> bytes:
        """Return the bytes, with the checksum."""
        message = _ICMP_HEADER.pack(self.icmp_type, self.code, 0, self.rest) + self.payload
        return message[:2] + internet_checksum(message).to_bytes(2, "big") + message[4:]


def echo_reply(frame: bytes) -> PacketOut | None:
    """Answer a punted echo request; None for any other message, a fragment, or a giant.

    The answer goes through the pipeline, so that it is protected where the policy says so.

    Raises:
        PacketError: the frame is malformed.
    """
    _, packet = _parse(frame)
    if packet.protocol != PROTOCOL_ICMP or packet.is_fragment:
        return None
    if len(packet.payload) > MAX_ECHO_LENGTH or not _is_host(packet.source):
        return None
    message = IcmpMessage.parse(packet.payload)
    if (message.icmp_type, message.code) != (IcmpType.ECHO_REQUEST, 0):
        return None
    reply = IcmpMessage(IcmpType.ECHO_REPLY, 0, message.rest, message.payload)
    # RFC 1812 §4.3.2.5: the TOS of the request.
    return _send(packet.destination, packet.source, reply, dscp=packet.dscp)


def time_exceeded(
    frame: bytes, source: IPv4Address, interfaces: Collection[Interface] = ()
) -> PacketOut | None:
    """Tell the sender that its packet's TTL ran out; None where no error may be sent.

    Args:
        frame: the punted frame.
        source: our address.
        interfaces: of this router: it sends nothing to itself, nor to a subnet's broadcast.

    Raises:
        PacketError: the frame is malformed.
    """
    return _error(frame, source, interfaces, IcmpType.TIME_EXCEEDED, 0, 0)


def fragmentation_needed(
    frame: bytes, source: IPv4Address, mtu: int, interfaces: Collection[Interface] = ()
) -> PacketOut | None:
    """Tell the sender how large its packets may be (RFC 1191 §4).

    Args:
        frame: the punted frame.
        source: our address.
        mtu: bytes of IP packet: the egress interface's, or the SA's inner MTU.
        interfaces: as for `time_exceeded`.

    Raises:
        PacketError: the frame is malformed.
    """
    next_hop_mtu = min(max(mtu, MIN_MTU), 65535)
    return _error(
        frame,
        source,
        interfaces,
        IcmpType.DESTINATION_UNREACHABLE,
        FRAGMENTATION_NEEDED,
        next_hop_mtu,
    )


def host_unreachable(
    frame: bytes, source: IPv4Address, interfaces: Collection[Interface] = ()
) -> PacketOut | None:
    """Tell the sender that the last hop does not answer ARP (RFC 1812 §5.2.7.1).

    Args:
        frame: the frame that was held back.
        source: our address.
        interfaces: as for `time_exceeded`.

    Raises:
        PacketError: the frame is malformed.
    """
    return _error(frame, source, interfaces, IcmpType.DESTINATION_UNREACHABLE, HOST_UNREACHABLE, 0)


def _error(
    frame: bytes,
    source: IPv4Address,
    interfaces: Collection[Interface],
    icmp_type: IcmpType,
    code: int,
    rest: int,
) -> PacketOut | None:
    ethernet, packet = _parse(frame)
    if not _may_be_answered(ethernet, packet, interfaces):
        return None
    room = MAX_ERROR_LENGTH - HEADER_LENGTH - _ICMP_HEADER.size
    quoted = ethernet.payload[: min(room, HEADER_LENGTH + len(packet.payload))]
    message = IcmpMessage(icmp_type, code, rest, quoted)
    return _send(source, packet.source, message, dscp=DSCP_CS6)


def _may_be_answered(
    ethernet: EthernetFrame,
    packet: Ipv4Packet,
    interfaces: Collection[Interface],
) -> bool:
    """Apply RFC 1812 §4.3.2.7 and RFC 1122 §3.2.2."""
    if packet.fragment_offset != 0:
        return False
    # 0 is what a packet of our own has before the pipeline fills it in.
    if ethernet.destination != 0 and not is_unicast(ethernet.destination):
        return False
    if not (_is_host(packet.source) and _is_host(packet.destination)):
        return False
    for interface in interfaces:
        network = interface.address.network
        if packet.source == interface.address.ip:
            return False
        if network.prefixlen <= 30 and not {packet.source, packet.destination}.isdisjoint(
            (network.network_address, network.broadcast_address)
        ):
            return False
    if packet.protocol == PROTOCOL_ICMP:
        # Not even about a message whose type can't be seen.
        return bool(packet.payload) and packet.payload[0] in _QUERIES
    return True


def _is_host(address: IPv4Address) -> bool:
    """Tell whether an address can be that of one host."""
    return not (
        address.is_multicast
        or address.is_loopback
        or address.is_reserved  # 240/4, with the limited broadcast
        or address.packed[0] == 0  # "this network"
    )


def _parse(frame: bytes) -> tuple[EthernetFrame, Ipv4Packet]:
    ethernet = EthernetFrame.parse(frame)
    if ethernet.ether_type != TYPE_IPV4:
        raise PacketError("Ethernet", 12, f"type {ethernet.ether_type:#06x}")
    return ethernet, Ipv4Packet.parse(ethernet.payload)


def _send(
    source: IPv4Address,
    destination: IPv4Address,
    message: IcmpMessage,
    *,
    dscp: int,
) -> PacketOut:
    packet = Ipv4Packet(
        source=source,
        destination=destination,
        protocol=PROTOCOL_ICMP,
        payload=message.serialize(),
        dscp=dscp,
    )
    return PacketOut(through_pipeline(packet))
