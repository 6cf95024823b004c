"""Quick crash detection (RFC 6290): a peer of a router that has lost its state knows at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from ike_handover import KEY, check_wire
from ike_network import LEFT, RIGHT, Network, Node, at, left_peer, right_peer
from test_loss import live

from ike.codec.chain import notifies
from ike.codec.header import Header
from ike.codec.message import Message
from ike.codec.notify import Notify
from ike.codec.registry import ExchangeType, NotifyType, ProtocolId
from ike.config import Settings
from ike.endpoint import Endpoint
from ike.events import ChildSaDeleted, ChildSaEstablished, DeletionReason, IkeSaClosed
from ike.types import Datagram, Secret, UdpAddress

LEFT_SETTINGS = Settings(qcd_secret=Secret(b"left's secret for its tokens"))
RIGHT_SETTINGS = Settings(qcd_secret=Secret(b"right's secret for its tokens"))


def established(
    left: Settings = LEFT_SETTINGS, right: Settings = RIGHT_SETTINGS, initiator: str = "left"
) -> Network:
    network = Network(settings=left, right_settings=right)
    node, name = (network.left, "net") if initiator == "left" else (network.right, "ten")
    node.endpoint.initiate(name, network.now)
    network.run(0.5)
    assert network.left.one(ChildSaEstablished)
    return network


def crash(network: Network, settings: Settings) -> Node:
    """Have the right router start afresh; the secret for tokens is all that it remembers."""
    network.right.endpoint = Endpoint(
        [right_peer()], settings=settings, random_bytes=network.random.randbytes
    )
    return network.right


def ask(network: Network) -> Datagram:
    """Have the left router send a request, which stays on the way."""
    network.drop_all()
    network.run(12)
    network.deliver_all()
    network.collect()
    return next(d for d in reversed(network.sent) if d.source.address == LEFT)


def answer_of(network: Network, request: Datagram) -> Datagram | None:
    network.right.endpoint.receive(request, network.now)
    answers = network.right.endpoint.transmits()
    return answers[0] if answers else None


def tokens(datagram: Datagram | None) -> list[bytes]:
    assert datagram is not None
    found = notifies(Message.parse(datagram.payload).payloads)
    return [n.data for n in found if n.notify_type == NotifyType.QUICK_CRASH_DETECTION]


@pytest.mark.parametrize("initiator", ["left", "right"])
def test_the_sa_of_a_crashed_peer_ends_with_the_first_answer(initiator: str) -> None:
    """Both as initiator and as responder of the IKE SA; no retransmission, no waiting."""
    network = established(initiator=initiator)
    crash(network, RIGHT_SETTINGS)
    network.run(11)
    assert network.left.one(IkeSaClosed).reason is DeletionReason.CRASHED
    assert network.left.one(ChildSaDeleted).reason is DeletionReason.CRASHED
    assert not network.left.endpoint.ike_sas()
    network.left.endpoint.initiate("net", network.now)
    network.run(1)
    assert len(live(network, "left")) == 1


def test_an_attempt_that_the_sa_carried_begins_anew() -> None:
    network = established()
    network.left.endpoint.delete_child(network.left.one(ChildSaEstablished).spi_in, network.now)
    network.run(1)
    crash(network, RIGHT_SETTINGS)
    network.left.endpoint.initiate("net", network.now)
    network.run(1)
    assert network.left.one(IkeSaClosed).reason is DeletionReason.CRASHED
    assert len(live(network, "left")) == 1


def test_after_a_rekey_the_token_is_the_new_ones() -> None:
    for rekeyer, peer in (("left", "right"), ("right", "left")):
        network = established()
        getattr(network, rekeyer).endpoint.rekey_peer(peer, network.now)
        network.run(2)
        crash(network, RIGHT_SETTINGS)
        network.run(12)
        reasons = [e.reason for e in network.left.of(IkeSaClosed)]
        assert reasons == [DeletionReason.REPLACED, DeletionReason.CRASHED]
        check_wire(d for d in network.sent if d.source.address == LEFT)


def test_after_an_import_the_token_is_still_known() -> None:
    network = established()
    blob = network.left.endpoint.export_state(KEY, network.now)
    network.left.endpoint = Endpoint(
        [left_peer()], settings=LEFT_SETTINGS, random_bytes=network.random.randbytes
    )
    network.left.endpoint.import_state(blob, KEY, network.now)
    crash(network, RIGHT_SETTINGS)
    network.run(11)
    assert network.left.one(IkeSaClosed).reason is DeletionReason.CRASHED


@pytest.mark.parametrize(
    "settings", [Settings(), Settings(qcd_secret=Secret(b"another secret"))], ids=["none", "other"]
)
def test_without_the_secret_nothing_is_proven(settings: Settings) -> None:
    """An unprotected INVALID_IKE_SPI alone ends nothing (RFC 7296 §2.21.4)."""
    network = established()
    crash(network, settings)
    network.run(13)
    assert not network.left.of(IkeSaClosed)
    network.run(60)
    assert network.left.one(IkeSaClosed).reason is DeletionReason.LIVENESS


def test_without_secrets_nothing_is_sent() -> None:
    network = established(Settings(), Settings())
    request = ask(network)
    crash(network, Settings())
    assert tokens(answer_of(network, request)) == []


def test_the_token_goes_in_a_notify_about_the_ike_sa() -> None:
    """RFC 6290 §4.1, §4.5: protocol 1, no SPI, beside INVALID_IKE_SPI."""
    network = established()
    request = ask(network)
    crash(network, RIGHT_SETTINGS)
    answer = answer_of(network, request)
    assert answer is not None
    message = Message.parse(answer.payload)
    invalid, token = notifies(message.payloads)
    assert invalid.notify_type == NotifyType.INVALID_IKE_SPI
    assert (token.protocol, token.spi, len(token.data)) == (ProtocolId.IKE, b"", 32)
    asked = Header.parse(request.payload)
    assert message.header.message_id == asked.message_id
    assert message.header.exchange_type == asked.exchange_type
    assert message.header.is_response


def test_the_token_differs_from_sa_to_sa_and_from_address_to_address() -> None:
    """RFC 6290 §5.2: who asks from elsewhere gets nothing that is of use."""
    network = established()
    request = ask(network)
    crash(network, RIGHT_SETTINGS)
    (good,) = tokens(answer_of(network, request))
    elsewhere = replace(request, source=UdpAddress(IPv4Address("203.0.113.5"), 500))
    assert tokens(answer_of(network, elsewhere)) != [good]
    changed = bytearray(request.payload)
    changed[0] ^= 1
    assert tokens(answer_of(network, replace(request, payload=bytes(changed)))) != [good]
    other_port = replace(request, source=UdpAddress(LEFT, 40_000))
    assert tokens(answer_of(network, other_port)) == [good], "a NAT may change the port"


def variants(request: Datagram) -> Sequence[bytes]:
    """Give a live IKE SA's message in all the ways in which it could be taken for another's."""
    header = Header.parse(request.payload)
    rest = request.payload[16:]
    spis = request.payload[:8], request.payload[8:16]
    flags = [bytes([*rest[:3], f, *rest[4:]]) for f in (0x00, 0x08)]
    assert header.initiator_spi
    return [
        first + second + tail
        for tail in flags
        for first, second in (spis, spis[::-1], (spis[0], bytes(7) + b"\1"), (b"\1" * 8, spis[1]))
    ]


def test_no_token_for_an_ike_sa_that_lives() -> None:
    """RFC 6290 §9.2: whatever an attacker makes of its SPIs."""
    network = established()
    request = ask(network)
    for payload in variants(request):
        answer = answer_of(network, replace(request, payload=payload))
        if answer is not None:
            good = Header.parse(answer.payload)
            both = {good.initiator_spi, good.responder_spi}
            asked = Header.parse(request.payload)
            assert both != {asked.initiator_spi, asked.responder_spi} or not tokens(answer)
            network.left.endpoint.receive(answer, network.now)
    assert not network.left.endpoint.events()


def test_a_forged_token_ends_nothing() -> None:
    network = established()
    header = replace(Header.parse(ask(network).payload), flags=0x20)
    for data in (b"", bytes(16), bytes(32), bytes(128), bytes(200)):
        forged = Message(
            header,
            (
                Notify(NotifyType.INVALID_IKE_SPI),
                Notify(NotifyType.QUICK_CRASH_DETECTION, data, ProtocolId.IKE),
            ),
        )
        datagram = Datagram(at(RIGHT), at(LEFT), forged.serialize())
        network.left.endpoint.receive(datagram, network.now)
    assert not network.left.endpoint.events()


def test_a_token_without_invalid_ike_spi_or_out_of_turn_ends_nothing() -> None:
    network = established()
    request = ask(network)
    crash(network, RIGHT_SETTINGS)
    answer = answer_of(network, request)
    assert answer is not None
    message = Message.parse(answer.payload)
    alone = Message(message.header, message.payloads[1:])
    late = Message(replace(message.header, message_id=77), message.payloads)
    other = Message(
        replace(message.header, exchange_type=ExchangeType.CREATE_CHILD_SA), message.payloads
    )
    asking = Message(replace(message.header, flags=0x00), message.payloads)
    for wrong in (alone, late, other, asking):
        network.left.endpoint.receive(replace(answer, payload=wrong.serialize()), network.now)
    assert not network.left.endpoint.events()
    network.left.endpoint.receive(answer, network.now)
    assert network.left.endpoint.events(), "the answer itself is good"


def test_tokens_are_rationed() -> None:
    """RFC 6290 §5: nobody can have as many made as they like."""
    network = established()
    request = ask(network)
    crash(network, RIGHT_SETTINGS)
    answers = [answer_of(network, request) for _ in range(200)]
    assert 1 <= sum(answer is not None for answer in answers) <= 50


def test_only_a_protected_message_is_answered_with_a_token() -> None:
    network = established()
    request = ask(network)
    crash(network, RIGHT_SETTINGS)
    header = Header.parse(request.payload)
    bare = Message(header, ()).serialize()
    assert answer_of(network, replace(request, payload=bare)) is None
