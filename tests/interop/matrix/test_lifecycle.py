"""SAs from birth to death: rekeyed under traffic, deleted, lost, authenticated anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ike.events import (
    ChildSaDeleted,
    ChildSaEstablished,
    DeletionReason,
    IkeSaClosed,
    IkeSaEstablished,
)
from tests.interop.lab.lab import Lab
from tests.interop.lab.ping import PingStream
from tests.interop.lab.scenario import CHILD, CONNECTION
from tests.interop.lab.strongswan import StrongSwan
from tests.interop.lab.topology import SITE_A, SITE_B
from tests.interop.lab.waiting import wait_for
from tests.interop.matrix.cells import By, both_ways, cell
from tests.interop.matrix.pair import (
    ESP,
    PEER,
    QUICK,
    Pair,
    our_peer,
    paired,
    their_connection,
)

pytestmark = pytest.mark.interop

PFS = f"{ESP}-x25519"


@pytest.fixture
def pair(matrix_lab: Lab, strongswan: StrongSwan) -> Iterator[Pair]:
    with paired(matrix_lab, strongswan, our_peer(esp=PFS), their_connection(esp=PFS)) as pair:
        yield pair


@contextmanager
def traffic(pair: Pair) -> Iterator[None]:
    """Run a stream of echo requests through the tunnel; every one has to be answered."""
    host = pair.lab[SITE_B.host]
    with PingStream(host, SITE_A.host_address, pair.lab.run, interval=0.02) as stream:
        stream.wait_for_answer(5)
        yield
        now = max(stream.answered())
        stream.wait_for_answer(now + 10)
        sent = stream.stop()
    lost = set(range(1, sent + 1)) - set(stream.answered())
    # The last one may have been sent as the stream was stopped.
    assert lost <= {sent}
    assert pair.engine.esp_errors == []


@both_ways("Rekeying", "CHILD_SA under traffic, with a key exchange of its own")
def test_rekey_child(pair: Pair, by: By) -> None:
    """RFC 7296 §1.3.3, §2.8: the new pair is in use before the old one goes."""
    old = pair.establish(By.ENGINE)
    with traffic(pair):
        if by is By.ENGINE:
            pair.engine.rekey_child(CHILD)
        else:
            pair.strongswan.rekey_child(CHILD)
        gone = pair.engine.wait_for(ChildSaDeleted)
        new = pair.engine.wait_for(ChildSaEstablished, count=2)
    assert gone.spi_in == old.event.spi_in == new.replaces
    assert gone.reason is DeletionReason.REPLACED
    pair.ping_both_ways()


@both_ways("Rekeying", "IKE SA under traffic")
def test_rekey_ike(pair: Pair, by: By) -> None:
    """RFC 7296 §1.3.2: the CHILD_SA moves to the new IKE SA, and can be rekeyed there."""
    pair.establish(By.ENGINE)
    with traffic(pair):
        if by is By.ENGINE:
            pair.engine.rekey_ike(PEER)
        else:
            pair.strongswan.rekey_ike(CONNECTION)
        closed = pair.engine.wait_for(IkeSaClosed)
        assert closed.reason is DeletionReason.REPLACED
        pair.strongswan.rekey_child(CHILD)
        pair.engine.wait_for(ChildSaDeleted)
        pair.engine.rekey_child(CHILD)
        pair.engine.wait_for(ChildSaDeleted, count=2)
    pair.ping_both_ways()
    wait_for(lambda: len(pair.strongswan.list_sas()) == 1, "one IKE SA")
    (ike_sa,) = pair.strongswan.list_sas()
    assert ike_sa.initiator_spi != closed.initiator_spi


@cell("Rekeying", "CHILD_SA and IKE SA by both at once, under traffic")
def test_simultaneous_rekey(pair: Pair) -> None:
    """RFC 7296 §2.25: whatever collides, one pair remains, and no packet is lost."""
    pair.establish(By.ENGINE)
    with traffic(pair):
        for _ in range(3):
            pair.engine.rekey_child(CHILD)
            pair.strongswan.rekey_child(CHILD)
            wait_for(lambda: len(pair.strongswan.installed_children(CHILD)) == 1, "one pair")
            wait_for(lambda: len(pair.engine.pairs(CHILD)) == 1, "one pair of ours")
        pair.engine.rekey_ike(PEER)
        pair.strongswan.rekey_ike(CONNECTION)
        wait_for(lambda: len(pair.strongswan.list_sas()) == 1, "one IKE SA")
    (child,) = pair.strongswan.installed_children(CHILD)
    (ours,) = pair.engine.pairs(CHILD)
    assert (child.spi_in, child.spi_out) == (ours.event.spi_out, ours.event.spi_in)


@both_ways("Deletion", "CHILD_SA")
def test_delete_child(pair: Pair, by: By) -> None:
    """RFC 7296 §1.4.1: the IKE SA stays, and can have the CHILD_SA again."""
    pair.establish(By.STRONGSWAN)
    if by is By.ENGINE:
        pair.engine.delete_child(CHILD)
    else:
        pair.strongswan.terminate_child(CHILD)
    pair.engine.wait_for(ChildSaDeleted)
    wait_for(lambda: not pair.strongswan.installed_children(), "no CHILD_SA at strongSwan")
    assert [sa.state for sa in pair.strongswan.list_sas()] == ["ESTABLISHED"]
    pair.establish(by)
    pair.ping_both_ways()
    assert len(pair.engine.seen(IkeSaEstablished)) == 1


@both_ways("Deletion", "IKE SA")
def test_delete_ike(pair: Pair, by: By) -> None:
    pair.establish(By.STRONGSWAN)
    if by is By.ENGINE:
        pair.engine.delete_peer(PEER)
    else:
        pair.strongswan.terminate_ike(CONNECTION)
    reason = pair.engine.wait_for(IkeSaClosed).reason
    assert reason is (DeletionReason.LOCAL if by is By.ENGINE else DeletionReason.PEER)
    pair.strongswan.wait_for_no_sa()
    assert pair.engine.pairs(CHILD) == []


@both_ways("Liveness", "the other is idle, and lives")
def test_live_peer(matrix_lab: Lab, strongswan: StrongSwan, by: By) -> None:
    """RFC 7296 §2.4: an empty INFORMATIONAL exchange, which is answered."""
    if by is By.ENGINE:
        ours, theirs = our_peer(liveness_interval=0.3), their_connection()
        asked = "parsed INFORMATIONAL request"
    else:
        ours, theirs = our_peer(), their_connection(dpd_delay=1)
        asked = "generating INFORMATIONAL request"
    with paired(matrix_lab, strongswan, ours, theirs) as pair:
        before = len(strongswan.log)
        pair.establish(By.ENGINE)
        wait_for(lambda: strongswan.log[before:].count(asked) >= 2, "two checks")
        pair.ping_both_ways()
        assert pair.engine.seen(IkeSaClosed) == []


@both_ways("Liveness", "the other has crashed")
def test_dead_peer(matrix_lab: Lab, strongswan: StrongSwan, by: By) -> None:
    """RFC 7296 §2.4: the survivor finds out, and its SAs go."""
    ours, theirs = our_peer(liveness_interval=0.5), their_connection(dpd_delay=1)
    with paired(matrix_lab, strongswan, ours, theirs, settings=QUICK) as pair:
        pair.establish(By.ENGINE)
        if by is By.STRONGSWAN:
            pair.engine.kill()
            strongswan.wait_for_no_sa(timeout=20)
            return
        strongswan.kill()
        try:
            assert pair.engine.wait_for(IkeSaClosed).reason is DeletionReason.LIVENESS
            assert pair.engine.pairs(CHILD) == []
        finally:
            strongswan.restart()
        pair.establish(By.ENGINE)
        pair.ping_both_ways()


@cell("Reauthentication", "strongSwan authenticates anew, break before make", By.STRONGSWAN)
def test_reauthentication_by_strongswan(pair: Pair) -> None:
    """RFC 7296 §2.8.3: a new IKE SA from scratch, with its CHILD_SA."""
    pair.establish(By.STRONGSWAN)
    pair.strongswan.swanctl("--rekey", "--ike", CONNECTION, "--reauth")
    pair.engine.wait_for(ChildSaEstablished, count=2)
    pair.engine.wait_for(IkeSaClosed)
    pair.strongswan.wait_for_child(CHILD)
    pair.ping_both_ways()


@cell("Reauthentication", "the engine authenticates anew, make before break", By.ENGINE)
def test_reauthentication_by_the_engine(matrix_lab: Lab, strongswan: StrongSwan) -> None:
    """RFC 4478, RFC 7296 §2.8.3: no packet is lost from the old IKE SA to the new one."""
    ours, theirs = our_peer(reauthenticate=600), their_connection()
    with paired(matrix_lab, strongswan, ours, theirs) as pair:
        pair.establish(By.ENGINE)
        with traffic(pair):
            pair.engine.skip(600)
            pair.engine.wait_for(IkeSaClosed)
        assert len(pair.engine.seen(IkeSaEstablished)) == 2
        wait_for(lambda: len(strongswan.list_sas()) == 1, "one IKE SA at strongSwan")
        pair.ping_both_ways()


@cell(
    "Reauthentication", "strongSwan does so when the engine has said (AUTH_LIFETIME)", By.STRONGSWAN
)
def test_auth_lifetime(matrix_lab: Lab, strongswan: StrongSwan) -> None:
    """RFC 4478: as responder we say how long the authentication holds."""
    # strongSwan begins `over_time` before the end.
    theirs = their_connection(options=(("over_time", "28s"), ("rand_time", "0")))
    with paired(matrix_lab, strongswan, our_peer(reauthenticate=30), theirs) as pair:
        before = len(strongswan.log)
        pair.establish(By.STRONGSWAN)
        assert "received AUTH_LIFETIME of 30s" in strongswan.log[before:]
        pair.ping_both_ways()
        pair.engine.wait_for(IkeSaEstablished, count=2)
        pair.engine.wait_for(ChildSaEstablished, count=2)
        pair.ping_both_ways()


@both_ways("Handover to another process", "and rekeying of CHILD_SA and IKE SA after it")
def test_handover(pair: Pair, by: By) -> None:
    """Another endpoint imports the IKE SA; strongSwan does not notice, nor does the traffic."""
    pair.establish(by)
    with traffic(pair):
        pair.engine.hand_over()
        assert pair.rekey_child_and_ike(by).reason is DeletionReason.REPLACED
        pair.engine.hand_over()
    pair.ping_both_ways()
