"""`set_peers`: what the new configuration leaves unchanged lives on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ike_network import Network, child, left_peer, mirrored, right_peer, selector
from test_loss import live

from ike.config import IkeProposal, PeerConfig, PresharedKey, Prf
from ike.endpoint import Endpoint
from ike.events import (
    AttemptFailed,
    ChildSaDeleted,
    ChildSaEstablished,
    DeletionReason,
    FailureReason,
    IkeSaClosed,
)
from ike.types import Identity, Secret

ONE = child("one", "10.1.0.0/16", "10.2.0.0/16")
TWO = child("two", "10.3.0.0/16", "10.4.0.0/16")


def both() -> Network:
    network = Network(
        left_peer(ONE, TWO), right_peer(mirrored(ONE, "r-one"), mirrored(TWO, "r-two"))
    )
    for name in ("one", "two"):
        network.left.endpoint.initiate(name, network.now)
    network.run(2)
    assert len(network.left.of(ChildSaEstablished)) == 2
    return network


def test_the_same_again_changes_nothing() -> None:
    network = both()
    before = len(network.sent)
    network.left.endpoint.set_peers([left_peer(ONE, TWO)], network.now)
    network.collect()
    assert len(network.sent) == before
    assert not network.left.of(ChildSaDeleted)


@pytest.mark.parametrize(
    "two",
    [None, replace(TWO, local_selectors=ONE.local_selectors), replace(TWO, lifetime=5.0)],
)
def test_a_child_removed_or_changed(two: object) -> None:
    network = both()
    children = (ONE,) if two is None else (ONE, two)
    network.left.endpoint.set_peers([left_peer(*children)], network.now)  # type: ignore[arg-type]  # children
    network.run(2)
    deleted = network.left.one(ChildSaDeleted)
    assert (deleted.child, deleted.reason) == ("two", DeletionReason.RECONFIGURED)
    assert network.right.one(ChildSaDeleted).child == "r-two"
    assert not network.left.of(IkeSaClosed)
    assert [name for name, _, _ in live(network, "left")] == ["one"]


@pytest.mark.parametrize(
    "change",
    [
        {"local_authentication": PresharedKey(Secret(b"another"))},
        {"remote_authentication": PresharedKey(Secret(b"another"))},
        {"local_identity": Identity.from_text("new.example")},
        {"proposals": (IkeProposal(prf=(Prf.HMAC_SHA2_512,)),)},
    ],
)
def test_a_peer_changed(change: dict[str, object]) -> None:
    network = both()
    changed = replace(left_peer(ONE, TWO), **change)  # type: ignore[arg-type]  # test data
    network.left.endpoint.set_peers([changed], network.now)
    network.run(2)
    assert network.left.one(IkeSaClosed).reason is DeletionReason.RECONFIGURED
    assert network.right.one(IkeSaClosed).reason is DeletionReason.PEER
    assert not live(network, "left")
    assert not live(network, "right")


@pytest.mark.parametrize("change", [{"lifetime": 7.0}, {"liveness_interval": 0.0}])
def test_timers_changed_leave_the_ike_sa_up(change: dict[str, float]) -> None:
    network = both()
    changed: PeerConfig = replace(left_peer(ONE, TWO), **change)
    network.left.endpoint.set_peers([changed], network.now)
    network.run(1)
    assert not network.left.of(IkeSaClosed)


def test_a_peer_removed_and_another_added() -> None:
    network = both()
    other = replace(left_peer(), name="other")
    network.left.endpoint.set_peers([other], network.now)
    network.run(2)
    assert network.left.one(IkeSaClosed).peer == "right"
    network.left.endpoint.initiate("net", network.now)
    with pytest.raises(KeyError):
        network.left.endpoint.initiate("one", network.now)
    network.run(2)
    assert network.left.of(ChildSaEstablished)[-1].peer == "other"


@pytest.mark.parametrize("after", [0.0, 0.005, 0.015, 0.025, 0.035])
def test_in_the_middle_of_an_attempt(after: float) -> None:
    network = Network()
    network.left.endpoint.initiate("net", network.now)
    network.run(after)
    network.left.endpoint.set_peers([], network.now)
    network.right.endpoint.set_peers([right_peer()], network.now)
    network.run(60)
    assert network.left.one(AttemptFailed).reason is FailureReason.CANCELLED
    assert not network.left.of(ChildSaEstablished)
    assert not network.left.endpoint.ike_sas()
    assert network.left.endpoint.next_deadline() is None


@pytest.mark.parametrize("after", [0.0, 0.005, 0.015, 0.025, 0.035])
@pytest.mark.parametrize("first", [True, False])
def test_wanted_in_another_way_in_the_middle_of_an_attempt(first: bool, after: float) -> None:
    """What is on its way for the old configuration is not taken for the new one."""
    new = replace(TWO, remote_selectors=(selector("10.4.1.0/24"),))
    network = Network(
        left_peer(ONE, TWO), right_peer(mirrored(ONE, "r-one"), mirrored(TWO, "r-two"))
    )
    if not first:
        network.left.endpoint.initiate("one", network.now)
        network.run()
    network.left.endpoint.initiate("two", network.now)
    network.run(after)
    network.left.endpoint.set_peers([left_peer(ONE, new)], network.now)
    network.left.endpoint.initiate("two", network.now)
    network.run(60)
    (made,) = [e for e in network.left.of(ChildSaEstablished) if e.child == "two"][-1:]
    assert made.remote_selectors == new.remote_selectors
    held = [c for sa in network.right.endpoint.ike_sas() for c in sa.children if c.child == "r-two"]
    assert [c.spi_out for c in held] == [made.spi_in]


@pytest.mark.parametrize("keep", [True, False])
def test_in_the_middle_of_a_peers_attempt(keep: bool) -> None:
    network = Network()
    network.left.endpoint.initiate("net", network.now)
    network.run(0.025)
    network.right.endpoint.set_peers([right_peer()] if keep else [], network.now)
    network.run(60)
    assert bool(network.left.of(ChildSaEstablished)) is keep
    assert bool(network.right.of(ChildSaEstablished)) is keep
    if not keep:
        assert network.left.one(AttemptFailed).reason is FailureReason.NO_ANSWER


def test_names_must_be_unique_and_nothing_is_half_applied() -> None:
    with pytest.raises(ValueError, match="right"):
        Endpoint([left_peer(), left_peer(ONE)])
    with pytest.raises(ValueError, match="one"):
        Endpoint([left_peer(ONE, ONE)])
    network = both()
    with pytest.raises(ValueError, match="net"):
        network.left.endpoint.set_peers(
            [left_peer(), replace(left_peer(), name="other")], network.now
        )
    network.run(1)
    assert len(live(network, "left")) == 2


@pytest.mark.parametrize(
    "bad",
    [
        replace(left_peer(), proposals=()),
        replace(left_peer(), proposals=(IkeProposal(key_exchange=()),)),
        left_peer(replace(ONE, proposals=())),
        left_peer(replace(ONE, local_selectors=())),
        left_peer(replace(ONE, remote_selectors=ONE.remote_selectors * 65)),
    ],
)
def test_what_cannot_be_proposed_is_refused(bad: PeerConfig) -> None:
    with pytest.raises(ValueError, match=r"proposes nothing|selectors"):
        Endpoint([bad])


def test_reserved_spis_are_never_allocated() -> None:
    """Manual and adopted SAs keep theirs."""
    spis = []
    for _ in range(3):
        network = Network()
        network.left.endpoint.reserve_spis(spis)
        network.left.endpoint.initiate("net", network.now)
        network.run(2)
        spis.append(network.left.one(ChildSaEstablished).spi_in)
    assert len(set(spis)) == 3, "the same randomness, but what is taken is passed over"


def test_reserved_numbers_are_no_spis() -> None:
    """RFC 4303 §2.1: 0 to 255."""
    network = Network()
    drawn = iter([0, 1, 255, 256])

    def low(length: int) -> bytes:
        if length == 4 and (spi := next(drawn, None)) is not None:
            return spi.to_bytes(4, "big")
        return network.random.randbytes(length)

    network.left.endpoint = Endpoint([left_peer()], random_bytes=low)
    network.left.endpoint.initiate("net", network.now)
    network.run(2)
    assert network.left.one(ChildSaEstablished).spi_in == 256
