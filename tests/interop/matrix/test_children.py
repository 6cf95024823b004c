"""What a CHILD_SA is for, and how it comes about: selectors, modes, childless IKE SAs."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network, IPv6Address, IPv6Network

import pytest

from ike.events import ChildSaEstablished, IkeSaEstablished
from tests.interop.lab.lab import Lab
from tests.interop.lab.scenario import CHILD, CONNECTION
from tests.interop.lab.strongswan import StrongSwan
from tests.interop.lab.topology import LAN, SITE_A, SITE_B
from tests.interop.matrix.cells import By, both_ways, cell
from tests.interop.matrix.keywords import esp_proposal
from tests.interop.matrix.pair import (
    ESP,
    PEER,
    our_child,
    our_peer,
    paired,
    selector,
    their_child,
    their_connection,
)

pytestmark = pytest.mark.interop

SELECTORS, CHILDLESS = "Traffic selectors", "Childless IKE SA (RFC 6023)"
OTHER = "others"  # a second CHILD_SA
OUR_OTHER, THEIR_OTHER = IPv4Network("10.1.7.0/24"), IPv4Network("10.2.7.0/24")
OUR_V6, THEIR_V6 = IPv6Network("fd00:1::/64"), IPv6Network("fd00:2::/64")


@both_ways("Traffic selectors", "the responder narrows ours")
def test_narrowing(matrix_lab: Lab, strongswan: StrongSwan, by: By) -> None:
    """RFC 7296 §2.9: the initiator proposes more than the responder allows."""
    our_net, their_net = SITE_A.network.supernet(8), SITE_B.network.supernet(8)
    ours, theirs = our_peer(), their_connection()
    if by is By.ENGINE:
        child = our_child(
            local_selectors=(selector(our_net),), remote_selectors=(selector(their_net),)
        )
        ours = our_peer(children=(child,))
    else:
        wide = their_child(local_ts=(str(their_net),), remote_ts=(str(our_net),))
        theirs = their_connection(child=wide)
    with paired(matrix_lab, strongswan, ours, theirs) as pair:
        pair.establish(by)
        (child_sa,) = strongswan.installed_children(CHILD)
        assert child_sa.local_ts == (str(SITE_B.network),)
        assert child_sa.remote_ts == (str(SITE_A.network),)
        pair.ping_both_ways()


@both_ways(SELECTORS, "two networks on either side of one CHILD_SA")
def test_several_selectors(matrix_lab: Lab, strongswan: StrongSwan, by: By) -> None:
    """RFC 7296 §2.9."""
    our_networks, their_networks = (SITE_A.network, OUR_OTHER), (SITE_B.network, THEIR_OTHER)
    ours = our_peer(
        children=(
            our_child(
                local_selectors=tuple(selector(network) for network in our_networks),
                remote_selectors=tuple(selector(network) for network in their_networks),
            ),
        )
    )
    theirs = their_connection(
        child=their_child(
            local_ts=tuple(str(network) for network in their_networks),
            remote_ts=tuple(str(network) for network in our_networks),
        )
    )
    # kernel-libipsec needs an address of its own in each network that it is to protect.
    matrix_lab[SITE_B.router].ip("address", "replace", f"{THEIR_OTHER[1]}/32", "dev", "lo")
    with paired(matrix_lab, strongswan, ours, theirs) as pair:
        pair.establish(by)
        (child_sa,) = strongswan.installed_children(CHILD)
        assert set(child_sa.local_ts) == {str(network) for network in their_networks}
        assert set(child_sa.remote_ts) == {str(network) for network in our_networks}
        pair.ping_both_ways()
        assert pair.engine.ping(OUR_OTHER[2], SITE_B.host_address).all_answered


@both_ways(SELECTORS, "two CHILD_SAs of one IKE SA")
def test_two_children(matrix_lab: Lab, strongswan: StrongSwan, by: By) -> None:
    """RFC 7296 §1.3.1: the second is made by CREATE_CHILD_SA."""
    other = our_child(name=OTHER, local_selectors=(selector(OUR_OTHER),))
    ours = our_peer(children=(our_child(), other))
    their_other = their_child(name=OTHER, remote_ts=(str(OUR_OTHER),))
    theirs = their_connection(children=(their_child(), their_other))
    with paired(matrix_lab, strongswan, ours, theirs) as pair:
        pair.establish(by)
        pair.establish(by, OTHER)
        assert len(pair.engine.seen(IkeSaEstablished)) == 1
        pair.ping_both_ways()
        assert pair.engine.ping(OUR_OTHER[2], SITE_B.host_address).all_answered


@both_ways(SELECTORS, "IPv6 networks over IPv4")
def test_ipv6(matrix_lab: Lab, strongswan: StrongSwan, by: By) -> None:
    gateway = matrix_lab[SITE_B.router]
    gateway.sysctl("net.ipv6.conf.all.disable_ipv6=0", f"net.ipv6.conf.{LAN}.disable_ipv6=0")
    gateway.sysctl("net.ipv6.conf.ipsec0.disable_ipv6=0")
    address = THEIR_V6[1]
    gateway.ip("address", "replace", f"{address}/64", "dev", LAN, "nodad")
    child = our_child(local_selectors=(selector(OUR_V6),), remote_selectors=(selector(THEIR_V6),))
    their_v6 = their_child(local_ts=(str(THEIR_V6),), remote_ts=(str(OUR_V6),))
    ours, theirs = our_peer(children=(child,)), their_connection(child=their_v6)
    with paired(matrix_lab, strongswan, ours, theirs) as pair:
        pair.establish(by)
        assert isinstance(address, IPv6Address)
        assert pair.engine.ping(OUR_V6[2], address).all_answered
        assert pair.engine.esp_errors == []


@both_ways(CHILDLESS, "and a CHILD_SA after it")
def test_childless(matrix_lab: Lab, strongswan: StrongSwan, by: By) -> None:
    """strongSwan insists: an IKE_AUTH with a CHILD_SA it would refuse."""
    ours = our_peer(childless=True)
    theirs = their_connection(options=(("childless", "force"),))
    before = len(strongswan.log)
    with paired(matrix_lab, strongswan, ours, theirs) as pair:
        pair.establish(by)
        pair.ping_both_ways()
    log = strongswan.log[before:]
    direction = "parsed" if by is By.ENGINE else "generating"
    assert f"{direction} CREATE_CHILD_SA request" in log
    assert log.count("IKE_AUTH request 1 [ ") == 1
    assert "TSi" not in log.partition("IKE_AUTH request 1 [ ")[2].partition("]")[0]


@both_ways(CHILDLESS, "that stays without")
def test_connect(matrix_lab: Lab, strongswan: StrongSwan, by: By) -> None:
    ours = our_peer(childless=True)
    theirs = their_connection(options=(("childless", "force"),))
    with paired(matrix_lab, strongswan, ours, theirs) as pair:
        if by is By.ENGINE:
            pair.engine.connect(PEER)
        else:
            strongswan.swanctl("--initiate", "--ike", CONNECTION, "--timeout", "5")
        pair.engine.wait_for(IkeSaEstablished)
        assert [sa.state for sa in strongswan.list_sas()] == ["ESTABLISHED"]
        assert pair.engine.seen(ChildSaEstablished) == []


@cell("Modern", "ESN offered, and declined (RFC 4304)", By.ENGINE)
def test_esn_declined(matrix_lab: Lab, strongswan: StrongSwan) -> None:
    """RFC 7296 §3.3.2: a responder that has no ESN chooses sequence numbers without."""
    proposal = replace(esp_proposal(ESP), extended_sequence_numbers=(True, False))
    ours, theirs = our_peer(children=(our_child(proposals=(proposal,)),)), their_connection()
    with paired(matrix_lab, strongswan, ours, theirs) as pair:
        pair.establish(By.ENGINE)
        pair.ping_both_ways()
