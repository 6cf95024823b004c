"""Is the peer there? (RFC 7296 §2.4)"""

from __future__ import annotations

from dataclasses import replace

import pytest
from ike_network import LEFT, RIGHT, Network, at, child, left_peer, mirrored, right_peer

from ike.codec.header import Header
from ike.config import PeerConfig, Retransmission
from ike.events import (
    ChildSaDeleted,
    ChildSaEstablished,
    DeletionReason,
    IkeSaClosed,
    IkeSaEstablished,
)
from ike.types import Datagram

CHILDREN = [child(f"c{n}", f"10.{n}.0.0/16", f"10.{100 + n}.0.0/16") for n in range(6)]


def peers(interval: float) -> tuple[PeerConfig, PeerConfig]:
    left = replace(left_peer(*CHILDREN), liveness_interval=interval)
    right = right_peer(*(mirrored(c, f"r-{c.name}") for c in CHILDREN))
    return left, replace(right, liveness_interval=0.0)


def established(interval: float = 10.0) -> Network:
    network = Network(*peers(interval))
    network.left.endpoint.initiate("c0", network.now)
    network.run(1)
    assert network.left.one(ChildSaEstablished)
    network.sent.clear()
    return network


def checks(network: Network) -> list[Datagram]:
    """Give the left router's requests of INFORMATIONAL, retransmissions too."""
    return [
        d
        for d in network.sent
        if d.source.address == LEFT
        and d.payload[18] == 37
        and not Header.parse(d.payload).is_response
    ]


def time_to_give_up() -> float:
    settings = Retransmission()
    waits = [settings.first * settings.factor**n for n in range(settings.tries)]
    return sum(min(wait, settings.maximum) for wait in waits)


def test_what_we_send_alone_is_no_sign_of_life() -> None:
    """Outbound traffic and nothing inbound: asked after the interval, then given up."""
    network = established()
    spi = network.left.one(ChildSaEstablished).spi_in
    network.drop_all()
    for second in range(9):
        network.left.endpoint.note_usage(spi, 1000 * second, second, network.now)
        network.run(1)
    assert not checks(network)
    network.run(1.5)
    assert checks(network)
    network.run(time_to_give_up() + 1)
    assert network.left.one(ChildSaDeleted).reason is DeletionReason.LIVENESS
    assert network.left.one(IkeSaClosed).reason is DeletionReason.LIVENESS
    assert len({d.payload for d in checks(network)}) == 1
    assert len(checks(network)) == Retransmission().tries


def test_esp_from_the_peer_is_one() -> None:
    network = established()
    spi = network.left.one(ChildSaEstablished).spi_in
    for _ in range(12):
        network.run(5)
        network.left.endpoint.note_inbound_traffic(spi, network.now)
    assert not checks(network)
    network.run(9.5)
    assert not checks(network)
    network.run(1)
    assert len(checks(network)) == 1, "the interval after the last sign of life"


def test_ike_from_the_peer_is_one() -> None:
    network = established()
    for number in (1, 2, 3, 4):
        network.run(6)
        network.right.endpoint.initiate(f"r-c{number}", network.now)
    network.run(6)
    assert not checks(network)
    assert len(network.left.of(ChildSaEstablished)) == 5


def test_esp_of_the_old_ike_sa_counts_for_the_one_that_it_was_rekeyed_to() -> None:
    network = established()
    spi = network.left.one(ChildSaEstablished).spi_in
    network.left.endpoint.rekey_peer("right", network.now)
    network.run(1)
    assert len(network.left.of(IkeSaEstablished)) == 2
    network.sent.clear()
    for _ in range(6):
        network.run(5)
        network.left.endpoint.note_inbound_traffic(spi, network.now)
    assert not checks(network)


@pytest.mark.parametrize("kind", ["forged", "unprotected", "repeated"])
def test_what_anybody_can_send_is_none(kind: str) -> None:
    network = established()
    (sa,) = network.left.endpoint.ike_sas()
    old: list[Datagram] = []
    if kind == "repeated":
        network.right.endpoint.initiate("r-c1", network.now)
        network.run(1)
        old = [d for d in network.sent if d.source.address == RIGHT]
        network.sent.clear()
    network.drop_all()
    header = Header(sa.initiator_spi, sa.responder_spi, 46, 37, 0, 5, 60)
    forged = header.serialize() + bytes.fromhex("00000020") + bytes(28)
    bare = replace(header, next_payload=0, length=28).serialize()
    for _ in range(14):
        for payload in {"forged": [forged], "unprotected": [bare], "repeated": []}[kind]:
            network.inject(Datagram(at(RIGHT), at(LEFT), payload))
        for datagram in old:
            network.inject(datagram)
        network.run(1)
    assert checks(network)


def test_no_checks_where_none_are_wanted() -> None:
    network = established(interval=0.0)
    network.run(3600)
    assert not checks(network)


def test_requests_in_flight_are_check_enough() -> None:
    """They are sent again each on its own, and the first to have had all its tries decides."""
    network = established()
    network.drop_all()
    begun = network.now
    for number in (1, 2, 3):
        network.left.endpoint.initiate(f"c{number}", network.now)
        network.run(1)
    network.run(time_to_give_up())
    closed = network.left.one(IkeSaClosed)
    assert closed.reason is DeletionReason.LIVENESS
    assert not checks(network)
    by_id: dict[int, int] = {}
    for datagram in network.sent:
        header = Header.parse(datagram.payload)
        if header.exchange_type == 36:
            by_id[header.message_id] = by_id.get(header.message_id, 0) + 1
    assert next(iter(by_id.values())) == Retransmission().tries
    assert len(by_id) == 3
    assert network.now - begun < time_to_give_up() + 4


def test_one_answer_of_many_is_a_sign_of_life_for_the_next_check() -> None:
    network = established()
    lost = []

    def lose_one(datagram: Datagram) -> list[tuple[float, Datagram]]:
        if datagram.payload[18] == 36 and not lost:
            lost.append(datagram.payload)
        return [] if datagram.payload in lost and network.now < resume else [(0.01, datagram)]

    resume = network.now + 5
    network.filter = lose_one
    for number in (1, 2, 3):
        network.left.endpoint.initiate(f"c{number}", network.now)
    network.run(14)
    assert len(network.left.of(ChildSaEstablished)) == 4
    assert not checks(network)
    assert not network.left.of(IkeSaClosed)
    network.run(3)
    assert len(checks(network)) == 1
