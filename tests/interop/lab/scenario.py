"""The peers of the lab: how the strongSwan at a site is set up to talk to our router."""

from __future__ import annotations

from tests.interop.lab.swanctl_conf import Child, Connection
from tests.interop.lab.topology import SITE_A, Site

PRESHARED_KEY = "the lab's pre-shared key"
CONNECTION = "router"
CHILD = "sites"


def peer_connection(
    site: Site,
    remote: Site = SITE_A,
    *,
    preshared_key: str = PRESHARED_KEY,
    child: Child | None = None,
    proposals: tuple[str, ...] = ("aes256gcm16-prfsha256-x25519",),
    dpd_delay: float = 0.0,
    rekey_time: float | None = None,
) -> Connection:
    """Return the connection of a site's router to another's, one child for both networks.

    Args:
        site: whose strongSwan this is for.
        remote: the other end's site; our router's by default.
        preshared_key: of both ends.
        child: another child than the one for both sites' networks.
        proposals: for IKE, in strongSwan's words.
        dpd_delay: seconds of silence before a liveness check; 0: never.
        rekey_time: seconds until the IKE SA is rekeyed; None: strongSwan's own.
    """
    return Connection(
        name=CONNECTION,
        local_address=str(site.core_address),
        remote_address=str(remote.core_address),
        local_id=str(site.core_address),
        remote_id=str(remote.core_address),
        preshared_key=preshared_key,
        children=(child or Child(CHILD, (str(site.network),), (str(remote.network),)),),
        proposals=proposals,
        dpd_delay=dpd_delay,
        rekey_time=rekey_time,
    )
