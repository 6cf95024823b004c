"""Postquantum preshared keys (RFC 8784): who has one, who requires one, and what comes of it."""

from __future__ import annotations

import hmac
import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest
from ike_network import LEFT, RIGHT, Network, left_peer, right_peer
from test_intermediate import KE, proposal

from ike.codec.chain import find_notify
from ike.codec.header import Header
from ike.codec.message import Message
from ike.codec.notify import Notify
from ike.codec.registry import NotifyType
from ike.config import PeerConfig, Ppk, PpkIdType, PresharedKey, Prf
from ike.crypto.keys import IkeKeys, keys_with_ppk
from ike.events import (
    AttemptFailed,
    ChildSaEstablished,
    FailureReason,
    IkeSaEstablished,
    PeerRefused,
)
from ike.types import Datagram, Secret

KEY = Secret(bytes(range(32)))
OPTIONAL = Ppk(b"shared with everyone", KEY)
REQUIRED = replace(OPTIONAL, required=True)
OTHER_NAME = Ppk(b"another one", KEY)
OTHER_KEY = replace(OPTIONAL, key=Secret(bytes(32)))
OPAQUE = replace(OPTIONAL, id_type=PpkIdType.OPAQUE)


def network(
    left: Ppk | None,
    right: Ppk | None,
    change: Callable[[PeerConfig], PeerConfig] = lambda peer: peer,
) -> Network:
    return Network(change(replace(left_peer(), ppk=left)), change(replace(right_peer(), ppk=right)))


def establish(net: Network, seconds: float = 60.0) -> Network:
    net.left.endpoint.initiate("net", net.now)
    net.run(seconds)
    return net


def is_up(net: Network) -> bool:
    ups = [bool(node.of(IkeSaEstablished)) for node in (net.left, net.right)]
    assert ups[0] is ups[1]
    for node in (net.left, net.right):
        assert bool(node.of(ChildSaEstablished)) is ups[0]
    if ups[0]:
        one, other = net.left.one(ChildSaEstablished), net.right.one(ChildSaEstablished)
        assert (one.key_in, one.key_out) == (other.key_out, other.key_in)
    return ups[0]


def is_mixed(net: Network) -> bool:
    """Whether the PPK is in the keys: the same randomness gives others without."""
    plain = establish(network(None, None), 5)
    first, other = (n.left.of(ChildSaEstablished)[0] for n in (net, plain))
    return bool(first.key_in != other.key_in)


MATRIX = [
    # initiator, responder, whether it comes up, whether with the key
    (None, None, True, False),
    (None, OPTIONAL, True, False),
    (None, REQUIRED, False, False),
    (OPTIONAL, None, True, False),
    (OPTIONAL, OPTIONAL, True, True),
    (OPTIONAL, REQUIRED, True, True),
    (REQUIRED, None, False, False),
    (REQUIRED, OPTIONAL, True, True),
    (REQUIRED, REQUIRED, True, True),
    # The responder knows none of that name.
    (OPTIONAL, OTHER_NAME, True, False),
    (REQUIRED, OTHER_NAME, False, False),
    (OTHER_NAME, REQUIRED, False, False),
    (OPTIONAL, OPAQUE, True, False),
    (OPAQUE, OPAQUE, True, True),
    # Both have one of that name, but not the same: there is no falling back.
    (OPTIONAL, OTHER_KEY, False, False),
    (OTHER_KEY, OPTIONAL, False, False),
    (REQUIRED, OTHER_KEY, False, False),
]


@pytest.mark.parametrize(("left", "right", "up", "mixed"), MATRIX)
def test_the_matrix(left: Ppk | None, right: Ppk | None, up: bool, mixed: bool) -> None:
    """RFC 8784 §3, tables 1 and 2."""
    net = establish(network(left, right))
    assert is_up(net) is up
    if up:
        assert is_mixed(net) is mixed
        for node in (net.left, net.right):
            (sa,) = node.endpoint.ike_sas()
            assert ("PPK" in sa.features) is mixed
        for node in (net.left, net.right):
            node.endpoint.rekey_child(node.of(ChildSaEstablished)[-1].spi_in, net.now)
            net.run(5)
        assert len(net.left.of(ChildSaEstablished)) == len(net.right.of(ChildSaEstablished)) == 3
    else:
        failed = net.left.one(AttemptFailed)
        assert failed.reason is FailureReason.AUTHENTICATION_FAILED
        assert not net.right.endpoint.ike_sas()


@pytest.mark.parametrize(
    ("left", "right", "who", "words"),
    [
        (None, REQUIRED, "right", ["no PPK", "'shared with everyone' is required"]),
        (REQUIRED, None, "left", ["knows no PPK", "'shared with everyone' is required"]),
        (REQUIRED, OTHER_NAME, "right", ["requires the PPK 'shared with", "not configured"]),
        (OTHER_NAME, REQUIRED, "right", ["the PPK 'another one'", "'shared with everyone'"]),
    ],
)
def test_the_operator_is_told_why(
    left: Ppk | None, right: Ppk | None, who: str, words: list[str]
) -> None:
    net = establish(network(left, right))
    details = [e.detail for e in net.left.of(AttemptFailed)] if who == "left" else []
    details = details or [e.detail for e in net.right.of(PeerRefused)]
    for word in words:
        assert word in details[0]
    for node in (net.left, net.right):
        assert KEY.reveal().hex() not in repr(node.log)


def test_an_offer_without_a_key_says_nothing_of_it() -> None:
    net = establish(network(None, OPTIONAL), 5)
    for datagram in net.sent[:2]:
        assert not find_notify(Message.parse(datagram.payload).payloads, NotifyType.USE_PPK)


@pytest.mark.parametrize("sender", [LEFT, RIGHT])
@pytest.mark.parametrize("required", [False, True])
def test_a_downgrade(sender: object, required: bool) -> None:
    """RFC 8784 §6: who strips USE_PPK from IKE_SA_INIT is found out by AUTH, or at once."""
    ppk = REQUIRED if required else OPTIONAL
    net = network(ppk, ppk)

    def stripped(datagram: Datagram) -> list[tuple[float, Datagram]]:
        if Header.parse(datagram.payload).exchange_type == 34 and (
            datagram.source.address == sender
        ):
            message = Message.parse(datagram.payload)
            kept = tuple(
                p
                for p in message.payloads
                if not (isinstance(p, Notify) and p.notify_type == NotifyType.USE_PPK)
            )
            datagram = replace(datagram, payload=Message(message.header, kept).serialize())
        return [(0.01, datagram)]

    net.filter = stripped
    establish(net)
    assert not net.left.of(IkeSaEstablished)
    assert net.left.one(AttemptFailed).reason is FailureReason.AUTHENTICATION_FAILED
    # As ever, the responder learns last that the initiator does not believe it (RFC 7296 §2.21.2).
    assert not net.right.endpoint.ike_sas()


@pytest.mark.parametrize("ppk", [OPTIONAL, REQUIRED])
def test_after_additional_key_exchanges(ppk: Ppk) -> None:
    """RFC 9370 §2.2.2: the PPK goes into the keys of the last one."""
    hybrid = (proposal((KE.ML_KEM_768,)),)
    net = establish(network(ppk, ppk, lambda peer: replace(peer, proposals=hybrid)), 5)
    assert is_up(net)
    net.left.endpoint.rekey_peer("right", net.now)
    net.run(5)
    assert len(net.left.of(IkeSaEstablished)) == 2
    (sa,) = net.right.endpoint.ike_sas()
    assert "PPK" in sa.features


def test_a_wrong_authentication_is_none_with_a_key_either() -> None:
    for left, right in itertools.product((None, OPTIONAL, REQUIRED), repeat=2):
        wrong = PresharedKey(Secret(b"another secret"))
        net = network(left, right)
        peer = replace(left_peer(), ppk=left, local_authentication=wrong)
        net.left.endpoint.set_peers([peer], net.now)
        assert not is_up(establish(net))


def test_keys_computed_again() -> None:
    """RFC 8784 §3: SK_d = prf+ (PPK, SK_d'), the same for SK_pi and SK_pr."""
    names = ("sk_d", "sk_ai", "sk_ar", "sk_ei", "sk_er", "sk_pi", "sk_pr")
    keys = IkeKeys(**{name: Secret(name.encode().ljust(32, b"-")) for name in names})
    mixed = keys_with_ppk(Prf.HMAC_SHA2_256, keys, KEY)
    for name in names:
        before, after = getattr(keys, name), getattr(mixed, name)
        if name in ("sk_d", "sk_pi", "sk_pr"):
            expected = hmac.digest(KEY.reveal(), before.reveal() + b"\1", "sha256")
            assert after.reveal() == expected
        else:
            assert after == before


@pytest.mark.parametrize(
    ("ppk_id", "key"), [(b"", KEY), (bytes(1025), KEY), (b"name", Secret(b""))]
)
def test_what_is_no_key(ppk_id: bytes, key: Secret) -> None:
    with pytest.raises(ValueError, match="PPK"):
        Ppk(ppk_id, key)


def test_the_key_is_in_no_repr() -> None:
    assert "secret, 32 bytes" in repr(OPTIONAL)
    assert str(OPTIONAL) == "the PPK 'shared with everyone'"
    assert str(Ppk(b"\xff\n", KEY)) == "the PPK '\\\\xff\\n'"
