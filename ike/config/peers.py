"""Whom to talk to, and what to protect on the way there."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address

from ike.config.authentication import LocalAuthentication, Ppk, RemoteAuthentication
from ike.config.proposals import EspProposal, IkeProposal
from ike.types import Identity, TrafficSelector


class Mode(StrEnum):
    """How ESP wraps packets (RFC 4301 §3.3)."""

    TUNNEL = "tunnel"
    TRANSPORT = "transport"


@dataclass(frozen=True, slots=True)
class ChildConfig:
    """What one pair of CHILD_SAs protects: a packet type. `name` is the caller's, and unique.

    Transport mode is for packets between the peers' own addresses alone, and never goes through a
    NAT. Where the peer doesn't want it, or a NAT is found, it is tunnel mode, or nothing with
    `mode_required`.
    """

    name: str
    local_selectors: tuple[TrafficSelector, ...]
    remote_selectors: tuple[TrafficSelector, ...]
    proposals: tuple[EspProposal, ...] = (EspProposal(),)
    lifetime: float = 3600.0  # seconds until the CHILD_SA is rekeyed, before jitter; 0: never
    mode: Mode = Mode.TUNNEL
    mode_required: bool = False
    lifetime_bytes: int = 0  # the same in bytes, by `Endpoint.note_usage`; 0: no limit
    lifetime_packets: int = 0  # the same in packets; 0: as many as there are sequence numbers
    origin: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class PeerConfig:
    """One peer, reached at one address. `name` is the caller's, and unique.

    `local_authentication` is how we prove who we are, `remote_authentication` how the peer has to;
    the two need not be the same method (RFC 7296 §2.15). With `NullAuthentication` the peer's
    identity is not looked at, and `NULL_IDENTITY` is for an end that tells none.

    After `reauthenticate` seconds, and before a certificate of the peer's expires, both ends prove
    who they are again, with a new IKE SA that takes the place of the old one (RFC 4478).
    """

    name: str
    local_address: IPv4Address
    remote_address: IPv4Address
    local_identity: Identity
    remote_identity: Identity
    local_authentication: LocalAuthentication
    remote_authentication: RemoteAuthentication
    children: tuple[ChildConfig, ...]
    proposals: tuple[IkeProposal, ...] = (IkeProposal(),)
    lifetime: float = 86400.0  # seconds until the IKE SA is rekeyed, before jitter; 0: never
    liveness_interval: float = 10.0  # seconds of silence before a liveness check; 0: never
    mobike: bool = True  # the IKE SA may move to other addresses (RFC 4555)
    childless: bool = False  # make the IKE SA without a CHILD_SA first, if the peer can (RFC 6023)
    reauthenticate: float = 0.0  # seconds, before jitter; 0: when a certificate expires
    ppk: Ppk | None = None
    origin: str = field(default="", compare=False)
