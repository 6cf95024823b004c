"""Messages in fragments (RFC 7383)."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ike_adversary import Adversary
from ike_network import Network, child, left_peer, mirrored, right_peer
from test_loss import live

from ike.codec.header import Header
from ike.codec.message import Message
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.registry import ExchangeType, NotifyType, PayloadType
from ike.config import Settings
from ike.endpoint import Endpoint
from ike.events import ChildSaEstablished, IkeSaEstablished
from ike.fragments import MAX_FRAGMENTS, Fragment, Reassembly, split
from ike.types import Datagram

SMALL = Settings(fragment_size=120)
ONE = child("one", "10.1.0.0/16", "10.2.0.0/16")
TWO = child("two", "10.3.0.0/16", "10.4.0.0/16")


def fragmented(seed: int = 1, **options: object) -> Network:
    return Network(
        left_peer(ONE, TWO),
        right_peer(mirrored(ONE, "r-one"), mirrored(TWO, "r-two")),
        settings=SMALL,
        seed=seed,
        **options,  # type: ignore[arg-type]  # test data
    )


def is_fragment(datagram: Datagram) -> bool:
    return datagram.payload[16] == PayloadType.SKF


def test_long_messages_go_in_fragments_and_short_ones_whole() -> None:
    network = fragmented()
    network.left.endpoint.initiate("one", network.now)
    network.run(15)
    left, right = network.left.one(ChildSaEstablished), network.right.one(ChildSaEstablished)
    assert left.key_in == right.key_out
    protected = [d for d in network.sent if d.payload[18] != ExchangeType.IKE_SA_INIT]
    auth = [d for d in protected if d.payload[18] == ExchangeType.IKE_AUTH]
    assert all(is_fragment(d) for d in auth)
    assert len(auth) >= 4
    assert all(len(d.payload) <= 120 for d in protected)
    liveness = [d for d in protected if d.payload[18] == ExchangeType.INFORMATIONAL]
    assert liveness
    assert not any(is_fragment(d) for d in liveness)


@pytest.mark.parametrize("size", [70, 71, 72, 80, 100, 225])
def test_any_size(size: int) -> None:
    network = fragmented(right_settings=Settings(fragment_size=size))
    network.left.endpoint.initiate("one", network.now)
    network.run(2)
    assert network.left.one(ChildSaEstablished)
    assert max(
        len(d.payload)
        for d in network.sent
        if d.source.address == network.sent[1].source.address and d.payload[18] != 34
    ) <= max(size, 70)


def test_only_where_both_ends_can() -> None:
    network = fragmented()

    def strip(datagram: Datagram) -> list[tuple[float, Datagram]]:
        if datagram.payload[18] == ExchangeType.IKE_SA_INIT:
            message = Message.parse(datagram.payload)
            kept = tuple(
                p
                for p in message.payloads
                if not isinstance(p, Notify)
                or p.notify_type != NotifyType.IKEV2_FRAGMENTATION_SUPPORTED
            )
            datagram = replace(datagram, payload=replace(message, payloads=kept).serialize())
        return [(0.01, datagram)]

    network.filter = strip
    network.left.endpoint.initiate("one", network.now)
    network.run(0.05)
    assert not any(is_fragment(d) for d in network.sent)


@pytest.mark.parametrize("seed", range(20))
def test_fragments_lost_doubled_and_reordered(seed: int) -> None:
    network = fragmented(seed)
    weather = random.Random(seed)
    network.filter = lambda d: [
        (weather.uniform(0, 0.2), d) for _ in range(weather.choice([0, 1, 1, 1, 1, 1, 1, 2]))
    ]
    network.left.endpoint.initiate("one", network.now)
    network.run(20)
    network.deliver_all()
    network.left.endpoint.initiate("two", network.now)
    network.run(60)
    left, right = live(network, "left"), live(network, "right")
    assert {(i, o) for _, i, o in left} == {(o, i) for _, i, o in right}


def test_a_rekeyed_ike_sa_fragments_too() -> None:
    network = fragmented()
    network.left.endpoint.initiate("one", network.now)
    network.run(2)
    network.left.endpoint.rekey_peer("right", network.now)
    network.run(2)
    network.sent.clear()
    network.left.endpoint.initiate("two", network.now)
    network.run(2)
    assert len(network.left.of(IkeSaEstablished)) == 2
    assert any(is_fragment(d) for d in network.sent)


def test_only_the_first_fragment_calls_for_the_answer_again() -> None:
    """RFC 7383 §2.6.1."""
    network = fragmented()
    network.left.endpoint.initiate("one", network.now)
    network.run(2)
    request = [d for d in network.sent if d.payload[18] == 35 and not d.payload[19] & 0x20]
    answers = [d for d in network.sent if d.payload[18] == 35 and d.payload[19] & 0x20]
    for number, datagram in enumerate(request):
        network.right.endpoint.receive(datagram, network.now)
        assert network.right.endpoint.transmits() == (answers if number == 0 else [])


class Fragmenting(Adversary):
    """Sends its own choice of fragments."""

    def __init__(self) -> None:
        super().__init__(Endpoint([right_peer()]))
        self.channel._fragment_size = 100

    def fragments(self, payloads: list[Payload]) -> list[bytes]:
        self.channel.request(ExchangeType.CREATE_CHILD_SA, payloads, self.now)
        packets = [d.payload for d in self.channel.outbox]
        self.channel.outbox.clear()
        self.channel.forget_request()
        return packets


def test_any_order_is_an_order() -> None:
    for order in itertools.permutations(range(3)):
        adversary = Fragmenting()
        adversary.establish()
        packets = adversary.fragments(adversary.child_request())
        assert len(packets) == 4
        answers = [
            answer for number in (*order, 3) for answer in adversary.send_raw(packets[number])
        ]
        assert len(answers) == 1


def test_forged_and_alien_fragments_are_nothing() -> None:
    """The ICV is checked before anything is kept."""
    adversary = Fragmenting()
    adversary.establish()
    packets = adversary.fragments(adversary.child_request())
    for position in (32, 33, 34, 35, 40, 60):
        bad = bytearray(packets[1])
        bad[position] ^= 1
        assert not adversary.send_raw(bytes(bad))
    answers = [a for packet in packets for a in adversary.send_raw(packet)]
    assert len(answers) == 1


def test_unknown_payloads_beside_a_fragment() -> None:
    """CVE-2026-12413: what stands unprotected before an SKF payload is passed over."""
    adversary = Fragmenting()
    adversary.establish()
    packet = adversary.fragments(adversary.child_request())[0]
    header = Header.parse(packet)
    extra = bytes([PayloadType.SKF, 0x80, 0, 6, 1, 2])
    changed = replace(header, next_payload=200, length=len(packet) + 6).serialize()
    assert not adversary.send_raw(changed + extra + packet[28:])
    assert len(adversary.victim.ike_sas()) == 1


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2), st.booleans(), st.integers(1, 6), st.integers(1, 6), st.binary()
        ),
        max_size=40,
    )
)
def test_any_fragments_in_any_order(
    given_fragments: list[tuple[int, bool, int, int, bytes]],
) -> None:
    reassembly = Reassembly()
    for message_id, is_response, number, total, chunk in given_fragments:
        if number <= total:
            fragment = Fragment(33, number, total, chunk, b"packet")
            whole = reassembly.add(message_id, is_response, fragment)
            assert whole is None or len(whole.plaintext) >= 0


@given(st.binary(min_size=1, max_size=500), st.integers(4, 100), st.randoms())
def test_what_is_split_is_put_together(data: bytes, size: int, rng: random.Random) -> None:
    chunks = split(data, size)
    order = list(enumerate(chunks, 1))
    rng.shuffle(order)
    reassembly = Reassembly()
    wholes = [
        reassembly.add(7, False, Fragment(33, number, len(chunks), chunk, b""))
        for number, chunk in order
    ]
    assert [w.plaintext for w in wholes if w is not None] == [data]
    assert wholes[-1] is not None


def test_memory_is_bounded() -> None:
    reassembly = Reassembly()
    assert reassembly.add(1, False, Fragment(33, 1, MAX_FRAGMENTS + 1, b"", b"")) is None
    big = bytes(40_000)
    assert reassembly.add(1, False, Fragment(33, 1, 3, big, b"")) is None
    assert reassembly.add(1, False, Fragment(33, 2, 3, big, b"")) is None
    assert reassembly.add(1, False, Fragment(33, 3, 3, b"", b"")) is None
    with pytest.raises(ValueError, match="128"):
        split(bytes(129), 1)


def test_smaller_fragments_start_afresh_and_larger_ones_come_too_late() -> None:
    """RFC 7383 §2.6: the peer has found out that its fragments are too long."""
    reassembly = Reassembly()
    old = [Fragment(33, n, 2, bytes([n]), b"") for n in (1, 2)]
    new = [Fragment(33, n, 3, bytes([16 + n]), b"") for n in (1, 2, 3)]
    assert reassembly.add(1, False, old[0]) is None
    assert reassembly.add(1, False, new[0]) is None
    assert reassembly.add(1, False, old[1]) is None
    assert reassembly.add(1, False, new[2]) is None
    whole = reassembly.add(1, False, new[1])
    assert whole is not None
    assert whole.plaintext == bytes([17, 18, 19])
