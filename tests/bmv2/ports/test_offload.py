"""What senders leave to the hardware, checked against Scapy's own checksums and lengths."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from bmv2.embedded.ports import offload
from bmv2.embedded.ports.checksum import checksum

HEADER = struct.Struct("=BBHHHH")
NEEDS_CHECKSUM = 1
TCPV4, UFO, TCPV6, UDP_L4, ECN = 1, 3, 4, 5, 0x80
MAC = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")


def with_partial_checksum(frame: bytes, start: int, offset: int) -> bytes:
    """As Linux leaves it: the sum of the pseudo-header in place of the checksum."""
    packet = Ether(frame)
    addresses = frame[start - (8 if IP in packet else 32) : start]
    protocol = 6 if TCP in packet else 17
    pseudo = addresses + struct.pack("!LL", len(frame) - start, protocol)
    partial = ~checksum(pseudo) & 0xFFFF
    place = start + offset
    return frame[:place] + partial.to_bytes(2, "big") + frame[place + 2 :]


@pytest.mark.parametrize(
    "network", [IP(src="192.0.2.1", dst="192.0.2.2"), IPv6(src="::1", dst="::2")]
)
@pytest.mark.parametrize(("transport", "offset"), [(TCP(flags="S"), 16), (UDP(sport=5), 6)])
@pytest.mark.parametrize("payload", [b"", b"x", b"hello", bytes(1399)])
def test_partial_checksum_is_finished(network, transport, offset, payload):
    whole = bytes(MAC / network / transport / Raw(payload))
    start = 14 + (20 if isinstance(network, IP) else 40)
    partial = with_partial_checksum(whole, start, offset)
    header = HEADER.pack(NEEDS_CHECKSUM, 0, 0, 0, start, offset)
    assert offload.finish(header + partial) == [whole]


def test_complete_frame_is_left_alone():
    frame = bytes(MAC / IP() / UDP() / Raw(b"x"))
    assert offload.finish(offload.NOTHING_MISSING + frame) == [frame]


def build(network, transport, payload, *, tagged=False):
    link = MAC / Dot1Q(vlan=7) if tagged else MAC
    frame = bytes(link / network / transport / Raw(payload))
    return frame, len(link) + len(network)


@pytest.mark.parametrize("tagged", [False, True])
@pytest.mark.parametrize(
    ("network", "kind"),
    [
        (IP(src="192.0.2.1", dst="192.0.2.2", id=0xFFFF, flags="DF"), TCPV4),
        (IP(src="192.0.2.1", dst="192.0.2.2", options=b"\x01" * 4), TCPV4 | ECN),
        (IPv6(src="2001:db8::1", dst="2001:db8::2"), TCPV6),
    ],
)
@given(payload=st.binary(min_size=1, max_size=5000), size=st.integers(100, 1500))
def test_tcp_is_cut_as_a_network_card_does(network, kind, tagged, payload, size):
    transport = TCP(seq=0xFFFFFFF0, flags="FPAC", options=[("Timestamp", (1, 2)), ("NOP", None)])
    frame, start = build(network, transport, payload, tagged=tagged)
    pieces = offload.finish(HEADER.pack(NEEDS_CHECKSUM, kind, 0, size, start, 16) + frame)
    assert len(pieces) == -(-len(payload) // size)
    got = b""
    for number, piece in enumerate(pieces):
        packet = Ether(piece)
        tcp = packet[TCP]
        assert tcp.seq == (0xFFFFFFF0 + len(got)) & 0xFFFFFFFF
        assert ("F" in tcp.flags) == ("P" in tcp.flags) == (number == len(pieces) - 1)
        assert ("C" in tcp.flags) == (number == 0)
        if IP in packet:
            assert packet[IP].id == (network.id + number) & 0xFFFF
        data = bytes(tcp.payload)
        assert 0 < len(data) <= size
        got += data
        assert_lengths_and_checksums_are_right(piece)
    assert got == payload


@given(payload=st.binary(min_size=1, max_size=3000), size=st.integers(1, 1400))
def test_udp_is_cut_into_datagrams(payload, size):
    frame, start = build(IP(src="192.0.2.1", dst="192.0.2.2"), UDP(sport=1, dport=2), payload)
    pieces = offload.finish(HEADER.pack(NEEDS_CHECKSUM, UDP_L4, 0, size, start, 6) + frame)
    assert b"".join(bytes(Ether(piece)[UDP].payload) for piece in pieces) == payload
    for piece in pieces:
        assert_lengths_and_checksums_are_right(piece)


def assert_lengths_and_checksums_are_right(piece: bytes) -> None:
    """Scapy computes what is deleted; the result must be what was there."""
    packet = Ether(piece)
    network = packet[IP] if IP in packet else packet[IPv6]
    transport = packet[TCP] if TCP in packet else packet[UDP]
    del transport.chksum
    if UDP in packet:
        del transport.len
    if IP in packet:
        del network.chksum, network.len
    else:
        del network.plen
    assert bytes(packet) == piece


def test_what_cannot_be_cut_is_dropped():
    frame, start = build(IP(), TCP(), b"x" * 100)
    assert offload.finish(HEADER.pack(1, UFO, 0, 50, start, 16) + frame) == []
    assert offload.finish(HEADER.pack(1, TCPV4, 0, 0, start, 16) + frame) == []
    assert offload.finish(HEADER.pack(1, TCPV4, 0, 50, 5, 16) + frame) == []
    assert offload.finish(b"short") == []


@given(st.binary(max_size=200), st.integers(0, 255), st.integers(0, 3000), st.integers(0, 300))
def test_no_header_makes_it_fail(frame, kind, size, start):
    for flags in (0, NEEDS_CHECKSUM):
        for piece in offload.finish(HEADER.pack(flags, kind, 0, size, start, 16) + frame):
            assert isinstance(piece, bytes)
