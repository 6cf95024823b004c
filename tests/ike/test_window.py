"""Several requests in flight (RFC 7296 §2.3)."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ike_adversary import Adversary
from ike_network import LEFT, RIGHT, Network, child, left_peer, mirrored, right_peer
from test_loss import live
from test_rekey import live_spis, settle

from ike.codec.chain import find_notify
from ike.codec.header import Header
from ike.codec.notify import Notify
from ike.codec.reader import u32
from ike.codec.registry import ExchangeType, NotifyType, ProtocolId
from ike.config import EspProposal, KeyExchange, Settings
from ike.endpoint import Endpoint
from ike.events import ChildSaDeleted, ChildSaEstablished, IkeSaClosed, IkeSaEstablished
from ike.fragments import MAX_HELD, Fragment, Reassembly
from ike.types import Datagram

CHILDREN = [child(f"c{n}", f"10.{n}.0.0/16", f"10.{100 + n}.0.0/16") for n in range(12)]


def network(left: int = 8, right: int = 8, seed: int = 1, **options: object) -> Network:
    return Network(
        left_peer(*CHILDREN),
        right_peer(*(mirrored(c, f"r-{c.name}") for c in CHILDREN)),
        settings=Settings(window=left, **options),  # type: ignore[arg-type]  # what fits
        right_settings=Settings(window=right, **options),  # type: ignore[arg-type]
        seed=seed,
    )


class Flight:
    """Watches which requests of the left router are without an answer, and how many at most."""

    def __init__(self, net: Network) -> None:
        self.most = 0
        self.missing: dict[bytes, set[int]] = defaultdict(set)
        self.filter = net.filter
        net.filter = self

    def __call__(self, datagram: Datagram) -> list[tuple[float, Datagram]]:
        header = Header.parse(datagram.payload)
        missing = self.missing[datagram.payload[:8]]
        if datagram.source.address == LEFT and not header.is_response:
            missing.add(header.message_id)
            self.most = max(self.most, max(missing) - min(missing) + 1)
        elif datagram.source.address == RIGHT and header.is_response:
            missing.discard(header.message_id)
        return self.filter(datagram)


@pytest.mark.parametrize(
    ("left", "right", "most"), [(8, 8, 8), (8, 1, 1), (1, 8, 1), (8, 3, 3), (2, 8, 2), (64, 64, 11)]
)
def test_as_many_requests_as_both_ends_allow(left: int, right: int, most: int) -> None:
    net = network(left, right)
    flight = Flight(net)
    for one in CHILDREN:
        net.left.endpoint.initiate(one.name, net.now)
    net.run(2)
    assert len(live(net, "left")) == len(live(net, "right")) == len(CHILDREN)
    assert len(net.left.of(IkeSaEstablished)) == 1
    assert flight.most == most


@pytest.mark.parametrize("window", [0, -1, 65, 2**32])
def test_windows_that_are_none(window: int) -> None:
    with pytest.raises(ValueError, match="window"):
        Settings(window=window)


def test_a_lost_request_stops_those_behind_the_window_alone() -> None:
    net = network(right=4)
    net.left.endpoint.initiate("c0", net.now)
    net.run(1)
    for one in CHILDREN[1:]:
        net.left.endpoint.initiate(one.name, net.now)
    lost: list[Datagram] = []

    def lose_the_first(datagram: Datagram) -> list[tuple[float, Datagram]]:
        if datagram.payload[18] == 36 and not lost:
            lost.append(datagram)
        return [] if lost and datagram.payload == lost[0].payload else [(0.01, datagram)]

    net.filter = lose_the_first
    net.run(0.3)
    assert len(live(net, "left")) == 1 + 3, "ids up to that of the lost one plus 3"
    net.deliver_all()
    net.run(3)
    assert len(live(net, "left")) == len(CHILDREN)


def test_a_second_request_for_the_same_waits_for_the_window_too() -> None:
    """INVALID_KE_PAYLOAD comes while an earlier request is lost: its successor has no room yet."""
    both, one = (KeyExchange.CURVE25519, KeyExchange.SECP256R1), (KeyExchange.SECP256R1,)
    left = [replace(c, proposals=(EspProposal(key_exchange=both),)) for c in CHILDREN[:4]]
    right = [replace(c, proposals=(EspProposal(key_exchange=one),)) for c in CHILDREN[:4]]
    net = Network(
        left_peer(*left),
        right_peer(*(mirrored(c, f"r-{c.name}") for c in right)),
        settings=Settings(window=2),
    )
    net.left.endpoint.initiate("c0", net.now)
    net.run(1)
    lost: list[bytes] = []
    resume = net.now + 0.3

    def lose_the_first(datagram: Datagram) -> list[tuple[float, Datagram]]:
        if datagram.payload[18] == 36 and not lost:
            lost.append(datagram.payload)
        return [] if datagram.payload in lost and net.now < resume else [(0.01, datagram)]

    net.filter = lose_the_first
    flight = Flight(net)
    for child_of_ours in left[1:]:
        net.left.endpoint.initiate(child_of_ours.name, net.now)
    net.run(5)
    assert flight.most == 2
    assert len(live(net, "left")) == len(live(net, "right")) == 4


def test_different_packet_types_are_rekeyed_at_once_and_one_step_by_step() -> None:
    net = network()
    for one in CHILDREN[:4]:
        net.left.endpoint.initiate(one.name, net.now)
    net.run(1)
    flight = Flight(net)
    for spi in live_spis(net.left):
        net.left.endpoint.rekey_child(spi, net.now)
    net.run(0.021)
    assert len(net.left.of(ChildSaEstablished)) == 8, "one round trip for all"
    net.run(2)
    assert flight.most == 4
    assert len(live(net, "left")) == len(live(net, "right")) == 4


@pytest.mark.parametrize("before", [0.0, 0.005, 0.015])
def test_a_rekey_of_the_ike_sa_goes_alone(before: float) -> None:
    """RFC 7296 §2.25.2: what is under way comes to its end first, what comes later waits."""
    net = network()
    net.left.endpoint.initiate("c0", net.now)
    net.run(1)
    for one in CHILDREN[1:4]:
        net.left.endpoint.initiate(one.name, net.now)
    net.run(before)
    old = net.left.one(IkeSaEstablished).initiator_spi
    net.left.endpoint.rekey_peer("right", net.now)
    for one in CHILDREN[4:]:
        net.left.endpoint.initiate(one.name, net.now)
    flight = Flight(net)
    net.run(5)
    assert len(live(net, "left")) == len(live(net, "right")) == len(CHILDREN)
    first, second = net.left.of(IkeSaEstablished)
    assert first.initiator_spi == old
    made_before = net.left.log.index(second)
    assert {e.child for e in net.left.log[:made_before] if isinstance(e, ChildSaEstablished)} == {
        "c0",
        "c1",
        "c2",
        "c3",
    }
    (new,) = net.left.endpoint.ike_sas()
    assert new.initiator_spi == second.initiator_spi
    assert flight.most == 7, "its window is 1 until its first exchange has told more (§2.18)"


def test_the_end_of_the_ike_sa_waits_for_what_is_under_way() -> None:
    net = network()
    net.left.endpoint.initiate("c0", net.now)
    net.run(1)
    for one in CHILDREN[1:4]:
        net.left.endpoint.initiate(one.name, net.now)
    net.run(0.005)
    net.left.endpoint.delete_peer("right", net.now)
    net.run(5)
    for node in (net.left, net.right):
        assert not node.endpoint.ike_sas()
        assert len(node.of(ChildSaEstablished)) == len(node.of(ChildSaDeleted))
        assert len(node.of(IkeSaClosed)) == 1


def test_liveness_is_checked_only_when_nothing_is_under_way() -> None:
    net = network()
    net.left.endpoint.initiate("c0", net.now)
    net.run(1)
    net.filter = lambda d: [] if d.payload[18] == 36 else [(0.01, d)]
    net.left.endpoint.initiate("c1", net.now)
    net.left.endpoint.initiate("c2", net.now)
    sent = len(net.sent)
    net.run(12)
    kinds = {
        d.payload[18] for d in net.sent[sent:] if d.source.address == LEFT and not is_answer(d)
    }
    assert kinds == {36}


def is_answer(datagram: Datagram) -> bool:
    return Header.parse(datagram.payload).is_response


def adversary(window: int = 8) -> Adversary:
    one = Adversary(Endpoint([right_peer()], settings=Settings(window=window)))
    answer = one.establish()
    told = find_notify(answer, NotifyType.SET_WINDOW_SIZE)
    if window == 1:
        assert told is None
    else:
        assert told is not None
        assert told.data == u32(window)
    one.channel._requests.allow(64)
    return one


def requests(one: Adversary, count: int) -> list[Datagram]:
    for _ in range(count):
        one.channel.request(ExchangeType.INFORMATIONAL, (), one.now)
    taken = one.channel.outbox[:]
    one.channel.outbox.clear()
    return taken


class TestResponder:
    @given(st.permutations(range(8)), st.lists(st.integers(0, 7), max_size=8))
    @settings(max_examples=15, deadline=None)
    def test_any_order_is_answered_once_and_repeated_bitwise(
        self, order: list[int], again: list[int]
    ) -> None:
        one = adversary()
        sent = requests(one, 8)
        answers: dict[int, Datagram] = {}
        for number in order:
            one.victim.receive(sent[number], one.now)
            (answers[number],) = one.victim.transmits()
            header = Header.parse(answers[number].payload)
            assert header.message_id == Header.parse(sent[number].payload).message_id
        for number in again:
            one.victim.receive(sent[number], one.now)
            assert one.victim.transmits() == [answers[number]]

    def test_beyond_the_window_nothing_is_answered(self) -> None:
        one = adversary(window=3)
        sent = requests(one, 8)
        for number, answered in [(3, False), (2, True), (3, False), (0, True), (3, True)]:
            one.victim.receive(sent[number], one.now)
            assert bool(one.victim.transmits()) is answered, number
        one.victim.receive(sent[1], one.now)
        assert one.victim.transmits()

    @pytest.mark.parametrize("window", [1, 3])
    def test_as_many_answers_are_kept_as_were_promised(self, window: int) -> None:
        one = adversary(window)
        sent = requests(one, 6)
        for datagram in sent:
            one.victim.receive(datagram, one.now)
            assert one.victim.transmits()
        for number, datagram in enumerate(sent):
            one.victim.receive(datagram, one.now)
            assert bool(one.victim.transmits()) is (number >= 6 - window), number

    def test_the_same_id_with_other_contents_is_no_retransmission(self) -> None:
        one = adversary()
        (first,) = requests(one, 1)
        one.channel._requests.next_id -= 1
        (second,) = requests(one, 1)
        assert first.payload != second.payload, "another IV"
        one.victim.receive(first, one.now)
        assert one.victim.transmits()
        one.victim.receive(second, one.now)
        assert not one.victim.transmits()

    def test_the_window_of_half_open_ike_sas_is_1(self) -> None:
        """RFC 7296 §2.3: until the initial exchanges are complete."""
        one = Adversary(Endpoint([right_peer()]))
        one.init()
        one.channel._requests.next_id += 1
        assert one.exchange(ExchangeType.IKE_AUTH, one.auth_request()) is None
        one.channel._requests.next_id -= 2
        assert one.exchange(ExchangeType.IKE_AUTH, one.auth_request())

    def test_an_ike_sa_is_not_rekeyed_while_earlier_requests_are_missing(self) -> None:
        """They may be about CHILD_SAs that the new one takes along (§2.25.2)."""
        from ike.exchanges import rekey_ike_sa

        one = adversary()
        one.channel._requests.next_id += 1
        rekey = rekey_ike_sa.build_request(one.offer)
        answer = one.exchange(ExchangeType.CREATE_CHILD_SA, rekey)
        assert answer is not None
        assert find_notify(answer, NotifyType.TEMPORARY_FAILURE)

    @pytest.mark.parametrize("data", [b"", b"\0\0\0", bytes(4), b"\xff" * 4, bytes(5)])
    def test_any_set_window_size(self, data: bytes) -> None:
        one = adversary()
        notify = Notify(NotifyType.SET_WINDOW_SIZE, data, ProtocolId.NONE)
        assert one.exchange(ExchangeType.INFORMATIONAL, [notify]) == ()


class TestReassembly:
    def test_messages_in_any_order_of_their_fragments(self) -> None:
        together = Reassembly()
        parts = [(m, Fragment(33, n, 3, bytes([m, n]), b"")) for m in range(4) for n in (1, 2, 3)]
        random.Random(1).shuffle(parts)
        wholes = [w for m, part in parts if (w := together.add(m, False, part)) is not None]
        assert sorted(w.plaintext for w in wholes) == [bytes([m, 1, m, 2, m, 3]) for m in range(4)]

    def test_what_is_held_of_all_messages_together_is_bounded(self) -> None:
        together = Reassembly()
        chunk = bytes(MAX_HELD // 3)
        for message_id in range(4):
            assert together.add(message_id, False, Fragment(33, 1, 2, chunk, b"")) is None
        assert together.add(0, False, Fragment(33, 2, 2, b"", b"")) is None, "it was dropped"
        whole = together.add(3, False, Fragment(33, 2, 2, b"", b""))
        assert whole is not None
        assert whole.plaintext == chunk


def chaos(seed: int) -> None:
    """Many packet types, everything at once, messages lost, doubled and reordered."""
    rng = random.Random(seed)
    net = network(rng.choice([1, 2, 8]), rng.choice([1, 3, 8]), seed)
    loss, jitter = rng.choice([0.0, 0.1, 0.2]), rng.choice([0.01, 0.3, 1.0])

    def weather(datagram: Datagram) -> list[tuple[float, Datagram]]:
        copies = 0 if rng.random() < loss else rng.choice([1, 1, 1, 2])
        return [(rng.uniform(0.0, jitter), datagram) for _ in range(copies)]

    net.filter = weather
    for _ in range(rng.randrange(4, 10)):
        for _ in range(rng.randrange(1, 6)):
            node, prefix, name = rng.choice([(net.left, "", "right"), (net.right, "r-", "left")])
            what, spis = rng.randrange(12), live_spis(node)
            if what < 6:
                node.endpoint.initiate(f"{prefix}c{rng.randrange(6)}", net.now)
            elif what < 9 and spis:
                node.endpoint.rekey_child(rng.choice(spis), net.now)
            elif what == 9:
                node.endpoint.rekey_peer(name, net.now)
            elif what == 10 and spis:
                node.endpoint.delete_child(rng.choice(spis), net.now)
        net.run(rng.choice([0.0, 0.02, 0.5, 3.0]))
    net.deliver_all()
    settle(net)
    left, right = live(net, "left"), live(net, "right")
    assert {(i, o) for _, i, o in left} == {(o, i) for _, i, o in right}
    names = [name for name, _, _ in left]
    assert len(names) == len(set(names)), "one pair a packet type"
    ids = [
        {(sa.initiator_spi, sa.responder_spi) for sa in node.endpoint.ike_sas()}
        for node in (net.left, net.right)
    ]
    assert ids[0] == ids[1], "no orphaned IKE SA"
    for node in (net.left, net.right):
        keys = [e.key_in.reveal() for e in node.of(ChildSaEstablished)]
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize("seed", range(6))
def test_everything_at_once_over_a_bad_network_ends_in_agreement(seed: int) -> None:
    chaos(seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 400, 100))
def test_more_of_it(first: int) -> None:
    for seed in range(first, first + 100):
        chaos(1000 + seed)
