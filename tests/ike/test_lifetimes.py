"""Lifetimes in bytes and packets (RFC 4301 §4.4.2.1), and the end of numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ike_network import Network, child, left_peer, mirrored, right_peer
from test_rekey import agree, live_spis

from ike.config import EspProposal, Settings
from ike.events import ChildSaDeleted, ChildSaEstablished, DeletionReason, IkeSaEstablished

LAST = 2**32 - 1


def established(
    settings: Settings | None = None, right: dict[str, object] | None = None, **options: object
) -> Network:
    one = child("one", "10.1.0.0/16", "10.2.0.0/16", lifetime=0.0, **options)
    other = replace(mirrored(one, "r-one"), **(right or {}))  # type: ignore[arg-type]  # what fits
    network = Network(left_peer(one), right_peer(other), settings=settings)
    network.left.endpoint.initiate("one", network.now)
    network.run(1)
    return network


def use(network: Network, octets: int, packets: int, side: str = "left") -> None:
    """Say what the newest pair has carried."""
    node = network.left if side == "left" else network.right
    node.endpoint.note_usage(live_spis(node)[-1], octets, packets, network.now)
    network.run(1)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(
    ("options", "little", "much"),
    [
        ({"lifetime_bytes": 10_000}, (8_999, 10**6), (10_000, 1)),
        ({"lifetime_packets": 10_000}, (10**12, 8_999), (1, 10_000)),
        ({"lifetime_bytes": 10_000, "lifetime_packets": 5}, (1_000, 4), (1_000, 5)),
        ({}, (2**63, 3_000_000_000), (1, LAST - 300_000_000)),
    ],
)
def test_the_soft_limit_rekeys_make_before_break(
    options: dict[str, object], little: tuple[int, int], much: tuple[int, int], side: str
) -> None:
    network = established(**options)
    use(network, *little, side)
    assert len(network.left.of(ChildSaEstablished)) == 1
    use(network, *much, side)
    first, second = network.left.of(ChildSaEstablished)
    assert second.replaces == first.spi_in
    assert network.left.one(ChildSaDeleted).reason is DeletionReason.REPLACED
    agree(network, "one")
    use(network, *little, side)
    assert len(network.left.of(ChildSaEstablished)) == 2, "the new one begins from nothing"


def test_both_ends_at_once() -> None:
    network = established(lifetime_bytes=1000)
    for node in (network.left, network.right):
        node.endpoint.note_usage(live_spis(node)[0], 1000, 1, network.now)
    network.run(60)
    agree(network, "one")


def test_jitter_keeps_sas_apart() -> None:
    rekeyed = set()
    for seed in range(6):
        network = Network(
            left_peer(child("one", "10.1.0.0/16", "10.2.0.0/16", lifetime_bytes=1000)),
            right_peer(child("r", "10.2.0.0/16", "10.1.0.0/16")),
            seed=seed,
        )
        network.left.endpoint.initiate("one", network.now)
        network.run(1)
        for octets in range(890, 1001):
            network.left.endpoint.note_usage(live_spis(network.left)[0], octets, 1, network.now)
            if network.left.endpoint.transmits():
                rekeyed.add(octets)
                break
    assert len(rekeyed) > 3
    assert 900 <= min(rekeyed) <= max(rekeyed) <= 1000


def unable_to_rekey(**options: object) -> Network:
    """The first CHILD_SA needs no key exchange of its own; the rekeys can't agree on one."""
    from ike.config import KeyExchange

    left, right = (
        (EspProposal(key_exchange=(m,)),) for m in (KeyExchange.CURVE25519, KeyExchange.SECP256R1)
    )
    return established(proposals=left, right={"proposals": right}, **options)


@pytest.mark.parametrize(
    ("options", "soft", "just_less", "hard"),
    [
        ({"lifetime_bytes": 1000}, (1000, 1), (1099, 1), (1100, 1)),
        ({"lifetime_packets": 1000}, (1, 1000), (1, 1099), (1, 1100)),
        ({}, (1, LAST - 300_000_000), (1, LAST - 2), (1, LAST)),
    ],
)
def test_the_hard_limit_ends_what_could_not_be_rekeyed(
    options: dict[str, object],
    soft: tuple[int, int],
    just_less: tuple[int, int],
    hard: tuple[int, int],
) -> None:
    network = unable_to_rekey(**options)
    use(network, *soft)
    rekeys = sum(d.payload[18] == 36 for d in network.sent)
    assert rekeys >= 2, "tried, and refused"
    use(network, *soft)
    assert sum(d.payload[18] == 36 for d in network.sent) == rekeys, "not at every report"
    network.run(20)
    assert sum(d.payload[18] == 36 for d in network.sent) > rekeys, "but again after a while"
    use(network, *just_less)
    assert not network.left.of(ChildSaDeleted)
    use(network, *hard)
    assert network.left.one(ChildSaDeleted).reason is DeletionReason.EXPIRED
    assert network.right.one(ChildSaDeleted).reason is DeletionReason.PEER


def test_extended_sequence_numbers_last_longer() -> None:
    """RFC 4303 §2.2.1."""
    network = established(proposals=(EspProposal(extended_sequence_numbers=(True,)),))
    use(network, 1, 2**63)
    assert len(network.left.of(ChildSaEstablished)) == 1
    use(network, 1, 2**64 - 2**60)
    assert len(network.left.of(ChildSaEstablished)) == 2


def test_usage_of_what_is_not_there() -> None:
    network = established()
    network.left.endpoint.note_usage(0x1234, 2**40, 2**40, network.now)
    network.run(1)
    assert len(network.left.of(ChildSaEstablished)) == 1


def test_an_ike_sa_is_rekeyed_before_its_message_ids_run_out() -> None:
    """RFC 7296 §2.2."""
    network = established()
    for node in (network.left, network.right):
        (sa,) = vars(node.endpoint)["_sas"]
        for window, name in (("_requests", "next_id"), ("_responses", "expected_id")):
            there = vars(sa.channel)[window]
            setattr(there, name, getattr(there, name) + 2**31)
    network.run(60)
    assert len(network.left.of(IkeSaEstablished)) == 2
    agree(network, "one")
