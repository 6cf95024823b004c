"""SAs that IKE has not just made: found on the switch, lost or refused by it, given by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from controller.p4runtime import tables
from controller.p4runtime.entities import Entry, UpdateKind, WriteFailure
from controller.passive.events import Message, PassiveEvent, SaDown, Severity
from controller.policy.model import PacketType
from controller.router.adoption import FoundPair
from controller.router.negotiation import Negotiation
from controller.router.sa_pair import SaError, SaPair, SaSource
from controller.router.sad import SecurityAssociationDatabase


@dataclass(frozen=True, slots=True)
class Losses:
    """What the switch has lost: the packet types to negotiate anew, and what follows."""

    packet_types: tuple[PacketType, ...]
    events: tuple[PassiveEvent, ...]
    messages: tuple[Message, ...]


class SaUpkeep:
    """Brings the SA database in line with what the switch holds and the configuration gives.

    Args:
        sad: the SA database.
        negotiation: IKE.
        wall_clock: seconds since 1970-01-01 UTC.
    """

    def __init__(
        self,
        sad: SecurityAssociationDatabase,
        negotiation: Negotiation,
        wall_clock: Callable[[], float],
    ) -> None:
        self._sad = sad
        self._negotiation = negotiation
        self._wall_clock = wall_clock
        self._manual_generation = 0

    def adopt(self, pairs: Iterable[FoundPair], now: float) -> tuple[PacketType, ...]:
        """Carry on with what an earlier controller has left; return whose SAs IKE is to replace.

        IKE need not replace those that it has carried on itself. Those that it knows and the
        switch has not are deleted.
        """
        known = self._negotiation.children
        for pair in pairs:
            self._sad.adopt(
                pair.packet_type,
                pair.inbound,
                pair.outbound,
                pair.selectors,
                now,
                carried_on=(pair.inbound.spi, pair.outbound.spi) in known,
            )
            self._negotiation.reserve_spis((pair.inbound.spi,))
        for spi_in, _ in known:
            if self._sad.by_inbound_spi(spi_in) is None:
                self._negotiation.delete_child(spi_in, now)
        return tuple(
            pair.packet_type for pair in self._sad.pairs() if pair.source is SaSource.ADOPTED
        )

    def install_manual(self, packet_types: Iterable[PacketType], now: float) -> list[Message]:
        """Install the manual SAs that are not there yet; return what could not be done."""
        failed = []
        for packet_type in packet_types:
            if packet_type.manual_in is None or self._sad.pairs(packet_type.id):
                continue
            self._negotiation.reserve_spis((packet_type.manual_in.spi,))
            try:
                self._sad.add_manual(packet_type, now, self._next_manual_generation())
            except SaError as error:
                text = f"manual SA of {packet_type.name}: {error}"
                failed.append(Message(Severity.ERROR, text, packet_type.id))
        return failed

    def give_up(
        self, failures: Iterable[WriteFailure], final: Iterable[WriteFailure], now: float
    ) -> Iterator[PassiveEvent]:
        """Delete SAs that the switch has no room for: half of one would be a black hole.

        Args:
            failures: what the switch has refused just now.
            final: what it has refused and will not be asked again for.
            now: seconds.
        """
        settled = {id(failure) for failure in final}
        for failure in failures:
            entity = failure.update.entity
            if id(failure) not in settled or not isinstance(entity, Entry):
                continue
            pair = self._sad.by_entry(entity.key)
            if pair is not None and failure.update.kind is not UpdateKind.DELETE:
                yield from self._drop(pair, now)

    def drop_lost(self, found: Iterable[Entry], now: float) -> Losses:
        """Drop outbound SAs that the switch holds no more: their sequence numbers are gone."""
        there = {entry.key for entry in found if entry.key.table == "sad_out"}
        lost = [
            pair
            for pair in self._sad.pairs()
            if self._sad.sending(pair.packet_type.id) is pair
            and tables.sad_out(pair.outbound).key not in there
        ]
        events = [event for pair in lost for event in self._drop(pair, now)]
        text = f"the switch has lost {len(lost)} SAs and their sequence numbers: they are replaced"
        return Losses(
            packet_types=tuple(pair.packet_type for pair in lost),
            events=tuple(events),
            messages=(Message(Severity.WARNING, text),) if lost else (),
        )

    def _drop(self, pair: SaPair, now: float) -> Iterator[PassiveEvent]:
        if pair.source is SaSource.IKE:
            self._negotiation.delete_child(pair.inbound.spi, now)
        self._sad.remove(pair.inbound.spi)
        if self._sad.sending(pair.packet_type.id) is None:
            yield SaDown(pair.packet_type.id)

    def _next_manual_generation(self) -> int:
        # Tenths of a second of wall time: not used before with the same keys, even by the
        # controller that ran before this one.
        self._manual_generation = max(self._manual_generation + 1, int(self._wall_clock() * 10))
        return self._manual_generation & 0xFFFFFFFF or 1
