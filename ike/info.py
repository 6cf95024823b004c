"""What an operator can be shown of the engine's state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ike.channel import Channel
from ike.codec.payload import Payload
from ike.codec.vendor_id import VendorId
from ike.config import Mode, Settings
from ike.events import Role
from ike.states import State
from ike.types import Identity, UdpAddress

_MAX_VENDOR_IDS = 8
_MAX_VENDOR_ID = 64  # bytes


@dataclass(frozen=True, slots=True)
class ChildSaInfo:
    """One pair of ESP SAs. Times are the caller's, in seconds; None: never.

    `more_selectors`: more of the offer would have been taken, in CHILD_SAs of its own (RFC 7296
    §2.9, ADDITIONAL_TS_POSSIBLE). `tfc_padding`: the peer takes padding against traffic analysis.
    """

    child: str
    spi_in: int
    spi_out: int
    suite: str
    established_at: float
    rekey_at: float | None
    more_selectors: bool = False
    mode: Mode = Mode.TUNNEL
    tfc_padding: bool = True


@dataclass(frozen=True, slots=True)
class IkeSaInfo:
    """One IKE SA. Times are the caller's, in seconds; None: not yet, or never.

    `peer` is "" while the peer can be one of several, `suite` before there is one. `features` are
    what both ends can do beyond RFC 7296's basics. `vendor_ids` are the peer's, cut to a bounded
    number and length, and not authenticated. `retransmissions` counts our requests that went out
    again. `http_certificates`: the peer would fetch certificates from URLs
    (HTTP_CERT_LOOKUP_SUPPORTED, RFC 7296 §3.6); we send whole ones always. At `reauthenticate_at`
    both ends prove again who they are; at `authenticated_until` the IKE SA ends if they have not.
    """

    peer: str
    role: Role
    state: State
    initiator_spi: int
    responder_spi: int
    local: UdpAddress
    remote: UdpAddress
    suite: str
    nat_detected: bool
    established_at: float | None
    rekey_at: float | None
    children: tuple[ChildSaInfo, ...]
    local_identity: Identity | None = None
    remote_identity: Identity | None = None
    local_authentication: str = ""
    remote_authentication: str = ""
    features: tuple[str, ...] = ()
    vendor_ids: tuple[bytes, ...] = ()
    retransmissions: int = 0
    http_certificates: bool = False
    reauthenticate_at: float | None = None
    authenticated_until: float | None = None


def unestablished(peer: str, state: State, channel: Channel) -> IkeSaInfo:
    """Describe an IKE SA on its way."""
    return IkeSaInfo(
        peer,
        channel.role,
        state,
        channel.initiator_spi,
        channel.responder_spi,
        channel.local,
        channel.remote,
        "",
        False,
        None,
        None,
        (),
        vendor_ids=channel.vendor_ids,
        retransmissions=channel.retransmissions,
    )


def own_vendor_id(settings: Settings) -> tuple[VendorId, ...]:
    """Say what we are, if that is configured (RFC 7296 §3.12)."""
    return (VendorId(settings.vendor_id),) if settings.vendor_id else ()


def vendor_ids(payloads: Iterable[Payload]) -> tuple[bytes, ...]:
    """Take the peer's Vendor IDs (RFC 7296 §3.12), a bounded part of them."""
    found = [p.data[:_MAX_VENDOR_ID] for p in payloads if isinstance(p, VendorId)]
    return tuple(found[:_MAX_VENDOR_IDS])
