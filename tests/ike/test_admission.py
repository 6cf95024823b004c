"""Responders under load: cookies and half-open limits (RFC 7296 §2.6)."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from ike_network import LEFT, RIGHT, Network, at, left_peer, right_peer

from ike.codec.chain import find, find_notify
from ike.codec.message import Message
from ike.codec.nonce import Nonce
from ike.codec.notify import Notify
from ike.codec.registry import NotifyType
from ike.config import Settings
from ike.cookies import CookieJar
from ike.endpoint import Endpoint
from ike.events import ChildSaEstablished, PeerRefused
from ike.types import Datagram, UdpAddress


def first_message(seed: int = 1) -> bytes:
    network = Network(seed=seed)
    network.left.endpoint.initiate("net", network.now)
    return network.left.endpoint.transmits()[0].payload


def from_left(payload: bytes, port: int = 500) -> Datagram:
    return Datagram(UdpAddress(LEFT, port), at(RIGHT), payload)


def with_cookie(request: bytes, cookie: bytes) -> bytes:
    message = Message.parse(request)
    return replace(
        message, payloads=(Notify(NotifyType.COOKIE, cookie), *message.payloads)
    ).serialize()


def cookie_of(response: bytes) -> bytes:
    message = Message.parse(response)
    assert len(message.payloads) == 1
    notify = find_notify(message.payloads, NotifyType.COOKIE)
    assert notify is not None
    return notify.data


def test_both_roles_with_a_cookie() -> None:
    network = Network(right_settings=Settings(cookie_threshold=0))
    network.left.endpoint.initiate("net", network.now)
    network.run()
    assert (
        network.left.one(ChildSaEstablished).key_in == network.right.one(ChildSaEstablished).key_out
    )
    assert len(network.sent) == 6
    assert len(network.sent[1].payload) < len(network.sent[0].payload), "no amplification"


def test_a_cookie_request_keeps_no_state() -> None:
    endpoint = Endpoint([right_peer()], settings=Settings(cookie_threshold=0))
    for seed in range(50):
        endpoint.receive(from_left(first_message(seed)), 0.0)
    assert len(endpoint.transmits()) == 50
    assert not endpoint.ike_sas()
    assert endpoint.next_deadline() is None


@pytest.mark.parametrize(
    ("what", "delay", "good"),
    [
        ("same", 0.0, True),
        ("same", 200.0, True),
        ("same", 250.0, False),
        ("port", 0.0, False),
        ("cookie", 0.0, False),
        ("nonce", 0.0, False),
        ("spi", 0.0, False),
    ],
)
def test_a_cookie_is_good_for_the_same_initiator_for_a_while(
    what: str, delay: float, good: bool
) -> None:
    """The secret rotates every 120 s; the one before is still accepted."""
    endpoint = Endpoint([right_peer()], settings=Settings(cookie_threshold=0))
    request = first_message()
    endpoint.receive(from_left(request), 0.0)
    cookie = cookie_of(endpoint.transmits()[0].payload)
    if what == "cookie":
        cookie = bytes([cookie[0] ^ 1]) + cookie[1:]
    if what == "spi":
        request = b"\xff" * 8 + request[8:]
    if what == "nonce":
        nonce = find(Message.parse(request).payloads, Nonce)
        assert nonce is not None
        request = request.replace(nonce.data, bytes(32))
    again = from_left(with_cookie(request, cookie), 501 if what == "port" else 500)
    endpoint.receive(again, delay)
    (answer,) = endpoint.transmits()
    is_cookie = find_notify(Message.parse(answer.payload).payloads, NotifyType.COOKIE) is not None
    assert is_cookie is not good
    assert len(endpoint.ike_sas()) == good


def test_the_jar_forgets_after_two_lifetimes_of_silence() -> None:
    count = iter(range(1, 100))
    jar = CookieJar(lambda n: bytes([next(count)] * n), 120.0)
    where = at(LEFT)
    cookie = jar.make(bytes(32), 1, where, 0.0)
    assert jar.check(cookie, bytes(32), 1, where, 119.0)
    assert jar.check(cookie, bytes(32), 1, where, 121.0)
    assert not jar.check(cookie, bytes(32), 1, where, 1000.0)


def test_beyond_the_threshold_cookies_are_asked_for() -> None:
    settings = Settings(cookie_threshold=3, half_open_limit_per_address=100)
    endpoint = Endpoint([right_peer()], settings=settings)
    for seed in range(10):
        endpoint.receive(from_left(first_message(seed)), 0.0)
    assert len(endpoint.ike_sas()) == 3
    answers = [Message.parse(d.payload).payloads for d in endpoint.transmits()]
    assert sum(find_notify(a, NotifyType.COOKIE) is not None for a in answers) == 7


def test_half_open_ike_sas_end_by_themselves() -> None:
    endpoint = Endpoint([right_peer()])
    endpoint.receive(from_left(first_message()), 0.0)
    endpoint.transmits()
    assert endpoint.next_deadline() == 30.0
    endpoint.advance(30.0)
    assert not endpoint.ike_sas()
    assert endpoint.next_deadline() is None
    assert not endpoint.events()


def test_forged_requests_leave_a_real_peers_share_alone() -> None:
    """Per-address limits: who has proven its address is counted apart."""
    network = Network()
    for seed in range(100, 140):
        network.right.endpoint.receive(from_left(first_message(seed)), network.now)
    assert len(network.right.endpoint.ike_sas()) == Settings().half_open_limit_per_address
    network.right.endpoint.transmits()
    network.left.endpoint.initiate("net", network.now)
    network.run()
    assert network.left.one(ChildSaEstablished)


def test_with_good_cookies_the_limits_hold_too() -> None:
    settings = Settings(cookie_threshold=0, half_open_limit=5, half_open_limit_per_address=3)
    peers = [
        right_peer(),
        replace(right_peer(), name="other", children=(), remote_address=IPv4Address("192.0.2.9")),
    ]
    endpoint = Endpoint(peers, settings=settings)
    counts = []
    for address in (LEFT, IPv4Address("192.0.2.9")):
        for seed in range(10):
            source = UdpAddress(address, 500)
            request = first_message(seed)
            endpoint.receive(Datagram(source, at(RIGHT), request), 0.0)
            cookie = cookie_of(endpoint.transmits()[0].payload)
            again = Datagram(source, at(RIGHT), with_cookie(request, cookie))
            endpoint.receive(again, 0.0)
            endpoint.transmits()
        counts.append(len(endpoint.ike_sas()))
    assert counts == [3, 5]


def test_a_retransmission_gets_the_same_answer_and_no_new_state() -> None:
    endpoint = Endpoint([right_peer()])
    request = from_left(first_message())
    endpoint.receive(request, 0.0)
    endpoint.receive(request, 1.0)
    first, second = endpoint.transmits()
    assert first == second
    assert len(endpoint.ike_sas()) == 1


def test_strangers_get_no_answer_and_are_reported_within_bounds() -> None:
    """RFC 7296 §2.21.1: whether an error is answered before there is an IKE SA is our choice."""
    endpoint = Endpoint([left_peer()])
    stranger = UdpAddress(IPv4Address("198.51.100.7"), 500)
    for seed in range(100):
        datagram = Datagram(stranger, at(LEFT), first_message(seed % 10))
        endpoint.receive(datagram, 0.0)
    assert endpoint.transmits() == []
    reports = endpoint.events()
    assert 0 < len(reports) <= 10
    assert all(isinstance(e, PeerRefused) and "198.51.100.7" in e.detail for e in reports)
    assert not endpoint.ike_sas()


def test_a_flood_from_strangers_leaves_other_peers_unharmed() -> None:
    """Issue 2: a flood without SA must leave the IKE of other peers alone."""
    network = Network()
    stranger = UdpAddress(IPv4Address("198.51.100.7"), 500)
    message = first_message(7)
    for number in range(5000):
        payload = number.to_bytes(8, "big") + message[8:]
        network.right.endpoint.receive(Datagram(stranger, at(RIGHT), payload), network.now)
    network.left.endpoint.initiate("net", network.now)
    network.run()
    assert network.left.one(ChildSaEstablished)
