"""Tunnel-mode ESP through the compiled program, judged by Scapy (RFC 4303, 4106, 3948, 6040)."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.ipsec import ESP, SecurityAssociation
from scapy.layers.l2 import Ether
from scapy.packet import Raw

SPI_OUT, SPI_IN = 0x1001, 0x2002
REPLAY, ICV_MISMATCH, SEQUENCE_EXHAUSTED, ESP_TOO_DEEP = 11, 12, 25, 32
KEY_256 = bytes(range(32))


def association(router, spi, key=None, udp=False, outer=("192.0.2.1", "192.0.2.2")):
    octets = key or router.KEY.to_bytes(16, "big")
    return SecurityAssociation(
        ESP,
        spi=spi,
        crypt_algo="AES-GCM",
        crypt_key=octets + router.SALT.to_bytes(4, "big"),
        tunnel_header=IP(src=outer[0], dst=outer[1]),
        nat_t_header=UDP(sport=4500, dport=4500) if udp else None,
    )


def inbound_association(router, **options):
    return association(router, SPI_IN, outer=("192.0.2.2", "192.0.2.1"), **options)


@pytest.fixture
def tunnel(ipsec_router):
    ipsec_router.add_sa_out()
    ipsec_router.add_sa_in()
    ipsec_router.accept()
    return ipsec_router


def encapsulated(router, packet):
    router.inject(packet)
    ((port, frame),) = router.take_sent()
    assert port == 2
    return Ether(frame)


def from_peer(router, sequence, inner=None, **outer):
    """A packet that Scapy protects for us."""
    judge = inbound_association(router)
    judge.tunnel_header = IP(src="192.0.2.2", dst="192.0.2.1", **outer)
    inner = router.inbound()[IP] if inner is None else inner
    return router.from_peer() / judge.encrypt(inner, seq_num=sequence)


@pytest.mark.parametrize("udp", [False, True])
@pytest.mark.parametrize("key", [None, KEY_256])
def test_scapy_decrypts_what_we_send(ipsec_router, udp, key):
    router = ipsec_router
    changes = {} if key is None else {"key_length": 256, "key_material": int.from_bytes(key, "big")}
    router.add_sa_out(udp_destination_port=4500 if udp else 0, **changes)
    for length in (0, 1, 2, 3, 4, 5, 100, 1372):
        packet = router.outbound(payload=b"p" * length)
        frame = encapsulated(router, packet)
        assert frame[IP].proto == (17 if udp else 50)
        assert len(frame) == 14 + frame[IP].len
        assert (len(frame[ESP].data) - 8 - 16) % 4 == 0  # RFC 4303 §2.4
        expected = packet[IP].copy()
        expected.ttl -= 1
        del expected.chksum
        inner = association(router, SPI_OUT, key, udp).decrypt(frame[IP])
        assert bytes(inner) == bytes(expected)


@pytest.mark.parametrize("udp", [False, True])
@pytest.mark.parametrize("key", [None, KEY_256])
def test_we_decrypt_what_scapy_sends(ipsec_router, udp, key):
    router = ipsec_router
    changes = {} if key is None else {"key_length": 256, "key_material": int.from_bytes(key, "big")}
    router.add_sa_in(**changes)
    router.accept()
    inner = router.inbound()[IP]
    outer = inbound_association(router, key=key, udp=udp).encrypt(inner)
    router.inject(router.from_peer() / outer, port=2)
    ((port, frame),) = router.sent
    inner.ttl -= 1
    del inner.chksum
    assert (port, frame[14:]) == (1, bytes(inner))
    assert Ether(frame).dst == router.HOST_MAC[1]


def test_outer_header(tunnel):
    """RFC 4301 §5.1.2: built anew, but for DSCP and DF."""
    frame = encapsulated(tunnel, tunnel.outbound(ttl=9, tos=0xB9, flags="DF", id=77))
    outer = frame[IP]
    assert (outer.src, outer.dst, outer.ttl, outer.id) == ("192.0.2.1", "192.0.2.2", 64, 1)
    assert (outer.tos, str(outer.flags)) == (0xB9, "DF")
    del outer.chksum
    assert IP(bytes(outer)).chksum == Ether(bytes(frame))[IP].chksum
    assert (frame.src, frame.dst) == (tunnel.MAC[2], tunnel.HOST_MAC[2])


def test_ethernet_padding_is_not_encrypted(tunnel):
    packet = tunnel.outbound(payload=b"")
    tunnel.inject(bytes(packet) + b"\xee" * 18)
    ((_, frame),) = tunnel.sent
    inner = association(tunnel, SPI_OUT).decrypt(Ether(frame)[IP])
    assert b"\xee" not in bytes(inner)
    assert len(bytes(inner)) == 28


def test_sequence_numbers_and_ivs_count(tunnel):
    """RFC 4303 §3.3.3: from 1; RFC 4106 §3.1: an IV is never used twice."""
    frames = [encapsulated(tunnel, tunnel.outbound()) for _ in range(5)]
    assert [frame[ESP].seq for frame in frames] == [1, 2, 3, 4, 5]
    assert len({frame[ESP].data[:8] for frame in frames}) == 5


def test_sequence_number_stops_at_its_limit(ipsec_router):
    """RFC 4303 §3.3.3: the counter must not cycle."""
    entry = ipsec_router.add_sa_out(sequence_limit=2)
    for _ in range(4):
        ipsec_router.inject(ipsec_router.outbound())
    assert len(ipsec_router.take_sent()) == 2
    assert ipsec_router.drops() == {SEQUENCE_EXHAUSTED: 2}
    # The same id for a new SA starts afresh, with other IVs under whatever key it has.
    ipsec_router.table("sad_out").delete(entry.match, 0)
    ipsec_router.add_sa_out(generation=2)
    frame = encapsulated(ipsec_router, ipsec_router.outbound())
    assert frame[ESP].seq == 1
    assert frame[ESP].data[:8] == (2 << 32 | 1).to_bytes(8, "big")


def test_counters_of_an_sa(ipsec_router):
    out, into = ipsec_router.add_sa_out(), ipsec_router.add_sa_in()
    packet, back = ipsec_router.outbound(), from_peer(ipsec_router, 1)
    ipsec_router.accept()
    ipsec_router.inject(packet)
    ipsec_router.inject(back, port=2)
    assert (out.counter.packets, out.counter.bytes) == (1, len(packet))
    assert (into.counter.packets, into.counter.bytes) == (1, len(back))


class TestReplayWindow:
    """RFC 4303 §3.4.3, with a window of 128 packets."""

    def accepted(self, router, *sequence):
        result = []
        for number in sequence:
            router.inject(from_peer(router, number), port=2)
            result.append(bool(router.take_sent()))
        return result

    def test_duplicates_are_dropped(self, tunnel):
        assert self.accepted(tunnel, 1, 1, 2, 1, 2) == [True, False, True, False, False]
        assert tunnel.drops() == {REPLAY: 3}

    def test_out_of_order_within_the_window(self, tunnel):
        assert self.accepted(tunnel, 200, 73, 199, 74) == [True] * 4
        assert self.accepted(tunnel, 200, 73, 199, 74) == [False] * 4

    def test_left_of_the_window(self, tunnel):
        assert self.accepted(tunnel, 200, 72, 73) == [True, False, True]

    def test_a_jump_forgets_what_lies_behind(self, tunnel):
        assert self.accepted(tunnel, 1, 2, 1000, 873, 872, 1) == [True] * 4 + [False] * 2

    def test_window_moves_by_its_whole_width(self, tunnel):
        assert self.accepted(tunnel, 5, 132, 5, 133, 6) == [True, True, False, True, True]

    def test_zero_is_never_sent(self, tunnel):
        tunnel.inject(_protect(tunnel, bytes(tunnel.inbound()[IP]), 0), port=2)
        assert tunnel.drops() == {REPLAY: 1}

    def test_forged_number_does_not_move_the_window(self, tunnel):
        assert self.accepted(tunnel, 10) == [True]
        forged = from_peer(tunnel, 0xFFFFFFF0)
        tunnel.inject(bytes(forged)[:-1] + bytes([bytes(forged)[-1] ^ 1]), port=2)
        assert tunnel.drops() == {ICV_MISMATCH: 1}
        assert self.accepted(tunnel, 9, 11) == [True, True]

    def test_changed_number_is_not_authentic(self, tunnel):
        packet = from_peer(tunnel, 10)
        packet[ESP].seq = 11
        tunnel.inject(packet, port=2)
        assert tunnel.drops() == {ICV_MISMATCH: 1}

    def test_new_generation_starts_afresh(self, ipsec_router):
        router = ipsec_router
        entry = router.add_sa_in()
        router.accept()
        assert self.accepted(router, 500, 500) == [True, False]
        router.table("sad_in").delete(entry.match, 0)
        router.add_sa_in(generation=2)
        assert self.accepted(router, 1, 1) == [True, False]

    def test_off_for_manual_sas(self, ipsec_router):
        """RFC 4303 §3.3.3: without automatic keying, anti-replay should be off."""
        ipsec_router.add_sa_in(anti_replay=0)
        ipsec_router.accept()
        assert self.accepted(ipsec_router, 500, 500, 1) == [True, True, True]

    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(numbers=st.lists(st.integers(1, 400), max_size=40))
    def test_against_the_definition(self, tunnel, numbers):
        """Accepted once, and only less than 128 behind the highest one."""
        entry = next(iter(tunnel.table("sad_in").entries()))
        action, params = entry.action, entry.params
        tunnel.table("sad_in").modify(
            entry.match, 0, action, (params[0], params[1] + 1, *params[2:])
        )
        seen, highest = set(), 0
        for number in numbers:
            expected = number not in seen and number > highest - 128
            assert self.accepted(tunnel, number) == [expected]
            if expected:
                seen.add(number)
                highest = max(highest, number)


ECN_CASES = [
    # outer, inner, result; None: dropped (RFC 6040 §4.2, figure 4)
    (0, 0, 0), (0, 1, 1), (0, 2, 2), (0, 3, 3),
    (1, 0, 0), (1, 1, 1), (1, 2, 1), (1, 3, 3),
    (2, 0, 0), (2, 1, 1), (2, 2, 2), (2, 3, 3),
    (3, 0, None), (3, 1, 3), (3, 2, 3), (3, 3, 3),
]  # fmt: skip


def test_ecn_on_the_way_out_of_the_tunnel(tunnel):
    for sequence, (outer, inner, result) in enumerate(ECN_CASES, 1):
        packet = from_peer(tunnel, sequence, tunnel.inbound(tos=0xB8 | inner)[IP], tos=outer)
        tunnel.inject(packet, port=2)
        sent = [IP(frame[14:]) for _, frame in tunnel.take_sent()]
        expected = [] if result is None else [0xB8 | result]
        assert [received.tos for received in sent] == expected, (outer, inner)
        for received in sent:
            checksum = received.chksum
            del received.chksum
            assert IP(bytes(received)).chksum == checksum


def test_traffic_flow_confidentiality_padding_is_cut(tunnel):
    """RFC 4303 §2.7."""
    inner = tunnel.inbound()[IP]
    tunnel.inject(_protect(tunnel, bytes(inner) + b"\0" * 50, 1), port=2)
    ((_, frame),) = tunnel.sent
    assert len(frame) == 14 + len(inner)


def _protect(router, plaintext, sequence):
    """Encrypt bytes of any kind as tunnelled IPv4."""
    return router.esp_from_peer(router.sealed(plaintext, sequence), sequence)


@pytest.mark.parametrize(
    "plaintext",
    [b"", b"E", b"\x45" + b"\0" * 19, b"\x60" + b"\0" * 60],
    ids=["nothing", "one-byte", "no-length", "version-6"],
)
def test_what_is_no_ipv4_packet_inside_is_dropped(tunnel, plaintext):
    tunnel.inject(_protect(tunnel, plaintext, 1), port=2)
    assert tunnel.sent == []
    assert sum(tunnel.drops().values()) == 1


def test_decrypted_packet_for_the_router_itself(tunnel):
    ping = IP(src="10.0.2.2", dst="10.0.1.1") / ICMP()
    tunnel.inject(from_peer(tunnel, 1, ping), port=2)
    (punted,) = tunnel.punted
    assert (punted.sa_id, punted.interface_id) == (9, 2)
    assert punted.frame[14:] == bytes(ping)


@pytest.mark.parametrize(("depth", "is_delivered"), [(4, True), (5, False), (10, False)])
def test_esp_within_esp_does_not_go_round_without_end(tunnel, depth, is_delivered):
    """Each pass needs an authentic packet, but the number of passes is bounded all the same."""
    inner = packet = tunnel.inbound()[IP]
    tunnel.accept(source=(tunnel.ip("192.0.2.2"), 0xFFFFFFFF), destination=(0, 0))
    for sequence in range(depth):
        packet = inbound_association(tunnel).encrypt(packet, seq_num=depth - sequence)
    tunnel.inject(tunnel.from_peer() / packet, port=2)
    if is_delivered:
        ((_, delivered),) = tunnel.sent
        assert bytes(Ether(delivered)[UDP]) == bytes(IP(bytes(inner))[UDP])
        assert tunnel.drops() == {}
    else:
        assert tunnel.sent == []
        assert tunnel.drops() == {ESP_TOO_DEEP: 1}


def test_two_routers_back_to_back(ipsec_router, blank_router):
    """What one router protects the other delivers, and TCP segments arrive unharmed."""
    near, far = ipsec_router, blank_router
    near.add_sa_out(spi=SPI_IN)
    far.set_up(crypto_map=far.CRYPTO_MAP)
    far.add("local_address", "local", {"address": far.ip("192.0.2.2")})
    far.add_sa_in(destination=far.ip("192.0.2.2"))
    far.accept(
        source=(far.ip("10.0.1.0"), 0xFFFFFF00), destination=(far.ip("10.0.2.0"), 0xFFFFFF00)
    )
    host = {"interface_id": 1, "gateway": far.ip("10.0.1.2")}
    far.add("route", "via", {"prefix": (far.ip("10.0.2.3"), 32)}, host)
    segment = IP(src="10.0.1.2", dst="10.0.2.3") / TCP(seq=7) / Raw(b"data" * 300)
    crossing = encapsulated(near, Ether(src=near.HOST_MAC[1], dst=near.MAC[1]) / segment)
    crossing.dst = far.MAC[2]
    far.inject(crossing, port=2)
    ((port, delivered),) = far.sent
    received = Ether(delivered)
    assert port == 1
    assert received[IP].ttl == 62
    assert bytes(received[TCP]) == bytes(IP(bytes(segment))[TCP])
