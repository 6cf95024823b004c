"""Hostile and broken packets reach the controller and change nothing."""

import itertools
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.p4runtime.counters import Counters
from controller.p4runtime.entities import ClearReport, Entry, EntryKey, PacketIn
from controller.p4runtime.enums import DropReason
from controller.router.show import drops, queue_drops
from controller.status import DropCount
from ike.codec.header import Header
from tests.simulation.host import ipv4, udp
from tests.simulation.router import SimulatedRouter
from tests.simulation.topology import INSIDE, OUTSIDE, Sites, site

words = st.integers(0, 0xFFFF)
packet_ins = st.builds(
    PacketIn,
    reason=st.integers(0, 12),
    interface_id=st.one_of(st.integers(0, 4), words),
    packet_type=st.one_of(st.integers(0, 3), words),
    sa_id=words,
    next_hop=st.integers(0, 0xFFFFFFFF),
    frame=st.binary(max_size=200),
)
reports = st.builds(
    ClearReport,
    sent_packet_type=st.one_of(st.integers(0, 3), words),
    destination=st.integers(0, 0xFFFFFFFF),
    received_packet_type=st.one_of(st.integers(0, 3), words),
    source=st.integers(0, 0xFFFFFFFF),
    retry_due=st.booleans(),
)


class TestAnythingFromTheSwitch:
    @settings(
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs=st.lists(st.one_of(packet_ins, reports), max_size=20))
    def test_never_raises_and_traffic_goes_on(self, inputs):
        router = _router()
        for item in inputs:
            if isinstance(item, PacketIn):
                router.control.packet_in(item, router.clock.now)
            else:
                router.control.clear_report(item, router.clock.now)
        router.control.idle(
            [Entry(EntryKey("clear_sources", (("packet_type", 9), ("source", 1))), "")],
            router.clock.now,
        )
        router.work()
        assert router.failures == []


_cache: list[Sites] = []


def _router():
    if not _cache:
        _cache.append(Sites({1: site(1, peers={2: []}, optional=True), 2: site(2)}))
        _cache[0].warm_up()
    return _cache[0].routers[1]


class TestMalformedPackets:
    def frame(self, sites: Sites, packet: bytes, ether_type: bytes = b"\x08\x00") -> bytes:
        outside = next(i for i in sites.routers[1].policy.interfaces if i.name == "outside")
        return outside.mac_address.to_bytes(6, "big") + bytes(6) + ether_type + packet

    def test_each_is_dropped_and_counted_by_its_reason(self, migration):
        hosts = (migration.hosts[3].address, migration.hosts[1].address)
        good = ipv4(*hosts, 17, udp(1, 2, b"x" * 20))
        to_us = migration.routers[1].policy.interfaces[1].address.ip
        esp = ipv4(hosts[0], to_us, 50, bytes.fromhex("00001234 00000001") + bytes(40))
        cases = {
            "options": (b"\x46" + good[1:], DropReason.IP_OPTIONS),
            "truncated header": (good[:12], DropReason.MALFORMED),
            "longer than the frame": (good[:2] + b"\xff\xff" + good[4:], DropReason.MALFORMED),
            "version 5": (b"\x55" + good[1:], DropReason.MALFORMED),
            "bad checksum": (good[:10] + b"\0\0" + good[12:], DropReason.BAD_CHECKSUM),
            "unknown SPI": (esp, DropReason.UNKNOWN_SPI),
            "ESP too short": (ipv4(hosts[0], to_us, 50, b"\0\0\x12"), DropReason.MALFORMED),
            "ESP fragment": (
                ipv4(hosts[0], to_us, 50, bytes(48), fragment=0x2000),
                DropReason.ESP_FRAGMENT,
            ),
            "keepalive": (ipv4(hosts[0], to_us, 17, udp(4500, 4500, b"\xff")), None),
        }
        r1 = migration.routers[1]
        for name, (packet, reason) in cases.items():
            wanted = DropReason.NAT_KEEPALIVE if reason is None else reason
            before = r1.drops(wanted)
            r1.port(OUTSIDE)(self.frame(migration, packet))
            assert r1.drops(wanted) == before + 1, name
        before = r1.drops(DropReason.NOT_IPV4)
        r1.port(OUTSIDE)(self.frame(migration, bytes(40), b"\x86\xdd"))
        assert r1.drops(DropReason.NOT_IPV4) == before + 1
        before = r1.drops(DropReason.MALFORMED)
        r1.port(INSIDE)(b"runt")
        assert r1.drops(DropReason.MALFORMED) == before + 1

    def test_jumbo_frames_are_too_big_and_the_sender_is_told(self, migration):
        migration.hosts[1].send(
            ipv4(
                migration.hosts[1].address,
                migration.hosts[2].address,
                17,
                bytes(8000),
                dont_fragment=True,
            )
        )
        migration.run(1)
        # No SA yet: the packet is held, not judged.
        migration.run(1)
        migration.hosts[1].send(
            ipv4(
                migration.hosts[1].address,
                migration.hosts[2].address,
                17,
                bytes(8000),
                dont_fragment=True,
            )
        )
        migration.run(0.1)
        told = [packet for packet in migration.hosts[1].received if packet.protocol == 1]
        assert told
        assert told[-1].payload[:2] == bytes((3, 4))  # RFC 1191 §4
        pair = migration.routers[1].control.sad.pairs()[0]
        assert int.from_bytes(told[-1].payload[6:8], "big") == pair.outbound.inner_mtu

    def test_malformed_ike_and_arp_change_nothing(self, migration):
        to_us = migration.routers[1].policy.interfaces[1].address.ip
        r1 = migration.routers[1]
        before = len(r1.control.negotiation.ike_sas())
        peer = migration.routers[3].policy.interfaces[1].address.ip
        whole = Header(1, 0, 0, 34, 0x08, 0, 28)  # IKE_SA_INIT, initiator (RFC 7296 §3.1)
        no_such_payload = replace(whole, next_payload=33, length=30).serialize() + b"\0\0"
        cases = {
            "4 bytes": (bytes(4), "ike_invalid_syntax"),
            "truncated header": (whole.serialize()[:27], "ike_invalid_syntax"),
            "too long": (whole.serialize() + b"x", "ike_invalid_syntax"),
            "length 0": (replace(whole, length=0).serialize(), "ike_invalid_syntax"),
            "payload cut off": (no_such_payload, "ike_invalid_syntax"),
            "zeros": (bytes(28), "ike_invalid_major_version"),
            "ones": (b"\xff" * 60, "ike_invalid_major_version"),
            "IKEv1": (replace(whole, version=0x10).serialize(), "ike_invalid_major_version"),
            "unknown SPI": (replace(whole, responder_spi=7).serialize(), "ike_unknown_spi"),
            "bad UDP checksum": (None, "malformed_punt"),
        }
        for (name, (payload, reason)), (port, marker) in itertools.product(
            cases.items(), ((500, b""), (4500, bytes(4)))
        ):
            segment = udp(port, port, marker + (whole.serialize() if payload is None else payload))
            if payload is None:
                segment = segment[:6] + b"\0\1" + segment[8:]
            packet = self.frame(migration, ipv4(peer, to_us, 17, segment))
            wanted = drop_counts(r1)
            r1.port(OUTSIDE)(packet)
            migration.run(0.1)  # what is answered finds its neighbor
            wanted[reason] = (wanted[reason][0] + 1, wanted[reason][1] + len(packet))
            assert drop_counts(r1) == wanted, (name, port)
        for port, payload in ((500, b""), (4500, bytes(4))):  # the pipeline judges the second
            packet = ipv4(migration.hosts[3].address, to_us, 17, udp(500, port, payload))
            engine = r1.control.punt_drops()["ike_invalid_syntax"].packets
            pipeline = sum(map(r1.drops, DropReason))
            r1.port(OUTSIDE)(self.frame(migration, packet))
            engine = r1.control.punt_drops()["ike_invalid_syntax"].packets - engine
            pipeline = sum(map(r1.drops, DropReason)) - pipeline
            assert (engine, pipeline) == ((1, 0) if port == 500 else (0, 1)), port
        for arp in (b"", bytes(28), b"\0\1\x08\0\6\4\0\7" + bytes(20)):
            r1.port(OUTSIDE)(self.frame(migration, arp, b"\x08\x06"))
        stranger = ipv4(migration.hosts[3].address, to_us, 17, udp(500, 500, whole.serialize()))
        r1.port(OUTSIDE)(self.frame(migration, stranger))
        assert r1.control.punt_drops()["ike_unknown_peer"].packets == 1
        migration.run(60)
        assert len(r1.control.negotiation.ike_sas()) == before
        migration.send(1, 2)
        migration.run(0.5)
        assert migration.exchange(1, 2)

    def test_what_is_for_us_but_nothing_to_answer_is_counted(self, migration):
        to_us = migration.routers[1].policy.interfaces[1].address.ip
        r1 = migration.routers[1]
        timestamp = bytes.fromhex("0d00f2ff00000000")  # ICMP type 13, which is not answered
        packet = self.frame(migration, ipv4(migration.hosts[3].address, to_us, 1, timestamp))
        wanted = drop_counts(r1)
        r1.port(OUTSIDE)(packet)
        wanted["local_unanswered"] = (1, len(packet))
        assert drop_counts(r1) == wanted
        rows = {row.reason: row for row in drops(r1.control, Counters())}
        assert rows["local_unanswered"] == DropCount("local_unanswered", 1, len(packet))


def drop_counts(router: SimulatedRouter) -> dict[str, tuple[int, int]]:
    """Packets and bytes that the controller has dropped, by reason."""
    return {
        reason: (tally.packets, tally.octets)
        for reason, tally in router.control.punt_drops().items()
    }


def test_only_queues_that_were_full_are_shown():
    assert queue_drops(0, 0, 0) == ()
    assert queue_drops(3, 0, 5) == (
        DropCount("packet_in_queue_full", 3, 0),
        DropCount("packet_out_not_sent", 5, 0),
    )
    assert queue_drops(0, 4, 0) == (DropCount("report_queue_full", 4, 0),)


class TestFragments:
    """Later fragments have no ports: lines with ports catch them by addresses and protocol."""

    def test_no_fragment_of_a_protected_flow_leaks(self, sites):
        line = "permit udp 10.1.0.0 0.0.255.255 10.2.0.0 0.0.255.255 eq 9"
        two = sites(site(1, peers={2: [line]}, optional=True), site(2))
        addresses = (two.hosts[1].address, two.hosts[2].address)
        two.hosts[1].send(ipv4(*addresses, 17, udp(4000, 9, bytes(64)), fragment=0x2000))
        two.hosts[1].send(ipv4(*addresses, 17, bytes(64), fragment=9))
        two.run(5)
        assert two.core.count("clear") == 0


class TestPolicyOrder:
    def test_pm12_deny_lines_and_what_no_line_matches_go_in_the_clear(self, sites):
        """As on IOS: a crypto access list's deny is "not by this entry"."""
        lines = [
            "deny udp 10.1.0.0 0.0.255.255 10.2.0.0 0.0.255.255 eq 53",
            "permit udp 10.1.0.0 0.0.255.255 10.2.0.0 0.0.255.255",
        ]
        two = sites(site(1, peers={2: lines}), site(2))
        two.send(1, 2, port=53)
        two.send(1, 2, port=54)
        two.hosts[1].send_tcp("10.2.0.2")
        two.run(1)
        assert two.core.count("clear") == 2


def test_packets_for_a_neighbor_that_does_not_answer_are_counted(migration):
    migration.hosts[3].send_udp("10.1.0.77")
    migration.run(10)
    assert migration.routers[1].control.punt_drops()["no_neighbor"].packets == 1
    told = [packet for packet in migration.hosts[3].received if packet.protocol == 1]
    assert [packet.payload[:2] for packet in told] == [bytes((3, 1))]  # host unreachable
