"""Transport mode (RFC 7296 §1.3.1, §2.23.1)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ike_adversary import Adversary
from ike_network import LEFT, RIGHT, Network, child, left_peer, mirrored, right_peer
from test_nat import Nat
from test_rekey import live_spis

from ike.codec.chain import find_notify
from ike.codec.notify import Notify
from ike.codec.registry import ExchangeType, NotifyType
from ike.config import ChildConfig, Mode
from ike.endpoint import Endpoint
from ike.events import AttemptFailed, ChildSaEstablished, FailureReason, PeerRefused

TUNNEL = child("one", f"{LEFT}/32", f"{RIGHT}/32")
TRANSPORT = replace(TUNNEL, mode=Mode.TRANSPORT)
REQUIRED = replace(TRANSPORT, mode_required=True)
FURTHER = child("two", "10.1.0.0/16", "10.2.0.0/16")


def negotiate(left: ChildConfig, right: ChildConfig, first: str = "one") -> Network:
    """Make the CHILD_SA in IKE_AUTH, or with `first` "two" in CREATE_CHILD_SA."""
    network = Network(
        left_peer(left, FURTHER), right_peer(mirrored(right, "r"), mirrored(FURTHER, "r-two"))
    )
    for name in dict.fromkeys((first, "one")):
        network.left.endpoint.initiate(name, network.now)
        network.run(1)
    return network


def modes(network: Network) -> list[list[Mode]]:
    return [
        [e.mode for e in node.of(ChildSaEstablished) if e.child in ("one", "r")]
        for node in (network.left, network.right)
    ]


@pytest.mark.parametrize("first", ["one", "two"])
@pytest.mark.parametrize(
    ("left", "right", "agreed"),
    [
        (TRANSPORT, TRANSPORT, Mode.TRANSPORT),
        (REQUIRED, REQUIRED, Mode.TRANSPORT),
        (TRANSPORT, TUNNEL, Mode.TUNNEL),  # declined: the answer has no USE_TRANSPORT_MODE
        (TUNNEL, TRANSPORT, Mode.TUNNEL),  # not asked for
        (TUNNEL, TUNNEL, Mode.TUNNEL),
    ],
)
def test_both_ends_agree(left: ChildConfig, right: ChildConfig, agreed: Mode, first: str) -> None:
    network = negotiate(left, right, first)
    assert modes(network) == [[agreed], [agreed]]
    for node in (network.left, network.right):
        (sa,) = node.endpoint.ike_sas()
        assert agreed in [c.mode for c in sa.children]


@pytest.mark.parametrize("first", ["one", "two"])
def test_an_initiator_that_requires_it_deletes_what_is_none(first: str) -> None:
    """§1.3.1: if tunnel mode is unacceptable to the initiator, it deletes the SA."""
    network = negotiate(REQUIRED, TUNNEL, first)
    failed = network.left.one(AttemptFailed)
    assert failed.reason is FailureReason.REFUSED
    assert "the peer chose tunnel mode, transport mode is required" in failed.detail
    assert modes(network)[0] == []
    names = [c.child for c in network.right.endpoint.ike_sas()[0].children]
    assert names == (["r-two"] if first == "two" else [])


@pytest.mark.parametrize("first", ["one", "two"])
def test_a_responder_that_requires_it_refuses_what_is_none(first: str) -> None:
    network = negotiate(TUNNEL, REQUIRED, first)
    assert network.left.one(AttemptFailed).reason is FailureReason.NO_PROPOSAL_CHOSEN
    assert "transport mode is required" in network.right.one(PeerRefused).detail
    assert modes(network) == [[], []]


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_rekeyed_one_is_in_transport_mode_too(side: str) -> None:
    network = negotiate(TRANSPORT, TRANSPORT)
    node = network.left if side == "left" else network.right
    node.endpoint.rekey_child(live_spis(node)[0], network.now)
    network.run(1)
    assert modes(network) == [[Mode.TRANSPORT] * 2] * 2


@pytest.mark.parametrize("first", ["one", "two"])
def test_a_nat_makes_it_tunnel_mode(first: str) -> None:
    """§2.23.1 asks for addresses and checksums to be put right; we don't do that."""
    network = Network(
        left_peer(TRANSPORT, FURTHER),
        right_peer(mirrored(TRANSPORT, "r"), mirrored(FURTHER, "r-two")),
    )
    Nat(network)
    for name in dict.fromkeys((first, "one")):
        network.left.endpoint.initiate(name, network.now)
        network.run(1)
    assert modes(network) == [[Mode.TUNNEL], [Mode.TUNNEL]]


def test_a_nat_leaves_nothing_where_it_is_required() -> None:
    network = Network(left_peer(REQUIRED), right_peer(mirrored(TRANSPORT, "r")))
    Nat(network)
    network.left.endpoint.initiate("one", network.now)
    network.run(2)
    assert "NAT" in network.left.one(AttemptFailed).detail
    assert not network.right.endpoint.ike_sas()[0].children


def test_a_peer_that_asks_for_it_unconfigured_gets_tunnel_mode() -> None:
    adversary = Adversary(Endpoint([right_peer()]))
    adversary.establish()
    notify = Notify(NotifyType.USE_TRANSPORT_MODE)
    answer = adversary.exchange(ExchangeType.CREATE_CHILD_SA, [notify, *adversary.child_request()])
    assert answer is not None
    assert find_notify(answer, NotifyType.USE_TRANSPORT_MODE) is None
    made = [e for e in adversary.victim.events() if isinstance(e, ChildSaEstablished)]
    assert [e.mode for e in made] == [Mode.TUNNEL] * 2


@pytest.mark.parametrize(
    "wrong", [child("one", "10.1.0.0/16", f"{RIGHT}/32"), child("one", f"{LEFT}/32", "10.2.0.1/32")]
)
def test_it_is_for_the_peers_own_addresses(wrong: ChildConfig) -> None:
    with pytest.raises(ValueError, match="transport mode"):
        Endpoint([left_peer(replace(wrong, mode=Mode.TRANSPORT))])
