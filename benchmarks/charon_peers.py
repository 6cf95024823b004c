"""Who meets whom in the comparison with charon: many spokes and a hub, either of them charon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface

from ike.config import (
    ChildConfig,
    EncryptionAlgorithm,
    EspProposal,
    IkeProposal,
    KeyExchange,
    PeerConfig,
    PresharedKey,
    Prf,
    Settings,
)
from ike.types import Identity, Secret, TrafficSelector
from tests.interop.lab.swanctl_conf import Child, Connection
from tests.interop.lab.topology import SITE_A, SITE_B

OURS, CHARONS = SITE_A.core_address, SITE_B.core_address
FIRST_SPOKE = IPv4Address("10.5.0.1")  # where charon's spokes are, one address each
FIRST_INSIDE = IPv4Address("10.6.0.1")  # what each spoke's CHILD_SA is for, at the engine
SPOKE_ID, HUB_ID = "spoke.example", "hub.example"
PRESHARED_KEY = "the shared secret of the benchmark"
# All spokes of the engine have one address, so no limit may hold for an address. 0 does not turn
# the last two off in 5.9.8: it raises the block to one more than the cookies', which makes it 1.
DAEMON = (
    ("reuse_ikesa", "no"),
    ("half_open_timeout", "60"),
    ("cookie_threshold", "0"),
    ("cookie_threshold_ip", "100000"),
    ("block_threshold", "200000"),
)
# Nothing is asked of a spoke that charon does not ask: no cookies, no limit that it would meet.
SETTINGS = Settings(cookie_threshold=1 << 20, half_open_limit=1 << 20)

WORDS = {
    KeyExchange.CURVE25519: "x25519",
    KeyExchange.SECP256R1: "ecp256",
    KeyExchange.MODP2048: "modp2048",
}
_OPTIONS = (("unique", "never"),)


def _peer(method: KeyExchange, number: int, *, childless: bool) -> PeerConfig:
    key = PresharedKey(Secret(PRESHARED_KEY.encode()))
    inside = FIRST_INSIDE + number
    network = SITE_B.network
    child = ChildConfig(
        f"child-{number}",
        (TrafficSelector(inside, inside),),
        (TrafficSelector(network[0], network[-1]),),
        (EspProposal(((EncryptionAlgorithm.AES_GCM_16, 256),)),),
    )
    return PeerConfig(
        f"peer-{number}",
        OURS,
        CHARONS,
        Identity.from_text(SPOKE_ID),
        Identity.from_text(HUB_ID),
        key,
        key,
        (child,),
        (
            IkeProposal(
                encryption=((EncryptionAlgorithm.AES_GCM_16, 256),),
                prf=(Prf.HMAC_SHA2_256,),
                key_exchange=(method,),
            ),
        ),
        liveness_interval=0,
        childless=childless,
    )


def our_spokes(method: KeyExchange, count: int, *, childless: bool) -> list[PeerConfig]:
    """Return the engine's peers where it is all the spokes, and charon the hub."""
    return [_peer(method, number, childless=childless) for number in range(count)]


def our_hub(method: KeyExchange, count: int) -> list[PeerConfig]:
    """Return the engine's peers where it is the hub, and charon all the spokes."""
    peers = []
    for number in range(count):
        peer, spoke = _peer(method, number, childless=False), FIRST_SPOKE + number
        child = replace(peer.children[0], remote_selectors=(TrafficSelector(spoke, spoke),))
        peers.append(
            replace(
                peer,
                remote_address=spoke,
                local_identity=Identity.from_text(HUB_ID),
                remote_identity=Identity.from_text(SPOKE_ID),
                children=(child,),
            )
        )
    return peers


def charons_hub(method: KeyExchange, *, childless: bool) -> Connection:
    """Return charon's connection as the hub, the same for all spokes."""
    return _connection(
        method,
        Child("hub", (str(SITE_B.network),), (f"{FIRST_INSIDE}/16",), start_action="none"),
        childless=childless,
        local_id=HUB_ID,
        remote_id=SPOKE_ID,
    )


def charons_spokes(method: KeyExchange, count: int, *, start: bool) -> Iterator[Connection]:
    """Yield charon's connections as the spokes; with `start` they initiate once loaded."""
    for number in range(count):
        spoke = FIRST_SPOKE + number
        child = Child(
            f"child-{number}",
            (f"{spoke}/32",),
            (f"{FIRST_INSIDE + number}/32",),
            start_action="start" if start else "none",
        )
        connection = _connection(
            method, child, childless=False, local_id=SPOKE_ID, remote_id=HUB_ID
        )
        yield replace(
            connection,
            name=f"spoke-{number}",
            local_address=str(spoke),
            # All have the same identities, so one secret is enough.
            preshared_key=PRESHARED_KEY if number == 0 else "",
        )


def spoke_addresses(count: int) -> list[IPv4Interface]:
    """Return the addresses that charon's spokes have."""
    return [IPv4Interface(f"{FIRST_SPOKE + number}/32") for number in range(count)]


def _connection(
    method: KeyExchange, child: Child, *, childless: bool, local_id: str, remote_id: str
) -> Connection:
    return Connection(
        name="hub",
        local_address=str(CHARONS),
        remote_address=str(OURS),
        local_id=local_id,
        remote_id=remote_id,
        preshared_key=PRESHARED_KEY,
        children=(child,),
        proposals=(f"aes256gcm16-prfsha256-{WORDS[method]}",),
        mobike=False,
        options=(*_OPTIONS, ("childless", "force")) if childless else _OPTIONS,
    )
