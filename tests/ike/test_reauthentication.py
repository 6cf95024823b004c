"""Proving again who the ends are (RFC 4478): make before break, and in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from authority import NOW
from ike_authentication import (
    LEFT_NAME,
    RIGHT_NAME,
    certified,
    certified_pair,
    credential,
    initiated,
    root,
    trust,
)
from ike_network import LEFT, Network, Node, child, left_peer, mirrored, right_peer, with_key

from ike.authentication.lifetime import Renewal
from ike.codec.notify import Notify
from ike.codec.registry import ExchangeType, NotifyType
from ike.config import PeerConfig, Settings
from ike.connection import Connection
from ike.events import (
    ChildSaDeleted,
    ChildSaEstablished,
    DeletionReason,
    FailureReason,
    IkeSaClosed,
    IkeSaEstablished,
    PeerRefused,
    ReauthenticationFailed,
)
from ike.peer import Peer
from ike.tasks.base import Request
from ike.tasks.liveness import CheckLiveness
from ike.types import Secret

ONE = child("one", "10.1.1.0/24", "10.2.1.0/24")
TWO = child("two", "10.1.2.0/24", "10.2.2.0/24")
LIFETIME = 600.0


def pair(
    left_seconds: float = LIFETIME, right_seconds: float = LIFETIME
) -> tuple[PeerConfig, PeerConfig]:
    """Both routers, with two packet types, and how often each wants proof."""
    left = left_peer(ONE, TWO)
    right = right_peer(mirrored(ONE, "r-one"), mirrored(TWO, "r-two"))
    return replace(left, reauthenticate=left_seconds), replace(right, reauthenticate=right_seconds)


def both(left: PeerConfig, right: PeerConfig) -> Network:
    network = Network(left, right)
    network.left.endpoint.initiate("one", network.now)
    network.left.endpoint.initiate("two", network.now)
    network.run()
    return network


def live(node: Node) -> dict[str, set[int]]:
    """The pairs of each packet type that the events have left, by inbound SPI."""
    pairs: dict[str, set[int]] = {}
    for event in node.log:
        if isinstance(event, ChildSaEstablished):
            pairs.setdefault(event.child, set()).add(event.spi_in)
        elif isinstance(event, ChildSaDeleted):
            pairs[event.child].discard(event.spi_in)
    return pairs


def agreed(network: Network) -> None:
    """Assert one IKE SA with one pair a packet type, the same at both ends."""
    (left,), (right,) = (n.endpoint.ike_sas() for n in (network.left, network.right))
    assert (left.initiator_spi, left.responder_spi) == (right.initiator_spi, right.responder_spi)
    assert {c.spi_in for c in left.children} == {c.spi_out for c in right.children}
    assert sorted(c.child for c in left.children) == ["one", "two"]
    assert all(len(spis) == 1 for spis in live(network.left).values())


def never_without(network: Network) -> Callable[[], None]:
    """Watch that each packet type has a pair at each end all the time."""
    collect = network.collect

    def watched() -> None:
        collect()
        for node in network.nodes.values():
            assert all(live(node).values()), "a packet type has no pair"

    network.collect = watched  # type: ignore[method-assign]  # looks over its shoulder
    return watched


@pytest.mark.parametrize(("left", "right"), [(600.0, 0.0), (0.0, 600.0), (600.0, 600.0)])
def test_make_before_break(left: float, right: float) -> None:
    """By local policy of either end, or both; the responder says so with AUTH_LIFETIME (§3)."""
    network = both(*pair(left, right))
    (before,) = network.left.endpoint.ike_sas()
    assert before.reauthenticate_at is not None
    assert before.authenticated_until is not None
    assert before.reauthenticate_at < before.authenticated_until < network.now + 1.2 * LIFETIME
    never_without(network)
    network.run(LIFETIME + 20)
    (after,) = network.left.endpoint.ike_sas()
    assert after.initiator_spi != before.initiator_spi
    agreed(network)
    assert network.left.one(IkeSaClosed).reason is DeletionReason.REAUTHENTICATED
    assert network.right.one(IkeSaClosed).reason is DeletionReason.PEER
    assert [e.role for e in network.left.of(IkeSaEstablished)] == ["initiator"] * 2


@pytest.mark.slow
def test_it_goes_on_for_hours_whatever_else_is_rekeyed() -> None:
    left, right = pair(3600.0, 1800.0)
    network = both(replace(left, lifetime=1500.0), replace(right, lifetime=900.0))
    never_without(network)
    network.run(4 * 3600)
    agreed(network)
    reasons = {event.reason for event in network.left.of(IkeSaClosed)}
    assert DeletionReason.REAUTHENTICATED in reasons
    assert reasons <= {DeletionReason.REAUTHENTICATED, DeletionReason.REPLACED}
    assert not network.left.of(ReauthenticationFailed)


def test_a_rekeyed_ike_sa_has_not_been_authenticated_again() -> None:
    """RFC 7296 §2.8.3: "reauthentication and rekeying are not the same"."""
    network = both(*pair())
    for _ in range(3):
        network.run(150)
        network.left.endpoint.rekey_peer("right", network.now)
        network.run(1)
    network.run(LIFETIME - 400)
    assert DeletionReason.REAUTHENTICATED in {e.reason for e in network.left.of(IkeSaClosed)}
    agreed(network)


def connection_of(node: Node) -> Connection:
    """The engine's own state of its only IKE SA, for what no message can bring about."""
    (found,) = vars(node.endpoint)["_sas"]
    assert isinstance(found, Connection)
    return found


def peer_of(node: Node) -> Peer:
    """The engine's own state of its only peer: a configuration changes with no one noticing."""
    (found,) = vars(node.endpoint)["_peers"]
    assert isinstance(found, Peer)
    return found


def test_both_ends_begin_at_once() -> None:
    """Neither deletes what the other one has made."""
    network = both(*pair())
    for node in (network.left, network.right):
        connection_of(node).renewal.begin_at = network.now + 1
        for spi_in in live(node)["one" if node is network.left else "r-one"]:
            node.endpoint.note_inbound_traffic(spi_in, network.now)  # looks at the deadline anew
    never_without(network)
    network.run(60)
    assert len(network.left.of(IkeSaEstablished)) == 3
    agreed(network)


def test_no_initial_contact_is_sent() -> None:
    """It would end the old IKE SA at once (RFC 7296 §2.4)."""
    network = both(*pair())
    network.run(LIFETIME + 20)
    reasons = {e.reason for node in network.nodes.values() for e in node.of(IkeSaClosed)}
    assert DeletionReason.INITIAL_CONTACT not in reasons


def test_the_responder_ends_what_the_initiator_does_not_renew() -> None:
    """RFC 4478 §3, and after having tried itself: here the initiator has no idea of it."""
    network = both(*pair(0.0, LIFETIME))
    connection_of(network.left).renewal = Renewal()
    network.filter = lambda d: [] if d.payload[18] in (34, 35) else [(0.01, d)]
    network.run(1.2 * LIFETIME)
    failures = network.right.of(ReauthenticationFailed)
    assert {f.reason for f in failures} == {FailureReason.NO_ANSWER}
    assert len(failures) < 12
    assert network.right.one(IkeSaClosed).reason is DeletionReason.EXPIRED
    assert not any(live(network.left).values())


def test_a_peer_that_has_lost_its_key_is_out_when_its_time_is_up() -> None:
    left, right = pair()
    network = both(left, right)
    wrong = with_key(left, b"another")
    peer_of(network.left).config = wrong
    network.run(1.2 * LIFETIME)
    failed = network.left.of(ReauthenticationFailed)
    assert failed
    assert all("pre-shared key" in f.detail for f in failed)
    assert {e.reason for e in network.right.of(PeerRefused)} == {
        FailureReason.AUTHENTICATION_FAILED
    }
    assert not network.left.endpoint.ike_sas()


def test_a_child_that_the_peer_no_longer_makes_is_the_only_one_that_ends() -> None:
    network = both(*pair())
    only = right_peer(mirrored(TWO, "r-two"))
    peer_of(network.right).config = replace(only, reauthenticate=LIFETIME)
    vars(network.right.endpoint)["_peers"]._index()  # see `peer_of`
    network.run(LIFETIME + 20)
    assert not live(network.left)["one"]
    assert len(live(network.left)["two"]) == 1
    failed = network.left.one(ReauthenticationFailed)
    assert failed.reason is FailureReason.TS_UNACCEPTABLE
    assert failed.detail.startswith("one: ")


@pytest.mark.parametrize("initiator_expires", [True, False])
def test_no_ike_sa_outlives_the_certificate_of_its_peer(initiator_expires: bool) -> None:
    name = LEFT_NAME if initiator_expires else RIGHT_NAME
    expiring = root().issue("CN=soon", names=[name], not_after=NOW + timedelta(seconds=1000))
    left, right = certified_pair()
    if initiator_expires:
        left = replace(left, local_authentication=credential(expiring))
    else:
        right = replace(right, local_authentication=credential(expiring))
    network = initiated(left, right)
    network.run(990)
    assert len(network.left.of(IkeSaEstablished)) > 1
    assert network.left.endpoint.ike_sas()
    network.run(20)
    judge = network.right if initiator_expires else network.left
    assert judge.of(IkeSaClosed)[-1].reason is DeletionReason.EXPIRED
    assert not judge.endpoint.ike_sas()
    assert len(network.left.of(IkeSaEstablished)) < 12


def test_a_certificate_renewed_in_time_goes_on() -> None:
    expiring = root().issue("CN=soon", names=[LEFT_NAME], not_after=NOW + timedelta(seconds=1000))
    left, right = certified_pair()
    network = initiated(replace(left, local_authentication=credential(expiring)), right)
    peer_of(network.left).config = left
    never_without(network)
    network.run(2000)
    assert network.left.of(IkeSaClosed)[-1].reason is DeletionReason.REAUTHENTICATED
    assert network.right.endpoint.ike_sas()


def test_a_revoked_peer_is_out_after_the_next_proof() -> None:
    """New CRLs alone end nothing: they count from the next authentication on."""
    left, right = certified_pair(reauthenticate=LIFETIME)
    network = initiated(left, right)
    issued = root().crl()
    revoked = trust(crls=[root().crl([certified(LEFT_NAME)])])
    same = replace(right, remote_authentication=trust(crls=[issued]))
    network.right.endpoint.set_peers([same], network.now)
    network.right.endpoint.set_peers([replace(right, remote_authentication=revoked)], network.now)
    network.run(10)
    assert network.right.endpoint.ike_sas()
    network.run(1.2 * LIFETIME)
    assert {e.reason for e in network.right.of(PeerRefused)} == {FailureReason.CERTIFICATE_REVOKED}
    assert not network.right.endpoint.ike_sas()


def test_state_on_its_way_to_another_process_keeps_its_times() -> None:
    network = both(*pair())
    blob = network.left.endpoint.export_state(Secret(bytes(32)), network.now)
    again = network.restart(LEFT, pair()[0])
    again.endpoint.import_state(blob, Secret(bytes(32)), network.now)
    network.run(LIFETIME + 20)
    assert network.left.one(IkeSaClosed).reason is DeletionReason.REAUTHENTICATED


@pytest.mark.parametrize("seconds", [1, 3])
def test_a_lifetime_too_short_does_not_keep_us_busy(seconds: int) -> None:
    """A peer may ask for what it likes, and gets 10 seconds."""
    network = both(*pair(0.0, float(seconds)))
    network.run(100)
    assert len(network.left.of(IkeSaEstablished)) < 25


def test_without_a_reason_there_is_no_end() -> None:
    network = both(*pair(0.0, 0.0))
    network.run(3 * LIFETIME)
    assert not network.left.of(IkeSaClosed)


def test_the_responder_may_ask_for_it_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 4478 §3: AUTH_LIFETIME in an INFORMATIONAL exchange, at any time."""
    network = both(*pair(0.0, 0.0))
    hour = Notify(NotifyType.AUTH_LIFETIME, (100).to_bytes(4, "big"))
    request = Request(ExchangeType.INFORMATIONAL, [hour])
    monkeypatch.setattr(CheckLiveness, "begin", lambda self, connection, now: request)
    connection_of(network.right).enqueue(CheckLiveness(), network.now)
    network.right.endpoint.rekey_peer("left", network.now + 1)  # has what waits sent
    never_without(network)
    network.run(150)
    assert DeletionReason.REAUTHENTICATED in {e.reason for e in network.left.of(IkeSaClosed)}


def test_an_ike_sa_without_a_child_is_made_again_without_one() -> None:
    """RFC 6023."""
    left, right = pair()
    network = Network(replace(left, childless=True), replace(right, childless=True))
    network.left.endpoint.connect("right", network.now)
    network.run(LIFETIME + 20)
    (left_sa,) = network.left.endpoint.ike_sas()
    assert left_sa.children == ()
    assert network.left.one(IkeSaClosed).reason is DeletionReason.REAUTHENTICATED
    assert not network.left.of(ReauthenticationFailed)


def test_where_an_ike_sa_has_room_for_one_child_each_is_made_again() -> None:
    """NO_ADDITIONAL_SAS (RFC 7296 §1.3): then another IKE SA has to carry it."""
    left, right = pair()
    network = Network(left, right, settings=Settings(children_per_ike_sa=1))
    for name in ("one", "two"):
        network.left.endpoint.initiate(name, network.now)
    network.run()
    before = {sa.initiator_spi for sa in network.left.endpoint.ike_sas()}
    never_without(network)
    network.run(2 * LIFETIME)
    after = network.left.endpoint.ike_sas()
    assert sorted(c.child for sa in after for c in sa.children) == ["one", "two"]
    assert before.isdisjoint({sa.initiator_spi for sa in after})
    assert not network.left.of(ReauthenticationFailed)


def test_a_change_of_the_configuration_counts_for_what_stands() -> None:
    left, right = pair(0.0, 0.0)
    network = both(left, right)
    network.left.endpoint.set_peers([replace(left, reauthenticate=LIFETIME)], network.now)
    network.run(LIFETIME + 20)
    assert network.left.one(IkeSaClosed).reason is DeletionReason.REAUTHENTICATED
