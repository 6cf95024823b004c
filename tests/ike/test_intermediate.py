"""IKE_INTERMEDIATE (RFC 9242) and the additional key exchanges in it (RFC 9370 §2.2.2)."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest
from ike_adversary import Adversary
from ike_network import LEFT, RIGHT, Network, at, child, left_peer, mirrored, right_peer

from ike.codec.chain import find_notify, notifies, parse_chain, serialize_chain
from ike.codec.header import Header
from ike.codec.key_exchange import KeyExchangePayload
from ike.codec.message import Message
from ike.codec.nonce import Nonce
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.registry import ExchangeType, NotifyType, TransformType
from ike.codec.security_association import Proposal, SecurityAssociation
from ike.config import EncryptionAlgorithm, IkeProposal, Integrity, KeyExchange, Settings
from ike.crypto import key_exchange
from ike.events import (
    AttemptFailed,
    ChildSaEstablished,
    FailureReason,
    IkeSaEstablished,
    PeerRefused,
)
from ike.exchanges import ike_intermediate
from ike.exchanges.key_exchange import value_of
from ike.states import State
from ike.types import Datagram, Secret

KE = KeyExchange
SEVEN = (
    KE.ML_KEM_768,
    KE.ML_KEM_1024,
    KE.SECP256R1,
    KE.SECP384R1,
    KE.SECP521R1,
    KE.CURVE448,
    KE.MODP2048,
)
Methods = Sequence[tuple[KeyExchange | None, ...]]


def proposal(*additional: tuple[KeyExchange | None, ...], **options: Any) -> IkeProposal:
    return replace(
        IkeProposal(key_exchange=(KE.CURVE25519,), additional_key_exchange=additional), **options
    )


def network(left: Sequence[IkeProposal], right: Sequence[IkeProposal], **options: Any) -> Network:
    """Two routers with these proposals."""
    return Network(
        replace(left_peer(), proposals=tuple(left)),
        replace(right_peer(), proposals=tuple(right)),
        **options,
    )


def establish(net: Network, seconds: float = 10.0) -> Network:
    net.left.endpoint.initiate("net", net.now)
    net.run(seconds)
    return net


def exchanges(net: Network) -> list[int]:
    """The types of all messages sent until IKE_AUTH was answered, fragments counted once."""
    headers = [Header.parse(d.payload) for d in net.sent]
    seen = dict.fromkeys((h.exchange_type, h.message_id, h.is_response) for h in headers)
    return [exchange for exchange, _, _ in seen if exchange != ExchangeType.INFORMATIONAL]


def assert_works(net: Network) -> None:
    """Both have the IKE SA and the CHILD_SA, and the same keys; the IKE SA can be used."""
    for node in (net.left, net.right):
        node.one(IkeSaEstablished)
    one, other = net.left.one(ChildSaEstablished), net.right.one(ChildSaEstablished)
    assert one.key_out == other.key_in
    assert one.key_in == other.key_out
    net.left.endpoint.delete_peer("right", net.now)
    net.run(2)
    assert not net.left.endpoint.ike_sas()
    assert not net.right.endpoint.ike_sas()


@pytest.mark.parametrize("count", range(8))
def test_every_number_of_additional_key_exchanges(count: int) -> None:
    """RFC 9370 §2.2.2: one IKE_INTERMEDIATE each, message ids go on, IKE_AUTH comes last."""
    additional = [(method,) for method in SEVEN[:count]]
    net = establish(network([proposal(*additional)], [proposal(*additional)]))
    init, intermediate, auth = (
        ExchangeType.IKE_SA_INIT,
        ExchangeType.IKE_INTERMEDIATE,
        ExchangeType.IKE_AUTH,
    )
    assert exchanges(net) == [init] * 2 + [intermediate] * 2 * count + [auth] * 2
    last = max(Header.parse(d.payload).message_id for d in net.sent)
    assert last == count + 1
    (info,) = net.left.endpoint.ike_sas()
    methods = ["CURVE25519", *(m.name for m in SEVEN[:count])]
    assert str(info.suite).endswith("/".join(methods))
    assert_works(net)


@pytest.mark.parametrize("method", [KE.ML_KEM_768, KE.ML_KEM_1024])
def test_ml_kem_alone_in_ike_sa_init(method: KeyExchange) -> None:
    """draft-ietf-ipsecme-ikev2-mlkem: as the only key exchange."""
    only = [IkeProposal(key_exchange=(method,))]
    assert_works(establish(network(only, only)))


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ([(KE.ML_KEM_768, None)], [(KE.ML_KEM_768,)], "CURVE25519/ML_KEM_768"),
        ([(KE.ML_KEM_768, None)], [(None, KE.ML_KEM_768)], "CURVE25519"),
        ([(KE.ML_KEM_768, None)], [], "CURVE25519"),
        ([], [(KE.ML_KEM_768, None)], "CURVE25519"),
        ([(None, KE.ML_KEM_768)], [(KE.ML_KEM_768, None)], "CURVE25519/ML_KEM_768"),
        (
            [(KE.ML_KEM_768, None), (KE.SECP256R1,)],
            [(None,), (KE.SECP256R1, KE.SECP384R1)],
            "CURVE25519/SECP256R1",
        ),
        # No method twice (RFC 9370 §2.2.1): the second one's first choice is taken.
        (
            [(KE.ML_KEM_768, KE.ML_KEM_1024), (KE.ML_KEM_768, KE.ML_KEM_1024)],
            [(KE.ML_KEM_768, KE.ML_KEM_1024), (KE.ML_KEM_768, KE.ML_KEM_1024)],
            "CURVE25519/ML_KEM_768/ML_KEM_1024",
        ),
        # The greedy choice for the first one would leave nothing for the second one.
        (
            [(KE.ML_KEM_768, KE.ML_KEM_1024), (KE.ML_KEM_768,)],
            [(KE.ML_KEM_768, KE.ML_KEM_1024), (KE.ML_KEM_768,)],
            "CURVE25519/ML_KEM_1024/ML_KEM_768",
        ),
    ],
)
def test_what_is_chosen(left: Methods, right: Methods, expected: str) -> None:
    """RFC 9370 §2.2.1: NONE is an optional key exchange that is left out."""
    net = establish(network([proposal(*left)], [proposal(*right)]))
    (info,) = net.right.endpoint.ike_sas()
    assert str(info.suite).endswith("HMAC_SHA2_256/" + expected)
    assert_works(net)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([(KE.ML_KEM_768,)], []),
        ([], [(KE.ML_KEM_768,)]),
        ([(KE.ML_KEM_768,)], [(KE.ML_KEM_1024,)]),
        ([(KE.ML_KEM_768,)], [(KE.ML_KEM_768,), (KE.ML_KEM_1024,)]),
        ([(KE.ML_KEM_768,), (KE.ML_KEM_768,)], [(KE.ML_KEM_768,), (KE.ML_KEM_768,)]),
    ],
)
def test_nothing_in_common(left: Methods, right: Methods) -> None:
    net = establish(network([proposal(*left)], [proposal(*right)]), 60)
    failed = net.left.one(AttemptFailed)
    assert failed.reason is FailureReason.NO_PROPOSAL_CHOSEN
    assert not net.right.endpoint.ike_sas()


def test_a_peer_that_knows_none_gets_a_proposal_of_its_own() -> None:
    """RFC 9370 §2.2.1: what may be skipped is offered without the transforms too."""
    net = network([proposal((KE.ML_KEM_768, None))], [IkeProposal()])
    net.left.endpoint.initiate("net", net.now)
    net.collect()
    message = Message.parse(net.sent[0].payload)
    assert find_notify(message.payloads, NotifyType.INTERMEDIATE_EXCHANGE_SUPPORTED)
    offered = next(p for p in message.payloads if isinstance(p, SecurityAssociation))
    first, second = offered.proposals
    ids = [t.transform_id for t in first.of_type(TransformType.ADDKE1)]
    assert ids == [KE.ML_KEM_768, 0]
    assert not second.of_type(TransformType.ADDKE1)


def test_a_plain_offer_says_nothing_of_it() -> None:
    net = establish(Network())
    for datagram in net.sent[:2]:
        payloads = Message.parse(datagram.payload).payloads
        assert not find_notify(payloads, NotifyType.INTERMEDIATE_EXCHANGE_SUPPORTED)


PQ = [proposal((KE.ML_KEM_768,), (KE.ML_KEM_1024,))]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [0, 600])
def test_over_a_lossy_network(seed: int, size: int) -> None:
    """Loss, duplicates and reordering, whole and in fragments; old keys for what is late."""
    settings = Settings(fragment_size=size)
    net = network(PQ, PQ, seed=seed, settings=settings)

    def unkind(datagram: Datagram) -> list[tuple[float, Datagram]]:
        copies = 2 if net.random.random() < 0.3 else 1
        lost = net.random.random() < 0.2
        return [] if lost else [(0.3 * net.random.random(), datagram) for _ in range(copies)]

    net.filter = unkind
    establish(net, 25)
    net.deliver_all()
    net.run(10)
    assert_works(net)
    if size:
        sizes = [len(d.payload) for d in net.sent if Header.parse(d.payload).exchange_type == 43]
        assert max(sizes) <= size


@pytest.mark.parametrize("size", [0, 600])
def test_aes_cbc_with_padding_in_fragments(size: int) -> None:
    """What AUTH covers has neither IV nor padding nor ICV (RFC 9242 §3.3.2)."""
    cbc = proposal(
        (KE.ML_KEM_768,),
        encryption=((EncryptionAlgorithm.AES_CBC, 256),),
        integrity=(Integrity.HMAC_SHA2_256_128,),
    )
    assert_works(establish(network([cbc], [cbc], settings=Settings(fragment_size=size))))


def test_ends_that_fragment_differently() -> None:
    net = network(
        PQ, PQ, settings=Settings(fragment_size=400), right_settings=Settings(fragment_size=0)
    )
    assert_works(establish(net))


def test_port_4500_from_intermediate_on() -> None:
    """RFC 9242 §3.2: behind a NAT the first IKE_INTERMEDIATE is the one that floats."""
    net = network(PQ, PQ)

    def translated(datagram: Datagram) -> list[tuple[float, Datagram]]:
        out, back = at(LEFT, 1024), at(LEFT, 500)
        if datagram.source == back:
            datagram = replace(datagram, source=out)
        if datagram.destination == out:
            datagram = replace(datagram, destination=back)
        return [(0.01, datagram)]

    net.filter = translated
    establish(net)
    ports = {
        Header.parse(d.payload).exchange_type: d.destination.port
        for d in net.sent
        if d.source.address == LEFT
    }
    assert ports[ExchangeType.IKE_SA_INIT] == 500
    assert ports[ExchangeType.IKE_INTERMEDIATE] == ports[ExchangeType.IKE_AUTH] == 4500
    assert_works(net)


# What an attacker between them changes.

Change = Callable[[Message], Message]


def without_notify(message: Message) -> Message:
    payloads = tuple(
        p
        for p in message.payloads
        if not (
            isinstance(p, Notify) and p.notify_type == NotifyType.INTERMEDIATE_EXCHANGE_SUPPORTED
        )
    )
    return Message(message.header, payloads)


def without_transforms(message: Message) -> Message:
    """Strip ADDKE* out of all proposals."""

    def stripped(payload: Payload) -> Payload:
        if not isinstance(payload, SecurityAssociation):
            return payload
        return SecurityAssociation(tuple(_stripped(p) for p in payload.proposals))

    return Message(message.header, tuple(stripped(p) for p in message.payloads))


def _stripped(one: Proposal) -> Proposal:
    kept = tuple(t for t in one.transforms if t.transform_type < TransformType.ADDKE1)
    return replace(one, transforms=kept)


def without_proposal(message: Message) -> Message:
    """Strip the first of two proposals, the one with ADDKE*."""

    def stripped(payload: Payload) -> Payload:
        if not isinstance(payload, SecurityAssociation):
            return payload
        return SecurityAssociation(payload.proposals[1:])

    return Message(message.header, tuple(stripped(p) for p in message.payloads))


def between(net: Network, change: Change, source: Any, exchange: int) -> None:
    def changed(datagram: Datagram) -> list[tuple[float, Datagram]]:
        header = Header.parse(datagram.payload)
        if header.exchange_type == exchange and datagram.source.address == source:
            message = change(Message.parse(datagram.payload))
            datagram = replace(datagram, payload=message.serialize())
        return [(0.01, datagram)]

    net.filter = changed


OPTIONAL = [proposal((KE.ML_KEM_768, None))]


@pytest.mark.parametrize("change", [without_notify, without_proposal])
def test_a_downgrade_of_the_request(change: Change) -> None:
    """RFC 9370 §4: what the attacker strips from IKE_SA_INIT, AUTH misses."""
    net = network(OPTIONAL, OPTIONAL)
    between(net, change, LEFT, ExchangeType.IKE_SA_INIT)
    establish(net, 60)
    assert net.right.of(PeerRefused)[0].reason is FailureReason.AUTHENTICATION_FAILED
    assert net.left.one(AttemptFailed).reason is FailureReason.AUTHENTICATION_FAILED
    for node in (net.left, net.right):
        assert not node.of(IkeSaEstablished)
        assert not node.of(ChildSaEstablished)


@pytest.mark.parametrize(
    ("change", "source"),
    [(without_notify, RIGHT), (without_transforms, RIGHT), (without_transforms, LEFT)],
)
def test_a_downgrade_that_shows_at_once(change: Change, source: IPv4Address) -> None:
    """The answer is none to what was asked."""
    net = network(OPTIONAL, OPTIONAL)
    between(net, change, source, ExchangeType.IKE_SA_INIT)
    establish(net, 60)
    assert net.left.one(AttemptFailed)
    for node in (net.left, net.right):
        assert not node.of(IkeSaEstablished)
        assert not node.of(ChildSaEstablished)


def test_a_required_key_exchange_is_not_left_out() -> None:
    """Whatever an attacker does, nothing is agreed upon without it."""
    for change in (without_notify, without_transforms):
        net = network(PQ, PQ)
        between(net, change, LEFT, ExchangeType.IKE_SA_INIT)
        establish(net, 60)
        assert net.left.one(AttemptFailed).reason is FailureReason.NO_PROPOSAL_CHOSEN
        assert not net.right.endpoint.ike_sas()


def adversary(*additional: tuple[KeyExchange | None, ...]) -> tuple[Network, Adversary]:
    """An initiator that knows all keys, before the peers are authenticated."""
    proposals = [proposal(*additional)]
    net = network(proposals, proposals)
    config = replace(left_peer(), proposals=tuple(proposals))
    return net, Adversary(net.right.endpoint, config)


def intermediate(
    peer: Adversary, method: KeyExchange, payloads: Sequence[Payload] | None = None
) -> tuple[Payload, ...] | None:
    """Do one exchange as it should be done; with `payloads`, send these instead."""
    assert peer.auth is not None
    private = key_exchange.generate(method, peer.random.randbytes)
    sent = [value_of(private)] if payloads is None else payloads
    packet = peer.channel.request(ExchangeType.IKE_INTERMEDIATE, sent, peer.now)
    peer.deliver()
    peer.channel.forget_request()
    received = peer.response
    value = received.payloads[0]
    if payloads is None and isinstance(value, KeyExchangePayload):
        covered = ike_intermediate.covered(received.header, value.payload_type, received.plaintext)
        request = ike_intermediate.covered_of_own(packet, sent)
        peer.auth = peer.auth.after_intermediate(
            request, covered, Secret(private.finish(value.data))
        )
        peer.channel.secure(peer.auth.agreement.suite, peer.auth.agreement.keys)
    return received.payloads


def refusal(payloads: tuple[Payload, ...] | None) -> int:
    assert payloads is not None
    (notify,) = [n for n in notifies(payloads) if n.is_error]
    return notify.notify_type


def is_over(net: Network) -> bool:
    net.collect()
    return not net.right.endpoint.ike_sas() and not net.right.of(IkeSaEstablished)


def test_ike_auth_before_its_time() -> None:
    net, peer = adversary((KE.ML_KEM_768,), (KE.ML_KEM_1024,))
    peer.init()
    intermediate(peer, KE.ML_KEM_768)
    answer = peer.exchange(ExchangeType.IKE_AUTH, peer.auth_request())
    assert refusal(answer) == NotifyType.INVALID_SYNTAX
    assert is_over(net)


def test_one_exchange_too_many() -> None:
    net, peer = adversary((KE.ML_KEM_768,))
    peer.init()
    intermediate(peer, KE.ML_KEM_768)
    assert refusal(intermediate(peer, KE.ML_KEM_768)) == NotifyType.INVALID_SYNTAX
    assert is_over(net)


def test_ike_intermediate_that_nobody_has_agreed_upon() -> None:
    net, peer = adversary()
    peer.init()
    assert refusal(intermediate(peer, KE.ML_KEM_768)) == NotifyType.INVALID_SYNTAX
    assert is_over(net)


@pytest.mark.parametrize(
    "payloads",
    [
        [Notify(NotifyType.INITIAL_CONTACT)],
        [KeyExchangePayload(KE.ML_KEM_1024, bytes(1568))],
        [KeyExchangePayload(KE.ML_KEM_768, bytes(1183))],
        [KeyExchangePayload(KE.ML_KEM_768, b"\xff" * 1184)],
        [KeyExchangePayload(99, bytes(32))],
        [Nonce(bytes(32))],
    ],
)
def test_values_that_are_not_what_was_agreed_upon(payloads: list[Payload]) -> None:
    net, peer = adversary((KE.ML_KEM_768,))
    peer.init()
    answer = intermediate(peer, KE.ML_KEM_768, payloads)
    assert refusal(answer) == NotifyType.INVALID_SYNTAX
    assert is_over(net)


def test_the_adversary_gets_in_when_it_does_all_right() -> None:
    """So the refusals above are for what they say."""
    net, peer = adversary((KE.ML_KEM_768,), (KE.ML_KEM_1024,))
    peer.init()
    intermediate(peer, KE.ML_KEM_768)
    intermediate(peer, KE.ML_KEM_1024)
    peer.exchange(ExchangeType.IKE_AUTH, peer.auth_request())
    net.collect()
    net.right.one(IkeSaEstablished)


@pytest.mark.parametrize("field", ["initiator", "responder", "exchanges"])
def test_auth_covers_ike_intermediate(field: str) -> None:
    """RFC 9242 §3.3.2: another IntAuth_i, IntAuth_r or message id, and AUTH fails.

    An attacker who has broken the first key exchange has these keys, and could change what is
    in IKE_INTERMEDIATE.
    """
    net, peer = adversary((KE.ML_KEM_768,))
    peer.init()
    intermediate(peer, KE.ML_KEM_768)
    assert peer.auth is not None
    transcript = peer.auth.transcript
    was = getattr(transcript, field)
    other = was + 1 if isinstance(was, int) else was[:-1] + bytes([was[-1] ^ 1])
    peer.auth = replace(peer.auth, transcript=replace(transcript, **{field: other}))
    answer = peer.exchange(ExchangeType.IKE_AUTH, peer.auth_request())
    assert refusal(answer) == NotifyType.AUTHENTICATION_FAILED
    assert is_over(net)


def test_int_auth_computed_again() -> None:
    """RFC 9242 §3.3.2 and RFC 9370 §2.2.2, by the standard library and from what is inside."""
    _, peer = adversary((KE.SECP256R1,))
    old = peer.init().keys
    private = key_exchange.generate(KE.SECP256R1, peer.random.randbytes)
    request = value_of(private)
    peer.channel.request(ExchangeType.IKE_INTERMEDIATE, [request, request], peer.now)
    (answer,) = peer.deliver()
    peer.channel.forget_request()
    agreement = peer.auth.agreement  # type: ignore[union-attr]  # set by init
    spis = b"".join(
        spi.to_bytes(8, "big") for spi in (agreement.initiator_spi, agreement.responder_spi)
    )

    def int_auth(key: bytes, flags: str, *bodies: bytes) -> bytes:
        following = b"\x22" * (len(bodies) - 1) + b"\0"
        inside = b"".join(
            bytes([n, 0]) + (4 + len(body)).to_bytes(2, "big") + body
            for n, body in zip(following, bodies, strict=True)
        )
        header = spis + bytes.fromhex("2e202b" + flags + "00000001")
        header += (32 + len(inside)).to_bytes(4, "big")
        sk = b"\x22\0" + (4 + len(inside)).to_bytes(2, "big")
        return hmac.digest(key, header + sk + inside, "sha256")

    value = answer[0]
    assert isinstance(value, KeyExchangePayload)
    body = b"\0\x13\0\0" + private.public
    expected = (
        int_auth(old.sk_pi.reveal(), "08", body, body)
        + int_auth(old.sk_pr.reveal(), "20", b"\0\x13\0\0" + value.data)
        + bytes.fromhex("00000002")
    )
    header = peer.response.header
    sent = replace(header, flags=0x08)
    context = peer.auth.after_intermediate(  # type: ignore[union-attr]  # set by init
        ike_intermediate.covered(sent, 34, _inside(request, request)),
        ike_intermediate.covered(header, 34, peer.response.plaintext),
        Secret(private.finish(value.data)),
    )
    assert context.transcript.int_auth == expected

    nonces = agreement.nonces.initiator + agreement.nonces.responder
    skeyseed = hmac.digest(old.sk_d.reveal(), private.finish(value.data) + nonces, "sha256")
    first = hmac.digest(skeyseed, nonces + spis + b"\1", "sha256")
    assert context.agreement.keys.sk_d.reveal() == first


def _inside(*payloads: Payload) -> bytes:
    plaintext = serialize_chain(payloads)
    assert parse_chain(plaintext, 34, 0, len(plaintext)) == payloads
    return plaintext


def test_a_payload_outside_of_the_encrypted_one() -> None:
    """Nothing of IKE_INTERMEDIATE goes past AUTH."""
    net, peer = adversary((KE.SECP256R1,))
    peer.init()
    private = key_exchange.generate(KE.SECP256R1, peer.random.randbytes)
    peer.channel.request(ExchangeType.IKE_INTERMEDIATE, [value_of(private)], peer.now)
    (datagram,) = peer.channel.outbox
    peer.channel.outbox.clear()
    message = Message.parse(datagram.payload)
    more = Message(message.header, (Notify(NotifyType.INITIAL_CONTACT), *message.payloads))
    assert peer.send_raw(more.serialize()) == []
    assert len(peer.send_raw(datagram.payload)) == 1
    assert net.right.endpoint.ike_sas()


def test_too_many_or_empty_lists_are_no_configuration() -> None:
    with pytest.raises(ValueError, match="7 at most"):
        IkeProposal(additional_key_exchange=tuple((m,) for m in (*SEVEN, KE.MODP3072)))
    with pytest.raises(ValueError, match="without a method"):
        IkeProposal(additional_key_exchange=((),))


def test_the_work_of_choosing_is_bounded() -> None:
    """Eight key exchanges out of seven methods: no choice, and no search of all permutations."""
    same = tuple(SEVEN for _ in range(7))
    one = IkeProposal(key_exchange=SEVEN, additional_key_exchange=same)
    net = establish(network([one], [one]), 60)
    assert net.left.one(AttemptFailed).reason is FailureReason.NO_PROPOSAL_CHOSEN


def overtaken(begin: Callable[[Network], None]) -> Network:
    """The peer makes an IKE SA with "one" while our IKE_INTERMEDIATE is on its way."""
    additional = (proposal((KE.ML_KEM_768,)),)
    one, two = (
        child("one", "10.1.0.0/16", "10.2.0.0/16"),
        child("two", "10.3.0.0/16", "10.4.0.0/16"),
    )
    net = Network(
        replace(left_peer(one, two), proposals=additional),
        replace(right_peer(mirrored(one, "r-one"), mirrored(two, "r-two")), proposals=additional),
    )

    def slow(datagram: Datagram) -> list[tuple[float, Datagram]]:
        header = Header.parse(datagram.payload)
        ours = datagram.source.address == LEFT and not header.is_response
        late = ours and header.exchange_type == ExchangeType.IKE_INTERMEDIATE
        return [(0.3 if late else 0.01, datagram)]

    net.filter = slow
    begin(net)
    net.run(0.025)
    assert [sa.state for sa in net.left.endpoint.ike_sas()] == [State.INTERMEDIATE_SENT]
    net.right.endpoint.initiate("r-one", net.now)
    net.run(60)
    return net


@pytest.mark.usefixtures("without_childless")
@pytest.mark.parametrize(
    "begin",
    [
        lambda net: net.left.endpoint.connect("right", net.now),
        lambda net: net.left.endpoint.initiate("one", net.now),
    ],
)
def test_an_ike_sa_that_the_peers_own_overtakes_is_given_up(
    begin: Callable[[Network], None],
) -> None:
    """Until IKE_AUTH the peer has nothing of it, and its CHILD_SA would be made twice."""
    net = overtaken(begin)
    for node in (net.left, net.right):
        node.one(IkeSaEstablished)
        node.one(ChildSaEstablished)
        assert not node.of(AttemptFailed)


def test_what_such_an_ike_sa_was_for_is_made_in_the_peers() -> None:
    net = overtaken(lambda net: net.left.endpoint.initiate("two", net.now))
    net.left.one(IkeSaEstablished)
    assert [e.child for e in net.left.of(ChildSaEstablished)] == ["one", "two"]


def test_a_child_wanted_during_ike_intermediate_goes_along() -> None:
    """One that is wanted without a CHILD_SA takes it up until IKE_AUTH is sent."""
    net = network([proposal((KE.ML_KEM_768,))], [proposal((KE.ML_KEM_768,))])
    net.left.endpoint.connect("right", net.now)
    net.run(0.025)
    assert [sa.state for sa in net.left.endpoint.ike_sas()] == [State.INTERMEDIATE_SENT]
    net.left.endpoint.initiate("net", net.now)
    net.run(2)
    net.left.one(ChildSaEstablished)
    assert ExchangeType.CREATE_CHILD_SA not in exchanges(net)
