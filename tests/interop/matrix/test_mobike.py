"""MOBIKE (RFC 4555): either peer goes on at another address of its own."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from ike.events import ChildSaDeleted, IkeSaClosed, IkeSaEstablished, PeerMoved
from tests.interop.lab.lab import Lab
from tests.interop.lab.namespace import Namespace
from tests.interop.lab.ping import ping
from tests.interop.lab.scenario import CHILD
from tests.interop.lab.strongswan import StrongSwan
from tests.interop.lab.topology import CORE, CORE_NETWORK, SITE_A, SITE_B
from tests.interop.lab.waiting import wait_for
from tests.interop.matrix.cells import By, cell
from tests.interop.matrix.pair import PEER, Pair, our_peer, paired, their_connection

pytestmark = pytest.mark.interop

AREA = "MOBIKE (RFC 4555)"
OUR_OTHER, THEIR_OTHER = CORE_NETWORK[11], CORE_NETWORK[12]


def _address(namespace: Namespace, verb: str, address: IPv4Address) -> None:
    text = f"{address}/{CORE_NETWORK.prefixlen}"
    namespace.ip("address", verb, text, "dev", CORE)


@pytest.fixture
def pair(matrix_lab: Lab, strongswan: StrongSwan) -> Iterator[Pair]:
    theirs = their_connection(local_address="%any")
    with paired(matrix_lab, strongswan, our_peer(), theirs) as pair:
        yield pair


@pytest.fixture
def their_other_address(matrix_lab: Lab) -> Iterator[Namespace]:
    """The gateway has a second address, that stays if the first one goes; then as before."""
    gateway = matrix_lab[SITE_B.router]
    gateway.sysctl(f"net.ipv4.conf.{CORE}.promote_secondaries=1")
    _address(gateway, "add", THEIR_OTHER)
    yield gateway
    _address(gateway, "replace", SITE_B.core_address)
    _address(gateway, "delete", THEIR_OTHER)


@cell(AREA, "the engine's address changes", By.ENGINE)
def test_we_move(matrix_lab: Lab, pair: Pair) -> None:
    """RFC 4555 §3.5: UPDATE_SA_ADDRESSES; the CHILD_SA goes along, and is rekeyed there."""
    router = matrix_lab[SITE_A.router]
    pair.establish(By.ENGINE)
    pair.ping_both_ways()
    _address(router, "add", OUR_OTHER)
    try:
        pair.engine.listen(OUR_OTHER)
        pair.engine.set_address(PEER, OUR_OTHER)
        assert pair.engine.wait_for(PeerMoved).local.address == OUR_OTHER
        (ike_sa,) = pair.strongswan.list_sas()
        assert ike_sa.remote_address == str(OUR_OTHER)
        pair.ping_both_ways()
        pair.strongswan.rekey_child(CHILD)
        pair.engine.wait_for(ChildSaDeleted)
        pair.ping_both_ways()
        assert len(pair.engine.seen(IkeSaEstablished)) == 1
        pair.engine.delete_peer(PEER)
        pair.engine.wait_for(IkeSaClosed)
    finally:
        _address(router, "delete", OUR_OTHER)


@cell(AREA, "strongSwan's address changes", By.STRONGSWAN)
def test_strongswan_moves(their_other_address: Namespace, pair: Pair) -> None:
    """RFC 4555 §3.5: its first address is gone, and it goes on at the second."""
    pair.establish(By.STRONGSWAN)
    pair.ping_both_ways()
    _address(their_other_address, "delete", SITE_B.core_address)
    moved = pair.engine.wait_for(PeerMoved)
    assert moved.remote.address == THEIR_OTHER
    wait_for(
        lambda: pair.engine.ping(SITE_A.host_address, SITE_B.host_address).all_answered,
        "ESP by the new address",
    )
    assert ping(pair.lab[SITE_B.host], SITE_A.host_address, count=2).all_answered
    assert len(pair.engine.seen(IkeSaEstablished)) == 1
    pair.engine.rekey_child(CHILD)
    pair.engine.wait_for(ChildSaDeleted)
    assert pair.engine.ping(SITE_A.host_address, SITE_B.host_address).all_answered
