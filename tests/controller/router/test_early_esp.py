"""A peer that sends by a new SA as soon as it has answered: before we have read the answer."""

from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.p4runtime import tables
from controller.p4runtime.desired import DesiredState
from controller.p4runtime.entities import Entry, PacketOut, UpdateKind
from controller.p4runtime.enums import DropReason, PuntReason
from controller.router.early_esp import HELD_LIMIT, HELD_PER_SPI, HOLD_TIME, EarlyEsp
from controller.router.sad import SA_LIMIT, SecurityAssociationDatabase
from controller.speaker.errors import PacketError
from controller.speaker.routes import RouteTable
from ike.types import Secret
from tests.simulation.host import ipv4
from tests.simulation.topology import Sites, _kind, site

HERE = IPv4Address("192.0.2.1")


def pending(sites: Sites, number: int = 1) -> list[Entry]:
    """The SPIs on offer, as the switch has them."""
    entries = sites.routers[number].entries("sad_in")
    return [entry for entry in entries if entry.action == tables.AWAIT_KEYS]


def slow_answers(sites: Sites, number: int, delay: float) -> list[int]:
    """Have IKE reach a router's controller so much later than ESP reaches its switch.

    Returns:
        The reasons of what is punted from now on.
    """
    reasons: list[int] = []
    control = sites.routers[number].control
    take = control.packet_in

    def packet_in(packet, now):
        reasons.append(packet.reason)
        if packet.reason != PuntReason.IKE:
            take(packet, now)
            return

        def arrive() -> None:
            take(packet, sites.now)
            sites.routers[number].work()

        sites.network.at(now + delay, arrive)

    control.packet_in = packet_in
    return reasons


@pytest.fixture
def two(sites, monkeypatch) -> Sites:
    """R1 is to initiate; R2 sends by a new SA at once. IKE takes R1 100 ms to read."""
    monkeypatch.setattr("controller.router.sad.RESPONDER_SETTLE", 0.0)
    lifetime = "      set_security_association_lifetime: {packets: 100}\n"
    text = site(1, peers={2: []}, optional=True, retry=100)
    text = text.replace("      match_address", lifetime + "      match_address")
    built = sites(text, site(2, peers={1: []}, optional=True, retry=3000))
    slow_answers(built, 1, 0.1)
    return built


def stream(sites: Sites, count: int, gap: float = 0.005) -> list[int]:
    """Send from site 2 to site 1; return what is missing."""
    sites.hosts[1].received.clear()
    for sequence in range(count):
        sites.send(2, 1, b"%d" % sequence)
        sites.run(gap)
    sites.run(1)
    arrived = [int(payload) for payload in sites.hosts[1].payloads()]
    assert len(arrived) == len(set(arrived)), "duplicates"
    return sorted(set(range(count)) - set(arrived))


def until_pending(sites: Sites) -> Entry:
    """Let time pass until R1 has offered an SPI."""
    for _ in range(20000):
        if entries := pending(sites):
            return entries[0]
        sites.run(0.0005)
    raise AssertionError("nothing is offered")


def in_the_clear(sites: Sites) -> None:
    """Both send in the clear, and IKE can be had again: R1 is about to retry."""
    send = sites.core._send
    sites.core._send = lambda end, frame: None if _kind(frame) == "ike" else send(end, frame)
    sites.send(1, 2)
    sites.send(2, 1)
    sites.run(99)  # the attempts have been given up
    sites.core._send = send
    assert sites.exchange(1, 2)
    assert sites.exchange(2, 1)
    assert not sites.routers[1].control.sad.pairs()
    sites.run(1)


class TestTakeover:
    @pytest.mark.slow
    def test_nothing_is_lost_when_an_sa_takes_over_from_the_clear(self, two):
        in_the_clear(two)
        punted = slow_answers(two, 1, 0.0)
        two.send(1, 2)  # PM-4: makes R1 initiate
        assert stream(two, 80) == []
        r1 = two.routers[1]
        assert len(r1.control.sad.pairs()) == 1
        assert punted.count(PuntReason.EARLY_ESP) >= 10
        assert r1.drops(DropReason.UNKNOWN_SPI) == 0
        assert pending(two) == []

    @pytest.mark.slow
    def test_nothing_is_lost_in_a_rekey(self, two):
        two.send(1, 2)
        two.run(1)
        old = two.routers[1].control.sad.pairs()[0].inbound.spi
        assert stream(two, 200, gap=0.012) == []
        assert two.routers[1].control.sad.pairs()[-1].inbound.spi != old
        assert pending(two) == []

    def test_spi_is_in_the_switch_before_the_request_leaves(self, two):
        two.send(1, 2)
        key = until_pending(two).key
        assert two.routers[2].control.sad.pairs() == []
        two.run(2)
        (pair,) = two.routers[1].control.sad.pairs()
        assert tables.sad_in(pair.inbound).key == key


class TestOffersThatComeToNothing:
    def test_refused(self, sites):
        built = sites(
            site(1, peers={2: []}, optional=True),
            site(2, peers={1: []}, optional=True, key="something else altogether"),
        )
        built.send(1, 2)
        built.run(5)
        assert built.routers[1].log("authentication")
        assert pending(built) == []
        assert built.routers[1].control.desired.entries("sad_in") == ()

    @pytest.mark.slow
    def test_reconfigured_meanwhile(self, two):
        two.send(1, 2)
        until_pending(two)
        two.reload(1, site(1))
        two.run(70)
        assert pending(two) == []


class TestControllerRestarts:
    def test_leftover_is_removed(self, two):
        two.send(1, 2)
        until_pending(two)
        two.routers[1].kill_controller()
        two.routers[1].start_controller()
        assert pending(two) == []

    @pytest.mark.slow
    def test_carried_on_with_the_ike_sa(self, two):
        two.send(1, 2)
        two.run(1)
        for _ in range(100):
            two.send(2, 1)
        before = until_pending(two)
        r1, key = two.routers[1], Secret(bytes(32))
        state = r1.control.export_state(key, two.now)
        r1.kill_controller()
        r1.start_controller(state, key)
        assert pending(two) == [before]
        assert stream(two, 100) == []
        assert pending(two) == []


class TestBounds:
    """Of `EarlyEsp` alone."""

    @staticmethod
    def frame(spi: int, number: int = 0) -> bytes:
        esp = spi.to_bytes(4, "big") + number.to_bytes(4, "big") + bytes(20)
        there = IPv4Address("192.0.2.2")
        return bytes(12) + b"\x08\0" + ipv4(there, HERE, 50, esp)

    @pytest.fixture
    def desired(self) -> DesiredState:
        return DesiredState()

    @pytest.fixture
    def early(self, desired) -> EarlyEsp:
        sad = SecurityAssociationDatabase(desired, RouteTable((), ()), bytes)
        return EarlyEsp(desired, sad)

    def offer(self, early: EarlyEsp, desired: DesiredState, spi: int) -> Entry:
        early.offered(spi, HERE, "net")
        updates = desired.pending()
        desired.acknowledge(updates)
        return updates[0].entity

    def establish(self, early: EarlyEsp, desired: DesiredState, offer: Entry, spi: int) -> None:
        desired.declare(replace(offer, action="decapsulate"))
        early.established(spi, 1.0)

    def test_held_until_the_switch_has_confirmed_the_sa(self, early, desired):
        offer = self.offer(early, desired, 300)
        assert early.receive(self.frame(300), 0.9) == []
        assert early.release() == []
        self.establish(early, desired, offer, 300)
        assert early.release() == []
        updates = desired.pending()
        assert [update.kind for update in updates] == [UpdateKind.MODIFY]
        assert early.release() == []
        desired.acknowledge(updates)
        assert early.release() == [PacketOut(self.frame(300))]
        assert early.release() == []
        assert early.receive(self.frame(300, 2), 1.1) == [PacketOut(self.frame(300, 2))]
        early.advance(1.0 + HOLD_TIME)
        early.advance(1.1 + HOLD_TIME)
        assert early.receive(self.frame(300, 3), 1.6) == []
        assert (early.dropped.packets, len(early), early.next_deadline()) == (1, 0, None)

    def test_given_up_after_a_while(self, early, desired):
        self.offer(early, desired, 300)
        early.receive(self.frame(300), 1.0)
        early.receive(self.frame(300), 1.2)
        early.advance(early.next_deadline())
        assert (len(early), early.dropped.packets) == (1, 1)
        early.ended(300)
        assert (len(early), early.dropped.packets) == (0, 2)
        assert [update.kind for update in desired.pending()] == [UpdateKind.DELETE]

    def test_sa_that_was_not_taken_leaves_no_entry(self, early, desired):
        self.offer(early, desired, 300)
        early.receive(self.frame(300), 1.0)
        early.established(300, 1.1)
        assert (len(early), early.dropped.packets) == (0, 1)
        assert desired.entries("sad_in") == ()

    def test_one_spi_has_its_share_and_all_have_a_limit(self, early, desired):
        for spi in range(300, 310):
            self.offer(early, desired, spi)
            for number in range(HELD_PER_SPI + 1):
                early.receive(self.frame(spi, number), 1.0)
            assert len(early) <= min(HELD_LIMIT, (spi - 299) * HELD_PER_SPI)
        assert len(early) == HELD_LIMIT
        assert early.dropped.packets == 10 * (HELD_PER_SPI + 1) - HELD_LIMIT

    def test_no_more_offers_than_the_table_has_room_for(self, early, desired):
        for spi in range(256, 256 + SA_LIMIT + 10):
            early.offered(spi, HERE, "net")
        assert len(desired.entries("sad_in")) == SA_LIMIT

    def test_spi_of_nobody(self, early):
        assert early.receive(self.frame(300), 1.0) == []
        assert early.dropped.packets == 1

    @given(frame=st.binary(max_size=80))
    def test_any_frame_is_taken_or_refused(self, frame):
        desired = DesiredState()
        early = EarlyEsp(desired, SecurityAssociationDatabase(desired, RouteTable((), ()), bytes))
        with suppress(PacketError):
            assert early.receive(frame, 1.0) == []
