"""Rekeying CHILD_SAs and IKE SAs, and all ways in which both ends collide (RFC 7296 §2.25)."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from ike_adversary import Adversary
from ike_network import LEFT, RIGHT, Network, Node, child, left_peer, mirrored, right_peer
from test_loss import live

from ike.codec.chain import find, notifies
from ike.codec.key_exchange import KeyExchangePayload
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u64
from ike.codec.registry import ExchangeType, NotifyType, ProtocolId
from ike.codec.security_association import SecurityAssociation
from ike.config import EspProposal, IkeProposal, KeyExchange, PeerConfig, Settings
from ike.endpoint import Endpoint
from ike.events import (
    AttemptFailed,
    ChildSaDeleted,
    ChildSaEstablished,
    DeletionReason,
    IkeSaClosed,
    IkeSaEstablished,
    Role,
)
from ike.types import Datagram

ONE = child("one", "10.1.0.0/16", "10.2.0.0/16")
TWO = child("two", "10.3.0.0/16", "10.4.0.0/16")


def peers(**options: object) -> tuple[PeerConfig, PeerConfig]:
    one, two = (replace(c, **options) for c in (ONE, TWO))  # type: ignore[arg-type]  # test data
    return left_peer(one, two), right_peer(mirrored(one, "r-one"), mirrored(two, "r-two"))


def established(seed: int = 1, settings: Settings | None = None, **options: object) -> Network:
    network = Network(*peers(**options), seed=seed, settings=settings)
    network.left.endpoint.initiate("one", network.now)
    network.run(1)
    assert network.right.one(ChildSaEstablished)
    return network


def spi(node: Node) -> int:
    return live_spis(node)[0]


def live_spis(node: Node) -> list[int]:
    gone = {e.spi_in for e in node.of(ChildSaDeleted)}
    return [e.spi_in for e in node.of(ChildSaEstablished) if e.spi_in not in gone]


def agree(network: Network, *names: str, ike_sas: int = 1) -> None:
    left, right = live(network, "left"), live(network, "right")
    assert sorted(name for name, _, _ in left) == sorted(names)
    assert {(i, o) for _, i, o in left} == {(o, i) for _, i, o in right}
    spis = [
        {(sa.initiator_spi, sa.responder_spi) for sa in node.endpoint.ike_sas()}
        for node in (network.left, network.right)
    ]
    assert spis[0] == spis[1]
    assert len(spis[0]) == ike_sas
    for node in (network.left, network.right):
        assert not node.of(AttemptFailed)
        assert never_without(node)
        keys = [e.key_in.reveal() for e in node.of(ChildSaEstablished)]
        assert len(keys) == len(set(keys)), "no key is used twice"


def never_without(node: Node) -> bool:
    """From the first CHILD_SA on there is one at any time: make before break."""
    count = 0
    for event in node.log:
        if isinstance(event, ChildSaEstablished):
            count += 1
        elif isinstance(event, ChildSaDeleted):
            count -= 1
            if count == 0:
                return False
    return True


class TestChild:
    @pytest.mark.parametrize("side", ["left", "right"])
    def test_either_end_can_rekey(self, side: str) -> None:
        """RFC 7296 §1.3.3."""
        network = established()
        node, other = network.left, network.right
        if side == "right":
            node, other = other, node
        old = node.one(ChildSaEstablished)
        node.endpoint.rekey_child(old.spi_in, network.now)
        network.run(2)
        for one, role in ((node, Role.INITIATOR), (other, Role.RESPONDER)):
            first, second = one.of(ChildSaEstablished)
            assert second.replaces == first.spi_in
            assert second.role is role
            deleted = one.one(ChildSaDeleted)
            assert (deleted.spi_in, deleted.reason) == (first.spi_in, DeletionReason.REPLACED)
            assert one.log.index(second) < one.log.index(deleted)
        agree(network, "one")

    def test_time_brings_the_rekey_before_the_lifetime_ends(self) -> None:
        network = established(lifetime=100.0)
        assert 90.0 <= network.left.one(ChildSaEstablished).lifetime <= 100.0
        start = network.now
        network.run(1000)
        agree(network, "one")
        made = len(network.left.of(ChildSaEstablished))
        assert 1000 / 100 <= made - 1 <= 1000 / 90 + 1
        assert {e.reason for e in network.left.of(ChildSaDeleted)} <= {
            DeletionReason.REPLACED,
            DeletionReason.DUPLICATE,
            DeletionReason.PEER,
        }
        assert network.now == start + 1000
        assert len(network.left.of(IkeSaEstablished)) == 1

    def test_no_lifetime_no_rekey(self) -> None:
        network = established(lifetime=0.0)
        network.run(5_000)
        assert len(network.left.of(ChildSaEstablished)) == 1
        assert network.left.one(ChildSaEstablished).lifetime == 0.0

    def test_rekey_with_perfect_forward_secrecy(self) -> None:
        proposals = (EspProposal(key_exchange=(KeyExchange.SECP256R1,)),)
        network = established(proposals=proposals)
        network.left.endpoint.rekey_child(spi(network.left), network.now)
        network.run(2)
        agree(network, "one")
        (suite,) = [c.suite for c in network.left.endpoint.ike_sas()[0].children]
        assert "SECP256R1" in suite

    @pytest.mark.parametrize("seed", range(12))
    @pytest.mark.parametrize("gap", [0.0, 0.005, 0.015])
    def test_both_at_once(self, seed: int, gap: float) -> None:
        """RFC 7296 §2.8.1."""
        network = established(seed)
        network.left.endpoint.rekey_child(spi(network.left), network.now)
        network.run(gap)
        if len(live_spis(network.right)) == 1:
            network.right.endpoint.rekey_child(spi(network.right), network.now)
        network.run(60)
        agree(network, "one")

    @pytest.mark.parametrize(
        ("slow", "seed"), list(itertools.product(range(8), range(4))), ids=lambda v: str(v)
    )
    def test_both_at_once_with_one_message_late(self, slow: int, seed: int) -> None:
        network = established(seed)
        count = itertools.count()
        network.filter = lambda d: [(0.3 if next(count) == slow else 0.01, d)]
        network.left.endpoint.rekey_child(spi(network.left), network.now)
        network.right.endpoint.rekey_child(spi(network.right), network.now)
        network.run(60)
        agree(network, "one")

    @pytest.mark.parametrize("late", [LEFT, RIGHT, None])
    def test_rekey_meets_delete(self, late: object) -> None:
        """RFC 7296 §2.25.1: whatever the order, the CHILD_SA is gone or replaced at both ends."""
        network = established()
        network.filter = lambda d: [(0.3 if d.source.address == late else 0.01, d)]
        network.left.endpoint.rekey_child(spi(network.left), network.now)
        network.right.endpoint.delete_child(spi(network.right), network.now)
        network.run(60)
        left, right = live(network, "left"), live(network, "right")
        assert {(i, o) for _, i, o in left} == {(o, i) for _, i, o in right}
        assert not network.left.of(IkeSaClosed)

    def test_a_peer_that_has_lost_it(self) -> None:
        """CHILD_SA_NOT_FOUND: silently dropped, and made anew (RFC 7296 §2.25)."""
        network = established()
        network.drop_all()
        network.right.endpoint.delete_child(spi(network.right), network.now)
        network.collect()
        network.run(0.1)
        network.filter = lambda d: [(0.01, d)] if d.payload[18] == 36 else []
        before = network.left.one(ChildSaEstablished)
        network.left.endpoint.rekey_child(before.spi_in, network.now)
        network.run(2)
        assert [n for n, _, _ in live(network, "left")] in (["one"], [])

    @pytest.mark.parametrize("after", [0.0, 0.005, 0.015])
    @pytest.mark.parametrize("how", ["delete", "reconfigure"])
    def test_deleted_while_it_is_rekeyed(self, how: str, after: float) -> None:
        """RFC 7296 §1.4.1: what comes of the rekey goes too, with no word of it."""
        network = established()
        left, old = network.left.endpoint, spi(network.left)
        left.rekey_child(old, network.now)
        network.run(after)
        if how == "delete":
            left.delete_child(old, network.now)
        else:
            left.set_peers([left_peer(TWO)], network.now)
        network.run(60)
        assert not live(network, "left")
        assert not live(network, "right")
        assert network.left.one(ChildSaEstablished)
        assert [len(n.endpoint.ike_sas()) for n in (network.left, network.right)] == [1, 1]
        assert not any(sa.children for sa in network.right.endpoint.ike_sas())

    def test_expired_while_it_is_rekeyed(self) -> None:
        """The new one is wanted all the same."""
        network = established(lifetime=10.0)
        network.filter = lambda d: [(3.0 if d.source.address == RIGHT else 0.01, d)]
        network.run(14)
        assert network.left.of(ChildSaDeleted)[0].reason is DeletionReason.EXPIRED
        assert [name for name, _, _ in live(network, "left")] == ["one"]

    def test_refused_again_and_again_it_expires(self) -> None:
        """The first CHILD_SA needs no key exchange of its own; the rekeys can't agree on one."""
        curve, p256 = (
            (EspProposal(key_exchange=(method,)),)
            for method in (KeyExchange.CURVE25519, KeyExchange.SECP256R1)
        )
        left = replace(ONE, proposals=curve, lifetime=100.0)
        right = replace(mirrored(ONE, "r-one"), proposals=p256, lifetime=0.0)
        network = Network(left_peer(left), right_peer(right))
        network.left.endpoint.initiate("one", network.now)
        network.run(150)
        assert network.left.one(ChildSaDeleted).reason is DeletionReason.EXPIRED
        assert network.right.one(ChildSaDeleted).reason is DeletionReason.PEER
        rekeys = [d for d in network.sent if d.source.address == LEFT and d.payload[18] == 36]
        assert 2 <= len(rekeys) <= 15
        assert not network.left.of(IkeSaClosed)


class TestIkeSa:
    @pytest.mark.parametrize("side", ["left", "right"])
    def test_either_end_can_rekey(self, side: str) -> None:
        """RFC 7296 §1.3.2: the CHILD_SAs live on under the new one."""
        network = established()
        node, name = (network.left, "right") if side == "left" else (network.right, "left")
        old = node.one(IkeSaEstablished)
        node.endpoint.rekey_peer(name, network.now)
        network.run(60)
        agree(network, "one")
        for one in (network.left, network.right):
            closed = one.one(IkeSaClosed)
            assert closed.reason is DeletionReason.REPLACED
            assert closed.initiator_spi == old.initiator_spi
            assert len(one.of(IkeSaEstablished)) == 2
            assert not one.of(ChildSaDeleted)
        network.left.endpoint.initiate("two", network.now)
        network.run(2)
        agree(network, "one", "two")
        network.right.endpoint.delete_child(spi(network.right), network.now)
        network.run(2)
        assert network.left.one(ChildSaDeleted).reason is DeletionReason.PEER

    def test_time_brings_the_rekey(self) -> None:
        left, right = peers(lifetime=0.0)
        network = Network(replace(left, lifetime=200.0), replace(right, lifetime=200.0))
        network.left.endpoint.initiate("one", network.now)
        network.run(2000)
        agree(network, "one")
        assert 10 <= len(network.left.of(IkeSaEstablished)) <= 13
        assert len(network.left.of(ChildSaEstablished)) == 1

    def test_with_another_key_exchange_method(self) -> None:
        """INVALID_KE_PAYLOAD in CREATE_CHILD_SA."""
        left, right = peers()
        both = (KeyExchange.CURVE25519, KeyExchange.SECP256R1)
        left = replace(left, proposals=(IkeProposal(key_exchange=both),))
        right = replace(right, proposals=(IkeProposal(key_exchange=both[1:]),))
        network = Network(left, right)
        network.left.endpoint.initiate("one", network.now)
        network.run(2)
        network.left.endpoint.rekey_peer("right", network.now)
        network.run(2)
        agree(network, "one")
        assert "SECP256R1" in network.left.endpoint.ike_sas()[0].suite

    @pytest.mark.parametrize("seed", range(12))
    @pytest.mark.parametrize("gap", [0.0, 0.005, 0.015])
    def test_both_at_once(self, seed: int, gap: float) -> None:
        """RFC 7296 §2.8.2."""
        network = established(seed)
        network.left.endpoint.rekey_peer("right", network.now)
        network.run(gap)
        network.right.endpoint.rekey_peer("left", network.now)
        network.run(60)
        agree(network, "one")

    @pytest.mark.parametrize(
        ("slow", "seed"), list(itertools.product(range(8), range(4))), ids=lambda v: str(v)
    )
    def test_both_at_once_with_one_message_late(self, slow: int, seed: int) -> None:
        network = established(seed)
        count = itertools.count()
        network.filter = lambda d: [(0.3 if next(count) == slow else 0.01, d)]
        network.left.endpoint.rekey_peer("right", network.now)
        network.right.endpoint.rekey_peer("left", network.now)
        network.run(60)
        agree(network, "one")

    @pytest.mark.parametrize("late", [LEFT, RIGHT, None])
    @pytest.mark.parametrize("action", ["create", "rekey", "delete"])
    def test_rekey_meets_child_exchanges(self, action: str, late: object) -> None:
        """RFC 7296 §2.25.2: TEMPORARY_FAILURE, and tried again."""
        network = established()
        network.filter = lambda d: [(0.3 if d.source.address == late else 0.01, d)]
        network.left.endpoint.rekey_peer("right", network.now)
        if action == "create":
            network.right.endpoint.initiate("r-two", network.now)
        elif action == "rekey":
            network.right.endpoint.rekey_child(spi(network.right), network.now)
        else:
            network.right.endpoint.delete_child(spi(network.right), network.now)
        network.run(60)
        if action == "delete":
            assert not live(network, "left")
            assert not live(network, "right")
        else:
            agree(network, *(("one", "two") if action == "create" else ("one",)))
        assert len(network.left.of(IkeSaEstablished)) >= 2

    @pytest.mark.parametrize("late", [LEFT, RIGHT, None])
    def test_rekey_meets_delete(self, late: object) -> None:
        network = established()
        network.filter = lambda d: [(0.3 if d.source.address == late else 0.01, d)]
        network.left.endpoint.rekey_peer("right", network.now)
        network.right.endpoint.delete_peer("left", network.now)
        network.run(120)
        left, right = live(network, "left"), live(network, "right")
        assert {(i, o) for _, i, o in left} == {(o, i) for _, i, o in right}

    @pytest.mark.parametrize("after", [0.005, 0.015])
    @pytest.mark.parametrize("how", ["delete", "reconfigure"])
    def test_deleted_while_it_is_rekeyed(self, how: str, after: float) -> None:
        """RFC 7296 §1.4.1: the peer has a new IKE SA, which has to go too."""
        network = established()
        left = network.left.endpoint
        left.rekey_peer("right", network.now)
        network.run(after)
        if how == "delete":
            left.delete_peer("right", network.now)
        else:
            left.set_peers([], network.now)
        network.run(2)
        assert not network.right.endpoint.ike_sas()
        assert len(network.right.of(IkeSaEstablished)) == 2
        assert not live(network, "right")
        assert not left.ike_sas()
        assert network.left.one(IkeSaEstablished)
        assert network.left.one(IkeSaClosed)
        network.run(60)
        assert left.next_deadline() is None

    def test_a_peer_that_does_not_delete_the_old_one(self) -> None:
        network = established()
        network.left.endpoint.rekey_peer("right", network.now)
        network.run(0.03)
        first = network.sent[0].payload[:8]
        network.filter = lambda d: (
            [] if d.payload[:8] == first and d.source.address == LEFT else [(0.01, d)]
        )
        network.run(120)
        assert network.right.one(IkeSaClosed).reason is DeletionReason.REPLACED
        assert [n for n, _, _ in live(network, "right")] == ["r-one"]


class TestHostilePeer:
    def rekey_ike(self, adversary: Adversary, spi_length: int = 8) -> list[object]:
        proposal = adversary.first_request()[0]
        assert isinstance(proposal, SecurityAssociation)
        number_one = replace(proposal.proposals[0], spi=u64(77)[:spi_length])
        return [SecurityAssociation((number_one,)), *adversary.first_request()[1:3]]

    def victim(self) -> Adversary:
        adversary = Adversary(Endpoint([right_peer()]))
        adversary.establish()
        return adversary

    @pytest.mark.parametrize("length", [0, 4, 7])
    def test_ike_spis_of_a_wrong_length(self, length: int) -> None:
        adversary = self.victim()
        answer = adversary.exchange(
            ExchangeType.CREATE_CHILD_SA,
            self.rekey_ike(adversary, length),  # type: ignore[arg-type]  # payloads
        )
        assert answer is not None
        assert notifies(answer)[0].notify_type == NotifyType.NO_PROPOSAL_CHOSEN

    def test_a_second_rekey_of_what_is_replaced(self) -> None:
        adversary = self.victim()
        request = self.rekey_ike(adversary)
        first = adversary.exchange(ExchangeType.CREATE_CHILD_SA, request)  # type: ignore[arg-type]  # payloads
        assert first is not None
        assert find(first, KeyExchangePayload)
        second = adversary.exchange(ExchangeType.CREATE_CHILD_SA, request)  # type: ignore[arg-type]  # payloads
        assert second is not None
        assert notifies(second)[0].notify_type == NotifyType.TEMPORARY_FAILURE
        assert len(adversary.victim.ike_sas()) == 2

    def test_a_child_rekeyed_twice(self) -> None:
        adversary = self.victim()
        rekey = Notify(NotifyType.REKEY_SA, b"", ProtocolId.ESP, bytes.fromhex("01020304"))
        request = [rekey, *adversary.child_request()]
        first = adversary.exchange(ExchangeType.CREATE_CHILD_SA, request)
        assert first is not None
        assert find(first, SecurityAssociation)
        second = adversary.exchange(ExchangeType.CREATE_CHILD_SA, request)
        assert second is not None
        assert notifies(second)[0].notify_type == NotifyType.TEMPORARY_FAILURE
        assert len(adversary.victim.ike_sas()[0].children) == 2
        adversary.victim.advance(adversary.now + 30)
        assert len(adversary.victim.ike_sas()[0].children) == 1


@pytest.mark.parametrize(("lifetime", "tries"), [(5.0, 1), (15.0, 3), (40.0, 4), (3600.0, 30)])
@pytest.mark.parametrize("what", ["child", "ike"])
def test_what_is_refused_for_now_is_tried_again_before_it_expires(
    what: str, lifetime: float, tries: int
) -> None:
    """RFC 7296 §2.25: what is left of a lifetime has room for several tries, not for thousands."""
    (one, _), (right,) = peers()[0].children, (right_peer(),)
    there = mirrored(replace(one, lifetime=lifetime if what == "child" else 0.0), "there")
    config = replace(
        right,
        children=(there,),
        lifetime=lifetime if what == "ike" else 0.0,
        liveness_interval=0.0,
    )
    peer = Adversary(Endpoint([config]))
    peer.establish()
    peer.victim.events()
    began = peer.now
    asked: list[float] = []

    def refuse() -> list[Payload]:
        asked.append(peer.now - began)
        return [Notify(NotifyType.TEMPORARY_FAILURE)]

    ended = ChildSaDeleted if what == "child" else IkeSaClosed
    while not any(isinstance(event, ended) for event in peer.victim.events()):
        deadline = peer.victim.next_deadline()
        assert deadline is not None
        peer.now = max(peer.now, deadline)
        peer.victim.advance(peer.now)
        if peer.now < began + 1.1 * lifetime:
            peer.answer_all(refuse)
    assert peer.now - began == pytest.approx(1.1 * lifetime)
    assert 0.9 * lifetime <= asked[0] <= lifetime
    assert tries <= len(asked) <= 180
    assert 1.1 * lifetime - asked[-1] < 0.75, "the last one is a late one"


@pytest.mark.parametrize("seed", range(60))
def test_anything_at_once_over_a_bad_network_ends_in_agreement(seed: int) -> None:
    """Rekeys, deletes and attempts from both ends while messages are lost, doubled, reordered."""
    chaos(seed)


def chaos(seed: int, changed: Callable[[PeerConfig], PeerConfig] = lambda peer: peer) -> Network:
    rng = random.Random(seed)
    left, right = peers(lifetime=rng.choice([0.0, 15.0]))
    lifetime = rng.choice([0.0, 20.0])
    network = Network(
        changed(replace(left, lifetime=lifetime)),
        changed(replace(right, lifetime=lifetime)),
        seed=seed,
    )
    loss = rng.choice([0.0, 0.1, 0.2])
    jitter = rng.choice([0.01, 0.3, 1.0])

    def weather(datagram: Datagram) -> list[tuple[float, Datagram]]:
        copies = 0 if rng.random() < loss else rng.choice([1, 1, 1, 2])
        return [(rng.uniform(0.0, jitter), datagram) for _ in range(copies)]

    network.filter = weather
    for _ in range(rng.randrange(4, 12)):
        act(network, rng)
        network.run(rng.choice([0.0, 0.02, 0.5, 3.0]))
    network.filter = lambda d: [(0.01, d)]
    settle(network)
    left_live, right_live = live(network, "left"), live(network, "right")
    assert {(i, o) for _, i, o in left_live} == {(o, i) for _, i, o in right_live}
    names = [name for name, _, _ in left_live]
    assert len(names) == len(set(names)), "one pair a packet type"
    spis = [
        {(sa.initiator_spi, sa.responder_spi) for sa in node.endpoint.ike_sas()}
        for node in (network.left, network.right)
    ]
    assert spis[0] == spis[1], "no orphaned IKE SA"
    for node in (network.left, network.right):
        keys = [e.key_in.reveal() for e in node.of(ChildSaEstablished)]
        assert len(keys) == len(set(keys))
    return network


def settle(network: Network) -> None:
    """Let what is under way come to its end, and stop where no rekey is near."""
    network.run(90)
    for _ in range(300):
        times = [
            t
            for node in (network.left, network.right)
            for sa in node.endpoint.ike_sas()
            for t in (sa.rekey_at, *(c.rekey_at for c in sa.children))
            if t is not None
        ]
        sent = len(network.sent)
        far = all(t > network.now + 1 for t in times)
        network.run(0.9)
        if far and len(network.sent) == sent:
            return
    raise AssertionError("never quiet")


def act(network: Network, rng: random.Random) -> None:
    node, prefix, name = rng.choice([(network.left, "", "right"), (network.right, "r-", "left")])
    what = rng.randrange(7)
    now = network.now
    spis = live_spis(node)
    if what < 2:
        node.endpoint.initiate(prefix + "one", now)
    elif what < 4:
        node.endpoint.initiate(prefix + "two", now)
    elif what == 4 and spis:
        node.endpoint.rekey_child(rng.choice(spis), now)
    elif what == 5:
        node.endpoint.rekey_peer(name, now)
    elif what == 6 and spis and rng.random() < 0.5:
        node.endpoint.delete_child(rng.choice(spis), now)
