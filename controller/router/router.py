"""The router's control plane: everything but sockets, clocks and tasks.

The owner feeds it what happens, with the time in seconds of one monotonic clock, and after each
call carries out `take_outputs` in order. `next_deadline` says when to call `advance`.

::

    punts, digests, idle entries ──▶ Punts ──▶ PassiveMode ◀──▶ Negotiation (IKE)
                                                   │                 │
                                                   ▼                 ▼
                                              DesiredState ◀── SecurityAssociationDatabase
                                                   │
                                                   ▼
                                     outputs: writes and packet-outs, in order
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Address

from controller.p4runtime import tables
from controller.p4runtime.desired import DesiredState
from controller.p4runtime.entities import (
    ClearReport,
    CounterValue,
    Declared,
    Entry,
    MeterCell,
    PacketIn,
    Update,
    WriteFailure,
)
from controller.passive.events import (
    DestinationIdle,
    Effect,
    Message,
    PassiveEvent,
    ReceivedInClear,
    SaDown,
    SaUp,
    SentInClear,
    Severity,
    SourceIdle,
    StartAttempt,
    SwitchPassiveMode,
)
from controller.passive.machine import PassiveMode
from controller.passive.states import State
from controller.policy.model import Policy
from controller.router.adoption import adoptable
from controller.router.baseline import baseline
from controller.router.effects import carry_out
from controller.router.expiry import ExpiryWatch
from controller.router.negotiation import Negotiation
from controller.router.outputs import Output, Send, Write
from controller.router.punts import PuntResult, Punts
from controller.router.refusals import explain
from controller.router.sa_pair import SaSource
from controller.router.sad import SecurityAssociationDatabase
from controller.router.upkeep import SaUpkeep
from controller.router.usage import UsageMeter
from controller.speaker import ike_transport
from controller.speaker.routes import RouteTable
from controller.speaker.tally import Tally
from ike.config import Settings
from ike.types import Secret

_CLEAR_STATES = frozenset({State.CLEAR, State.CLEAR_RETRY_DUE})


class Router:
    """One router, for as long as its controller runs; the switch may come and go."""

    def __init__(
        self,
        policy: Policy,
        *,
        now: float,
        wall_clock: Callable[[], float],
        random_bytes: Callable[[int], bytes] = os.urandom,
        settings: Settings | None = None,
        ike_keylog: Callable[[str], None] | None = None,
        esp_keylog: Callable[[str], None] | None = None,
    ) -> None:
        self._policy = policy
        self._types = {packet_type.id: packet_type for packet_type in policy.packet_types}
        self._adopted = False
        self._ike_activity = 0
        self._outputs: list[Output] = []
        self._messages: list[Message] = []

        self._desired = DesiredState()
        self._routes = RouteTable(policy.interfaces, policy.static_routes)
        self._baseline: dict[object, Declared] = {}
        self._declare_baseline()
        self._sad = SecurityAssociationDatabase(self._desired, self._routes, random_bytes)
        self._negotiation = Negotiation(
            policy,
            self._sad,
            random_bytes=random_bytes,
            settings=settings or policy.ike_settings,
            wall_clock=wall_clock,
            ike_keylog=ike_keylog,
            esp_keylog=esp_keylog,
        )
        self._upkeep = SaUpkeep(self._sad, self._negotiation, wall_clock)
        self._passive = PassiveMode(
            self._types, enabled=policy.passive_mode, retry=policy.retry, now=now
        )
        self._usage = UsageMeter()
        self._expiry = ExpiryWatch(wall_clock)
        self._expiry.set_certificates(policy.certificates, now)
        self._punts = Punts(policy, self._routes, self._sad)
        self._apply(self._passive.advance(now), now)

    # --- what there is to see -------------------------------------------------------------

    @property
    def policy(self) -> Policy:
        """The configuration in force."""
        return self._policy

    @property
    def passive(self) -> PassiveMode:
        """Passive mode, to look at."""
        return self._passive

    @property
    def sad(self) -> SecurityAssociationDatabase:
        """The SAs, to look at."""
        return self._sad

    @property
    def negotiation(self) -> Negotiation:
        """IKE, to look at."""
        return self._negotiation

    @property
    def desired(self) -> DesiredState:
        """What the switch should hold, to look at."""
        return self._desired

    def punt_drops(self) -> dict[str, Tally]:
        """Return what of the punted packets was dropped here, by reason."""
        return self._punts.drops()

    # --- the switch -----------------------------------------------------------------------

    def connected(
        self, found: Sequence[Entry], now: float, *, meters: Sequence[MeterCell] = ()
    ) -> None:
        """The switch answers, runs our program, and holds these entries and meter cells.

        The first time, what an earlier controller has left is adopted. Later, an outbound SA
        that the switch no longer holds has lost its sequence numbers, and is replaced.
        """
        if self._adopted:
            self._replace_lost(found, now)
        else:
            self._adopted = True
            self._adopt(found, now)
            self._install_manual(now)
        self._settle(now)
        # What has been pending is part of the difference.
        self._desired.pending()
        self._outputs = [output for output in self._outputs if isinstance(output, Send)]
        updates = self._desired.reconcile(found, meters)
        # "On" goes before all else, so that no new rule refuses a clear packet that the
        # configuration allows. Nothing leaves in the clear for it: that takes a decision.
        first = [update for update in updates if _turns_passive_mode_on(update)]
        rest = [update for update in updates if not _turns_passive_mode_on(update)]
        self._outputs[:0] = [Write(tuple(part)) for part in (first, rest) if part]

    def written(
        self, updates: Sequence[Update], failures: Sequence[WriteFailure], now: float
    ) -> None:
        """The switch has answered a `Write`; say of each refusal what it means."""
        self._desired.acknowledge(updates, failures)
        for sentence in explain(failures):
            self._say(Severity.ERROR, sentence)
        if failures:
            for event in self._upkeep.give_up(failures, self._desired.refused, now):
                self._tell(event, now)
            self._settle(now)

    def packet_in(self, packet: PacketIn, now: float) -> None:
        """The pipeline punted a packet."""
        result = self._punts.handle(packet, now)
        self._take(result)
        if result.datagram is not None:
            discarded = self._negotiation.receive(result.datagram, now)
            self._ike_activity += 1
            if discarded is not None:
                self._punts.count_discarded(discarded, packet.frame)
        if result.event is not None:
            self._tell(result.event, now)
        self._settle(now)

    def clear_report(self, report: ClearReport, now: float) -> None:
        """The pipeline sent or accepted a packet in the clear."""
        if report.sent_packet_type:
            self._tell(
                SentInClear(
                    report.sent_packet_type, IPv4Address(report.destination), report.retry_due
                ),
                now,
            )
        if report.received_packet_type:
            self._tell(
                ReceivedInClear(report.received_packet_type, IPv4Address(report.source)), now
            )
        self._settle(now)

    def idle(self, entries: Iterable[Entry], now: float) -> None:
        """Clear destinations or sources have had no packet for their idle time."""
        for entry in entries:
            if entry.key.table == "clear_destinations":
                self._tell(DestinationIdle(*tables.parse_clear_destination(entry)), now)
            elif entry.key.table == "clear_sources":
                self._tell(SourceIdle(*tables.parse_clear_source(entry)), now)
        self._settle(now)

    def sa_counters(
        self,
        inbound: Mapping[int, CounterValue],
        outbound: Mapping[int, CounterValue],
        now: float,
    ) -> None:
        """Tell what the SAs have carried: proof that peers live, and what uses lifetimes up.

        Args:
            inbound: by SA id.
            outbound: by packet type.
            now: seconds.
        """
        for pair in self._sad.pairs():
            received = inbound.get(pair.sa_id)
            if received is not None and received.packets > pair.packets_in:
                self._negotiation.note_inbound_traffic(pair.inbound.spi, now)
                pair.packets_in = received.packets
        for pair, usage in self._usage.update(self._sad, inbound, outbound):
            if pair.source is SaSource.IKE:
                self._negotiation.note_usage(pair.inbound.spi, usage, now)
        self._settle(now)

    # --- time -----------------------------------------------------------------------------

    def advance(self, now: float) -> None:
        """Do what is due."""
        self._negotiation.advance(now)
        self._sad.advance(now)
        self._apply(self._passive.advance(now), now)
        self._take(self._punts.advance(now))
        self._messages += self._expiry.advance(now)
        self._settle(now)

    def next_deadline(self) -> float | None:
        """Return when `advance` wants to be called, in seconds; None: not before an input."""
        deadlines = (
            self._negotiation.next_deadline(),
            self._sad.next_deadline(),
            self._passive.next_deadline(),
            self._punts.next_deadline(),
            self._expiry.next_deadline(),
        )
        return min((time for time in deadlines if time is not None), default=None)

    # --- the operator ---------------------------------------------------------------------

    def set_passive_mode(self, enabled: bool, now: float) -> list[Message]:
        """``[no] crypto ipsec optional``; return what the operator is told."""
        before = len(self._messages)
        self._apply(self._passive.set_enabled(enabled, now), now)
        told = self._messages[before:]
        self._settle(now)
        return told

    def set_retry(self, seconds: float, now: float) -> None:
        """``crypto ipsec optional retry SECONDS``.

        Raises:
            ValueError: not a positive, finite number.
        """
        self._apply(self._passive.set_retry(seconds, now), now)
        self._settle(now)

    def clear_sas(self, peer: IPv4Address | None, now: float) -> int:
        """``clear crypto sa [peer A]``: delete SAs here and at the peers; return how many pairs.

        The next packet of each packet type starts afresh. Manual SAs are installed again.
        """
        pairs = [
            pair for pair in self._sad.pairs() if peer is None or pair.packet_type.peer == peer
        ]
        for isakmp in self._policy.peers:
            if peer is None or isakmp.address == peer:
                self._negotiation.delete_peer(isakmp.local_address, isakmp.address, now)
        self._settle(now)
        for pair in pairs:
            if self._sad.by_inbound_spi(pair.inbound.spi) is pair:
                self._sad.remove(pair.inbound.spi)
                if self._sad.sending(pair.packet_type.id) is None:
                    self._tell(SaDown(pair.packet_type.id), now)
        self._settle(now)
        self._install_manual(now)
        self._settle(now)
        return len(pairs)

    def shutdown(self, now: float, *, leave_sas: bool) -> None:
        """Say goodbye: delete the SAs at the peers and on the switch, unless told to leave them.

        What goes in the clear goes on doing so: the nodes that are not upgraded stay reachable.
        """
        if leave_sas:
            return
        self._negotiation.shutdown(now)
        for pair in self._sad.pairs():
            self._sad.remove(pair.inbound.spi)
        self._settle(now)

    def export_state(self, key: Secret, now: float) -> bytes:
        """Export the IKE SAs, for another controller to carry them on; outputs are taken."""
        return self._negotiation.export_state(key, now)

    def import_state(self, blob: bytes, key: Secret, now: float) -> None:
        """Carry on the IKE SAs that the controller before has exported; before `connected`.

        The switch has their CHILD_SAs; what it has lost of them is deleted at the peers.

        Raises:
            StateError: they can't be carried on; nothing is changed.
        """
        self._negotiation.import_state(blob, key, now)
        self._settle(now)

    @property
    def ike_activity(self) -> int:
        """A number that grows whenever IKE SAs may have changed."""
        return self._ike_activity

    def reload(self, policy: Policy, now: float) -> None:
        """Go over to another configuration; SAs of packet types that stay the same live on."""
        # Before all else: off, so that nothing goes in the clear against the new configuration;
        # on, so that a new policy refuses no clear packet that the new configuration allows.
        self._apply(self._passive.set_enabled(policy.passive_mode, now), now)
        self._flush()
        old_types = self._types
        self._policy = policy
        self._types = {packet_type.id: packet_type for packet_type in policy.packet_types}
        changed = [
            packet_type
            for packet_type in old_types.values()
            if self._types.get(packet_type.id) != packet_type
        ]
        # What hangs on the id of a packet type that is changed goes before the policy that gives
        # the id to others: they must not meet its SA, nor its way into the clear.
        self._negotiation.set_policy(policy, now)
        for packet_type in changed:
            for pair in self._sad.pairs(packet_type.id):
                self._sad.remove(pair.inbound.spi)
        kept = set(old_types) - {packet_type.id for packet_type in changed}
        self._apply(self._passive.set_packet_types(kept, now), now)
        self._flush()
        self._routes.replace(policy.interfaces, policy.static_routes)
        self._declare_baseline()
        for unreachable in self._sad.reroute():
            self._say(Severity.ERROR, unreachable)
        self._take(self._punts.set_policy(policy, now))
        self._apply(self._passive.set_packet_types(self._types, now), now)
        self._apply(self._passive.set_retry(policy.retry, now), now)
        self._expiry.set_certificates(policy.certificates, now)
        self._install_manual(now)
        self._settle(now)

    # --- outputs --------------------------------------------------------------------------

    def take_outputs(self) -> list[Output]:
        """Drain what is to be written and sent, in order."""
        drained, self._outputs = self._outputs, []
        return drained

    def take_messages(self) -> list[Message]:
        """Drain the lines for the operator's log."""
        drained, self._messages = self._messages, []
        return drained

    # --- inside: carrying out -------------------------------------------------------------

    def _settle(self, now: float) -> None:
        """Let IKE, the SAs and passive mode react to each other until nothing is left to do.

        Inbound SAs are written before IKE's answer goes out, so that the peer can use them at
        once; a responder's outbound SA comes after it.
        """
        while True:
            for event in list(self._negotiation.passive_events(now, self._is_clear)):
                self._tell(event, now)
            self._note_activated(now)
            self._flush()
            datagrams = self._negotiation.transmits()
            self._ike_activity += len(datagrams)
            for datagram in datagrams:
                self._outputs.append(Send(ike_transport.encode(datagram)))
            self._sad.advance(now)
            self._note_activated(now)
            self._flush()
            if not datagrams:
                break
        self._messages += self._negotiation.messages()

    def _note_activated(self, now: float) -> None:
        for packet_type in self._sad.take_activated():
            self._tell(SaUp(packet_type), now)

    def _flush(self) -> None:
        updates = self._desired.pending()
        if updates:
            self._outputs.append(Write(tuple(updates)))

    def _tell(self, event: PassiveEvent, now: float) -> None:
        self._apply(self._passive.handle(event, now), now)

    def _apply(self, effects: Iterable[Effect], now: float) -> None:
        for effect in effects:
            match effect:
                case StartAttempt(packet_type):
                    self._negotiation.start(self._types[packet_type], now)
                case Message():
                    self._messages.append(self._named(effect))
                case SwitchPassiveMode():
                    carry_out(effect, self._desired, "")
                case _:
                    carry_out(effect, self._desired, self._name(effect.packet_type))

    def _take(self, result: PuntResult) -> None:
        for entity in result.declare:
            self._desired.declare(entity)
        for key in result.withdraw:
            self._desired.withdraw(key)
        self._flush()
        self._outputs.extend(Send(packet) for packet in result.send)

    def _is_clear(self, packet_type: int) -> bool:
        return self._passive.state_of(packet_type).state in _CLEAR_STATES

    def _name(self, packet_type: int) -> str:
        known = self._types.get(packet_type)
        return f"{known.name} with {known.peer}" if known else f"packet type {packet_type}"

    def _named(self, message: Message) -> Message:
        if message.packet_type is None:
            return message
        return replace(message, text=f"{self._name(message.packet_type)}: {message.text}")

    def _say(self, severity: Severity, text: str) -> None:
        self._messages.append(Message(severity, text))

    # --- inside: state that is found, lost or given ---------------------------------------

    def _declare_baseline(self) -> None:
        new = {_identity(entity): entity for entity in baseline(self._policy, self._routes)}
        for identity, entity in self._baseline.items():
            if identity not in new and isinstance(entity, Entry):
                self._desired.withdraw(entity.key)
        for entity in new.values():
            self._desired.declare(entity)
        self._baseline = new

    def _adopt(self, found: Sequence[Entry], now: float) -> None:
        adoption = adoptable(found, self._baseline.values(), self._policy)
        replaced = self._upkeep.adopt(adoption.pairs, now)
        for neighbor in adoption.neighbors:
            self._take(self._punts.adopt_neighbor(*neighbor, now))
        self._note_activated(now)
        for packet_type, decision in adoption.decisions:
            self._apply(self._passive.adopt(packet_type, decision, now), now)
        for outbound, listed in ((True, adoption.destinations), (False, adoption.sources)):
            for packet_type, address in listed:
                effects = self._passive.adopt_address(packet_type, address, now, outbound=outbound)
                self._apply(effects, now)
        if replaced:
            self._say(
                Severity.INFO,
                f"{len(replaced)} SAs found on the switch are kept in use until IKE has"
                " replaced them",
            )
        for unproven in replaced:
            self._negotiation.start(unproven, now)

    def _install_manual(self, now: float) -> None:
        self._messages += self._upkeep.install_manual(self._types.values(), now)
        self._note_activated(now)

    def _replace_lost(self, found: Sequence[Entry], now: float) -> None:
        losses = self._upkeep.drop_lost(found, now)
        for event in losses.events:
            self._tell(event, now)
        self._messages += losses.messages
        self._settle(now)
        for packet_type in losses.packet_types:
            if packet_type.manual_in is None:
                self._negotiation.start(packet_type, now)
        self._install_manual(now)


def _turns_passive_mode_on(update: Update) -> bool:
    entity = update.entity
    return isinstance(entity, Entry) and entity == tables.passive_mode(True)


def _identity(entity: Declared) -> object:
    return entity.key if isinstance(entity, Entry) else (entity.meter, entity.index)
