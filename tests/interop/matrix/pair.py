"""An engine and a strongSwan that are set up for each other, and what a cell does with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from ike.config import ChildConfig, PeerConfig, PresharedKey, Retransmission, Settings
from ike.events import ChildSaDeleted, IkeSaClosed
from ike.types import Identity, Secret, TrafficSelector
from tests.interop.lab.engine.engine import Engine
from tests.interop.lab.engine.tunnel import ChildPair
from tests.interop.lab.errors import LabError
from tests.interop.lab.lab import Lab
from tests.interop.lab.namespace import Namespace
from tests.interop.lab.ping import ping
from tests.interop.lab.scenario import CHILD, CONNECTION, PRESHARED_KEY, peer_connection
from tests.interop.lab.strongswan import StrongSwan
from tests.interop.lab.swanctl_conf import Child, Connection
from tests.interop.lab.topology import SITE_A, SITE_B
from tests.interop.matrix.cells import By
from tests.interop.matrix.keywords import esp_proposal, ike_proposal

PEER = "gateway"
IKE = "aes256gcm16-prfsha256-x25519"
ESP = "aes256gcm16"
QUICK = Settings(retransmission=Retransmission(first=0.2, factor=1.5, tries=4))
"""For cells that wait until the engine gives up: after less than 2 s."""


def selector(network: IPv4Network | IPv6Network) -> TrafficSelector:
    """Return the selector of all that a network sends and receives."""
    return TrafficSelector(network[0], network[-1])


def our_child(esp: str = ESP, **changes: Any) -> ChildConfig:
    """Return our CHILD_SA for both sites' networks, with other values where given."""
    child = ChildConfig(
        CHILD,
        (selector(SITE_A.network),),
        (selector(SITE_B.network),),
        proposals=(esp_proposal(esp),),
    )
    return replace(child, **changes)


def our_peer(ike: str = IKE, esp: str = ESP, **changes: Any) -> PeerConfig:
    """Return our configuration for the gateway, with other values where given."""
    key = PresharedKey(Secret(PRESHARED_KEY.encode()))
    peer = PeerConfig(
        name=PEER,
        local_address=SITE_A.core_address,
        remote_address=SITE_B.core_address,
        local_identity=Identity.from_text(str(SITE_A.core_address)),
        remote_identity=Identity.from_text(str(SITE_B.core_address)),
        local_authentication=key,
        remote_authentication=key,
        children=(our_child(esp),),
        proposals=(ike_proposal(ike),),
        liveness_interval=0,
    )
    return replace(peer, **changes)


def their_child(esp: str = ESP, **changes: Any) -> Child:
    """Return strongSwan's CHILD_SA for both sites' networks, with other values where given."""
    child = Child(CHILD, (str(SITE_B.network),), (str(SITE_A.network),), (esp,))
    return replace(child, **changes)


def their_connection(
    ike: str = IKE, esp: str = ESP, *, child: Child | None = None, **changes: Any
) -> Connection:
    """Return strongSwan's configuration for us, with other values where given."""
    connection = peer_connection(SITE_B, proposals=(ike,), child=child or their_child(esp))
    return replace(connection, **changes)


class Pair:
    """The two peers of a cell: a strongSwan that runs, and an engine for this cell alone."""

    def __init__(self, lab: Lab, strongswan: StrongSwan, engine: Engine) -> None:
        self.lab = lab
        self.strongswan = strongswan
        self.engine = engine

    def establish(self, by: By, child: str = CHILD) -> ChildPair:
        """Let one of them bring up the CHILD_SA; return our side of it once both have it."""
        if by is By.ENGINE:
            self.engine.initiate(child)
        else:
            self.strongswan.initiate(child)
        pair = self.engine.wait_for_child(child)
        self.strongswan.wait_for_child(child)
        return pair

    def rekey_child_and_ike(self, by: By) -> IkeSaClosed:
        """Let one of them rekey the CHILD_SA, then the IKE SA; return the old one's end."""
        if by is By.ENGINE:
            self.engine.rekey_child(CHILD)
            self.engine.wait_for(ChildSaDeleted)
            self.engine.rekey_ike(PEER)
        else:
            self.strongswan.rekey_child(CHILD)
            self.engine.wait_for(ChildSaDeleted)
            self.strongswan.rekey_ike(CONNECTION)
        return self.engine.wait_for(IkeSaClosed)

    def ping_both_ways(self) -> None:
        """Prove the keys of both directions with echo requests from either side."""
        ours = self.engine.ping(SITE_A.host_address, SITE_B.host_address, timeout=5.0)
        theirs = ping(self.lab[SITE_B.host], SITE_A.host_address, count=2, timeout=5.0)
        # strongSwan's ESP in user space loses one of some thousand packets.
        assert ours.any_answered, f"ours: {ours}, {self.engine.esp_errors}"
        assert theirs.any_answered, f"theirs: {theirs}, {self.engine.esp_errors}"
        assert self.engine.esp_errors == []


@contextmanager
def paired(
    lab: Lab,
    strongswan: StrongSwan,
    ours: PeerConfig,
    theirs: Connection,
    *,
    settings: Settings | None = None,
    namespace: Namespace | None = None,
) -> Iterator[Pair]:
    """Configure both for one cell; afterwards neither has an SA.

    Args:
        lab: where they are.
        strongswan: one of them, running.
        ours: what the engine knows of strongSwan; it listens at the local address there.
        theirs: what strongSwan knows of the engine.
        settings: of the engine.
        namespace: where the engine's sockets are; None: in that of site A's router.
    """
    strongswan.load(theirs)
    where = namespace or lab[SITE_A.router]
    with Engine(where, ours.local_address, [ours], settings=settings) as engine:
        yield Pair(lab, strongswan, engine)
    try:
        strongswan.wait_for_no_sa(timeout=2)
    except LabError:
        strongswan.swanctl("--terminate", "--ike", CONNECTION, "--force", "--timeout", "1")
        strongswan.wait_for_no_sa()
