"""IKE_FOLLOWUP_KE: additional key exchanges after CREATE_CHILD_SA (RFC 9370 §2.2.4)."""

from __future__ import annotations

import hmac
import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from ike_adversary import Adversary
from ike_handover import at_step, hand_over
from ike_network import Network, Node, left_peer
from test_intermediate import SEVEN, exchanges, intermediate, proposal
from test_loss import live
from test_rekey import agree, chaos, live_spis, peers, spi

from ike.codec.chain import find, find_notify, notifies
from ike.codec.header import Header
from ike.codec.key_exchange import KeyExchangePayload
from ike.codec.nonce import Nonce
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u64
from ike.codec.registry import ExchangeType, NotifyType
from ike.codec.security_association import SecurityAssociation
from ike.config import EspProposal, IkeProposal, KeyExchange, PeerConfig, Settings
from ike.crypto import key_exchange
from ike.events import (
    AttemptFailed,
    ChildSaDeleted,
    ChildSaEstablished,
    IkeSaClosed,
    IkeSaEstablished,
)
from ike.exchanges import create_child_sa, ike_sa_init, rekey_ike_sa
from ike.exchanges.key_exchange import value_of

KE = KeyExchange
CREATE, FOLLOWUP = ExchangeType.CREATE_CHILD_SA, ExchangeType.IKE_FOLLOWUP_KE
SIDES = ("left", "right")
Methods = tuple[tuple[KeyExchange | None, ...], ...]
ALL: Methods = tuple((method,) for method in SEVEN)
COUNTS = [
    (0, "left"),
    (1, "left"),
    (2, "right"),
    *(pytest.param(count, side, marks=pytest.mark.slow) for count in range(3, 7) for side in SIDES),
    (7, "left"),
]
"""How many additional key exchanges, and who begins."""


def esp(*additional: tuple[KeyExchange | None, ...]) -> EspProposal:
    return EspProposal(key_exchange=(KE.CURVE25519,), additional_key_exchange=additional)


def with_methods(peer: PeerConfig, additional: Methods) -> PeerConfig:
    children = tuple(replace(c, proposals=(esp(*additional),)) for c in peer.children)
    return replace(peer, proposals=(proposal(*additional),), children=children)


def hybrid(peer: PeerConfig) -> PeerConfig:
    return with_methods(peer, ((KE.ML_KEM_768,), (KE.SECP256R1,)))


def established(
    additional: Methods = ((KE.ML_KEM_768,), (KE.SECP256R1,)),
    seed: int = 1,
    settings: Settings | None = None,
) -> Network:
    left, right = (with_methods(peer, additional) for peer in peers())
    network = Network(left, right, seed=seed, settings=settings)
    network.left.endpoint.initiate("one", network.now)
    network.run(1)
    assert network.right.one(ChildSaEstablished)
    network.sent.clear()
    return network


def same_keys(network: Network) -> None:
    """Every pair that both ends have ever had."""
    left, right = (
        {e.spi_in: e for e in node.of(ChildSaEstablished)} for node in (network.left, network.right)
    )
    assert len(left) == len(right)
    for one in left.values():
        other = right[one.spi_out]
        assert (one.key_in, one.key_out) == (other.key_out, other.key_in)
    keys = [one.key_in.reveal() for one in left.values()]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(("count", "side"), COUNTS)
def test_a_child_is_rekeyed(count: int, side: str) -> None:
    network = established(ALL[:count])
    node: Node = getattr(network, side)
    node.endpoint.rekey_child(spi(node), network.now)
    network.run(5)
    assert exchanges(network) == [CREATE] * 2 + [FOLLOWUP] * 2 * count
    agree(network, "one")
    same_keys(network)
    methods = ["CURVE25519", *(m.name for (m, *_) in ALL[:count] if m)]
    (sa,) = network.left.endpoint.ike_sas()
    assert sa.children[0].suite.endswith("/".join(methods))


@pytest.mark.parametrize(("count", "side"), COUNTS)
def test_the_ike_sa_is_rekeyed(count: int, side: str) -> None:
    network = established(ALL[:count])
    node: Node = getattr(network, side)
    (before,) = node.endpoint.ike_sas()
    node.endpoint.rekey_peer("right" if side == "left" else "left", network.now)
    network.run(5)
    assert exchanges(network) == [CREATE] * 2 + [FOLLOWUP] * 2 * count
    agree(network, "one")
    (after,) = node.endpoint.ike_sas()
    assert after.initiator_spi != before.initiator_spi
    assert after.suite == before.suite
    node.endpoint.rekey_child(spi(node), network.now)
    network.run(5)
    agree(network, "one")
    same_keys(network)


def test_a_further_child() -> None:
    network = established()
    network.right.endpoint.initiate("r-two", network.now)
    network.run(5)
    agree(network, "one", "two")
    same_keys(network)
    assert exchanges(network) == [CREATE] * 2 + [FOLLOWUP] * 4


def test_not_in_ike_auth() -> None:
    """RFC 9370 §2.2.3: the first CHILD_SA lives on the key exchanges of the IKE SA."""
    network = established()
    (sa,) = network.left.endpoint.ike_sas()
    assert sa.children[0].suite == "AES_GCM_16-256"
    assert sa.suite.endswith("CURVE25519/ML_KEM_768/SECP256R1")


def test_a_peer_without_a_wish_takes_what_is_asked_for() -> None:
    left, right = peers()
    network = Network(hybrid(left), replace(right, proposals=hybrid(right).proposals))
    network.left.endpoint.initiate("one", network.now)
    network.run(1)
    network.left.endpoint.rekey_child(spi(network.left), network.now)
    network.run(5)
    agree(network, "one")
    (sa,) = network.right.endpoint.ike_sas()
    assert sa.children[0].suite.endswith("CURVE25519/ML_KEM_768/SECP256R1")


@pytest.mark.parametrize("optional", [True, False])
def test_a_peer_that_knows_none(optional: bool) -> None:
    left, right = peers()
    methods: Methods = ((KE.ML_KEM_768, None),) if optional else ((KE.ML_KEM_768,),)
    child = replace(left.children[0], proposals=(esp(*methods),))
    plain = tuple(replace(c, proposals=(esp(),)) for c in right.children)
    network = Network(replace(left, children=(child,)), replace(right, children=plain))
    network.left.endpoint.initiate("one", network.now)
    network.run(1)
    network.left.endpoint.rekey_child(spi(network.left), network.now)
    network.run(1)
    made = network.left.of(ChildSaEstablished)
    assert len(made) == (2 if optional else 1)
    assert len(live(network, "left")) == 1


@pytest.mark.parametrize(
    ("what", "gap"), list(itertools.product(["child", "ike"], range(0, 70, 10)))
)
def test_both_rekey_at_once(what: str, gap: int) -> None:
    """RFC 9370 §2.2.4: the loser is given up before it is made; one pair is left."""
    for seed in (1,) if gap else range(4):
        network = established(seed=seed)
        for node, name in ((network.left, "right"), (network.right, "left")):
            if what == "child":
                node.endpoint.rekey_child(spi(node), network.now)
            else:
                node.endpoint.rekey_peer(name, network.now)
            network.run(gap / 1000)
        network.run(60)
        agree(network, "one")
        same_keys(network)
        if gap == 0:
            # No SA was made in vain: the old one, and the one that replaced it.
            kind = ChildSaEstablished if what == "child" else IkeSaEstablished
            assert len(network.left.of(kind)) == len(network.right.of(kind)) == 2


@pytest.mark.parametrize("gap", range(0, 70, 20))
def test_the_ike_sa_and_a_child_at_once(gap: int) -> None:
    for first, second in itertools.permutations(("child", "ike")):
        network = established()
        for what, node, name in (
            (first, network.left, "right"),
            (second, network.right, "left"),
        ):
            if what == "child":
                node.endpoint.rekey_child(spi(node), network.now)
            else:
                node.endpoint.rekey_peer(name, network.now)
            network.run(gap / 1000)
        network.run(90)
        agree(network, "one")
        assert len(live_spis(network.left)) == 1
        (after,) = network.left.endpoint.ike_sas()
        assert len(network.left.of(IkeSaEstablished)) >= 2
        assert after.children


@pytest.mark.parametrize("gap", range(0, 60, 10))
def test_the_old_child_is_deleted_meanwhile(gap: int) -> None:
    for deleter in ("left", "right"):
        network = established()
        network.left.endpoint.rekey_child(spi(network.left), network.now)
        network.run(gap / 1000)
        node: Node = getattr(network, deleter)
        gone = spi(node)
        node.endpoint.delete_child(gone, network.now)
        network.run(60)
        left, right = live(network, "left"), live(network, "right")
        assert {(i, o) for _, i, o in left} == {(o, i) for _, i, o in right}
        assert len(network.left.endpoint.ike_sas()) == 1


@pytest.mark.parametrize("seed", [4, 5, 11])
def test_anything_at_once_over_a_bad_network(seed: int) -> None:
    chaos(seed, hybrid)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 240))
def test_anything_at_once_over_a_bad_network_many_times(seed: int) -> None:
    chaos(seed, hybrid)


def test_in_fragments() -> None:
    network = established(settings=Settings(fragment_size=500))
    network.left.endpoint.rekey_peer("right", network.now)
    network.run(5)
    network.right.endpoint.rekey_child(spi(network.right), network.now)
    network.run(5)
    agree(network, "one")
    assert max(len(d.payload) for d in network.sent) <= 500


@pytest.mark.parametrize("what", ["child", "ike"])
def test_a_responder_that_has_forgotten(what: str) -> None:
    """RFC 9370 §2.2.4: STATE_NOT_FOUND, and the initiator begins anew."""
    settings = Settings(followup_lifetime=0.0)
    left, right = (hybrid(peer) for peer in peers())
    network = Network(left, right, right_settings=settings)
    network.left.endpoint.initiate("one", network.now)
    network.run(1)
    if what == "child":
        network.left.endpoint.rekey_child(spi(network.left), network.now)
    else:
        network.left.endpoint.rekey_peer("right", network.now)
    network.run(1)
    agree(network, "one")
    assert len(network.left.of(ChildSaEstablished)) == 1
    count = sum(Header.parse(d.payload).exchange_type == FOLLOWUP for d in network.sent)
    network.run(30)
    assert count < sum(Header.parse(d.payload).exchange_type == FOLLOWUP for d in network.sent)
    agree(network, "one")


def test_a_peer_that_falls_silent_in_the_middle_of_a_rekey() -> None:
    """Our requests wait for its next key exchange: no busy waiting, no checks of it piling up."""
    network = established()
    network.left.endpoint.rekey_peer("right", network.now)
    network.filter = lambda d: (
        [] if Header.parse(d.payload).exchange_type == FOLLOWUP else [(0.01, d)]
    )
    network.run(5)
    endpoint = network.right.endpoint
    for _ in range(100):
        deadline = endpoint.next_deadline()
        if deadline is None or deadline > network.now + 60:
            break
        endpoint.advance(deadline)
    else:
        raise AssertionError("it is busy waiting")
    assert len(endpoint.transmits()) < 20


def test_an_attempt_that_the_responder_forgets_fails_in_the_end() -> None:
    left, right = (hybrid(peer) for peer in peers())
    network = Network(left, right, right_settings=Settings(followup_lifetime=0.0))
    network.left.endpoint.initiate("one", network.now)
    network.run(1)
    network.left.endpoint.initiate("two", network.now)
    network.run(60)
    failed = network.left.one(AttemptFailed)
    assert "STATE_NOT_FOUND" in failed.detail
    assert "ML_KEM_768" in failed.detail


@pytest.mark.parametrize("gap", range(0, 60, 10))
def test_what_is_no_longer_configured_meanwhile(gap: int) -> None:
    """What the peer has begun is not made when its turn comes."""
    network = established()
    network.right.endpoint.initiate("r-two", network.now)
    network.run(gap / 1000)
    left = hybrid(peers()[0])
    network.left.endpoint.set_peers([replace(left, children=left.children[:1])], network.now)
    network.run(60)
    for side, name in (("left", "one"), ("right", "r-one")):
        assert [n for n, _, _ in live(network, side)] == [name]
    assert not network.left.of(IkeSaClosed)


def test_what_is_cancelled_meanwhile() -> None:
    for gap in range(0, 60, 20):
        network = established()
        network.left.endpoint.initiate("two", network.now)
        network.run(gap / 1000)
        network.left.endpoint.cancel("two", network.now)
        network.run(60)
        left, right = live(network, "left"), live(network, "right")
        assert {(i, o) for _, i, o in left} == {(o, i) for _, i, o in right}


# A peer that does as it likes.


def member() -> tuple[Network, Adversary]:
    """An authenticated peer."""
    left, right = (with_methods(peer, ((KE.SECP256R1,), (KE.SECP384R1,))) for peer in peers())
    network = Network(left, right)
    peer = Adversary(network.right.endpoint, left)
    peer.init()
    intermediate(peer, KE.SECP256R1)
    intermediate(peer, KE.SECP384R1)
    peer.exchange(ExchangeType.IKE_AUTH, peer.auth_request())
    network.collect()
    network.right.one(ChildSaEstablished)
    return network, peer


def answered(payloads: tuple[Payload, ...] | None) -> tuple[Payload, ...]:
    assert payloads is not None
    return payloads


def begin(peer: Adversary, spi_in: int = 0x05060708) -> bytes:
    """Ask for a CHILD_SA; give the link."""
    offer = create_child_sa.make_offer(peer.config.children[0], spi_in, peer.random.randbytes)
    request = create_child_sa.build_request(offer, peer.random.randbytes(32))
    payloads = answered(peer.exchange(CREATE, request))
    notify = find_notify(payloads, NotifyType.ADDITIONAL_KEY_EXCHANGE)
    assert notify is not None
    return notify.data


def followup(
    peer: Adversary, link: bytes | None, method: KeyExchange = KE.SECP256R1
) -> tuple[Payload, ...]:
    payloads: list[Payload] = [value_of(key_exchange.generate(method, peer.random.randbytes))]
    if link is not None:
        payloads.append(Notify(NotifyType.ADDITIONAL_KEY_EXCHANGE, link))
    return answered(peer.exchange(FOLLOWUP, payloads))


def error(payloads: Sequence[Payload]) -> int:
    return next((n.notify_type for n in notifies(payloads) if n.is_error), 0)


@pytest.mark.parametrize("link", [None, b"", b"\0" * 16, b"x" * 2000])
def test_links_that_lead_nowhere(link: bytes | None) -> None:
    network, peer = member()
    begin(peer)
    assert error(followup(peer, link)) == NotifyType.STATE_NOT_FOUND
    assert network.right.endpoint.ike_sas(), "nothing else happens"


def test_a_link_is_good_until_the_last_key_exchange() -> None:
    network, peer = member()
    link = begin(peer)
    first = followup(peer, link)
    assert find_notify(first, NotifyType.ADDITIONAL_KEY_EXCHANGE)
    network.collect()
    assert len(network.right.of(ChildSaEstablished)) == 1
    last = followup(peer, link, KE.SECP384R1)
    assert not find_notify(last, NotifyType.ADDITIONAL_KEY_EXCHANGE)
    assert find(last, KeyExchangePayload)
    network.collect()
    assert len(network.right.of(ChildSaEstablished)) == 2
    assert error(followup(peer, link)) == NotifyType.STATE_NOT_FOUND


def test_several_at_once() -> None:
    """RFC 9370 §2.2.4: what the links are there for."""
    network, peer = member()
    links = [begin(peer, 0x1000 + n) for n in range(3)]
    assert len(set(links)) == 3
    for method in (KE.SECP256R1, KE.SECP384R1):
        for link in reversed(links):
            assert not error(followup(peer, link, method))
    network.collect()
    made = [e.spi_out for e in network.right.of(ChildSaEstablished)[1:]]
    assert made == [0x1002, 0x1001, 0x1000]


@pytest.mark.parametrize("method", [KE.SECP384R1, KE.ML_KEM_768])
def test_a_method_out_of_turn_is_fatal(method: KeyExchange) -> None:
    network, peer = member()
    link = begin(peer)
    assert error(followup(peer, link, method)) == NotifyType.INVALID_SYNTAX
    assert not network.right.endpoint.ike_sas()


def test_a_value_that_is_no_point_is_fatal() -> None:
    network, peer = member()
    notify = Notify(NotifyType.ADDITIONAL_KEY_EXCHANGE, begin(peer))
    payloads = [KeyExchangePayload(KE.SECP256R1, bytes(64)), notify]
    assert error(answered(peer.exchange(FOLLOWUP, payloads))) == NotifyType.INVALID_SYNTAX
    assert not network.right.endpoint.ike_sas()


def test_what_is_left_lying_is_bounded_and_forgotten() -> None:
    left, right = (with_methods(p, ((KE.SECP256R1,), (KE.SECP384R1,))) for p in peers())
    network = Network(left, right, settings=Settings(children_per_ike_sa=8))
    peer = Adversary(network.right.endpoint, left)
    peer.init()
    intermediate(peer, KE.SECP256R1)
    intermediate(peer, KE.SECP384R1)
    peer.exchange(ExchangeType.IKE_AUTH, peer.auth_request())
    links = [begin(peer, 0x1000 + n) for n in range(7)]
    assert error(answered(peer.exchange(CREATE, peer.child_request()))) == (
        NotifyType.NO_ADDITIONAL_SAS
    )
    network.now = peer.now = peer.now + 31
    peer.victim.advance(peer.now)
    peer.deliver()
    assert error(followup(peer, links[0])) == NotifyType.STATE_NOT_FOUND
    begin(peer)


def test_two_rekeys_of_the_ike_sa_by_one_peer() -> None:
    """The later one stands; its peer has given up the earlier one."""
    network, peer = member()
    links = []
    for number in (1, 2):
        offer = ike_sa_init.make_offer(
            number, peer.random.randbytes(32), peer.config.proposals, peer.random.randbytes
        )
        payloads = answered(peer.exchange(CREATE, rekey_ike_sa.build_request(offer)))
        notify = find_notify(payloads, NotifyType.ADDITIONAL_KEY_EXCHANGE)
        assert notify is not None
        links.append(notify.data)
    # Nothing else can be asked for meanwhile (RFC 7296 §2.25.2).
    refused = answered(peer.exchange(CREATE, peer.child_request()))
    assert error(refused) == NotifyType.TEMPORARY_FAILURE
    assert error(followup(peer, links[0])) == NotifyType.STATE_NOT_FOUND
    assert not error(followup(peer, links[1]))
    assert not error(followup(peer, links[1], KE.SECP384R1))
    spis = {sa.initiator_spi for sa in network.right.endpoint.ike_sas()}
    assert 2 in spis
    assert 1 not in spis


def test_keys_computed_again() -> None:
    """KEYMAT = prf+(SK_d, SK(0) | Ni | Nr | SK(1) | SK(2)), SKEYSEED likewise."""
    network, peer = member()
    assert peer.auth is not None
    sk_d = peer.auth.agreement.keys.sk_d.reveal()

    def secrets(request: list[Payload], private: key_exchange.PrivateValue) -> tuple[bytes, ...]:
        payloads = answered(peer.exchange(CREATE, request))
        notify = find_notify(payloads, NotifyType.ADDITIONAL_KEY_EXCHANGE)
        assert notify is not None
        found = [private.finish(need(payloads, KeyExchangePayload).data)]
        for method in (KE.SECP256R1, KE.SECP384R1):
            own = key_exchange.generate(method, peer.random.randbytes)
            value = answered(peer.exchange(FOLLOWUP, [value_of(own), notify]))
            found.append(own.finish(need(value, KeyExchangePayload).data))
        nonces = need(request, Nonce).data + need(payloads, Nonce).data
        answer = need(payloads, SecurityAssociation).proposals[0].spi
        return found[0] + nonces + found[1] + found[2], nonces, answer

    offer = create_child_sa.make_offer(peer.config.children[0], 77, peer.random.randbytes)
    assert offer.private is not None
    request = create_child_sa.build_request(offer, bytes(range(32)))
    seed, _, _ = secrets(request, offer.private)
    network.collect()
    made = network.right.of(ChildSaEstablished)[-1]
    block, keymat = b"", b""
    for counter in range(1, 4):
        block = hmac.digest(sk_d, block + seed + bytes([counter]), "sha256")
        keymat += block
    inbound = made.key_in.reveal() + made.salt_in.reveal()
    outbound = made.key_out.reveal() + made.salt_out.reveal()
    assert inbound + outbound == keymat[:72]

    init = ike_sa_init.make_offer(
        5, peer.random.randbytes(32), peer.config.proposals, peer.random.randbytes
    )
    seed, nonces, spi_r = secrets(rekey_ike_sa.build_request(init), init.private)
    skeyseed = hmac.digest(sk_d, seed, "sha256")
    expected = hmac.digest(skeyseed, nonces + u64(5) + spi_r + b"\1", "sha256")
    (new,) = [s for s in network.right.endpoint._sas if s.channel.initiator_spi == 5]
    assert new.keys.sk_d.reveal() == expected


def need(payloads: Sequence[Payload], kind: type) -> Payload:
    found = find(payloads, kind)
    assert found is not None
    return found


def child_of_left(network: Network) -> None:
    network.left.endpoint.rekey_child(spi(network.left), network.now + network.left.offset)


def child_of_right(network: Network) -> None:
    network.right.endpoint.rekey_child(spi(network.right), network.now + network.right.offset)


def ike_sa_of_left(network: Network) -> None:
    network.left.endpoint.rekey_peer("right", network.now + network.left.offset)


def ike_sa_of_right(network: Network) -> None:
    network.right.endpoint.rekey_peer("left", network.now + network.right.offset)


@pytest.mark.parametrize(
    "begin",
    [
        (child_of_left,),
        (child_of_left, child_of_right),
        (ike_sa_of_left,),
        (ike_sa_of_left, ike_sa_of_right),
    ],
    ids=lambda b: "-".join(f.__name__ for f in b),
)
def test_another_process_carries_it_on(begin: Sequence[Callable[[Network], None]]) -> None:
    """Both routers change process before every event: drafts and secrets go along."""
    network = established(settings=Settings(fragment_size=600))
    for one in begin:
        one(network)

    def replace_routers() -> None:
        for node, config in zip((network.left, network.right), peers(), strict=True):
            hand_over(network, node, hybrid(config), offset=node.offset + 1000.0)

    at_step(network, lambda number: number < 30, replace_routers)
    network.run(30)
    network.on_step = lambda: None
    network.run(30)
    agree(network, "one")
    same_keys(network)
    kind = ChildSaEstablished if begin[0] is child_of_left else IkeSaEstablished
    assert len(network.left.of(kind)) == 2
    assert FOLLOWUP in exchanges(network)


def test_a_rekey_that_loses_leaves_no_trace() -> None:
    """Its SPIs are free again, and its peer's are too, after a while."""
    for seed in range(4):
        network = established(seed=seed)
        for node in (network.left, network.right):
            node.endpoint.rekey_child(spi(node), network.now)
        network.run(60)
        for node in (network.left, network.right):
            reserved = node.endpoint._env._esp_spis
            assert reserved == set(live_spis(node))
            assert len(node.of(ChildSaDeleted)) == 1


def test_a_plain_peer_is_asked_for_nothing() -> None:
    network = Network(*peers())
    network.left.endpoint.initiate("one", network.now)
    network.run(1)
    network.left.endpoint.rekey_peer("right", network.now)
    network.run(5)
    types = {Header.parse(d.payload).exchange_type for d in network.sent}
    assert FOLLOWUP not in types
    assert left_peer().proposals == (IkeProposal(),)


def test_a_peer_that_falls_silent_while_it_rekeys_the_ike_sa() -> None:
    """Its rekey is given up after a while; only then is it asked whether it lives."""
    network = established()
    network.left.endpoint.rekey_peer("right", network.now)
    network.run(0.025)  # CREATE_CHILD_SA is answered
    network.drop_all()
    network.run(100)
    assert not network.right.endpoint.ike_sas()
