"""The compiled p4ipsec program as a plain IPv4 router."""

import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

BLANK = Ether(src="00:00:00:00:00:00", dst="00:00:00:00:00:00")
PUNT_ARP, PUNT_IKE, PUNT_LOCAL, PUNT_NEIGHBOR, PUNT_TTL_EXPIRED, PUNT_TOO_BIG = 1, 2, 3, 5, 6, 7


def checksum(header: bytes) -> int:
    """RFC 1071, written down once more."""
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def test_forwards_byte_for_byte(router):
    """Only the MAC addresses, the TTL and the header checksum change."""
    packet = router.outbound(dst="192.0.2.2", id=0x1234, tos=0xB8, flags="DF")
    router.inject(packet)
    expected = packet.copy()
    expected[Ether].src, expected[Ether].dst = router.MAC[2], router.HOST_MAC[2]
    expected[IP].ttl = 63
    assert router.sent == [(2, bytes(expected))]
    assert router.drops() == {}
    assert router.punted == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ttl=st.integers(2, 255), identification=st.integers(0, 0xFFFF), tos=st.integers(0, 255))
def test_incremental_checksum_equals_a_full_one(router, ttl, identification, tos):
    """RFC 1624: never 0xffff where a full computation gives 0, and the other way round."""
    router.sent.clear()
    router.inject(router.outbound(dst="192.0.2.2", ttl=ttl, id=identification, tos=tos))
    ((_, frame),) = router.sent
    header = frame[14:34]
    assert header[8] == ttl - 1
    assert checksum(header[:10] + b"\0\0" + header[12:]) == int.from_bytes(header[10:12], "big")


def test_every_checksum_survives_the_ttl_update(router):
    """Over the whole range of header checksums."""
    for identification in range(0, 0x10000, 23):
        header = struct.pack(
            "!BBHHHBBHII", 0x45, 0, 28, identification, 0, 64, 17, 0,
            router.ip("10.0.1.2"), router.ip("192.0.2.2"),
        )  # fmt: skip
        header = header[:10] + checksum(header).to_bytes(2, "big") + header[12:]
        ether = bytes(Ether(src=router.HOST_MAC[1], dst=router.MAC[1], type=0x800))
        router.inject(ether + header + bytes(8))
        ((_, frame),) = router.take_sent()
        assert checksum(frame[14:34]) == 0


def test_longest_prefix_wins(router):
    router.inject(router.outbound(dst="10.0.2.127"))
    assert len(router.take_sent()) == 1
    router.inject(router.outbound(dst="10.0.2.128"))
    assert router.sent == []
    assert router.drops() == {21: 1}


def test_trailing_ethernet_padding_is_forwarded(router):
    packet = router.outbound(payload=b"", dst="192.0.2.2")
    router.inject(bytes(packet) + b"\0" * 18)
    ((_, frame),) = router.sent
    assert len(frame) == len(packet) + 18


def test_arp_goes_to_the_controller(router):
    arp = Ether(dst="ff:ff:ff:ff:ff:ff", src=router.HOST_MAC[1]) / ARP(pdst="10.0.1.1")
    router.inject(arp)
    (punted,) = router.punted
    assert (punted.reason, punted.interface_id, punted.frame) == (PUNT_ARP, 1, bytes(arp))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (UDP(sport=500, dport=500) / Raw(b"\0" * 28), PUNT_IKE),
        (UDP(sport=4500, dport=4500) / Raw(b"\0" * 32), PUNT_IKE),
        (ICMP(), PUNT_LOCAL),
    ],
)
def test_what_is_for_the_router_goes_to_the_controller(router, payload, reason):
    packet = router.from_peer() / IP(src="192.0.2.2", dst="192.0.2.1") / payload
    router.inject(packet, port=2)
    (punted,) = router.punted
    assert (punted.reason, punted.interface_id, punted.frame) == (reason, 2, bytes(packet))


def test_expired_ttl_goes_to_the_controller_unchanged(router):
    packet = router.outbound(dst="192.0.2.2", ttl=1)
    router.inject(packet)
    (punted,) = router.punted
    assert (punted.reason, punted.frame) == (PUNT_TTL_EXPIRED, bytes(packet))
    assert router.drops() == {22: 1}


def test_unknown_next_hop_goes_to_the_controller(router):
    router.inject(router.outbound(dst="192.0.2.77"))
    (punted,) = router.punted
    assert punted.reason == PUNT_NEIGHBOR
    assert (punted.interface_id, punted.next_hop) == (2, router.ip("192.0.2.77"))


def test_too_big_with_df_goes_to_the_controller(blank_router):
    router = blank_router.set_up(mtu=576)
    router.inject(router.outbound(payload=b"x" * 600, dst="192.0.2.2", flags="DF"))
    assert [punted.reason for punted in router.punted] == [PUNT_TOO_BIG]
    router.inject(router.outbound(payload=b"x" * 600, dst="192.0.2.2"))
    assert len(router.punted) == 1
    assert router.drops() == {26: 2}


def packet_out(interface_id: int, bypass: bool, frame: bytes) -> bytes:
    return interface_id.to_bytes(2, "big") + bytes([bypass << 7]) + frame


def test_packet_out_by_an_interface_leaves_as_it_is(router):
    router.inject(packet_out(2, False, b"\x01" * 14 + b"anything"), port=510)
    assert router.sent == [(2, b"\x01" * 14 + b"anything")]


def test_packet_out_without_interface_is_routed(router):
    """No TTL is taken from it, and it need not have come in anywhere."""
    packet = BLANK / IP(src="192.0.2.1", dst="192.0.2.2", ttl=64) / TCP()
    router.inject(packet_out(0, False, bytes(packet)), port=510)
    ((port, frame),) = router.sent
    assert port == 2
    assert Ether(frame)[Ether].dst == router.HOST_MAC[2]
    assert Ether(frame)[IP].ttl == 64


def test_packet_out_can_bypass_the_crypto_map(ipsec_router):
    """RFC 4301 §5.1: IKE itself is not protected."""
    packet = BLANK / IP(src="10.0.1.1", dst="10.0.2.2") / UDP(sport=500, dport=500)
    ipsec_router.inject(packet_out(0, True, bytes(packet)), port=510)
    assert [port for port, _ in ipsec_router.sent] == [2]


def test_port_counters(router):
    packet = router.outbound(dst="192.0.2.2")
    router.inject(packet)
    router.inject(router.outbound(dst="10.0.2.200"))
    inside, outside = router.datapath.port_counters[1], router.datapath.port_counters[2]
    assert (inside.received.packets, inside.dropped.packets) == (2, 1)
    assert (outside.transmitted.packets, outside.transmitted.bytes) == (1, len(packet))
