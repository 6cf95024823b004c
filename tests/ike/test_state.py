"""Export and import of established IKE SAs: another process carries them on, unnoticed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ike_handover import KEY, at_step, check_wire, hand_over
from ike_network import LEFT, Network, Node, child, left_peer, mirrored, right_peer
from test_loss import live

from ike.config import (
    EspProposal,
    IkeProposal,
    KeyExchange,
    PeerConfig,
    PresharedKey,
    Prf,
    Settings,
)
from ike.endpoint import Endpoint
from ike.events import (
    AttemptFailed,
    ChildSaDeleted,
    ChildSaEstablished,
    DeletionReason,
    IkeSaClosed,
    IkeSaEstablished,
)
from ike.state.errors import StateError, UnknownVersionError, UnsealError
from ike.types import Datagram, Identity, Secret

PFS = (EspProposal(key_exchange=(KeyExchange.SECP256R1,)),)
ONE = child("one", "10.1.0.0/16", "10.2.0.0/16", proposals=PFS)
TWO = child("two", "10.3.0.0/16", "10.4.0.0/16", proposals=PFS)
LEFT_PEER = left_peer(ONE, TWO)
RIGHT_PEER = right_peer(mirrored(ONE, "r-one"), mirrored(TWO, "r-two"))
SMALL = Settings(fragment_size=120)


def established(settings: Settings | None = None) -> Network:
    network = Network(LEFT_PEER, RIGHT_PEER, settings=settings)
    network.left.endpoint.initiate("one", network.now)
    network.run(0.5)
    assert network.right.one(ChildSaEstablished)
    return network


def spi(node: Node) -> int:
    gone = {e.spi_in for e in node.of(ChildSaDeleted)}
    return next(e.spi_in for e in node.of(ChildSaEstablished) if e.spi_in not in gone)


def create(network: Network) -> None:
    network.left.endpoint.initiate("two", network.now + network.left.offset)


def create_both(network: Network) -> None:
    create(network)
    network.right.endpoint.initiate("r-two", network.now + network.right.offset)


def rekey_child(network: Network) -> None:
    network.left.endpoint.rekey_child(spi(network.left), network.now + network.left.offset)


def rekey_child_both(network: Network) -> None:
    rekey_child(network)
    network.right.endpoint.rekey_child(spi(network.right), network.now + network.right.offset)


def several(network: Network) -> None:
    """As many requests in flight as there are packet types (RFC 7296 §2.3)."""
    create(network)
    rekey_child(network)


def rekey_ike(network: Network) -> None:
    network.left.endpoint.rekey_peer("right", network.now + network.left.offset)


def rekey_ike_both(network: Network) -> None:
    rekey_ike(network)
    network.right.endpoint.rekey_peer("left", network.now + network.right.offset)


def delete_child(network: Network) -> None:
    network.left.endpoint.delete_child(spi(network.left), network.now + network.left.offset)


def delete_ike(network: Network) -> None:
    network.left.endpoint.delete_peer("right", network.now + network.left.offset)


def nothing(network: Network) -> None:
    """Liveness checks come by themselves."""


EXCHANGES: dict[Callable[[Network], None], set[str]] = {
    create: {"one", "two"},
    create_both: {"one", "two"},
    rekey_child: {"one"},
    rekey_child_both: {"one"},
    several: {"one", "two"},
    rekey_ike: {"one"},
    rekey_ike_both: {"one"},
    delete_child: set(),
    delete_ike: set(),
    nothing: {"one"},
}


def check_agreement(network: Network, expected: set[str]) -> None:
    left, right = live(network, "left"), live(network, "right")
    assert sorted(name for name, _, _ in left) == sorted(expected), "one pair a packet type"
    assert {(i, o) for _, i, o in left} == {(o, i) for _, i, o in right}
    made = {e.spi_out: e for e in network.right.of(ChildSaEstablished)}
    for event in network.left.of(ChildSaEstablished):
        if event.spi_in in made:
            assert event.key_in == made[event.spi_in].key_out
    spis = [
        {(sa.initiator_spi, sa.responder_spi) for sa in node.endpoint.ike_sas()}
        for node in (network.left, network.right)
    ]
    assert spis[0] == spis[1], "both ends have the same IKE SAs"
    closed = [e.reason for n in (network.left, network.right) for e in n.of(IkeSaClosed)]
    assert DeletionReason.LIVENESS not in closed
    assert not network.left.of(AttemptFailed)
    check_wire(network.sent)


def go_through(
    exchange: Callable[[Network], None],
    wanted: Callable[[int], bool],
    sides: str,
    settings: Settings,
    lost: Callable[[int], bool] = lambda number: False,
) -> int:
    """Let an exchange happen while routers are replaced; give the number of its events."""
    network = established(settings)
    steps = 0

    def replace_routers() -> None:
        if "l" in sides:
            hand_over(network, network.left, LEFT_PEER, offset=5e6, settings=settings)
        if "r" in sides:
            hand_over(network, network.right, RIGHT_PEER, offset=-900.0, settings=settings)

    def is_wanted(number: int) -> bool:
        nonlocal steps
        steps = number
        return wanted(number)

    numbers = iter(range(1_000_000))
    network.filter = lambda d: [] if lost(next(numbers)) else [(0.01, d)]
    exchange(network)
    at_step(network, is_wanted, replace_routers)
    network.run(25)
    network.on_step = lambda: None
    network.deliver_all()
    network.run(45)
    check_agreement(network, EXCHANGES[exchange])
    return steps


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda e: e.__name__)
def test_continuity_with_a_new_process_at_every_event(
    exchange: Callable[[Network], None],
) -> None:
    """Both routers change process all the time; the first request and the first answer get lost."""
    go_through(exchange, lambda n: n < 40, "lr", SMALL, lambda n: n in (0, 3))


@pytest.mark.slow
@pytest.mark.parametrize("side", ["l", "r"])
@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda e: e.__name__)
def test_continuity_from_any_one_point(exchange: Callable[[Network], None], side: str) -> None:
    """One router changes process once, at every point of every exchange, with fragments or not."""
    for sizes in (Settings(), SMALL):
        point, last = 0, 1
        while point <= min(last, 24):
            last = go_through(exchange, lambda n, p=point: n == p, side, sizes)
            point += 1


def test_a_retransmission_gets_the_same_bytes_after_import() -> None:
    network = established()
    network.right.endpoint.rekey_peer("left", network.now)
    network.collect()
    request = network.sent[-1]
    network.run(0.015)
    answer = network.sent[-1]
    assert answer.source == request.destination
    hand_over(network, network.left, LEFT_PEER)
    network.left.endpoint.receive(request, network.now)
    assert network.left.endpoint.transmits() == [answer]


def test_an_answered_delete_is_answered_again_after_import() -> None:
    network = established()
    network.right.endpoint.delete_peer("left", network.now)
    network.collect()
    request = network.sent[-1]
    network.run(0.015)
    answer = network.sent[-1]
    report = hand_over(network, network.left, LEFT_PEER)
    assert not report.carried_on
    network.left.endpoint.receive(request, network.now)
    assert network.left.endpoint.transmits() == [answer]
    network.run(30)
    assert network.left.endpoint.next_deadline() is None


def test_a_half_received_message_is_completed_after_import() -> None:
    network = established(SMALL)
    network.filter = lambda d: [(0.01 * (1 + d.payload[33]), d)] if d.source.address != LEFT else []
    network.right.endpoint.rekey_peer("left", network.now)
    network.run(0.025)
    fragments = network.sent[-1].payload[34:36]
    assert int.from_bytes(fragments, "big") > 2, "the request is in fragments"
    hand_over(network, network.left, LEFT_PEER, settings=SMALL)
    network.deliver_all()
    before = len(network.sent)
    network.run(0.3)
    assert network.sent[before].source.address == LEFT, "answered before it is sent again"
    network.run(20)
    check_agreement(network, {"one"})


def test_the_report_tells_what_lives_on() -> None:
    network = established()
    event = network.left.one(ChildSaEstablished)
    report = hand_over(network, network.left, LEFT_PEER)
    (carried,) = report.carried_on
    assert not report.not_carried_on
    assert carried.info in network.left.endpoint.ike_sas()
    (pair,) = carried.children
    assert (pair.child, pair.peer) == ("one", "right")
    assert (pair.spi_in, pair.spi_out) == (event.spi_in, event.spi_out)
    assert (pair.encryption, pair.key_bits) == (event.encryption, event.key_bits)
    assert pair.local_selectors == event.local_selectors
    assert 0 < pair.lifetime < event.lifetime
    assert pair.is_live
    assert pair.mode is event.mode
    assert not network.left.endpoint.events(), "nothing is reported as new"


DIFFERENCES: dict[str, PeerConfig] = {
    "no peer of that name": replace(LEFT_PEER, name="another"),
    "local address was 192.0.2.1": replace(LEFT_PEER, local_address=LEFT + 7),
    "remote address was 192.0.2.2": replace(LEFT_PEER, remote_address=LEFT + 7),
    "local identity": replace(LEFT_PEER, local_identity=Identity.from_text("a.example")),
    "remote identity": replace(LEFT_PEER, remote_identity=Identity.from_text("a.example")),
    "authentication is": replace(LEFT_PEER, remote_authentication=PresharedKey(Secret(b"other"))),
    "IKE proposals": replace(LEFT_PEER, proposals=(IkeProposal(prf=(Prf.HMAC_SHA2_256,)),)),
}


@pytest.mark.parametrize("reason", DIFFERENCES)
def test_a_peer_configured_differently_is_not_carried_on(reason: str) -> None:
    network = established()
    report = hand_over(network, network.left, DIFFERENCES[reason])
    assert not report.carried_on
    (dropped,) = report.not_carried_on
    assert reason in dropped.reason
    assert dropped.peer == "right"
    assert [c.spi_in for c in dropped.children] == [network.left.one(ChildSaEstablished).spi_in]
    assert not network.left.endpoint.ike_sas()
    assert network.left.endpoint.next_deadline() is None


def test_a_child_configured_differently_is_deleted_at_both_ends() -> None:
    network = established()
    hand_over(network, network.left, left_peer(replace(ONE, lifetime=77.0), TWO))
    network.run(1)
    assert network.left.one(ChildSaDeleted).reason is DeletionReason.RECONFIGURED
    assert network.right.one(ChildSaDeleted).reason is DeletionReason.PEER
    assert len(network.left.endpoint.ike_sas()) == 1


def test_a_state_is_imported_once() -> None:
    network = established()
    blob = network.left.endpoint.export_state(KEY, network.now)
    report = network.left.endpoint.import_state(blob, KEY, network.now)
    assert not report.carried_on
    assert "in use" in report.not_carried_on[0].reason
    network.run(20)
    check_agreement(network, {"one"})


def test_new_spis_keep_clear_of_imported_ones() -> None:
    """The importer has the exporter's randomness again: it must not take the same SPIs."""
    network = established()
    blob = network.left.endpoint.export_state(KEY, network.now)
    repeated = Network(LEFT_PEER, RIGHT_PEER)
    repeated.left.endpoint.import_state(blob, KEY, network.now)
    before = set(repeated.left.endpoint.ike_sas())
    network.left.endpoint = repeated.left.endpoint
    rekey_ike(network)
    network.run(5)
    assert not before & set(network.left.endpoint.ike_sas())
    assert len(network.left.endpoint.ike_sas()) == 1


def test_half_open_ike_sas_stay_behind() -> None:
    network = Network(LEFT_PEER, RIGHT_PEER)
    network.left.endpoint.initiate("one", network.now)
    network.run(0.015)
    for node, config in ((network.left, LEFT_PEER), (network.right, RIGHT_PEER)):
        report = hand_over(network, node, config)
        assert not report.carried_on
        assert not report.not_carried_on
    network.left.endpoint.initiate("one", network.now)
    network.run(5)
    assert len(live(network, "left")) == 1


def test_events_must_have_been_taken() -> None:
    """The keys of a CHILD_SA are in its event, and nowhere else."""
    network = established()
    create(network)
    network.filter = lambda d: [(0.0, d)]
    network.collect()
    network.right.endpoint.receive(network.sent[-1], network.now)
    with pytest.raises(ValueError, match="events"):
        network.right.endpoint.export_state(KEY, network.now)


def clocked(config: PeerConfig, time: datetime, network: Network) -> Endpoint:
    return Endpoint([config], wall_clock=lambda: time, random_bytes=network.random.randbytes)


@pytest.mark.parametrize("away", [0.0, 100.0])
def test_lifetimes_go_on_while_nobody_has_the_state(away: float) -> None:
    """The two processes' clocks have nothing in common; the wall clock tells the time between."""
    network = established()
    (before,) = network.left.endpoint.ike_sas()
    blob = network.left.endpoint.export_state(KEY, network.now)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    middle = clocked(LEFT_PEER, start, network)
    middle.import_state(blob, KEY, 7.0)
    blob = middle.export_state(KEY, 7.0)
    after_it = clocked(LEFT_PEER, start + timedelta(seconds=away), network)
    report = after_it.import_state(blob, KEY, 50_000.0)
    assert report.elapsed == away
    (after,) = after_it.ike_sas()
    assert before.rekey_at is not None
    assert after.rekey_at is not None
    remaining = before.rekey_at - network.now
    assert after.rekey_at - 50_000.0 == pytest.approx(remaining - away)


def test_what_has_expired_meanwhile_is_deleted() -> None:
    network = Network(replace(LEFT_PEER, lifetime=60.0), RIGHT_PEER)
    network.left.endpoint.initiate("one", network.now)
    network.run(0.5)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    config = replace(LEFT_PEER, lifetime=60.0)
    first = clocked(config, start, network)
    first.import_state(network.left.endpoint.export_state(KEY, network.now), KEY, 0.0)
    second = clocked(config, start + timedelta(hours=1), network)
    second.import_state(first.export_state(KEY, 0.0), KEY, network.now)
    network.left.endpoint = second
    network.run(1)
    assert network.left.one(IkeSaClosed).reason is DeletionReason.EXPIRED
    assert network.right.one(IkeSaClosed).reason is DeletionReason.PEER


def test_importers_of_one_blob_use_different_ivs() -> None:
    """The exporter goes on, and two processes import the same: no IV comes twice (RFC 5282)."""
    network = established()
    blob = network.left.endpoint.export_state(KEY, network.now)
    sent: list[Datagram] = [d for d in network.sent if d.source.address == LEFT]
    bodies = set()
    for endpoint in (
        network.left.endpoint,
        *(Endpoint([LEFT_PEER], random_bytes=network.random.randbytes) for _ in range(2)),
    ):
        if endpoint is not network.left.endpoint:
            endpoint.import_state(blob, KEY, network.now)
        endpoint.delete_peer("right", network.now)
        sent += endpoint.transmits()
        bodies.add(sent[-1].payload)
    assert len(bodies) == 3
    ivs = [d.payload[32:40] for d in sent if d.payload[16] == 46]
    assert len(ivs) == len(set(ivs)) == 4


def test_the_blob_holds_no_secret_in_the_clear() -> None:
    network = established()
    blob = network.left.endpoint.export_state(KEY, network.now)
    for text in (b"a shared secret", b"right", b"10.1.0.0"):
        assert text not in blob
        assert text.hex().encode() not in blob


@pytest.mark.parametrize("key", [b"", bytes(16), bytes(31), bytes(33)])
def test_the_key_has_32_bytes(key: bytes) -> None:
    endpoint = Endpoint([LEFT_PEER])
    with pytest.raises(ValueError, match="32"):
        endpoint.export_state(Secret(key), 0.0)
    with pytest.raises(ValueError, match="32"):
        endpoint.import_state(b"", Secret(key), 0.0)


BLOB = established().left.endpoint.export_state(KEY, 1000.5)


def refuse(blob: bytes, error: type[StateError], key: Secret = KEY) -> None:
    endpoint = Endpoint([LEFT_PEER])
    with pytest.raises(error):
        endpoint.import_state(blob, key, 0.0)
    assert not endpoint.ike_sas()
    assert endpoint.next_deadline() is None


def test_another_key_opens_nothing() -> None:
    refuse(BLOB, UnsealError, Secret(bytes(32)))


@settings(max_examples=40)
@given(st.integers(min_value=0, max_value=len(BLOB) - 1), st.integers(min_value=1, max_value=255))
def test_a_changed_byte_is_noticed(position: int, change: int) -> None:
    changed = bytearray(BLOB)
    changed[position] ^= change
    kind = UnknownVersionError if 8 <= position < 18 else StateError
    refuse(bytes(changed), kind)


@settings(max_examples=40)
@given(st.integers(min_value=0, max_value=len(BLOB) - 1))
def test_a_blob_cut_short_is_noticed(length: int) -> None:
    refuse(BLOB[:length], StateError)


def test_an_older_or_newer_version_is_named() -> None:
    endpoint = Endpoint([LEFT_PEER])
    with pytest.raises(UnknownVersionError, match="format 00020102030405060708, this version"):
        endpoint.import_state(
            BLOB[:8] + bytes([0, 2, 1, 2, 3, 4, 5, 6, 7, 8]) + BLOB[18:], KEY, 0.0
        )


def test_ike_sas_established_after_an_import_come_later() -> None:
    """INITIAL_CONTACT of a peer that has restarted ends the imported IKE SA (RFC 7296 §2.4)."""
    network = established()
    hand_over(network, network.left, LEFT_PEER)
    network.restart(network.nodes[LEFT].one(IkeSaEstablished).remote.address, RIGHT_PEER)
    network.right.endpoint.initiate("r-one", network.now)
    network.run(1)
    assert network.left.one(IkeSaClosed).reason is DeletionReason.INITIAL_CONTACT
    assert [c.peer for c in network.left.endpoint.ike_sas()] == ["right"]
