"""Headers are read and made as Scapy, and the RFCs, have them."""

from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import ARP, Ether

from controller.speaker.arp import ArpOperation, ArpPacket
from controller.speaker.checksum import internet_checksum
from controller.speaker.errors import PacketError
from controller.speaker.ethernet import EthernetFrame, is_unicast
from controller.speaker.icmp import IcmpMessage
from controller.speaker.ipv4 import Ipv4Packet
from controller.speaker.udp import UdpPacket

macs = st.integers(0, 2**48 - 1)
hosts = st.integers(0, 2**32 - 1).map(IPv4Address)
ports = st.integers(0, 65535)

A = IPv4Address("10.0.0.1")
B = IPv4Address("10.0.0.2")


def mac_text(mac: int) -> str:
    return mac.to_bytes(6, "big").hex(":")


def test_checksum_of_rfc_1071() -> None:
    """RFC 1071 §3 works this one out."""
    assert internet_checksum(bytes.fromhex("0001f203f4f5f6f7")) == ~0xDDF2 & 0xFFFF
    assert internet_checksum(b"\x01") == ~0x0100 & 0xFFFF
    assert internet_checksum(b"") == 0xFFFF


@given(macs, macs, ports, st.binary(max_size=100))
def test_ethernet_round_trip(destination: int, source: int, kind: int, payload: bytes) -> None:
    frame = EthernetFrame(destination, source, kind, payload)
    assert EthernetFrame.parse(frame.serialize()) == frame
    scapy = Ether(frame.serialize())
    assert (scapy.dst, scapy.src) == (mac_text(destination), mac_text(source))


def test_group_addresses_are_not_unicast() -> None:
    assert is_unicast(0x020000000001)
    assert not is_unicast(0)
    assert not is_unicast(0xFFFFFFFFFFFF)
    assert not is_unicast(0x01005E000001)


@given(st.sampled_from(ArpOperation), macs, hosts, macs, hosts, st.binary(max_size=18))
def test_arp_round_trip(
    operation: ArpOperation,
    sender_mac: int,
    sender: IPv4Address,
    target_mac: int,
    target: IPv4Address,
    padding: bytes,
) -> None:
    packet = ArpPacket(operation, sender_mac, sender, target_mac, target)
    assert ArpPacket.parse(packet.serialize() + padding) == packet
    scapy = ARP(packet.serialize())
    assert (scapy.op, scapy.hwsrc, scapy.psrc) == (operation, mac_text(sender_mac), str(sender))
    assert (scapy.hwdst, scapy.pdst) == (mac_text(target_mac), str(target))


@pytest.mark.parametrize(
    ("position", "value", "offset"),
    [(0, 9, 0), (4, 8, 0), (2, 9, 2), (5, 16, 2), (7, 3, 6)],
)
def test_arp_of_another_kind_is_refused(position: int, value: int, offset: int) -> None:
    data = bytearray(ArpPacket(ArpOperation.REQUEST, 2, A, 0, B).serialize())
    data[position] = value
    with pytest.raises(PacketError) as caught:
        ArpPacket.parse(bytes(data))
    assert caught.value.offset == offset


packets = st.builds(
    Ipv4Packet,
    source=hosts,
    destination=hosts,
    protocol=st.integers(0, 255),
    payload=st.binary(max_size=100),
    ttl=st.integers(0, 255),
    identification=ports,
    dont_fragment=st.booleans(),
    more_fragments=st.booleans(),
    fragment_offset=st.integers(0, 0x1FFF),
    dscp=st.integers(0, 63),
    ecn=st.integers(0, 3),
)


@given(packets, st.binary(max_size=46))
def test_ipv4_round_trip(packet: Ipv4Packet, padding: bytes) -> None:
    data = packet.serialize()
    assert Ipv4Packet.parse(data + padding) == packet
    scapy = IP(data)
    assert (scapy.src, scapy.dst) == (str(packet.source), str(packet.destination))
    assert scapy.frag == packet.fragment_offset
    assert scapy.tos == packet.dscp << 2 | packet.ecn
    del scapy.chksum
    assert bytes(scapy)[:20] == data[:20]


@given(packets, st.integers(0, 159))
def test_ipv4_with_any_one_bit_wrong_is_refused(packet: Ipv4Packet, bit: int) -> None:
    data = bytearray(packet.serialize())
    data[bit // 8] ^= 0x80 >> bit % 8
    with pytest.raises(PacketError):
        Ipv4Packet.parse(bytes(data))


def test_ipv4_with_options_is_refused() -> None:
    data = bytes(IP(src="10.0.0.1", dst="10.0.0.2", options=[b"\x94\x04\x00\x00"]))
    with pytest.raises(PacketError, match="6 words"):
        Ipv4Packet.parse(data)


def test_ipv4_that_is_too_long_is_refused() -> None:
    with pytest.raises(PacketError, match="65536"):
        Ipv4Packet(A, B, 17, bytes(65516)).serialize()


@given(ports, ports, st.binary(max_size=100), hosts, hosts)
def test_udp_round_trip(
    source_port: int,
    destination_port: int,
    payload: bytes,
    source: IPv4Address,
    destination: IPv4Address,
) -> None:
    udp = UdpPacket(source_port, destination_port, payload)
    data = udp.serialize(source, destination)
    assert data[6:8] != bytes(2)  # RFC 768: 0 would mean no checksum
    assert UdpPacket.parse(data + b"padding", source, destination) == udp
    scapy = IP(bytes(IP(src=str(source), dst=str(destination)) / UDP(data)))[UDP]
    del scapy.chksum
    rebuilt = IP(bytes(IP(src=str(source), dst=str(destination), proto=17) / scapy))[UDP]
    assert rebuilt.chksum == int.from_bytes(data[6:8], "big")


def test_udp_without_checksum_is_accepted_and_with_a_bad_one_is_not() -> None:
    data = bytearray(UdpPacket(500, 500, b"hello").serialize(A, B))
    data[6] ^= 1
    with pytest.raises(PacketError, match="checksum"):
        UdpPacket.parse(bytes(data), A, B)
    data[6:8] = bytes(2)
    assert UdpPacket.parse(bytes(data), A, B).payload == b"hello"


@pytest.mark.parametrize("length", [0, 7, 14])
def test_udp_with_a_wrong_length_is_refused(length: int) -> None:
    data = bytearray(UdpPacket(500, 500, b"hello").serialize(A, B))
    data[4:6] = length.to_bytes(2, "big")
    with pytest.raises(PacketError) as caught:
        UdpPacket.parse(bytes(data), A, B)
    assert caught.value.offset == 4


icmp_types = st.sampled_from([0, 3, 8, 11])


@given(icmp_types, st.integers(0, 255), st.integers(0, 2**32 - 1), st.binary(max_size=99))
def test_icmp_round_trip(kind: int, code: int, rest: int, payload: bytes) -> None:
    message = IcmpMessage(kind, code, rest, payload)
    data = message.serialize()
    assert IcmpMessage.parse(data) == message
    assert (ICMP(data).type, ICMP(data).code) == (kind, code)


@pytest.mark.parametrize(
    "parse",
    [
        EthernetFrame.parse,
        ArpPacket.parse,
        Ipv4Packet.parse,
        IcmpMessage.parse,
        lambda data: UdpPacket.parse(data, A, B),
    ],
)
@given(data=st.binary(max_size=120))
def test_any_bytes_parse_or_raise_our_error(parse: Callable[[bytes], object], data: bytes) -> None:
    with suppress(PacketError):
        parse(data)
