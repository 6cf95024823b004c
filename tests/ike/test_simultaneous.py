"""Both ends begin at once: one pair of SAs a packet type (RFC 7296 §2.8.1's rule)."""

from __future__ import annotations

import itertools

import pytest
from ike_network import LEFT, RIGHT, Network, child, left_peer, mirrored, right_peer
from test_loss import live

from ike.codec.header import Header
from ike.events import (
    AttemptFailed,
    ChildSaDeleted,
    ChildSaEstablished,
    DeletionReason,
    IkeSaEstablished,
)
from ike.types import Datagram

ONE = child("one", "10.1.0.0/16", "10.2.0.0/16")
TWO = child("two", "10.3.0.0/16", "10.4.0.0/16")


def both() -> tuple[object, object]:
    return left_peer(ONE, TWO), right_peer(mirrored(ONE, "r-one"), mirrored(TWO, "r-two"))


def check(network: Network, *names: str) -> None:
    left, right = live(network, "left"), live(network, "right")
    assert sorted(name for name, _, _ in left) == sorted(names)
    assert {(i, o) for _, i, o in left} == {(o, i) for _, i, o in right}
    assert not network.left.of(AttemptFailed)
    assert not network.right.of(AttemptFailed)


@pytest.mark.parametrize("seed", range(10))
def test_the_same_packet_type_at_the_same_instant(seed: int) -> None:
    network = Network(*both(), seed=seed)
    network.left.endpoint.initiate("one", network.now)
    network.right.endpoint.initiate("r-one", network.now)
    network.run(60)
    check(network, "one")
    reasons = {e.reason for n in (network.left, network.right) for e in n.of(ChildSaDeleted)}
    assert reasons <= {DeletionReason.DUPLICATE, DeletionReason.PEER}


@pytest.mark.parametrize("gap", [0.0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.1])
def test_a_little_later(gap: float) -> None:
    network = Network(*both())
    network.left.endpoint.initiate("one", network.now)
    network.run(gap)
    network.right.endpoint.initiate("r-one", network.now)
    network.run(60)
    check(network, "one")


@pytest.mark.parametrize("gap", [0.0, 0.005, 0.015, 0.025, 0.035])
def test_different_packet_types(gap: float) -> None:
    network = Network(*both())
    network.left.endpoint.initiate("one", network.now)
    network.run(gap)
    network.right.endpoint.initiate("r-two", network.now)
    network.run(60)
    check(network, "one", "two")


@pytest.mark.parametrize("seed", range(4))
def test_two_packet_types_each(seed: int) -> None:
    network = Network(*both(), seed=seed)
    for name in ("one", "two"):
        network.left.endpoint.initiate(name, network.now)
        network.right.endpoint.initiate(f"r-{name}", network.now)
    network.run(60)
    check(network, "one", "two")


@pytest.mark.parametrize("seed", range(10))
def test_a_further_child_at_the_same_instant(seed: int) -> None:
    network = Network(*both(), seed=seed)
    network.left.endpoint.initiate("one", network.now)
    network.run()
    network.left.endpoint.initiate("two", network.now)
    network.right.endpoint.initiate("r-two", network.now)
    network.run(60)
    check(network, "one", "two")
    assert len(network.left.of(IkeSaEstablished)) == 1


@pytest.mark.parametrize(
    ("slow", "seed"), list(itertools.product(range(8), range(3))), ids=lambda v: str(v)
)
def test_any_one_message_late(slow: int, seed: int) -> None:
    """One message of the two exchanges arrives 300 ms late, all others at once."""
    network = Network(*both(), seed=seed)
    count = itertools.count()

    def delay(datagram: Datagram) -> list[tuple[float, Datagram]]:
        return [(0.3 if next(count) == slow else 0.01, datagram)]

    network.filter = delay
    network.left.endpoint.initiate("one", network.now)
    network.right.endpoint.initiate("r-one", network.now)
    network.run(60)
    check(network, "one")


@pytest.mark.parametrize("seed", range(4))
def test_the_redundant_ike_sa_is_rekeyed(seed: int) -> None:
    """Only the one that takes its place can be redundant: the old one is the peer's to delete."""
    network = Network(*both(), seed=seed)
    network.left.endpoint.initiate("one", network.now)
    network.right.endpoint.initiate("r-two", network.now)
    network.run(1)
    network.filter = lambda d: [(0.02 if Header.parse(d.payload).is_response else 0.001, d)]
    network.right.endpoint.rekey_peer("left", network.now)
    network.run(60)
    check(network, "one", "two")
    for node in (network.left, network.right):
        assert not node.of(ChildSaDeleted)


def test_our_unanswered_attempt_is_satisfied_by_the_peers() -> None:
    """While our IKE_SA_INIT goes nowhere, the peer's attempt succeeds."""
    network = Network(*both())
    network.filter = lambda d: (
        [] if d.source.address == LEFT and d.payload[8:16] == bytes(8) else [(0.01, d)]
    )
    for name in ("one", "two"):
        network.left.endpoint.initiate(name, network.now)
    network.run(1)
    network.right.endpoint.initiate("r-one", network.now)
    network.run(60)
    check(network, "one", "two")
    assert network.left.one(IkeSaEstablished)
    assert network.nodes[RIGHT].one(IkeSaEstablished)


def test_initial_contact_ends_what_the_peer_has_forgotten() -> None:
    """RFC 7296 §2.4: the peer has rebooted, and says so."""
    network = Network(*both())
    network.left.endpoint.initiate("one", network.now)
    network.run(2)
    old = network.left.one(ChildSaEstablished)
    network.restart(RIGHT, both()[1])
    network.right.endpoint.initiate("r-one", network.now)
    network.run(2)
    deleted = network.left.one(ChildSaDeleted)
    assert (deleted.spi_in, deleted.reason) == (old.spi_in, DeletionReason.INITIAL_CONTACT)
    assert len(live(network, "left")) == 1
    assert len(network.left.of(ChildSaEstablished)) == 2


def test_no_initial_contact_while_we_have_an_ike_sa() -> None:
    network = Network(*both())
    network.left.endpoint.initiate("one", network.now)
    network.run(2)
    network.left.endpoint.initiate("two", network.now)
    network.run(2)
    check(network, "one", "two")


def test_the_peer_reboots_and_we_have_something_new_to_say() -> None:
    """A CREATE_CHILD_SA to a peer that has lost its state: a new IKE SA is begun by itself."""
    network = Network(*both())
    network.left.endpoint.initiate("one", network.now)
    network.run(2)
    network.restart(RIGHT, both()[1])
    network.left.endpoint.initiate("two", network.now)
    network.run(60)
    assert network.left.one(ChildSaDeleted).reason is DeletionReason.LIVENESS
    assert [name for name, _, _ in live(network, "left")] == ["two"]
    assert not network.left.of(AttemptFailed)
