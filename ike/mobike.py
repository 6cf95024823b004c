"""MOBIKE (RFC 4555): an IKE SA and its CHILD_SAs move to other addresses.

Who initiated the first IKE SA of a line decides about addresses: it says where it is now
(`UpdateAddresses`), the other end follows once it has seen that the new address answers
(`CheckRoutability`). No other message moves anything (§3.8), unlike without MOBIKE, where the
address of the last authenticated message is taken for the peer's (RFC 7296 §2.23).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from ike.codec.chain import find_notify, notifies
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u16
from ike.codec.registry import NotifyType
from ike.config import Mode, PeerConfig
from ike.types import UdpAddress

MAX_ADDRESSES = 32  # of a peer's that are kept
COOKIE_LENGTH = 32  # bytes of ours
_COOKIE_LENGTHS = range(8, 65)  # bytes (RFC 4555 §4.2.5)


@dataclass(frozen=True, slots=True)
class Path:
    """Between which addresses ESP goes, and whether in UDP."""

    local: UdpAddress
    remote: UdpAddress
    encapsulated: bool


@dataclass(slots=True)
class Mobility:
    """What an IKE SA with MOBIKE keeps.

    Attributes:
        decides: we initiated the first IKE SA of its line.
        path: what the data plane has been told.
        peer_addresses: where else the peer says it can be reached.
        newest_update: the message id of the last UPDATE_SA_ADDRESSES that we have followed.
        seen_as: the digest of the address that the peer sees us at; b"" before it has said so.
    """

    decides: bool
    path: Path
    peer_addresses: tuple[IPv4Address | IPv6Address, ...] = ()
    newest_update: int | None = None
    seen_as: bytes = b""


def announce(peer: PeerConfig) -> tuple[Payload, ...]:
    """Offer MOBIKE in IKE_AUTH; nothing if it is not wanted, or is of no use.

    It is for tunnel mode alone (§1.3), where addresses are not what the selectors are about.
    """
    return (Notify(NotifyType.MOBIKE_SUPPORTED),) if is_wanted(peer) else ()


def is_wanted(peer: PeerConfig) -> bool:
    """Tell whether we offer MOBIKE to a peer."""
    return peer.mobike and all(child.mode is Mode.TUNNEL for child in peer.children)


def is_agreed(peer: PeerConfig, payloads: Sequence[Payload]) -> bool:
    """Tell whether the peer offers MOBIKE in IKE_AUTH, and we do too."""
    return is_wanted(peer) and find_notify(payloads, NotifyType.MOBIKE_SUPPORTED) is not None


def addresses(payloads: Sequence[Payload]) -> tuple[IPv4Address | IPv6Address, ...] | None:
    """Return the peer's further addresses (§3.4, §3.6); None if it says nothing about them."""
    found: list[IPv4Address | IPv6Address] = []
    says_none = find_notify(payloads, NotifyType.NO_ADDITIONAL_ADDRESSES) is not None
    for notify in notifies(payloads):
        if notify.notify_type == NotifyType.ADDITIONAL_IP4_ADDRESS and len(notify.data) == 4:
            found.append(IPv4Address(notify.data))
        elif notify.notify_type == NotifyType.ADDITIONAL_IP6_ADDRESS and len(notify.data) == 16:
            found.append(IPv6Address(notify.data))
    return tuple(found[:MAX_ADDRESSES]) if found or says_none else None


def echoed_cookies(payloads: Sequence[Payload]) -> tuple[Payload, ...]:
    """Return the COOKIE2 notify of a request, to go into its answer (§3.7)."""
    notify = find_notify(payloads, NotifyType.COOKIE2)
    if notify is None or len(notify.data) not in _COOKIE_LENGTHS:
        return ()
    return (Notify(NotifyType.COOKIE2, notify.data),)


def is_acceptable(local: UdpAddress, remote: UdpAddress) -> bool:
    """Tell whether a peer can be at an address at all."""
    address = remote.address
    return bool(remote.port) and not (
        address.is_multicast
        or address.is_unspecified
        or address.is_loopback
        or address.is_reserved
        or address == local.address
    )


def has_forbidden_nat(payloads: Sequence[Payload], local: UdpAddress, remote: UdpAddress) -> bool:
    """Tell whether NO_NATS_ALLOWED names other addresses than the packet had (§3.9).

    Its data are the sender's address, ours, and both ports.
    """
    notify = find_notify(payloads, NotifyType.NO_NATS_ALLOWED)
    if notify is None:
        return False
    ports = u16(remote.port) + u16(local.port)
    return notify.data != remote.address.packed + local.address.packed + ports
