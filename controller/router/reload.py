"""From one configuration to another, with the switch forwarding all the while."""

from __future__ import annotations

from dataclasses import replace

from controller.passive.events import Severity
from controller.policy.model import PacketType, Policy
from controller.router.parts import Parts
from controller.router.sa_pair import SaSource
from controller.router.sad import SecurityAssociationDatabase


def go_over(parts: Parts, policy: Policy, now: float) -> None:
    """Go over to another configuration; SAs of packet types that stay the same live on.

    So do those of packet types that differ in our address alone, as far as IKE can move them
    (RFC 4555); IKE tells of the end of the others.
    """
    # Before all else: off, so that nothing goes in the clear against the new configuration;
    # on, so that a new policy refuses no clear packet that the new configuration allows.
    parts.apply(parts.passive.set_enabled(policy.passive_mode, now), now)
    parts.flush()
    old_types = parts.types
    parts.policy = policy
    parts.types = {packet_type.id: packet_type for packet_type in policy.packet_types}
    changed, moved = [], []
    for old in old_types.values():
        new = parts.types.get(old.id)
        if new is not None and _is_movable(old, new, parts.sad):
            moved.append(new)
        elif new != old:
            changed.append(old)
    # What hangs on the id of a packet type that is changed goes before the policy that gives
    # the id to others: they must not meet its SA, nor its way into the clear.
    parts.negotiation.set_policy(policy, now)
    for packet_type in changed:
        for pair in parts.sad.pairs(packet_type.id):
            parts.sad.remove(pair.inbound.spi)
    for packet_type in moved:
        parts.sad.relocate(packet_type)
    kept = set(old_types) - {packet_type.id for packet_type in changed}
    parts.apply(parts.passive.set_packet_types(kept, now), now)
    parts.flush()
    parts.routes.replace(policy.interfaces, policy.static_routes)
    parts.declare_baseline()
    for unreachable in parts.sad.reroute():
        parts.say(Severity.ERROR, unreachable)
    parts.take(parts.punts.set_policy(policy, now))
    parts.apply(parts.passive.set_packet_types(parts.types, now), now)
    parts.apply(parts.passive.set_retry(policy.retry, now), now)
    parts.expiry.set_certificates(policy.certificates, now)
    parts.install_manual(now)
    parts.settle(now)


def _is_movable(old: PacketType, new: PacketType, sad: SecurityAssociationDatabase) -> bool:
    """Tell whether a packet type differs in our address alone, and IKE has all of its SAs."""
    return (
        new.local_address != old.local_address
        and replace(old, local_address=new.local_address) == new
        and new.manual_in is None
        and all(pair.source is SaSource.IKE for pair in sad.pairs(old.id))
    )
