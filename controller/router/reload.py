"""From one configuration to another, with the switch forwarding all the while."""

from __future__ import annotations

from controller.passive.events import Severity
from controller.policy.model import Policy
from controller.router.parts import Parts


def go_over(parts: Parts, policy: Policy, now: float) -> None:
    """Go over to another configuration; SAs of packet types that stay the same live on."""
    # Before all else: off, so that nothing goes in the clear against the new configuration;
    # on, so that a new policy refuses no clear packet that the new configuration allows.
    parts.apply(parts.passive.set_enabled(policy.passive_mode, now), now)
    parts.flush()
    old_types = parts.types
    parts.policy = policy
    parts.types = {packet_type.id: packet_type for packet_type in policy.packet_types}
    changed = [
        packet_type
        for packet_type in old_types.values()
        if parts.types.get(packet_type.id) != packet_type
    ]
    # What hangs on the id of a packet type that is changed goes before the policy that gives
    # the id to others: they must not meet its SA, nor its way into the clear.
    parts.negotiation.set_policy(policy, now)
    for packet_type in changed:
        for pair in parts.sad.pairs(packet_type.id):
            parts.sad.remove(pair.inbound.spi)
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
