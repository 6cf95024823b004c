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

`controller.router.parts` has them all, and lets them react to each other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import IPv4Address

from controller.p4runtime import tables
from controller.p4runtime.desired import DesiredState
from controller.p4runtime.entities import (
    ClearReport,
    CounterValue,
    Entry,
    MeterCell,
    PacketIn,
    Update,
    WriteFailure,
)
from controller.passive.events import (
    DestinationIdle,
    Message,
    ReceivedInClear,
    SentInClear,
    Severity,
    SourceIdle,
)
from controller.passive.machine import PassiveMode
from controller.policy.model import Policy
from controller.router.clearing import clear_sas, say_goodbye
from controller.router.negotiation import Negotiation
from controller.router.outputs import Output, Send
from controller.router.parts import Parts
from controller.router.reconnection import adopt, reconcile, replace_lost
from controller.router.refusals import explain
from controller.router.reload import go_over
from controller.router.sa_pair import SaSource
from controller.router.sad import SecurityAssociationDatabase
from controller.router.usage import UsageMeter
from controller.speaker.tally import Tally
from ike.config import Settings
from ike.types import Secret


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
        self._parts = Parts(
            policy,
            now=now,
            wall_clock=wall_clock,
            random_bytes=random_bytes,
            settings=settings,
            ike_keylog=ike_keylog,
            esp_keylog=esp_keylog,
        )
        self._adopted = False
        self._usage = UsageMeter()

    # --- what there is to see -------------------------------------------------------------

    @property
    def policy(self) -> Policy:
        """The configuration in force."""
        return self._parts.policy

    @property
    def passive(self) -> PassiveMode:
        """Passive mode, to look at."""
        return self._parts.passive

    @property
    def sad(self) -> SecurityAssociationDatabase:
        """The SAs, to look at."""
        return self._parts.sad

    @property
    def negotiation(self) -> Negotiation:
        """IKE, to look at."""
        return self._parts.negotiation

    @property
    def desired(self) -> DesiredState:
        """What the switch should hold, to look at."""
        return self._parts.desired

    def punt_drops(self) -> dict[str, Tally]:
        """Return what of the punted packets was dropped here, by reason."""
        return self._parts.punts.drops()

    # --- the switch -----------------------------------------------------------------------

    def connected(
        self, found: Sequence[Entry], now: float, *, meters: Sequence[MeterCell] = ()
    ) -> None:
        """The switch answers, runs our program, and holds these entries and meter cells.

        The first time, what an earlier controller has left is adopted. Later, an outbound SA
        that the switch no longer holds has lost its sequence numbers, and is replaced.
        """
        if self._adopted:
            replace_lost(self._parts, found, now)
        else:
            self._adopted = True
            adopt(self._parts, found, now)
            self._parts.install_manual(now)
        self._parts.settle(now)
        reconcile(self._parts, found, meters)

    def written(
        self, updates: Sequence[Update], failures: Sequence[WriteFailure], now: float
    ) -> None:
        """The switch has answered a `Write`; say of each refusal what it means."""
        self._parts.desired.acknowledge(updates, failures)
        self._parts.outputs += (Send(packet) for packet in self._parts.early.release())
        for sentence in explain(failures):
            self._parts.say(Severity.ERROR, sentence)
        if failures:
            for event in self._parts.upkeep.give_up(failures, self._parts.desired.refused, now):
                self._parts.tell(event, now)
            self._parts.settle(now)

    def packet_in(self, packet: PacketIn, now: float) -> None:
        """The pipeline punted a packet."""
        result = self._parts.punts.handle(packet, now)
        self._parts.take(result)
        if result.datagram is not None:
            discarded = self._parts.negotiation.receive(result.datagram, now)
            self._parts.ike_activity += 1
            if discarded is not None:
                self._parts.punts.count_discarded(discarded, packet.frame)
        if result.event is not None:
            self._parts.tell(result.event, now)
        self._parts.settle(now)

    def clear_report(self, report: ClearReport, now: float) -> None:
        """The pipeline sent or accepted a packet in the clear."""
        if report.sent_packet_type:
            self._parts.tell(
                SentInClear(
                    report.sent_packet_type, IPv4Address(report.destination), report.retry_due
                ),
                now,
            )
        if report.received_packet_type:
            self._parts.tell(
                ReceivedInClear(report.received_packet_type, IPv4Address(report.source)), now
            )
        self._parts.settle(now)

    def idle(self, entries: Iterable[Entry], now: float) -> None:
        """Clear destinations or sources have had no packet for their idle time."""
        for entry in entries:
            if entry.key.table == "clear_destinations":
                self._parts.tell(DestinationIdle(*tables.parse_clear_destination(entry)), now)
            elif entry.key.table == "clear_sources":
                self._parts.tell(SourceIdle(*tables.parse_clear_source(entry)), now)
        self._parts.settle(now)

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
        for pair in self._parts.sad.pairs():
            received = inbound.get(pair.sa_id)
            if received is None:
                continue
            if received.packets > pair.packets_in:
                self._parts.negotiation.note_inbound_traffic(pair.inbound.spi, now)
            pair.packets_in = received.packets  # fewer where its entry is another one
        for pair, usage in self._usage.update(self._parts.sad, inbound, outbound):
            if pair.source is SaSource.IKE:
                self._parts.negotiation.note_usage(pair.inbound.spi, usage, now)
        self._parts.settle(now)

    # --- time -----------------------------------------------------------------------------

    def advance(self, now: float) -> None:
        """Do what is due."""
        self._parts.negotiation.advance(now)
        self._parts.sad.advance(now)
        self._parts.early.advance(now)
        self._parts.apply(self._parts.passive.advance(now), now)
        self._parts.take(self._parts.punts.advance(now))
        self._parts.messages += self._parts.expiry.advance(now)
        self._parts.settle(now)

    def next_deadline(self) -> float | None:
        """Return when `advance` wants to be called, in seconds; None: not before an input."""
        deadlines = (
            self._parts.negotiation.next_deadline(),
            self._parts.sad.next_deadline(),
            self._parts.passive.next_deadline(),
            self._parts.punts.next_deadline(),
            self._parts.early.next_deadline(),
            self._parts.expiry.next_deadline(),
        )
        return min((time for time in deadlines if time is not None), default=None)

    # --- the operator ---------------------------------------------------------------------

    def set_passive_mode(self, enabled: bool, now: float) -> list[Message]:
        """``[no] crypto ipsec optional``; return what the operator is told."""
        before = len(self._parts.messages)
        self._parts.apply(self._parts.passive.set_enabled(enabled, now), now)
        told = self._parts.messages[before:]
        self._parts.settle(now)
        return told

    def set_retry(self, seconds: float, now: float) -> None:
        """``crypto ipsec optional retry SECONDS``.

        Raises:
            ValueError: not a positive, finite number.
        """
        self._parts.apply(self._parts.passive.set_retry(seconds, now), now)
        self._parts.settle(now)

    def clear_sas(self, peer: IPv4Address | None, now: float) -> int:
        """``clear crypto sa [peer A]``: delete SAs here and at the peers; return how many pairs.

        The next packet of each packet type starts afresh. Manual SAs are installed again.
        """
        return clear_sas(self._parts, peer, now)

    def shutdown(self, now: float, *, leave_sas: bool) -> None:
        """Say goodbye: delete the SAs at the peers and on the switch, unless told to leave them.

        What goes in the clear goes on doing so: the nodes that are not upgraded stay reachable.
        """
        if not leave_sas:
            say_goodbye(self._parts, now)

    def export_state(self, key: Secret, now: float) -> bytes:
        """Export the IKE SAs, for another controller to carry them on; outputs are taken."""
        return self._parts.negotiation.export_state(key, now)

    def import_state(self, blob: bytes, key: Secret, now: float) -> None:
        """Carry on the IKE SAs that the controller before has exported; before `connected`.

        The switch has their CHILD_SAs; what it has lost of them is deleted at the peers.

        Raises:
            StateError: they can't be carried on; nothing is changed.
        """
        self._parts.negotiation.import_state(blob, key, now)
        self._parts.settle(now)

    @property
    def ike_activity(self) -> int:
        """A number that grows whenever IKE SAs may have changed."""
        return self._parts.ike_activity

    def reload(self, policy: Policy, now: float) -> None:
        """Go over to another configuration; SAs of packet types that stay the same live on."""
        go_over(self._parts, policy, now)

    # --- outputs --------------------------------------------------------------------------

    def take_outputs(self) -> list[Output]:
        """Drain what is to be written and sent, in order."""
        drained, self._parts.outputs = self._parts.outputs, []
        return drained

    def take_messages(self) -> list[Message]:
        """Drain the lines for the operator's log."""
        drained, self._parts.messages = self._parts.messages, []
        return drained
