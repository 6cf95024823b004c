"""MOBIKE: IKE SAs and their CHILD_SAs move to other addresses (RFC 4555)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ike_handover import check_wire, hand_over
from ike_network import LEFT, RIGHT, Network, at, child, left_peer, mirrored, right_peer
from test_loss import live

from ike import mobike, relocation
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.registry import NotifyType
from ike.config import Mode, PeerConfig, PresharedKey, Settings
from ike.connection import Connection
from ike.events import (
    AttemptFailed,
    ChildSaDeleted,
    ChildSaEstablished,
    ChildSaOffered,
    ChildSaOfferEnded,
    DeletionReason,
    FailureReason,
    IkeSaClosed,
    IkeSaEstablished,
    PeerMoved,
)
from ike.types import Datagram, Identity, Secret, UdpAddress

THERE = IPv4Address("198.51.100.9")
FARTHER = IPv4Address("203.0.113.77")
ONE = child("one", "10.1.0.0/16", "10.2.0.0/16")
TWO = child("two", "10.3.0.0/16", "10.4.0.0/16")
LEFT_PEER = left_peer(ONE, TWO)
RIGHT_PEER = right_peer(mirrored(ONE, "r-one"), mirrored(TWO, "r-two"))


def established(left: PeerConfig = LEFT_PEER, right: PeerConfig = RIGHT_PEER) -> Network:
    network = Network(left, right)
    for address in (THERE, FARTHER):
        network.nodes[address] = network.left
    network.left.endpoint.initiate("one", network.now)
    network.run(0.5)
    assert network.right.one(ChildSaEstablished)
    return network


def move(network: Network, address: IPv4Address = THERE) -> None:
    """Have the left router go elsewhere; what is sent to its old addresses gets lost."""
    network.left.endpoint.set_address("right", address, network.now + network.left.offset)
    gone = {LEFT, THERE, FARTHER} - {address}
    inner = network.filter

    def filter_(datagram: Datagram) -> list[tuple[float, Datagram]]:
        if gone & {datagram.destination.address, datagram.source.address}:
            return []
        return inner(datagram)

    network.filter = filter_


def paths(network: Network) -> list[tuple[UdpAddress, UdpAddress]]:
    return [
        (sa.local, sa.remote)
        for node in (network.left, network.right)
        for sa in node.endpoint.ike_sas()
    ]


def check_moved(network: Network, address: IPv4Address, names: tuple[str, ...] = ("one",)) -> None:
    here, there = at(address, 4500), at(RIGHT, 4500)
    assert paths(network) == [(here, there), (there, here)]
    left, right = network.left.of(PeerMoved)[-1], network.right.of(PeerMoved)[-1]
    assert (left.local, left.remote) == (here, there)
    assert (right.local, right.remote) == (there, here)
    assert left.peer == "right"
    spis = {spi for _, spi, _ in live(network, "left")}
    assert set(left.children) <= spis
    assert sorted(name for name, _, _ in live(network, "left")) == sorted(names)
    assert not network.left.of(AttemptFailed)
    network.left.endpoint.rekey_child(next(iter(spis)), network.now + network.left.offset)
    network.run(30)
    assert sorted(name for name, _, _ in live(network, "right")) == sorted(
        f"r-{name}" for name in names
    )
    check_wire(network.sent)


def test_the_initiator_moves_with_everything() -> None:
    network = established()
    move(network)
    network.run(2)
    assert network.left.one(PeerMoved).children == (network.left.one(ChildSaEstablished).spi_in,)
    assert not network.left.one(PeerMoved).encapsulated
    check_moved(network, THERE)
    assert not network.left.of(IkeSaClosed)


def test_the_new_address_is_checked_before_esp_goes_there() -> None:
    """RFC 4555 §3.7: the responder sends COOKIE2, and waits for it to come back."""
    network = established()
    move(network)
    inner = network.filter
    network.filter = lambda d: inner(d) if d.source.address != RIGHT or d.payload[19] & 0x20 else []
    network.run(15)
    assert network.left.one(PeerMoved), "the answer has come, and one to a liveness check"
    assert not network.right.of(PeerMoved)
    network.filter = inner
    network.run(5)
    check_moved(network, THERE)


def test_a_wrong_cookie_ends_the_ike_sa(monkeypatch: pytest.MonkeyPatch) -> None:
    network = established()
    monkeypatch.setattr(
        mobike, "echoed_cookies", lambda _: (Notify(NotifyType.COOKIE2, bytes(32)),)
    )
    move(network)
    network.run(2)
    assert not network.right.of(PeerMoved)
    assert network.right.one(IkeSaClosed).reason is DeletionReason.PROTOCOL_ERROR


def test_no_other_message_moves_the_responder() -> None:
    """RFC 4555 §3.8: not even an authenticated one, which is answered where it came from."""
    network = established(right=replace(RIGHT_PEER, liveness_interval=0.0))
    there = at(THERE, 4500)
    network.filter = lambda d: [(0.01, replace(d, source=there) if d.source.address == LEFT else d)]
    network.run(12)
    asked = [d for d in network.sent if d.source.address == RIGHT and d.payload[19] & 0x20]
    assert asked[-1].destination == at(THERE, 4500)
    assert not network.right.of(PeerMoved)
    assert network.right.endpoint.ike_sas()[0].remote == at(LEFT, 4500)


@pytest.mark.parametrize("wanted", [(False, True), (True, False)])
def test_both_ends_have_to_want_it(wanted: tuple[bool, bool]) -> None:
    """Without it the IKE SA ends with the address, and attempts begin anew from the new one."""
    left, right = replace(LEFT_PEER, mobike=wanted[0]), replace(RIGHT_PEER, mobike=wanted[1])
    network = established(left, right)
    network.left.endpoint.set_address("right", THERE, network.now)
    network.run(2)
    assert network.left.one(IkeSaClosed).reason is DeletionReason.UNREACHABLE
    assert network.right.one(IkeSaClosed).reason is DeletionReason.PEER
    network.left.endpoint.initiate("one", network.now)
    network.collect()
    assert network.sent[-1].source == at(THERE)


def test_it_is_not_offered_where_transport_mode_is_configured() -> None:
    """RFC 4555 §1.3: it is for tunnel mode."""
    transport = replace(ONE, mode=Mode.TRANSPORT)
    assert mobike.announce(LEFT_PEER)
    assert not mobike.announce(left_peer(transport))
    assert not mobike.announce(replace(LEFT_PEER, mobike=False))


def test_the_responder_cannot_move() -> None:
    network = established()
    network.right.endpoint.set_address("left", FARTHER, network.now)
    network.run(1)
    assert network.right.one(IkeSaClosed).reason is DeletionReason.UNREACHABLE


@pytest.mark.parametrize("rekeyer", ["left", "right"])
def test_who_decides_stays_the_same_over_rekeys(rekeyer: str) -> None:
    """RFC 4555 §2: the initiator is who initiated the first IKE SA."""
    network = established()
    node, peer = (network.left, "right") if rekeyer == "left" else (network.right, "left")
    node.endpoint.rekey_peer(peer, network.now)
    network.run(2)
    move(network)
    network.run(2)
    check_moved(network, THERE)


def test_moving_on_before_the_peer_has_answered() -> None:
    network = established()
    move(network)
    network.run(0.015)
    network.deliver_all()
    move(network, FARTHER)
    network.run(10)
    check_moved(network, FARTHER)
    assert at(THERE, 4500) not in [e.remote for e in network.right.of(PeerMoved)]


EXCHANGES: dict[str, Callable[[Network], None]] = {
    "create": lambda n: n.left.endpoint.initiate("two", n.now),
    "create by the responder": lambda n: n.right.endpoint.initiate("r-two", n.now),
    "rekey": lambda n: n.left.endpoint.rekey_peer("right", n.now),
    "rekey by the responder": lambda n: n.right.endpoint.rekey_peer("left", n.now),
}


@pytest.mark.parametrize("name", EXCHANGES)
@pytest.mark.parametrize("delay", [0.0, 0.005, 0.015, 0.025])
def test_moving_while_an_exchange_is_under_way(name: str, delay: float) -> None:
    network = established()
    EXCHANGES[name](network)
    network.run(delay)
    move(network)
    network.run(60)  # an IKE SA that was rekeyed just before stays behind, and ends by itself
    check_moved(network, THERE, ("one", "two") if "create" in name else ("one",))
    assert {e.reason for e in network.left.of(IkeSaClosed)} <= {DeletionReason.REPLACED}


def test_a_new_process_carries_the_move_on() -> None:
    """The importers' states are exported at every event of the move."""
    network = established()
    there = replace(LEFT_PEER, local_address=THERE)
    move(network)
    steps = iter(range(12))

    def step() -> None:
        if next(steps, None) is not None:
            hand_over(network, network.left, there, offset=700.0)
            hand_over(network, network.right, RIGHT_PEER, offset=-300.0)

    network.on_step = step
    network.run(3)
    network.on_step = lambda: None
    check_moved(network, THERE)


def test_the_configuration_may_follow() -> None:
    network = established()
    move(network)
    network.run(1)
    network.left.endpoint.set_peers([replace(LEFT_PEER, local_address=THERE)], network.now)
    network.run(1)
    assert not network.left.of(IkeSaClosed)
    check_moved(network, THERE)


def test_an_ike_sa_on_its_way_begins_anew_from_the_new_address() -> None:
    network = Network(LEFT_PEER, RIGHT_PEER)
    network.drop_all()
    network.left.endpoint.initiate("one", network.now)
    network.collect()
    network.left.endpoint.set_address("right", THERE, network.now)
    network.collect()
    assert [d.source for d in network.sent] == [at(LEFT), at(THERE)]
    assert not network.left.of(AttemptFailed)


def lost_since_reconfiguring(network: Network, config: PeerConfig) -> list[DeletionReason]:
    network.left.endpoint.set_peers([config], network.now)
    network.run(2)
    return [e.reason for e in network.left.of(IkeSaClosed)]


@pytest.mark.parametrize("identity", [LEFT, THERE])
def test_a_configuration_with_another_address_moves_the_ike_sas(identity: IPv4Address) -> None:
    """The identity may be the address; the other end has authenticated it, and goes on."""
    network = established()
    there = replace(
        LEFT_PEER, local_address=THERE, local_identity=Identity.from_text(str(identity))
    )
    assert lost_since_reconfiguring(network, there) == []
    network.left.one(PeerMoved)
    network.left.endpoint.rekey_peer("right", network.now)
    assert lost_since_reconfiguring(network, there) == [DeletionReason.REPLACED]
    check_moved(network, THERE)


@pytest.mark.parametrize(
    "change",
    [
        {"local_identity": Identity.from_text("left.example")},
        {"local_authentication": PresharedKey(Secret(b"another"))},
        {"remote_address": FARTHER},
    ],
)
def test_a_configuration_that_differs_otherwise_too_ends_them(change: dict[str, Any]) -> None:
    network = established()
    there = replace(LEFT_PEER, local_address=THERE, **change)
    assert lost_since_reconfiguring(network, there) == [DeletionReason.RECONFIGURED]
    assert not network.left.of(PeerMoved)


def test_a_configuration_with_another_address_and_other_children() -> None:
    network = established()
    network.left.endpoint.initiate("two", network.now)
    network.run(1)
    there = replace(LEFT_PEER, local_address=THERE, children=(TWO,))
    assert lost_since_reconfiguring(network, there) == []
    assert network.left.one(ChildSaDeleted).reason is DeletionReason.RECONFIGURED
    check_moved(network, THERE, ("two",))


def test_a_configuration_with_another_address_during_ike_auth() -> None:
    network = moving_at(0.025)
    assert lost_since_reconfiguring(network, replace(LEFT_PEER, local_address=THERE)) == []
    check_moved_once(network)


def moving_at(
    delay: float, left: PeerConfig = LEFT_PEER, right: PeerConfig | list[PeerConfig] = RIGHT_PEER
) -> Network:
    """The left router moves so many seconds after it has begun, of which 0.02 to 0.04 IKE_AUTH."""
    network = Network(left, right)
    network.nodes[THERE] = network.left
    network.left.endpoint.initiate("one", network.now)
    network.run(delay)
    return network


@pytest.mark.parametrize("delay", [0.02, 0.025, 0.03, 0.035])
@pytest.mark.parametrize("old_address_stays", [False, True])
def test_moving_during_ike_auth(delay: float, old_address_stays: bool) -> None:
    """The IKE SA that the peer may have already goes along: no other is begun."""
    network = moving_at(delay)
    if old_address_stays:
        network.left.endpoint.set_address("right", THERE, network.now)
    else:
        move(network)
    network.run(5)
    check_moved_once(network)


def check_moved_once(network: Network) -> None:
    """There is one IKE SA, at the new address, and both have been told of nothing else since."""
    here, there = at(THERE, 4500), at(RIGHT, 4500)
    assert paths(network) == [(here, there), (there, here)]
    for node, path in ((network.left, (here, there)), (network.right, (there, here))):
        node.one(IkeSaEstablished)
        told = [node.one(ChildSaEstablished), *node.of(PeerMoved)]
        assert (told[-1].local, told[-1].remote) == path
    assert not network.left.of(AttemptFailed)
    assert not network.left.of(IkeSaClosed)


@pytest.mark.parametrize("delay", [0.0, 0.005, 0.015, 0.025, 0.035])
@pytest.mark.parametrize("wanted", [(False, True), (True, False)])
def test_moving_during_the_first_exchanges_without_mobike(
    wanted: tuple[bool, bool], delay: float
) -> None:
    """It begins anew from there, or says that what it has made is of no use."""
    left = replace(LEFT_PEER, mobike=wanted[0])
    right = replace(RIGHT_PEER, mobike=wanted[1])
    elsewhere = replace(
        right,
        name="left there",
        remote_address=THERE,
        remote_identity=left.local_identity,
        children=(mirrored(ONE, "r-one there"),),
    )
    network = moving_at(delay, left, [right, elsewhere])
    move(network)
    network.run(3)
    assert not network.left.of(AttemptFailed)
    if wanted[0] and delay > 0.02:
        assert network.left.one(IkeSaClosed).reason is DeletionReason.UNREACHABLE
        assert network.left.one(ChildSaDeleted).reason is DeletionReason.UNREACHABLE
        assert network.right.one(IkeSaClosed).reason is DeletionReason.PEER
        network.left.endpoint.initiate("one", network.now)
        network.run(2)
    made = network.left.of(ChildSaEstablished)[-1]
    assert made.local.address == THERE
    assert [name for name, _, _ in live(network, "left")] == ["one"]
    assert network.right.of(ChildSaEstablished)[-1].child == "r-one there"
    offered = {e.spi_in for e in network.left.history if isinstance(e, ChildSaOffered)}
    ended = {e.spi_in for e in network.left.history if isinstance(e, ChildSaOfferEnded)}
    assert offered == ended | {e.spi_in for e in network.left.of(ChildSaEstablished)}


def test_what_is_given_up_during_ike_auth_is_deleted_from_the_new_address() -> None:
    network = moving_at(0.025)
    network.left.endpoint.delete_peer("right", network.now)
    move(network)
    network.run(5)
    assert network.right.one(IkeSaClosed).reason is DeletionReason.PEER
    assert not network.left.endpoint.ike_sas()
    assert not network.left.of(IkeSaEstablished)


def test_an_ike_sa_that_a_peer_is_making_ends_with_the_address() -> None:
    """RFC 4555 §2: a responder cannot move, and the peer learns its new address otherwise."""
    network = Network(LEFT_PEER, RIGHT_PEER)
    network.right.endpoint.initiate("r-one", network.now)
    network.run(0.025)
    network.left.endpoint.set_address("right", THERE, network.now)
    network.run(60)
    assert network.right.one(AttemptFailed).reason is FailureReason.NO_ANSWER
    assert not network.left.log
    assert not network.left.endpoint.ike_sas()


def behind_nat(network: Network, offset: int) -> None:
    """Have the left router's datagrams pass a NAT that maps its ports."""

    def nat(datagram: Datagram) -> list[tuple[float, Datagram]]:
        if datagram.source.address != RIGHT:
            mapped = UdpAddress(FARTHER, datagram.source.port + offset)
            return [(0.01, replace(datagram, source=mapped))]
        port = datagram.destination.port - offset
        if datagram.destination.address != FARTHER or port != 4500:
            return []
        return [(0.01, replace(datagram, destination=at(THERE, port)))]

    network.filter = nat


def test_behind_a_nat_esp_goes_in_udp_from_the_move_on() -> None:
    network = established()
    behind_nat(network, 1000)
    network.left.endpoint.set_address("right", THERE, network.now)
    network.run(2)
    left, right = network.left.one(PeerMoved), network.right.one(PeerMoved)
    assert left.encapsulated
    assert right.encapsulated
    assert (left.local, right.remote) == (at(THERE, 4500), at(FARTHER, 5500))


def test_a_nat_that_changes_its_mapping_is_noticed_with_the_liveness_check() -> None:
    """RFC 4555 §3.8: the answer says where the peer sees us; we ask it to follow."""
    network = established()
    behind_nat(network, 1000)
    network.left.endpoint.set_address("right", THERE, network.now)
    network.run(15)
    behind_nat(network, 2000)
    network.run(40)
    assert network.right.of(PeerMoved)[-1].remote == at(FARTHER, 6500)
    assert len(live(network, "right")) == 1
    assert not network.left.of(IkeSaClosed)


@pytest.mark.parametrize("source", ["224.0.0.5", "127.0.0.1", "0.0.0.0", "255.255.255.255", RIGHT])
def test_an_address_that_no_peer_can_have_is_refused(source: str) -> None:
    """RFC 4555 §3.5: UNACCEPTABLE_ADDRESSES; the initiator has no other one to try."""
    network = established()
    behind_nat(network, 0)
    nat = network.filter
    network.filter = lambda d: [
        (delay, replace(one, source=UdpAddress(IPv4Address(source), 4500)))
        if one.source.address == FARTHER
        else (delay, one)
        for delay, one in nat(d)
    ]
    network.left.endpoint.set_address("right", THERE, network.now)
    network.run(0.015)
    (answer,) = (d for d in network.sent[-1:] if d.source.address == RIGHT)
    assert answer.destination.address == IPv4Address(source)
    network.left.endpoint.receive(replace(answer, destination=at(THERE, 4500)), network.now)
    network.collect()
    assert network.left.one(IkeSaClosed).reason is DeletionReason.UNREACHABLE
    assert not network.right.of(PeerMoved)


def test_a_nat_that_the_initiator_forbids_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 4555 §3.9: NO_NATS_ALLOWED with other addresses than the packet has."""
    announce = relocation.announce

    def forbidding(connection: Connection) -> list[Payload]:
        data = THERE.packed + RIGHT.packed + (4500).to_bytes(2, "big") * 2
        return [Notify(NotifyType.NO_NATS_ALLOWED, data), *announce(connection)]

    monkeypatch.setattr(relocation, "announce", forbidding)
    network = established()
    move(network)
    network.run(2)
    check_moved(network, THERE)
    network = established()
    behind_nat(network, 1000)
    network.left.endpoint.set_address("right", THERE, network.now)
    network.run(2)
    assert network.left.one(IkeSaClosed).reason is DeletionReason.UNREACHABLE
    assert not network.right.of(PeerMoved)


def test_the_crash_token_follows_the_address() -> None:
    """RFC 6290 §5.2: tokens are bound to addresses."""
    with_secret = Settings(qcd_secret=Secret(b"right's"))
    network = Network(LEFT_PEER, RIGHT_PEER, right_settings=with_secret)
    network.nodes[THERE] = network.left
    network.left.endpoint.initiate("one", network.now)
    network.run(0.5)
    move(network)
    network.run(3)
    fresh = Network(LEFT_PEER, RIGHT_PEER, right_settings=with_secret)
    network.right.endpoint = fresh.right.endpoint
    network.run(12)
    assert network.left.one(IkeSaClosed).reason is DeletionReason.CRASHED


NOTIFIES = st.builds(
    Notify,
    st.sampled_from(
        [
            NotifyType.ADDITIONAL_IP4_ADDRESS,
            NotifyType.ADDITIONAL_IP6_ADDRESS,
            NotifyType.NO_ADDITIONAL_ADDRESSES,
            NotifyType.COOKIE2,
            NotifyType.NO_NATS_ALLOWED,
            NotifyType.INITIAL_CONTACT,
        ]
    ),
    st.sampled_from([0, 4, 7, 8, 12, 16, 64, 65]).flatmap(
        lambda n: st.binary(min_size=n, max_size=n)
    ),
)


@settings(max_examples=60)
@given(st.lists(NOTIFIES, max_size=50))
def test_whatever_the_peer_says_about_addresses_is_bounded(notifies: list[Notify]) -> None:
    found = mobike.addresses(notifies)
    about = [n for n in notifies if n.notify_type in (16397, 16398, 16399)]
    if not about:
        assert found is None
    if found is not None:
        assert len(found) <= mobike.MAX_ADDRESSES
        packed = {n.data for n in about}
        assert all(address.packed in packed for address in found)
    cookies = mobike.echoed_cookies(notifies)
    assert len(cookies) <= 1
    for cookie in cookies:
        assert isinstance(cookie, Notify)
        assert 8 <= len(cookie.data) <= 64
    mobike.has_forbidden_nat(notifies, at(LEFT), at(RIGHT))
