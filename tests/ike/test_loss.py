"""Loss, duplicates and reordering; retransmission and its end (RFC 7296 §2.1, §2.4)."""

from __future__ import annotations

import random

import pytest
from ike_network import Network, child, left_peer, mirrored, right_peer

from ike.config import Retransmission
from ike.events import (
    AttemptFailed,
    ChildSaDeleted,
    ChildSaEstablished,
    DeletionReason,
    FailureReason,
    IkeSaClosed,
)
from ike.types import Datagram

ONE = child("one", "10.1.0.0/16", "10.2.0.0/16")
TWO = child("two", "10.3.0.0/16", "10.4.0.0/16")


def test_nobody_answers() -> None:
    network = Network()
    network.drop_all()
    network.left.endpoint.initiate("net", network.now)
    begun = network.now
    network.run(60)
    failed = network.left.one(AttemptFailed)
    assert failed.reason is FailureReason.NO_ANSWER
    assert "192.0.2.2:500" in failed.detail
    assert len(network.sent) == Retransmission().tries
    assert len({d.payload for d in network.sent}) == 1, "retransmissions are bitwise identical"
    assert network.left.endpoint.next_deadline() is None
    network.left.endpoint.initiate("net", network.now)
    network.deliver_all()
    network.run()
    assert network.left.one(ChildSaEstablished)
    assert network.now > begun


def test_ike_auth_is_not_answered() -> None:
    network = Network()
    network.filter = lambda d: [(0.01, d)] if d.payload[18] == 34 else []
    network.left.endpoint.initiate("net", network.now)
    network.run(60)
    failed = network.left.one(AttemptFailed)
    assert failed.reason is FailureReason.NO_ANSWER
    assert "IKE_AUTH" in failed.detail
    assert not network.right.log
    assert not network.right.endpoint.ike_sas(), "the half-open IKE SA has expired"


def test_back_off_grows_to_the_maximum() -> None:
    network = Network()
    network.drop_all()
    network.left.endpoint.initiate("net", network.now)
    times: list[float] = []
    for _ in range(20):
        deadline = network.left.endpoint.next_deadline()
        if deadline is None:
            break
        times.append(deadline)
        network.left.endpoint.advance(deadline)
    gaps = [b - a for a, b in zip([network.now, *times], times, strict=False)]
    assert gaps == pytest.approx([0.5, 0.9, 1.62, 2.916, 5.2488, 8.0, 8.0])


@pytest.mark.parametrize("lost", range(4))
def test_any_one_message_lost(lost: int) -> None:
    network = Network()
    count = iter(range(1000))
    network.filter = lambda d: [] if next(count) == lost else [(0.01, d)]
    network.left.endpoint.initiate("net", network.now)
    network.run(10)
    assert (
        network.left.one(ChildSaEstablished).key_in == network.right.one(ChildSaEstablished).key_out
    )


@pytest.mark.parametrize("seed", range(40))
def test_a_bad_network_ends_in_agreement(seed: int) -> None:
    """Whatever is lost, doubled or reordered: both ends have the same CHILD_SAs at the end."""
    network = Network(
        left_peer(ONE, TWO), right_peer(mirrored(ONE, "r-one"), mirrored(TWO, "r-two")), seed=seed
    )
    weather = random.Random(seed)

    def bad(datagram: Datagram) -> list[tuple[float, Datagram]]:
        copies = weather.choice([0, 1, 1, 1, 2])
        return [(weather.uniform(0.0, 1.5), datagram) for _ in range(copies)]

    network.filter = bad
    network.left.endpoint.initiate("one", network.now)
    network.right.endpoint.initiate("r-two", network.now)
    network.run(weather.uniform(0, 3))
    network.left.endpoint.initiate("two", network.now)
    network.right.endpoint.initiate("r-one", network.now)
    network.run(30)
    network.deliver_all()
    network.run(60)
    left, right = live(network, "left"), live(network, "right")
    assert {(i, o) for _, i, o in left} == {(o, i) for _, i, o in right}
    names = [name for name, _, _ in left]
    nodes = (network.left, network.right)
    gave_up = any(
        e.reason is DeletionReason.LIVENESS for node in nodes for e in node.of(IkeSaClosed)
    )
    if not gave_up and not any(node.of(AttemptFailed) for node in nodes):
        assert set(names) == {"one", "two"}
    assert len(names) == len(set(names)), "one pair of SAs a packet type"


def live(network: Network, side: str) -> list[tuple[str, int, int]]:
    node = network.left if side == "left" else network.right
    made = {e.spi_in: e for e in node.of(ChildSaEstablished)}
    for event in node.of(ChildSaDeleted):
        del made[event.spi_in]
    shown = {c.spi_in for sa in node.endpoint.ike_sas() for c in sa.children}
    assert shown == set(made), "events and the table agree"
    return [(e.child, e.spi_in, e.spi_out) for e in made.values()]


def test_silence_of_the_peer_ends_everything() -> None:
    """PM-5 needs it: a peer that reboots without a Delete must be noticed (RFC 7296 §2.4)."""
    network = Network()
    network.left.endpoint.initiate("net", network.now)
    network.run()
    network.drop_all()
    network.run(60)
    for node in (network.left, network.right):
        assert node.one(ChildSaDeleted).reason is DeletionReason.LIVENESS
        assert node.one(IkeSaClosed).reason is DeletionReason.LIVENESS
        assert not node.endpoint.ike_sas()


def test_liveness_is_asked_for_only_when_idle() -> None:
    network = Network()
    network.left.endpoint.initiate("net", network.now)
    network.run(1)
    before = len(network.sent)
    nodes = (network.left, network.right)
    for _ in range(60):
        network.run(1)
        for node in nodes:
            node.endpoint.note_inbound_traffic(node.one(ChildSaEstablished).spi_in, network.now)
    assert len(network.sent) == before
    network.run(25)
    assert len(network.sent) > before
    assert not network.left.of(ChildSaDeleted)
