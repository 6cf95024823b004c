"""More of how IKE implementations fell; `test_hostile` has those that every peer can try first.

Fragments are in `test_fragments`, chains and lengths outside of SA and TS in `test_codec`, what
authentication fell to in `test_authentication_hostile`, memory in `limits`.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest
from ike_adversary import Adversary
from ike_network import LEFT, RIGHT, Network, at, child, left_peer, mirrored, right_peer

from ike.codec.chain import find, notifies
from ike.codec.errors import ParseError
from ike.codec.header import Header
from ike.codec.key_exchange import KeyExchangePayload
from ike.codec.message import Message
from ike.codec.notify import Notify
from ike.codec.payload import Payload, UnknownPayload
from ike.codec.reader import u16
from ike.codec.registry import ExchangeType, NotifyType, PayloadType, ProtocolId
from ike.codec.security_association import SecurityAssociation
from ike.codec.traffic_selector import TrafficSelectorsInitiator
from ike.config import EspProposal, IkeProposal, KeyExchange
from ike.crypto import modp
from ike.endpoint import Endpoint
from ike.events import AttemptFailed, ChildSaDeleted, IkeSaClosed
from ike.exchanges import ike_sa_init, rekey_ike_sa
from ike.fragments import MAX_FRAGMENTS, Fragment, Reassembly
from ike.states import State
from ike.types import Datagram


def established() -> Adversary:
    adversary = Adversary(Endpoint([right_peer()]))
    adversary.establish()
    adversary.victim.events()
    return adversary


def error_of(answer: Sequence[Payload] | None) -> NotifyType:
    assert answer is not None
    (error,) = (n for n in notifies(answer) if n.is_error)
    return NotifyType(error.notify_type)


def with_value(payloads: Sequence[Payload], method: int, value: bytes) -> list[Payload]:
    """Put another key exchange value into a request."""
    return [
        KeyExchangePayload(method, value) if isinstance(p, KeyExchangePayload) else p
        for p in payloads
    ]


def rekey_request(adversary: Adversary) -> list[Payload]:
    offer = ike_sa_init.make_offer(
        adversary.random.getrandbits(64),
        adversary.random.randbytes(32),
        adversary.config.proposals,
        adversary.random.randbytes,
    )
    return rekey_ike_sa.build_request(offer)


MODP = IkeProposal(key_exchange=(KeyExchange.MODP2048,))
P = modp.prime(KeyExchange.MODP2048)


@pytest.mark.parametrize(
    "value",
    [n.to_bytes(256, "big") for n in (0, 1, P - 1, P, P + 1, (1 << 2048) - 1)]
    + [bytes(255), b"\2" + bytes(256), b"\xff" * 60_000],
    ids=["0", "1", "p-1", "p", "p+1", "2^2048-1", "short", "long", "huge"],
)
@pytest.mark.parametrize("when", ["IKE_SA_INIT", "rekey"])
def test_modp_values_that_give_a_known_secret(value: bytes, when: str) -> None:
    """CVE-2015-3240, RFC 6989 §2.1: refused, with nothing kept and little work done."""
    config = replace(left_peer(), proposals=(MODP,))
    victim = Endpoint([replace(right_peer(), proposals=(MODP,))])
    adversary = Adversary(victim, config)
    if when == "rekey":
        adversary.establish()
        exchange_type, request = ExchangeType.CREATE_CHILD_SA, rekey_request(adversary)
    else:
        exchange_type, request = ExchangeType.IKE_SA_INIT, adversary.first_request()
    before = victim.ike_sas()
    answer = adversary.exchange(exchange_type, with_value(request, 14, value))
    assert error_of(answer) is NotifyType.INVALID_SYNTAX
    assert victim.ike_sas() == before


@pytest.mark.parametrize(
    ("method", "length"),
    [(KeyExchange.SECP384R1, 96), (KeyExchange.SECP521R1, 132), (KeyExchange.CURVE448, 56)],
)
@pytest.mark.parametrize("fill", [0x00, 0x01, 0xFF])
def test_points_off_the_other_curves(method: KeyExchange, length: int, fill: int) -> None:
    """RFC 6989 §2.3, RFC 7748 §6.2: off the curve, or of low order (0 on Curve448)."""
    proposals = (IkeProposal(key_exchange=(method,)),)
    victim = Endpoint([replace(right_peer(), proposals=proposals)])
    adversary = Adversary(victim, replace(left_peer(), proposals=proposals))
    if method is KeyExchange.CURVE448 and fill:
        length += 1  # every string of 56 bytes is a value; this is none
    request = with_value(adversary.first_request(), method, bytes([fill]) * length)
    answer = adversary.exchange(ExchangeType.IKE_SA_INIT, request)
    assert error_of(answer) is NotifyType.INVALID_SYNTAX
    assert not victim.ike_sas()


@pytest.mark.parametrize("group", [0, 1, 2, 22, 1024, 65535])
def test_key_exchange_of_an_unknown_group_in_a_rekey(group: int) -> None:
    """CVE-2014-9221, from a peer that has authenticated."""
    adversary = established()
    request = with_value(rekey_request(adversary), group, bytes(256))
    answer = adversary.exchange(ExchangeType.CREATE_CHILD_SA, request)
    assert error_of(answer) is NotifyType.INVALID_KE_PAYLOAD
    answer = adversary.exchange(ExchangeType.CREATE_CHILD_SA, rekey_request(adversary))
    assert answer is not None
    assert find(answer, KeyExchangePayload), "the right one is taken afterwards"


@pytest.mark.parametrize("kind", [SecurityAssociation, KeyExchangePayload])
def test_a_payload_missing_in_a_rekey_of_the_ike_sa(kind: type) -> None:
    """CVE-2013-6467; INVALID_SYNTAX is fatal at both ends (RFC 7296 §2.21.3)."""
    adversary = established()
    request = [p for p in rekey_request(adversary) if not isinstance(p, kind)]
    answer = adversary.exchange(ExchangeType.CREATE_CHILD_SA, request)
    assert error_of(answer) is NotifyType.INVALID_SYNTAX
    assert not adversary.victim.ike_sas()


def test_a_peer_that_always_wants_another_group() -> None:
    """INVALID_KE_PAYLOAD for ever: each method that we offer is tried once, none that we don't."""
    groups = (KeyExchange.CURVE25519, KeyExchange.SECP256R1, KeyExchange.SECP384R1)
    one = child("one", "10.1.0.0/16", "10.2.0.0/16")
    two = child("two", "10.3.0.0/16", "10.4.0.0/16", proposals=(EspProposal(key_exchange=groups),))
    adversary = Adversary(
        Endpoint([right_peer(mirrored(one, "r-one"), mirrored(two, "r-two"))]),
        left_peer(one, two),
    )
    adversary.establish()
    victim = adversary.victim
    victim.events()
    victim.initiate("r-two", adversary.now)
    asked = []
    wanted = itertools.cycle((19, 20, 31, 2, 14, 65535))
    for _ in range(20):
        waiting = victim.transmits()
        if not waiting:
            break
        (datagram,) = waiting
        header = Header.parse(datagram.payload)
        received = adversary.channel.receive(datagram, header, adversary.now)
        assert received is not None
        value = find(received.payloads, KeyExchangePayload)
        if value is None:
            break
        asked.append(value.method)
        refusal = Notify(NotifyType.INVALID_KE_PAYLOAD, u16(next(wanted)))
        adversary.channel.respond(received, [refusal])
        for answer in adversary.channel.outbox:
            victim.receive(answer, adversary.now)
        adversary.channel.outbox.clear()
    assert len(asked) == len(set(asked)) <= len(groups)
    assert set(asked) <= set(groups)
    assert [e.child for e in victim.events() if isinstance(e, AttemptFailed)] == ["r-two"]


_SELECTORS = {
    "none": b"\x00\x00\x00\x00",
    "fewer than counted": b"\x02\x00\x00\x00" + b"\x07\x00\x00\x10" + bytes(12),
    "length 0": b"\x01\x00\x00\x00" + b"\x07\x00\x00\x00" + bytes(12),
    "length 7": b"\x01\x00\x00\x00" + b"\x07\x00\x00\x07" + bytes(12),
    "length 8": b"\x01\x00\x00\x00" + b"\x07\x00\x00\x08" + bytes(4),
    "length 65535": b"\x01\x00\x00\x00" + b"\x07\x00\xff\xff" + bytes(12),
    "one byte too long": b"\x01\x00\x00\x00" + b"\x07\x00\x00\x11" + bytes(13),
    "bytes left over": b"\x01\x00\x00\x00" + b"\x07\x00\x00\x10" + bytes(12) + b"\0",
    "IPv6 as long as IPv4": b"\x01\x00\x00\x00" + b"\x08\x00\x00\x10" + bytes(12),
}


@pytest.mark.parametrize("body", _SELECTORS.values(), ids=_SELECTORS.keys())
@pytest.mark.parametrize("when", ["IKE_AUTH", "CREATE_CHILD_SA"])
def test_malformed_traffic_selectors(body: bytes, when: str) -> None:
    """CVE-2023-23009: an answer, and no crash."""
    adversary = Adversary(Endpoint([right_peer()]))
    adversary.init()
    exchange_type, request = ExchangeType.IKE_AUTH, adversary.auth_request()
    if when == "CREATE_CHILD_SA":
        adversary.exchange(exchange_type, request)
        exchange_type, request = ExchangeType.CREATE_CHILD_SA, adversary.child_request()
    bad = UnknownPayload(PayloadType.TSI, False, body)
    payloads = [bad if isinstance(p, TrafficSelectorsInitiator) else p for p in request]
    answer = adversary.exchange(exchange_type, payloads)
    assert error_of(answer) is NotifyType.INVALID_SYNTAX


def test_selectors_whose_start_is_after_their_end() -> None:
    """They match nothing: what they ask for is refused, and nothing is made of it."""
    adversary = established()
    body = b"\x01\x00\x00\x00" + b"\x07\x00\x00\x10\xff\xff\x00\x00" + b"\xff" * 4 + bytes(4)
    bad = UnknownPayload(PayloadType.TSI, False, body)
    payloads = [
        bad if isinstance(p, TrafficSelectorsInitiator) else p for p in adversary.child_request()
    ]
    answer = adversary.exchange(ExchangeType.CREATE_CHILD_SA, payloads)
    assert error_of(answer) in (NotifyType.INVALID_SYNTAX, NotifyType.TS_UNACCEPTABLE)
    assert sum(len(sa.children) for sa in adversary.victim.ike_sas()) <= 1


def test_every_length_inside_an_sa_payload_off_by_some() -> None:
    """Zero-length, overlapping and endless proposals, transforms and attributes."""
    adversary = Adversary(Endpoint([right_peer()]))
    request = adversary.first_request()
    (offer,) = (p for p in request if isinstance(p, SecurityAssociation))
    body = offer.serialize()
    read = 0
    for at_byte in range(len(body)):
        for value in {0, 1, 3, 0xFF, (body[at_byte] + 1) % 256} - {body[at_byte]}:
            bad = body[:at_byte] + bytes([value]) + body[at_byte + 1 :]
            payloads = [
                UnknownPayload(PayloadType.SA, False, bad) if p is offer else p for p in request
            ]
            header = Header(5, 0, 0, ExchangeType.IKE_SA_INIT, 0x08, 0, 0)
            packet = Message(header, tuple(payloads)).serialize()
            try:
                Message.parse(packet)
            except ParseError:
                read += 1
            adversary.send_raw(packet)
    assert read > len(body), "most lengths that lie are found out"
    adversary.victim.events()
    assert all(sa.state is State.HALF_OPEN for sa in adversary.victim.ike_sas())


@pytest.mark.parametrize("order", ["forward", "backward", "inside out"])
def test_the_order_of_fragments_costs_nothing(order: str) -> None:
    """CVE-2016-10396: a list that was searched for each fragment made quadratic work."""
    numbers = list(range(1, MAX_FRAGMENTS + 1))
    if order == "backward":
        numbers.reverse()
    elif order == "inside out":
        numbers.sort(key=lambda n: abs(n - MAX_FRAGMENTS // 2))
    reassembly = Reassembly()
    begun = time.process_time()
    for message_id in range(40):
        for number in numbers[:-1]:
            fragment = Fragment(0, number, MAX_FRAGMENTS, b"x", b"packet")
            assert reassembly.add(message_id, False, fragment) is None
    assert time.process_time() - begun < 1.0
    last = Fragment(0, numbers[-1], MAX_FRAGMENTS, b"x", b"packet")
    assert reassembly.add(39, False, last) is not None


# The first messages of IKEv1: Main Mode, Aggressive Mode, Informational, Quick Mode.
@pytest.mark.parametrize("exchange_type", [2, 4, 5, 32, 33, 34, 35, 36, 37])
@pytest.mark.parametrize("responder_spi", [0, 7])
def test_ikev1_messages(exchange_type: int, responder_spi: int) -> None:
    """CVE-2019-10155, CVE-2023-30570: IKEv1 is answered with our version, and does nothing."""
    network = Network()
    network.left.endpoint.initiate("net", network.now)
    network.run(2)
    (sa,) = network.left.endpoint.ike_sas()
    for spis in ((9, responder_spi), (sa.initiator_spi, sa.responder_spi)):
        header = Header(*spis, 1, exchange_type, 0x00, 0, 28 + 48, 0x10)
        packet = header.serialize() + b"\0\0\0\x30" + bytes(44)
        for source, target in ((LEFT, RIGHT), (RIGHT, LEFT)):
            network.inject(Datagram(at(source), at(target), packet))
    network.run(30)
    for node in (network.left, network.right):
        assert len(node.endpoint.ike_sas()) == 1
        assert not node.of(ChildSaDeleted)
        assert not node.of(IkeSaClosed)


@pytest.mark.parametrize("protocol", [ProtocolId.IKE, 0, 77])
def test_a_proposal_of_a_protocol_that_is_out_of_place(protocol: int) -> None:
    """CREATE_CHILD_SA for another protocol than its payloads are about."""
    adversary = established()
    request = [
        SecurityAssociation((replace(p.proposals[0], protocol=protocol),))
        if isinstance(p, SecurityAssociation)
        else p
        for p in adversary.child_request()
    ]
    answer = adversary.exchange(ExchangeType.CREATE_CHILD_SA, request)
    assert error_of(answer) in (NotifyType.NO_PROPOSAL_CHOSEN, NotifyType.INVALID_SYNTAX)
    assert sum(len(sa.children) for sa in adversary.victim.ike_sas()) <= 1


@pytest.mark.parametrize("spi", [b"", bytes(4), bytes(7), bytes(8), b"\1" * 9, b"\1" * 255])
def test_a_rekeyed_ike_sa_with_an_spi_that_is_none(spi: bytes) -> None:
    """RFC 7296 §3.3.1: 8 bytes, and not zero."""
    adversary = established()
    request = [
        SecurityAssociation((replace(p.proposals[0], spi=spi),))
        if isinstance(p, SecurityAssociation)
        else p
        for p in rekey_request(adversary)
    ]
    answer = adversary.exchange(ExchangeType.CREATE_CHILD_SA, request)
    assert error_of(answer) in (NotifyType.NO_PROPOSAL_CHOSEN, NotifyType.INVALID_SYNTAX)
    assert len(adversary.victim.ike_sas()) <= 1
