"""A peer that is slow, silent or hostile costs bounded memory: docs/ike-limits.md says how much.

Each flood runs until the memory has stopped growing, and a good deal longer.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from ike_adversary import Adversary
from ike_network import LEFT, RIGHT, Network, at, left_peer, peer, right_peer
from limits.bound import CHILD_SA, bound_of
from limits.footprint import footprint

from ike.codec.delete import Delete
from ike.codec.encrypted import EncryptedFragment
from ike.codec.header import Header
from ike.codec.message import Message
from ike.codec.nonce import Nonce
from ike.codec.notify import Notify
from ike.codec.payload import Payload, UnknownPayload
from ike.codec.registry import ExchangeType, NotifyType, PayloadType, ProtocolId
from ike.config import Settings
from ike.endpoint import Endpoint
from ike.exchanges import create_child_sa, ike_sa_init
from ike.types import Datagram, UdpAddress

MANY = int(os.environ.get("P4IPSEC_FLOOD", "10000"))  # datagrams; make nightly has 100,000
SETTINGS = Settings()


def flood(victim: Endpoint, count: int, strike: Callable[[int], None], bound: int) -> None:
    """Strike `count` times; memory is below the bound, and grows no more from half-way on."""
    half = 0
    for number in range(count):
        strike(number)
        victim.transmits()
        victim.events()
        if number == count // 2:
            half = footprint(victim)
    full = footprint(victim)
    assert full <= bound, f"{full} bytes, {bound} is the bound"
    assert full <= 1.1 * half + 4096, f"{half} bytes at half time, {full} at the end"


def advance(victim: Endpoint, now: float) -> None:
    deadline = victim.next_deadline()
    while deadline is not None and deadline <= now:
        victim.advance(now)
        victim.transmits()
        victim.events()
        later = victim.next_deadline()
        deadline = None if later == deadline else later


def settled(victim: Endpoint) -> Adversary:
    adversary = Adversary(victim)
    adversary.establish()
    return adversary


@pytest.mark.slow
class TestStrangers:
    """Nobody has authenticated."""

    def test_half_open_ike_sas_from_many_addresses(self) -> None:
        """More peers than half-open IKE SAs are allowed, each at an address of its own."""
        peers = [peer(f"p{n}", RIGHT, IPv4Address(0x0A000000 + n)) for n in range(2 * 1024)]
        victim = Endpoint(peers)
        empty = footprint(victim)
        request = first_request()
        dice = random.Random(1)

        def strike(number: int) -> None:
            spi = dice.randbytes(8)
            source = UdpAddress(IPv4Address(0x0A000000 + number % 2048), 500)
            packet = spi + request[8:]
            victim.receive(Datagram(source, at(RIGHT), packet), number * 1e-4)

        flood(victim, MANY, strike, empty + bound_of(SETTINGS, 0))
        assert len(victim.ike_sas()) <= SETTINGS.cookie_threshold

    def test_half_open_ike_sas_with_cookies(self) -> None:
        """Addresses that can receive what we send get past the cookie, up to their limit."""
        addresses = 80
        peers = [peer(f"p{n}", RIGHT, IPv4Address(0x0A000000 + n)) for n in range(addresses)]
        victim = Endpoint(peers)
        empty = footprint(victim)

        def strike(number: int) -> None:
            source = UdpAddress(IPv4Address(0x0A000000 + number % addresses), 500)
            spi = random.Random(number).randbytes(8)
            payloads = ike_sa_init.build_request(OFFER, source, at(RIGHT))
            victim.receive(Datagram(source, at(RIGHT), init(spi, payloads)), 0.0)
            for datagram in victim.transmits():
                answer = Message.parse(datagram.payload).payloads
                if isinstance(answer[0], Notify) and answer[0].notify_type == NotifyType.COOKIE:
                    packet = init(spi, [answer[0], *payloads])
                    victim.receive(Datagram(source, at(RIGHT), packet), 0.0)

        flood(victim, max(2_500, MANY // 10), strike, empty + bound_of(SETTINGS, 0))
        assert len(victim.ike_sas()) == SETTINGS.half_open_limit

    @pytest.mark.parametrize("exchange_type", [34, 35, 36, 37, 43])
    def test_unknown_spis_and_fragments_of_nobody(self, exchange_type: int) -> None:
        victim = Endpoint([right_peer()])
        dice = random.Random(1)

        def strike(number: int) -> None:
            fragment = EncryptedFragment(0, 1 + number % 128, 128, dice.randbytes(64))
            header = Header(
                dice.getrandbits(64), dice.getrandbits(64), 0, exchange_type, 0x08, number, 0
            )
            packet = Message(header, (fragment,)).serialize()
            victim.receive(Datagram(at(LEFT), at(RIGHT), packet), number * 1e-4)

        flood(victim, MANY, strike, footprint(victim) + 4096)

    def test_forged_fragments_and_messages_of_an_established_ike_sa(self) -> None:
        """They carry the right SPIs, and no good ICV."""
        victim = Endpoint([right_peer()])
        adversary = settled(victim)
        dice = random.Random(1)

        def strike(number: int) -> None:
            body: Payload = UnknownPayload(PayloadType.SK, False, dice.randbytes(64))
            if number % 2:
                body = EncryptedFragment(0, 1 + number % 128, 128, dice.randbytes(64))
            header = Header(
                adversary.spi, adversary.channel.responder_spi, 0, 37, 0x08, number % 16, 0
            )
            packet = Message(header, (body,)).serialize()
            victim.receive(Datagram(at(LEFT), at(RIGHT), packet), adversary.now)

        flood(victim, MANY, strike, footprint(victim) + 4096)


@pytest.mark.slow
class TestAuthenticated:
    """A peer that has the keys."""

    def test_fragment_sets_that_are_never_complete(self) -> None:
        victim = Endpoint([right_peer()])
        adversary = settled(victim)

        def strike(number: int) -> None:
            body = UnknownPayload(PayloadType.VENDOR_ID, False, bytes(60_000))
            adversary.channel.request(ExchangeType.INFORMATIONAL, (body,), adversary.now)
            adversary.channel.forget_request()
            for datagram in adversary.channel.outbox[1:]:
                victim.receive(datagram, adversary.now)
            adversary.channel.outbox.clear()
            adversary.channel._requests.next_id -= 1 if number % 3 else 0

        flood(victim, MANY // 50, strike, footprint(victim) + bound_of(SETTINGS, 0, ike_sas=1))

    def test_deletes_without_end(self) -> None:
        victim = Endpoint([right_peer()])
        adversary = settled(victim)

        def strike(number: int) -> None:
            spis = tuple((number * 100 + n).to_bytes(4, "big") for n in range(300, 400))
            adversary.exchange(ExchangeType.INFORMATIONAL, [Delete(ProtocolId.ESP, spis)])

        flood(victim, MANY // 10, strike, footprint(victim) + 64 * 1024)

    def test_children_without_end(self) -> None:
        victim = Endpoint([right_peer()])
        adversary = settled(victim)

        def strike(number: int) -> None:
            offer = create_child_sa.make_offer(
                adversary.config.children[0], 0x1000 + number, adversary.random.randbytes
            )
            request = create_child_sa.build_request(offer, adversary.random.randbytes(32))
            adversary.exchange(ExchangeType.CREATE_CHILD_SA, request)

        limit = SETTINGS.children_per_ike_sa * CHILD_SA
        flood(
            victim, MANY // 4, strike, footprint(victim) + limit + bound_of(SETTINGS, 0, ike_sas=1)
        )
        assert len(victim.ike_sas()[0].children) == SETTINGS.children_per_ike_sa

    def test_ike_sas_without_end(self) -> None:
        """Established, deleted by us as there are too many, and never an answer."""
        victim = Endpoint([right_peer()])
        now = 1000.0

        def strike(number: int) -> None:
            nonlocal now
            now += 0.01
            adversary = Adversary(victim, seed=number)
            adversary.now = now
            adversary.establish()
            advance(victim, now)

        flood(victim, MANY // 20, strike, footprint(victim) + bound_of(SETTINGS, 1))

    def test_ike_sas_that_the_peer_deletes_itself(self) -> None:
        victim = Endpoint([right_peer()])

        def strike(number: int) -> None:
            adversary = Adversary(victim, seed=number)
            adversary.establish()
            adversary.exchange(ExchangeType.INFORMATIONAL, [Delete(ProtocolId.IKE)])

        flood(victim, MANY // 20, strike, footprint(victim) + bound_of(SETTINGS, 1))

    def test_rekeys_of_the_ike_sa_without_end(self) -> None:
        """The peer rekeys and rekeys, and deletes nothing; its CHILD_SA is as old as can be."""
        network = Network()
        network.left.endpoint.initiate("net", network.now)
        network.run(1)
        network.filter = lambda d: (
            [] if d.source.address == LEFT and d.payload[18] == 37 else [(0.001, d)]
        )
        victim = network.right.endpoint

        def strike(number: int) -> None:
            network.left.endpoint.rekey_peer("right", network.now)
            network.run(0.01)
            for node in (network.left, network.right):
                node.log.clear()
                node.history.clear()
            network.sent.clear()

        flood(victim, MANY // 20, strike, footprint(victim) + bound_of(SETTINGS, 1))

    def test_rekeys_of_a_child_without_end(self) -> None:
        """The old ones are never deleted by the peer."""
        settings = replace(SETTINGS, children_per_ike_sa=16)
        victim = Endpoint([right_peer()], settings=settings)
        adversary = settled(victim)
        last = 0x01020304

        def strike(number: int) -> None:
            nonlocal last
            offer = create_child_sa.make_offer(
                adversary.config.children[0], 0x2000 + number, adversary.random.randbytes
            )
            rekey = create_child_sa.build_rekey(offer, adversary.random.randbytes(32), last)
            adversary.exchange(ExchangeType.CREATE_CHILD_SA, rekey)
            last = 0x2000 + number if len(victim.ike_sas()[0].children) < 32 else last

        flood(victim, MANY // 10, strike, footprint(victim) + bound_of(settings, 0, ike_sas=1))
        assert len(victim.ike_sas()[0].children) <= 32

    def test_messages_of_the_largest_size(self) -> None:
        """What we keep is our answer, never the peer's request."""
        victim = Endpoint([right_peer()])
        adversary = settled(victim)
        body = UnknownPayload(PayloadType.VENDOR_ID, False, bytes(60_000))

        def strike(number: int) -> None:
            adversary.exchange(ExchangeType.INFORMATIONAL, [body])

        flood(victim, MANY // 50, strike, footprint(victim) + 16 * 1024)

    def test_a_peer_that_never_answers(self) -> None:
        """Our requests wait for it, in the window and behind it, until it is given up."""
        victim = Endpoint([right_peer()], settings=replace(SETTINGS, children_per_ike_sa=16))
        adversary = settled(victim)

        def strike(number: int) -> None:
            for sa in victim.ike_sas():
                for child in sa.children:
                    victim.rekey_child(child.spi_in, adversary.now)
            victim.rekey_peer("left", adversary.now)
            victim.initiate("ten", adversary.now)
            adversary.exchange(ExchangeType.INFORMATIONAL, [Nonce(bytes(32))][:0])

        flood(victim, MANY // 10, strike, footprint(victim) + bound_of(SETTINGS, 0, ike_sas=1))


OFFER = ike_sa_init.make_offer(1, bytes(32), left_peer().proposals, random.Random(1).randbytes)


def init(spi: bytes, payloads: list[Payload]) -> bytes:
    header = Header(int.from_bytes(spi, "big"), 0, 0, ExchangeType.IKE_SA_INIT, 0x08, 0, 0)
    return Message(header, tuple(payloads)).serialize()


def first_request() -> bytes:
    return init(bytes(8), ike_sa_init.build_request(OFFER, at(LEFT), at(RIGHT)))
