"""IKE in packet-in and packet-out (RFC 3948 §2.2)."""

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from controller.speaker import ike_transport
from controller.speaker.errors import PacketError
from ike.types import Datagram, UdpAddress

LOCAL = IPv4Address("192.0.2.1")
PEER = IPv4Address("198.51.100.1")
MARKER = bytes(4)


def punted(source_port: int, destination_port: int, payload: bytes) -> bytes:
    packet = Ether() / IP(src=str(PEER), dst=str(LOCAL))
    return bytes(packet / UDP(sport=source_port, dport=destination_port) / payload)


def test_ike_on_port_500_is_the_payload() -> None:
    datagram = ike_transport.decode(punted(500, 500, b"ike message"))
    assert datagram == Datagram(UdpAddress(PEER, 500), UdpAddress(LOCAL, 500), b"ike message")


def test_marker_is_taken_off_on_port_4500() -> None:
    """Also from a NAT that gave the peer another port."""
    for source_port in (4500, 61001):
        datagram = ike_transport.decode(punted(source_port, 4500, MARKER + b"ike message"))
        assert datagram.payload == b"ike message"
        assert datagram.source.port == source_port


def test_port_500_has_no_marker_whatever_port_a_nat_has_chosen() -> None:
    assert ike_transport.decode(punted(4500, 500, b"ike message")).payload == b"ike message"


def test_port_4500_without_marker_is_no_ike() -> None:
    with pytest.raises(PacketError, match="marker"):
        ike_transport.decode(punted(4500, 4500, b"\x00\x00\x00\x01esp"))


def test_a_nat_keepalive_has_no_marker() -> None:
    """One byte, 0xFF, both ways (RFC 3948 §2.3)."""
    datagram = ike_transport.decode(punted(4500, 4500, b"\xff"))
    assert datagram.is_nat_keepalive
    sent = Ether(ike_transport.encode(datagram).frame)
    assert bytes(sent[UDP].payload) == b"\xff"


def test_ethernet_padding_is_not_payload() -> None:
    assert ike_transport.decode(punted(500, 500, b"ike") + bytes(20)).payload == b"ike"


@pytest.mark.parametrize(
    ("ports", "on_the_wire"),
    [
        ((500, 500), b"ike"),
        ((500, 4500), b"ike"),  # a NAT gave the peer's port 500 this number
        ((4500, 4500), MARKER + b"ike"),
        ((4500, 61001), MARKER + b"ike"),
    ],
)
def test_datagram_goes_out_through_the_pipeline_past_the_policy(
    ports: tuple[int, int], on_the_wire: bytes
) -> None:
    """RFC 4301 §5.1: IKE itself is not protected."""
    datagram = Datagram(UdpAddress(LOCAL, ports[0]), UdpAddress(PEER, ports[1]), b"ike")
    packet = ike_transport.encode(datagram, identification=7)
    assert packet.interface_id == 0
    assert packet.bypass_spd
    scapy = Ether(packet.frame)
    assert (scapy[IP].src, scapy[IP].dst, scapy[IP].id) == (str(LOCAL), str(PEER), 7)
    assert (scapy[UDP].sport, scapy[UDP].dport) == ports
    assert bytes(scapy[UDP].payload) == on_the_wire


@given(st.sampled_from([500, 4500]), st.binary(max_size=200))
def test_what_is_sent_is_what_is_received(port: int, payload: bytes) -> None:
    datagram = Datagram(UdpAddress(LOCAL, port), UdpAddress(PEER, port), payload)
    assert ike_transport.decode(ike_transport.encode(datagram).frame) == datagram


def test_payload_that_does_not_fit_is_refused() -> None:
    datagram = Datagram(UdpAddress(LOCAL, 500), UdpAddress(PEER, 500), bytes(65508))
    with pytest.raises(PacketError):
        ike_transport.encode(datagram)


@pytest.mark.parametrize(
    "frame",
    [
        bytes(Ether() / IP(src="1.1.1.1", dst="2.2.2.2", flags="MF") / UDP(dport=500)),
        bytes(Ether() / IP(src="1.1.1.1", dst="2.2.2.2", proto=6) / (b"x" * 20)),
        bytes(Ether(type=0x86DD) / (b"x" * 60)),
        bytes(Ether() / IP(src="1.1.1.1", dst="2.2.2.2") / UDP(dport=500, len=4)),
    ],
)
def test_what_is_no_whole_udp_packet_is_refused(frame: bytes) -> None:
    with pytest.raises(PacketError):
        ike_transport.decode(frame)


@given(st.binary(max_size=80), st.integers(0, 60))
def test_any_frame_parses_or_raises_our_error(tail: bytes, keep: int) -> None:
    for frame in (tail, punted(500, 500, b"ike")[:keep] + tail):
        try:
            ike_transport.decode(frame)
        except PacketError:
            continue
