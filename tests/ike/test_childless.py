"""IKE SAs without a CHILD_SA (RFC 6023)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ike_network import LEFT, Network, child, left_peer, mirrored, right_peer
from test_loss import live

from ike.codec.chain import find_notify
from ike.codec.message import Message
from ike.codec.registry import ExchangeType, NotifyType
from ike.config import PresharedKey
from ike.events import AttemptFailed, ChildSaEstablished, FailureReason, IkeSaEstablished
from ike.types import Secret

ONE = child("one", "10.1.0.0/16", "10.2.0.0/16")
TWO = child("two", "10.3.0.0/16", "10.4.0.0/16")


def network(*, childless: bool = False) -> Network:
    return Network(
        replace(left_peer(ONE, TWO), childless=childless),
        right_peer(mirrored(ONE, "r-one"), mirrored(TWO, "r-two")),
    )


def exchanges(network: Network) -> list[int]:
    return [d.payload[18] for d in network.sent if d.source.address == LEFT]


def test_the_responder_announces_it() -> None:
    """RFC 6023 §4: in the IKE_SA_INIT response."""
    net = network()
    net.left.endpoint.initiate("one", net.now)
    net.run(1)
    request, response = (Message.parse(d.payload) for d in net.sent[:2])
    assert find_notify(request.payloads, NotifyType.CHILDLESS_IKEV2_SUPPORTED) is None
    assert find_notify(response.payloads, NotifyType.CHILDLESS_IKEV2_SUPPORTED) is not None


def test_connect_makes_an_ike_sa_alone() -> None:
    net = network()
    net.left.endpoint.connect("right", net.now)
    net.left.endpoint.connect("right", net.now)
    net.run(1)
    assert net.left.one(IkeSaEstablished)
    assert net.right.one(IkeSaEstablished)
    assert not net.left.of(ChildSaEstablished)
    assert exchanges(net) == [ExchangeType.IKE_SA_INIT, ExchangeType.IKE_AUTH]
    net.left.endpoint.connect("right", net.now)
    net.left.endpoint.initiate("two", net.now)
    net.run(1)
    assert [name for name, _, _ in live(net, "left")] == ["two"]
    assert exchanges(net)[2:] == [ExchangeType.CREATE_CHILD_SA]


def test_the_responder_can_make_the_first_child_in_it() -> None:
    net = network()
    net.left.endpoint.connect("right", net.now)
    net.run(1)
    net.right.endpoint.initiate("r-one", net.now)
    net.run(1)
    assert [name for name, _, _ in live(net, "left")] == ["one"]


def test_a_child_wanted_meanwhile_goes_along() -> None:
    net = network()
    net.left.endpoint.connect("right", net.now)
    net.left.endpoint.initiate("two", net.now)
    net.run(1)
    assert [name for name, _, _ in live(net, "left")] == ["two"]
    assert exchanges(net) == [ExchangeType.IKE_SA_INIT, ExchangeType.IKE_AUTH]


def test_a_childless_peer_gets_its_children_one_by_one() -> None:
    net = network(childless=True)
    for name in ("one", "two"):
        net.left.endpoint.initiate(name, net.now)
    net.run(1)
    assert sorted(name for name, _, _ in live(net, "left")) == ["one", "two"]
    assert exchanges(net) == [
        ExchangeType.IKE_SA_INIT,
        ExchangeType.IKE_AUTH,
        ExchangeType.CREATE_CHILD_SA,
        ExchangeType.CREATE_CHILD_SA,
    ]


@pytest.mark.usefixtures("without_childless")
def test_a_responder_without_it_gets_an_ordinary_exchange() -> None:
    net = network(childless=True)
    net.left.endpoint.connect("right", net.now)
    net.run(1)
    assert [name for name, _, _ in live(net, "left")] == ["one"]
    assert exchanges(net) == [ExchangeType.IKE_SA_INIT, ExchangeType.IKE_AUTH]


@pytest.mark.usefixtures("without_childless")
def test_without_any_child_the_attempt_fails_with_a_reason() -> None:
    net = Network(replace(left_peer(), children=()), right_peer())
    net.left.endpoint.connect("right", net.now)
    net.run(1)
    failed = net.left.one(AttemptFailed)
    assert (failed.child, failed.peer, failed.reason) == ("", "right", FailureReason.REFUSED)
    assert "none is configured" in failed.detail
    assert net.left.endpoint.next_deadline() is None


def test_a_failure_to_connect_is_reported_and_can_be_repeated() -> None:
    wrong = PresharedKey(Secret(b"another"))
    net = Network(replace(left_peer(), local_authentication=wrong), right_peer())
    for count in (1, 2):
        net.left.endpoint.connect("right", net.now)
        net.run(1)
        assert [e.reason for e in net.left.of(AttemptFailed)] == [
            FailureReason.AUTHENTICATION_FAILED
        ] * count


def test_nobody_answers_and_the_operator_gives_up() -> None:
    net = network()
    net.drop_all()
    net.left.endpoint.connect("right", net.now)
    net.run(60)
    assert net.left.one(AttemptFailed).reason is FailureReason.NO_ANSWER
    net.left.endpoint.connect("right", net.now)
    net.left.endpoint.delete_peer("right", net.now)
    net.collect()
    assert net.left.of(AttemptFailed)[-1].reason is FailureReason.CANCELLED
    assert net.left.endpoint.next_deadline() is None


def test_cancelling_the_child_leaves_the_connection_wanted() -> None:
    net = network()
    net.left.endpoint.connect("right", net.now)
    net.left.endpoint.initiate("one", net.now)
    net.left.endpoint.cancel("one", net.now)
    net.run(1)
    assert net.left.one(IkeSaEstablished)
    assert not net.left.of(ChildSaEstablished)
