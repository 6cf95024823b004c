"""Traffic selector negotiation (RFC 7296 §2.9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ike.config import ChildConfig
from ike.types import TrafficSelector

Selectors = tuple[TrafficSelector, ...]

MAX_SELECTORS = 64  # a product of two lists can grow; the payload's count has one byte


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which configured child an offer fits, and what both sides have in common."""

    child: ChildConfig
    local: Selectors
    remote: Selectors


def intersect(one: TrafficSelector, other: TrafficSelector) -> TrafficSelector | None:
    """Return what both selectors match, None if that is nothing."""
    if one.protocol and other.protocol and one.protocol != other.protocol:
        return None
    start_address = max(one.start_address, other.start_address)
    end_address = min(one.end_address, other.end_address)
    start_port = max(one.start_port, other.start_port)
    end_port = min(one.end_port, other.end_port)
    if start_address > end_address or start_port > end_port:
        return None
    protocol = one.protocol or other.protocol
    return TrafficSelector(start_address, end_address, protocol, start_port, end_port)


def narrow(ours: Sequence[TrafficSelector], offered: Sequence[TrafficSelector]) -> Selectors:
    """Return what lies in both lists, without selectors that another one contains."""
    common: list[TrafficSelector] = []
    for own in ours:
        for other in offered:
            both = intersect(own, other)
            if both is None or any(kept.contains(both) for kept in common):
                continue
            common = [kept for kept in common if not both.contains(kept)]
            if len(common) < MAX_SELECTORS:
                common.append(both)
    return tuple(common)


def inside(inner: Iterable[TrafficSelector], outer: Sequence[TrafficSelector]) -> bool:
    """Tell whether every selector of `inner` is contained in one of `outer`."""
    return all(any(o.contains(i) for o in outer) for i in inner)


def best_match(
    children: Sequence[ChildConfig], local: Sequence[TrafficSelector], remote: Selectors
) -> Narrowed | None:
    """Find the configured child that an offer is meant for; None if it fits none.

    An exact match is best, then a child that the whole offer lies in, then one that lies in the
    offer, then any that has something in common with it; among equals, the first configured.
    """
    best: tuple[int, Narrowed] | None = None
    for child in children:
        narrowed = Narrowed(
            child,
            narrow(child.local_selectors, local),
            narrow(child.remote_selectors, remote),
        )
        if not narrowed.local or not narrowed.remote:
            continue
        offer_inside = inside(local, child.local_selectors) and inside(
            remote, child.remote_selectors
        )
        child_inside = inside(child.local_selectors, local) and inside(
            child.remote_selectors, remote
        )
        rank = 2 * offer_inside + child_inside
        if best is None or rank > best[0]:
            best = rank, narrowed
    return best[1] if best else None


def describe(local: Iterable[TrafficSelector], remote: Iterable[TrafficSelector]) -> str:
    """Name selectors for an operator."""
    return f"{', '.join(map(str, local))} to {', '.join(map(str, remote))}"
