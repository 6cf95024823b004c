"""What was thrown away, counted by reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from ike_adversary import Adversary
from ike_network import LEFT, RIGHT, at, right_peer

from ike.codec.header import Header
from ike.codec.payload import UnknownPayload
from ike.codec.registry import ExchangeType, PayloadType
from ike.discards import Discard
from ike.endpoint import Endpoint
from ike.types import Datagram


def established() -> Adversary:
    adversary = Adversary(Endpoint([right_peer()]))
    adversary.establish()
    assert adversary.victim.counters() == dict.fromkeys(Discard, 0)
    return adversary


def message(adversary: Adversary) -> bytes:
    """Make a good request, which is not sent."""
    adversary.channel.request(ExchangeType.INFORMATIONAL, (), adversary.now)
    (datagram,) = adversary.channel.outbox
    adversary.channel.outbox.clear()
    return datagram.payload


def altered(data: bytes, at_byte: int) -> bytes:
    return data[:at_byte] + bytes([data[at_byte] ^ 1]) + data[at_byte + 1 :]


def malformed_inside(adversary: Adversary) -> bytes:
    bad = UnknownPayload(PayloadType.NONCE, False, bytes(3))
    adversary.channel.request(ExchangeType.INFORMATIONAL, (bad,), adversary.now)
    return adversary.channel.outbox.pop().payload


FIRST = Header(1, 0, 0, ExchangeType.IKE_SA_INIT, 0x08, 0, 28)
CASES: list[tuple[Discard, Callable[[Adversary], bytes]]] = [
    (Discard.INVALID_SYNTAX, lambda a: b""),
    (Discard.INVALID_SYNTAX, lambda a: message(a)[:27]),
    (Discard.INVALID_SYNTAX, lambda a: message(a) + b"x"),
    (Discard.INVALID_SYNTAX, lambda a: FIRST.serialize() + b"x"),
    (Discard.INVALID_SYNTAX, malformed_inside),
    (Discard.INVALID_MAJOR_VERSION, lambda a: replace(FIRST, version=0x10).serialize()),
    (Discard.INTEGRITY_FAILED, lambda a: altered(message(a), 50)),
    (Discard.INTEGRITY_FAILED, lambda a: altered(message(a), 40)),
    (Discard.UNKNOWN_SPI, lambda a: altered(message(a), 3)),
    (Discard.UNKNOWN_SPI, lambda a: altered(message(a), 12)),
]


@pytest.mark.parametrize(("reason", "make"), CASES)
def test_each_is_counted_once(reason: Discard, make: Callable[[Adversary], bytes]) -> None:
    adversary = established()
    datagram = Datagram(at(LEFT), at(RIGHT), make(adversary))
    assert adversary.victim.receive(datagram, adversary.now) is reason
    assert adversary.victim.counters() == {**dict.fromkeys(Discard, 0), reason: 1}


def test_a_stranger() -> None:
    endpoint = Endpoint([right_peer()])
    datagram = Datagram(at(RIGHT), at(RIGHT), FIRST.serialize())
    assert endpoint.receive(datagram, 1000.0) is Discard.UNKNOWN_PEER
    assert endpoint.counters()["ike_unknown_peer"] == 1


def test_what_is_good_or_repeated_is_not_counted() -> None:
    adversary = established()
    datagram = Datagram(at(LEFT), at(RIGHT), message(adversary))
    for _ in range(2):
        assert adversary.victim.receive(datagram, adversary.now) is None
    assert not any(adversary.victim.counters().values())
