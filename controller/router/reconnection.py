"""What the switch holds when it answers: taken over the first time, mended later."""

from __future__ import annotations

from collections.abc import Sequence

from controller.p4runtime import tables
from controller.p4runtime.entities import Entry, MeterCell, Update
from controller.passive.events import Severity
from controller.router.adoption import adoptable
from controller.router.outputs import Send, Write
from controller.router.parts import Parts


def adopt(parts: Parts, found: Sequence[Entry], now: float) -> None:
    """Take over what an earlier controller has left on the switch."""
    known = parts.negotiation.children
    adoption = adoptable(found, parts.baseline.entities, parts.policy, known)
    replaced = parts.upkeep.adopt(adoption.pairs, now)
    for neighbor in adoption.neighbors:
        parts.take(parts.punts.adopt_neighbor(*neighbor, now))
    parts.note_activated(now)
    for packet_type, decision in adoption.decisions:
        parts.apply(parts.passive.adopt(packet_type, decision, now), now)
    for outbound, listed in ((True, adoption.destinations), (False, adoption.sources)):
        for packet_type, address in listed:
            effects = parts.passive.adopt_address(packet_type, address, now, outbound=outbound)
            parts.apply(effects, now)
    if replaced:
        parts.say(
            Severity.INFO,
            f"{len(replaced)} SAs found on the switch are kept in use until IKE has replaced them",
        )
    for unproven in replaced:
        parts.negotiation.start(unproven, now)


def replace_lost(parts: Parts, found: Sequence[Entry], now: float) -> None:
    """Negotiate anew what the switch has lost, and the sequence numbers with it."""
    losses = parts.upkeep.drop_lost(found, now)
    for event in losses.events:
        parts.tell(event, now)
    parts.messages += losses.messages
    parts.settle(now)
    for packet_type in losses.packet_types:
        if packet_type.manual_in is None:
            parts.negotiation.start(packet_type, now)
    parts.install_manual(now)


def reconcile(parts: Parts, found: Sequence[Entry], meters: Sequence[MeterCell]) -> None:
    """Have the outputs begin with what the switch holds otherwise than it should."""
    # What has been pending is part of the difference.
    parts.desired.pending()
    sends = [output for output in parts.outputs if isinstance(output, Send)]
    updates = parts.desired.reconcile(found, meters)
    # "On" goes before all else, so that no new rule refuses a clear packet that the
    # configuration allows. Nothing leaves in the clear for it: that takes a decision.
    first = [update for update in updates if _turns_passive_mode_on(update)]
    rest = [update for update in updates if not _turns_passive_mode_on(update)]
    parts.outputs[:] = [*(Write(tuple(part)) for part in (first, rest) if part), *sends]


def _turns_passive_mode_on(update: Update) -> bool:
    entity = update.entity
    return isinstance(entity, Entry) and entity == tables.passive_mode(True)
