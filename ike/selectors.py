"""Traffic selector negotiation (RFC 7296 §2.9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from ike.config import ChildConfig
from ike.types import TrafficSelector

Selectors = tuple[TrafficSelector, ...]

MAX_NAMED = 4
MAX_SELECTORS = 64  # a product of two lists can grow; the payload's count has one byte


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which configured child an offer fits, and what both sides have in common.

    `others_fit`: some of what is left out of the offer fits other children.
    """

    child: ChildConfig
    local: Selectors
    remote: Selectors
    others_fit: bool = False


def intersect(one: TrafficSelector, other: TrafficSelector) -> TrafficSelector | None:
    """Return what both selectors match, None if that is nothing."""
    if one.version != other.version:
        return None
    if one.protocol and other.protocol and one.protocol != other.protocol:
        return None
    start_address = max(one.start_address, other.start_address, key=int)
    end_address = min(one.end_address, other.end_address, key=int)
    start_port = max(one.start_port, other.start_port)
    end_port = min(one.end_port, other.end_port)
    if int(start_address) > int(end_address) or start_port > end_port:
        return None
    protocol = one.protocol or other.protocol
    return TrafficSelector(start_address, end_address, protocol, start_port, end_port)


def narrow(ours: Sequence[TrafficSelector], offered: Sequence[TrafficSelector]) -> Selectors:
    """Return what lies in both lists, without selectors that another one contains.

    What lies in the first one offered is never left out for want of room.
    """
    common: list[TrafficSelector] = []
    for other in offered:
        for own in ours:
            both = intersect(own, other)
            if both is None or any(kept.contains(both) for kept in common):
                continue
            common = [kept for kept in common if not both.contains(kept)]
            if len(common) < MAX_SELECTORS:
                common.append(both)
    return tuple(common)


def paired(local: Selectors, remote: Selectors) -> tuple[Selectors, Selectors]:
    """Leave out selectors without a counterpart, of the same IP version and protocol.

    No packet matches them on both sides.
    """
    return (
        tuple(one for one in local if any(_go_together(one, other) for other in remote)),
        tuple(one for one in remote if any(_go_together(one, other) for other in local)),
    )


def _go_together(one: TrafficSelector, other: TrafficSelector) -> bool:
    return one.version == other.version and (
        not one.protocol or not other.protocol or one.protocol == other.protocol
    )


def inside(inner: Iterable[TrafficSelector], outer: Sequence[TrafficSelector]) -> bool:
    """Tell whether every selector of `inner` is contained in one of `outer`."""
    return all(any(o.contains(i) for o in outer) for i in inner)


def best_match(
    children: Sequence[ChildConfig], local: Selectors, remote: Selectors
) -> Narrowed | None:
    """Find the configured child that an offer is meant for; None if it fits none.

    An exact match is best, then a child that the whole offer lies in. Else the offer is narrowed:
    to a child that has the first selectors of both sides, which may be those of the packet that
    the initiator wants to send, then to one that lies in the offer, then to any; among equals, to
    the first configured.
    """
    for child in children:
        if _is_exact(child, local, remote):  # nothing is better, and most offers are that
            return Narrowed(child, local, remote)
    best: tuple[tuple[bool, ...], Narrowed] | None = None
    fitting = 0
    for child in children:
        ours, theirs = child.local_selectors, child.remote_selectors
        narrowed = Narrowed(child, *paired(narrow(ours, local), narrow(theirs, remote)))
        if not narrowed.local or not narrowed.remote:
            continue
        fitting += 1
        whole = inside(local, ours) and inside(remote, theirs)
        contained = inside(ours, local) and inside(theirs, remote)
        first = inside(local[:1], ours) and inside(remote[:1], theirs)
        rank = (whole, whole and contained, first, contained)
        if best is None or rank > best[0]:
            best = rank, narrowed
    if best is None:
        return None
    (whole, *_), narrowed = best
    return replace(narrowed, others_fit=fitting > 1 and not whole)


def _is_exact(child: ChildConfig, local: Selectors, remote: Selectors) -> bool:
    """Tell whether an offer of one selector on either side is what is configured."""
    return (
        len(local) == len(remote) == 1
        and child.local_selectors == local
        and child.remote_selectors == remote
        and _go_together(local[0], remote[0])
    )


def only_of(address: IPv4Address, selectors: Iterable[TrafficSelector]) -> bool:
    """Tell whether selectors match packets of one host alone."""
    return all(s.start_address == s.end_address == address for s in selectors)


def describe(local: Sequence[TrafficSelector], remote: Sequence[TrafficSelector]) -> str:
    """Name selectors for an operator, in bounded length."""
    return f"{_list(local)} to {_list(remote)}"


def _list(selectors: Sequence[TrafficSelector]) -> str:
    if not selectors:
        return "nothing that we know"
    named = ", ".join(map(str, selectors[:MAX_NAMED]))
    more = len(selectors) - MAX_NAMED
    return f"{named} and {more} more" if more > 0 else named
