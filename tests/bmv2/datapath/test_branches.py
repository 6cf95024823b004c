"""Branches of the P4 program that the tests of the other modules do not take."""

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.ipsec import ESP
from scapy.layers.l2 import ARP, Ether
from scapy.layers.sctp import SCTP
from scapy.packet import Raw

from bmv2.embedded.model import MeterConfig

MALFORMED, WRONG_MAC, ESP_FRAGMENT, POLICY_DISCARD, NOT_FOR_US = 1, 3, 8, 20, 29
NOT_UNICAST = 7
CLEAR_NOT_ALLOWED, TTL_EXPIRED, NO_SA, TOO_BIG, PUNT_LIMITED = 19, 22, 23, 26, 28
PUNT_IKE, PUNT_TOO_BIG = 2, 7
NOTHING_PASSES = MeterConfig(0, 0, 0, 0)


def report(sent=(0, 0), received=(0, 0), retry_due=0):
    return ("clear_report_t", (*sent, *received, retry_due))


@pytest.fixture
def passive(ipsec_router):
    ipsec_router.set_passive_mode(True)
    return ipsec_router


def test_frame_shorter_than_ethernet(router):
    router.inject(bytes(13))
    assert router.drops() == {MALFORMED: 1}


@pytest.mark.parametrize("protocol", [6, 17, 50, 132])
def test_transport_header_is_cut_off(router, protocol):
    """Ports, or an SPI, that are not there: not a packet to guess about."""
    router.inject(router.from_peer() / IP(src="192.0.2.2", dst="192.0.2.1", proto=protocol), port=2)
    assert router.drops() == {MALFORMED: 1}


def test_encapsulated_esp_is_cut_off(router):
    """The UDP header promises 24 bytes, and 12 of them are there."""
    udp = UDP(sport=4500, dport=4500, len=24) / Raw(b"\1\2\3\4")
    router.inject(router.from_peer() / IP(src="192.0.2.2", dst="192.0.2.1") / udp, port=2)
    assert router.drops() == {MALFORMED: 1}


def test_sctp_is_matched_by_its_ports(ipsec_router):
    router = ipsec_router
    router.add(
        "spd_out",
        "bypass",
        {"crypto_map": 7, "protocol": (132, 0xFF), "destination_port": (9, 9)},
        {},
        priority=20,
    )
    packet = Ether(src=router.HOST_MAC[1], dst=router.MAC[1]) / IP(src="10.0.1.2", dst="10.0.2.2")
    router.inject(packet / SCTP(sport=7, dport=9))
    router.inject(packet / SCTP(sport=7, dport=8))
    assert len(router.sent) == 1
    assert router.drops() == {NO_SA: 1}


def test_later_fragments_have_no_ports(ipsec_router):
    """RFC 4301 §7.3: a line with ports does not match them, one for fragments does."""
    router = ipsec_router
    router.add("spd_out", "bypass", {"crypto_map": 7, "destination_port": (5678, 5678)}, {}, 30)
    router.inject(router.outbound(frag=100))
    assert router.drops() == {NO_SA: 1}
    router.add("spd_out", "bypass", {"crypto_map": 7, "later_fragment": (1, 1)}, {}, 31)
    router.inject(router.outbound(frag=100))
    assert len(router.sent) == 1


def test_arp_for_another_station(router):
    router.inject(Ether(src=router.HOST_MAC[1], dst="02:00:00:00:00:99") / ARP(pdst="10.0.1.1"))
    assert (router.punted, router.drops()) == ([], {WRONG_MAC: 1})


def test_first_fragment_of_encapsulated_esp(router):
    """RFC 3948 has it reassembled first, which this router does not."""
    udp = UDP(sport=4500, dport=4500) / ESP(spi=0x2002, seq=1, data=b"\0" * 60)
    packet = IP(src="192.0.2.2", dst="192.0.2.1", flags="MF") / udp
    router.inject(router.from_peer() / packet, port=2)
    assert router.drops() == {ESP_FRAGMENT: 1}


def test_multicast_in_esp(ipsec_router):
    """What comes out of an SA is checked like what comes in."""
    router = ipsec_router
    router.add_sa_in()
    router.accept(source=(0, 0), destination=(0, 0))
    inner = bytes(router.inbound(dst="224.0.0.5")[IP])
    router.inject(router.esp_from_peer(router.sealed(inner)), port=2)
    assert router.drops() == {NOT_UNICAST: 1}


def test_later_fragment_of_esp(router):
    packet = IP(src="192.0.2.2", dst="192.0.2.1", proto=50, frag=10) / Raw(b"\0" * 60)
    router.inject(router.from_peer() / packet, port=2)
    assert router.drops() == {ESP_FRAGMENT: 1}


def test_first_fragment_of_ike_behind_nat(router):
    """IKE has fragments of its own (RFC 7383): those of IP are not put together for it."""
    ike = UDP(sport=4500, dport=4500) / Raw(b"\0" * 60)
    router.inject(router.from_peer() / IP(src="192.0.2.2", dst="192.0.2.1", flags="MF") / ike, 2)
    assert (router.punted, router.drops()) == ([], {NOT_FOR_US: 1})


def test_inbound_policy_line_by_line(ipsec_router):
    """What no line matches, and what a line bypasses, is accepted in the clear."""
    router = ipsec_router
    tcp, sctp = (6, 0xFF), (132, 0xFF)
    router.add("spd_in", "bypass", {"crypto_map": 7, "protocol": tcp}, priority=20)
    router.add("spd_in", "discard", {"crypto_map": 7, "protocol": sctp}, priority=20)
    protected = {"src": "10.0.2.2", "dst": "10.0.1.2"}
    router.inject(router.from_peer() / IP(**protected) / TCP(), port=2)
    assert len(router.take_sent()) == 1
    router.inject(router.inbound(src="10.9.9.9"), port=2)
    assert len(router.take_sent()) == 1
    router.inject(router.from_peer() / IP(**protected) / SCTP(), port=2)
    assert router.drops() == {POLICY_DISCARD: 1}
    router.inject(router.inbound(), port=2)
    assert router.drops() == {POLICY_DISCARD: 1, CLEAR_NOT_ALLOWED: 1}


def test_too_big_for_the_tunnel_with_df(ipsec_router):
    """RFC 4301 §8.2.1: the controller tells the sender how large it may be."""
    ipsec_router.add_sa_out(inner_mtu=100)
    packet = ipsec_router.outbound(flags="DF")
    ipsec_router.inject(packet)
    (punted,) = ipsec_router.punted
    assert (punted.reason, punted.packet_type) == (PUNT_TOO_BIG, 5)
    assert Ether(punted.frame)[UDP] == Ether(bytes(packet))[UDP]
    assert ipsec_router.drops() == {TOO_BIG: 1}


def test_too_big_for_the_link_is_not_sent_in_the_clear(blank_router):
    """Nor is it reported as sent (PM-8)."""
    router = blank_router.set_up(crypto_map=blank_router.CRYPTO_MAP, mtu=576)
    router.protect()
    router.set_passive_mode(True)
    router.add("no_sa", "clear", {"packet_type": 5})
    router.inject(router.outbound(payload=b"x" * 600))
    assert (router.sent, router.digests, router.drops()) == ([], [], {TOO_BIG: 1})


def test_known_addresses_are_reported_by_their_own_meters(passive):
    """PM-8: a busy known address leaves room for the reports of new ones."""
    near, far = passive.ip("10.0.1.2"), passive.ip("10.0.2.2")
    passive.add("no_sa", "clear", {"packet_type": 5})
    passive.add("clear_destinations", "known", {"packet_type": 5, "destination": far})
    passive.add("clear_sources", "known", {"packet_type": 5, "source": far})
    passive.limit("report_meter", 0, NOTHING_PASSES)
    passive.limit("report_meter", 2, NOTHING_PASSES)
    passive.inject(passive.outbound())
    passive.inject(passive.inbound(), port=2)
    assert len(passive.sent) == 2
    assert passive.digests == [report(sent=(5, far), received=(0, near)),
                               report(sent=(0, near), received=(5, far))]  # fmt: skip


@pytest.mark.parametrize("known", [False, True])
def test_reports_of_sources_are_metered_but_their_traffic_is_not(passive, known):
    """PM-6, PM-8."""
    if known:
        source = passive.ip("10.0.2.2")
        passive.add("clear_sources", "known", {"packet_type": 5, "source": source})
    passive.limit("report_meter", 3 if known else 2, NOTHING_PASSES)
    passive.inject(passive.inbound(), port=2)
    assert [port for port, _ in passive.sent] == [1]
    assert passive.digests == []


def test_a_flood_of_ike_is_stopped_by_the_meter_of_its_source(router):
    """Other sources, by their CRC, have other cells."""
    for group in range(256):
        router.limit("ike_meter", group, NOTHING_PASSES)
    ike = UDP(sport=500, dport=500) / Raw(b"\0" * 28)
    router.inject(router.from_peer() / IP(src="192.0.2.2", dst="192.0.2.1") / ike, port=2)
    assert (router.punted, router.drops()) == ([], {PUNT_LIMITED: 1})


def test_a_drop_that_may_not_be_punted_keeps_its_reason(router):
    router.limit("punt_meter", 6, NOTHING_PASSES)
    router.inject(router.outbound(dst="192.0.2.2", ttl=1))
    assert (router.punted, router.drops()) == ([], {TTL_EXPIRED: 1})
