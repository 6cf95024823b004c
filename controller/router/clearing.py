"""The end of SAs that an operator wants: here, on the switch and at the peers."""

from __future__ import annotations

from ipaddress import IPv4Address

from controller.passive.events import SaDown
from controller.router.parts import Parts


def clear_sas(parts: Parts, peer: IPv4Address | None, now: float) -> int:
    """Delete the SAs with a peer, or all with None; return how many pairs there were.

    Manual ones are installed again.
    """
    sad = parts.sad
    pairs = [pair for pair in sad.pairs() if peer is None or pair.packet_type.peer == peer]
    for isakmp in parts.policy.peers:
        if peer is None or isakmp.address == peer:
            parts.negotiation.delete_peer(isakmp, now)
    parts.settle(now)
    for pair in pairs:
        if sad.by_inbound_spi(pair.inbound.spi) is pair:
            sad.remove(pair.inbound.spi)
            if sad.sending(pair.packet_type.id) is None:
                parts.tell(SaDown(pair.packet_type.id), now)
    parts.settle(now)
    parts.install_manual(now)
    parts.settle(now)
    return len(pairs)


def say_goodbye(parts: Parts, now: float) -> None:
    """Delete all SAs, and wait for nobody. What goes in the clear goes on doing so."""
    parts.negotiation.shutdown(now)
    for pair in parts.sad.pairs():
        parts.sad.remove(pair.inbound.spi)
    parts.settle(now)
