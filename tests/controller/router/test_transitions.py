"""What has bitten others: the moments at which traffic changes between clear and ESP."""

import itertools
from collections import Counter

import pytest

from controller.p4runtime.entities import PacketIn
from controller.p4runtime.enums import DropReason, PuntReason
from controller.p4runtime.tables.meters import NO_SA_RATE, PUNT_RATES
from controller.passive.states import State
from tests.simulation.topology import INSIDE, OUTSIDE, Sites, site


def state(sites: Sites, router: int, index: int = 0) -> State:
    control = sites.routers[router].control
    return control.passive.state_of(control.policy.packet_types[index].id).state


def upgrade(sites: Sites, number: int, **options) -> None:
    sites.reload(number, site(number, peers={1: []}, **options))


def in_the_clear(sites: Sites, destination: int = 3) -> None:
    """Bring R1 to send to a site in the clear."""
    sites.send(1, destination)
    sites.run(10.1)
    assert sites.exchange(1, destination)


def protected(sites: Sites, destination: int = 2) -> None:
    sites.send(1, destination)
    sites.run(0.5)
    assert sites.exchange(1, destination)
    assert sites.exchange(destination, 1)


class TestPeerInitiates:
    """The peer initiates while we send to it in the clear."""

    def test_encrypted_at_once_with_no_clear_rule_and_nothing_listed(self, migration):
        in_the_clear(migration)
        upgrade(migration, 3)
        migration.send(3, 1)
        migration.run(0.2)
        since = migration.now
        assert migration.exchange(1, 3)
        assert migration.core.count("clear", since) == 0
        assert migration.core.count("esp", since) == 1
        r1 = migration.routers[1]
        assert r1.entries("no_sa") == []
        assert r1.entries("clear_destinations") == []
        assert r1.control.passive.destinations() == ()

    def test_no_packet_is_lost_while_the_peer_takes_over(self, migration):
        in_the_clear(migration)
        upgrade(migration, 3, optional=True)
        migration.send(3, 1)  # starts the peer's attempt; held there by PM-2
        migration.hosts[3].received.clear()
        for sequence in range(400):
            migration.send(1, 3, b"%d" % sequence)
            migration.run(0.002)
        migration.run(1)
        got = [int(payload) for payload in migration.hosts[3].payloads()]
        assert got == list(range(400))
        assert migration.core.count("esp") > 0


class TestUpgradeAtTheRetry:
    def test_moves_to_esp_at_the_next_retry_with_no_packet_lost(self, migration):
        """PM-4: the packet that triggers the attempt, and all around it, arrive."""
        start = migration.now
        in_the_clear(migration)
        upgrade(migration, 3, optional=True)
        migration.run(start + 299 - migration.now)
        migration.hosts[3].received.clear()
        migration.hosts[1].received.clear()
        for sequence in range(1000):
            migration.send(1, 3, b"%d" % sequence)
            migration.send(3, 1, b"%d" % sequence)
            migration.run(0.003)
        migration.run(1)
        assert [int(p) for p in migration.hosts[3].payloads()] == list(range(1000))
        # Site 3 starts its own hold, PM-2; from the moment that there is an SA nothing is lost.
        came_back = [int(p) for p in migration.hosts[1].payloads()]
        assert came_back == list(range(came_back[0], 1000))
        assert state(migration, 1, 1) is State.PROTECTED

    def test_no_clear_packet_is_refused_between_the_writes_of_the_upgrade(self, migration):
        """PM-6 holds from the first entry on that expects protection."""
        in_the_clear(migration)
        packet = migration.core.tap[-1][1]
        sent = receive_after_each_write(migration, OUTSIDE, packet)
        migration.hosts[3].received.clear()
        upgrade(migration, 3, optional=True)
        migration.run(0.1)
        assert len(sent) > 3
        assert len(migration.hosts[3].payloads()) == len(sent)

    def test_no_other_packet_is_lost_between_the_writes_of_the_upgrade(self, migration):
        """Nothing is expected of what no access list names, and no neighbor is forgotten."""
        assert migration.exchange(3, 2)
        frames = []
        host = migration.hosts[3]
        host.transmit, transmit = frames.append, host.transmit
        migration.send(3, 2)
        host.transmit = transmit
        sent = receive_after_each_write(migration, INSIDE, frames[0])
        migration.hosts[2].received.clear()
        upgrade(migration, 3, optional=True)
        migration.run(0.1)
        assert len(sent) > 3
        assert len(migration.hosts[2].payloads()) == len(sent)


def receive_after_each_write(sites: Sites, port: int, frame: bytes) -> list[bytes]:
    """Let R3 receive a frame after each of its writes; return what it has received so far."""
    switch = sites.routers[3].switch
    write = switch.service.write
    received = []

    def write_then_receive(request):
        write(request)
        received.append(frame)
        switch.datapath.inject(port, frame)

    switch.service.write = write_then_receive
    return received


class TestBothInTheClear:
    def test_both_upgraded_at_the_same_moment(self, sites):
        """Simultaneous initiation ends in one pair of SAs."""
        both = sites(
            site(1, peers={2: []}, optional=True),
            site(2, peers={1: []}, optional=True, key="not the same key"),
        )
        both.send(1, 2)
        both.send(2, 1)
        both.run(10.2)
        assert both.exchange(1, 2)
        assert both.exchange(2, 1)
        assert both.core.count("clear") >= 2
        both.run(400)
        both.reload(2, site(2, peers={1: []}, optional=True))
        both.send(1, 2)
        both.send(2, 1)
        both.run(20)
        since = both.now
        assert both.exchange(1, 2)
        assert both.exchange(2, 1)
        assert both.core.count("clear", since) == 0
        assert both.core.count("esp", since) == 2
        for number in (1, 2):
            control = both.routers[number].control
            assert len(control.sad.pairs()) == 1
            assert len(control.negotiation.ike_sas()) == 1

    def test_simultaneous_first_packets(self, sites):
        both = sites(site(1, peers={2: []}), site(2, peers={1: []}))
        both.send(1, 2)
        both.send(2, 1)
        both.run(20)
        assert both.exchange(1, 2)
        assert both.exchange(2, 1)
        assert both.core.count("clear") == 0
        assert len(both.routers[1].control.sad.pairs()) == 1


class TestSaGoes:
    """Hold ten seconds, then clear: not a silent black hole, not a leak inside the ten seconds."""

    def check_hold_then_clear(self, sites: Sites) -> None:
        gone = sites.now
        for _ in range(19):
            sites.send(1, 2)
            sites.run(0.5)
        assert sites.core.count("clear", since=gone) == 0
        sites.run(1)
        assert sites.exchange(1, 2)
        assert sites.core.count("clear", since=gone) == 1

    def test_the_peer_deletes_it(self, migration):
        protected(migration)
        migration.reload(2, site(2))
        migration.run(1)
        assert migration.routers[1].control.sad.pairs() == []
        self.check_hold_then_clear(migration)

    def test_the_peer_reboots_without_a_delete(self, migration):
        protected(migration)
        migration.unplug(2)
        migration.run(90)
        assert migration.routers[1].control.sad.pairs() == []
        assert migration.routers[1].log("not answering")
        # It comes back as a router without IPsec.
        migration.routers[2].kill_controller()
        migration.routers[2].switch.reset()
        migration.routers[2].policy = migration.policy(site(2))
        migration.routers[2].start_controller()
        migration.plug_in(2)
        self.check_hold_then_clear(migration)

    def test_liveness_is_only_asked_when_nothing_arrives(self, migration):
        protected(migration)
        since = migration.now
        for _ in range(100):
            assert migration.exchange(2, 1)
            assert migration.exchange(1, 2)
            migration.run(0.8)
        assert migration.core.count("ike", since) == 0


class TestAuthenticationFails:
    """IKE_AUTH fails: a failed attempt like any other."""

    def test_wrong_key_is_a_failed_attempt_with_one_line_and_nothing_half_open(self, sites):
        two = sites(
            site(1, peers={2: []}, optional=True),
            site(2, peers={1: []}, key="another key"),
        )
        start = two.now
        for _ in range(19):
            assert not two.exchange(1, 2)
            two.run(0.4)
        assert two.core.count("clear") == 0
        two.run(start + 10.1 - two.now)
        two.send(1, 2)
        two.run(0.1)
        assert two.core.count("clear") == 1
        for number in (1, 2):
            control = two.routers[number].control
            assert control.sad.pairs() == []
            assert control.negotiation.ike_sas() == []
            lines = [line for line in two.routers[number].log() if "authentication failed" in line]
            assert len(lines) == 1, lines


class TestTwoTypesToOnePeer:
    """One of them is refused by the peer: they live separate lives."""

    def test_separate_lives(self, sites):
        tcp = "permit tcp 10.1.0.0 0.0.255.255 10.2.0.0 0.0.255.255"
        udp = "permit udp 10.1.0.0 0.0.255.255 10.2.0.0 0.0.255.255"
        udp_back = "permit udp 10.2.0.0 0.0.255.255 10.1.0.0 0.0.255.255"
        two = sites(
            site(1, peers={2: [tcp, udp]}, optional=True),
            site(2, peers={1: [udp_back]}, optional=True),
        )
        two.hosts[1].send_tcp("10.2.0.2")
        two.send(1, 2)
        two.run(10.2)
        assert state(two, 1, 0) is State.CLEAR
        assert state(two, 1, 1) is State.PROTECTED
        since = two.now
        two.hosts[1].send_tcp("10.2.0.2")
        assert two.exchange(1, 2)
        assert two.core.count("clear", since) == 1
        assert two.core.count("esp", since) == 1
        two.routers[1].clear_sas()
        two.run(0.1)
        assert state(two, 1, 0) is State.CLEAR
        assert state(two, 1, 1) is State.IDLE


class TestManyAtOnce:
    def test_turned_off_while_hundreds_of_types_are_in_the_clear(self, sites):
        """PM-10: not one clear packet after the call returns."""
        lines = [
            f"permit udp 10.1.0.0 0.0.255.255 10.3.0.0 0.0.255.255 eq {port}"
            for port in range(1000, 1300)
        ]
        many = sites(site(1, peers={3: lines}, optional=True), site(2), site(3))
        for port in range(1000, 1300):
            many.send(1, 3, port=port)
        many.run(10.2)
        for port in range(1000, 1300):
            many.send(1, 3, port=port)
        many.run(1)
        assert many.core.count("clear") == 300
        many.routers[1].set_passive_mode(False)
        off = many.now
        for port in range(1000, 1300):
            many.send(1, 3, port=port)
        many.run(5)
        assert many.core.count("clear", since=off) == 0

    @pytest.mark.slow
    def test_ten_thousand_destinations_are_listed_once_each(self, sites):
        """PM-8, PM-9: and warnings are still at most one a minute."""
        many = sites(site(1, peers={3: []}, optional=True), site(2), site(3))
        many.send(1, 3)
        many.run(10.1)
        addresses = [f"10.3.{high}.{low}" for high in range(1, 51) for low in range(1, 201)]
        start = many.now
        for chunk in range(0, 10_000, 200):
            for address in addresses[chunk : chunk + 200]:
                many.hosts[1].send_udp(address)
            many.run(0.2)
        r1 = many.routers[1]
        listed = [str(known.address) for known in r1.control.passive.destinations()]
        assert sorted(listed) == sorted(addresses)
        assert len(r1.entries("clear_destinations")) == 10_000
        reports = r1.digests
        for address in addresses[:2000]:
            many.hosts[1].send_udp(address)
        many.run(1)
        assert r1.digests - reports <= 10
        warnings = [
            time
            for time, message in r1.messages
            if message.text.startswith("Unencrypted") and time >= start
        ]
        assert len(warnings) <= 1 + (many.now - start) / 60


class TestFlood:
    """A flood of 50,000 packets without SA."""

    def test_punts_are_bounded_and_other_peers_ike_is_unharmed(self, sites):
        three = sites(site(1, peers={2: [], 3: []}), site(2, peers={1: []}), site(3))
        r1 = three.routers[1]
        before = r1.packet_ins
        for burst in itertools.count():
            for _ in range(500):
                three.send(1, 3)
            if burst == 50:
                three.send(1, 2)
            if burst == 100:
                break
            three.run(0.05)
        assert three.exchange(1, 2)
        assert three.core.count("clear") == 0
        # The first packets of the type, ARP and IKE's own messages.
        assert r1.packet_ins - before < 50
        assert r1.drops(DropReason.NO_SA_HOLD) + r1.drops(DropReason.NO_SA) >= 50_000

    def test_a_flood_over_hundreds_of_types_is_bounded_by_the_meters(self, sites):
        """The controller is behind with deciding; each type and all together stay bounded."""
        ports = range(1000, 1300)
        lines = [f"permit udp 10.1.0.0 0.0.255.255 10.3.0.0 0.0.255.255 eq {p}" for p in ports]
        three = sites(site(1, peers={2: [], 3: lines}), site(2, peers={1: []}), site(3))
        r1 = three.routers[1]
        flooded = {t.id for t in r1.policy.packet_types if str(t.peer) == "10.0.0.3"}
        assert len(flooded) == len(ports)
        waiting: list[PacketIn] = []
        packet_in = r1.control.packet_in

        def be_behind(packet: PacketIn, now: float) -> None:
            if packet.reason == PuntReason.NO_SA and packet.packet_type in flooded:
                waiting.append(packet)
            else:
                packet_in(packet, now)

        r1.control.packet_in = be_behind
        start = three.now
        for burst in range(40):
            for port in ports:
                three.send(1, 3, port=port)
            if burst == 20:
                three.send(1, 2)  # the IKE of another peer
            three.run(0.05)
            if burst == 30:
                assert three.exchange(1, 2)
        seconds = three.now - start
        rate, burst = NO_SA_RATE
        per_type = Counter(packet.packet_type for packet in waiting)
        assert set(per_type) == flooded
        assert min(per_type.values()) >= burst
        assert max(per_type.values()) <= burst + rate * seconds
        total_rate, total_burst = PUNT_RATES[PuntReason.NO_SA]
        assert len(waiting) <= total_burst + total_rate * seconds
        assert r1.drops(DropReason.NO_SA) >= 40 * len(ports)

        r1.control.packet_in = packet_in
        for packet in waiting:
            packet_in(packet, three.now)
        r1.work()
        before = r1.packet_ins
        for port in ports:
            three.send(1, 3, port=port)
        assert r1.packet_ins == before, "decided: nothing is left to ask"
        assert three.exchange(1, 2)
        assert three.core.count("clear") == 0
