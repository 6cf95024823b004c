"""IKE's events turned into SAs, passive-mode events and lines for the operator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Address

from controller.p4runtime.entities import CounterValue
from controller.passive.events import (
    AttemptEnded,
    Message,
    PassiveEvent,
    SaDown,
    Severity,
)
from controller.policy.model import IsakmpPeer, PacketType, Policy
from controller.router.early_esp import EarlyEsp
from controller.router.failures import FailureLog, NegotiationFailure
from controller.router.keylog import esp_keylog_lines
from controller.router.peers import peer_configs, peer_name
from controller.router.sa_pair import NoRouteToPeerError, SaError, SaSource
from controller.router.sad import SecurityAssociationDatabase
from ike.config import Settings
from ike.crypto.suites import EspSuite
from ike.discards import Discard
from ike.endpoint import Endpoint
from ike.events import (
    AttemptFailed,
    ChildSaDeleted,
    ChildSaEstablished,
    ChildSaOffered,
    ChildSaOfferEnded,
    DeletionReason,
    Event,
    FailureReason,
    IkeSaClosed,
    IkeSaEstablished,
    PeerMoved,
    PeerRefused,
    ReauthenticationFailed,
    Role,
)
from ike.info import IkeSaInfo
from ike.types import Datagram, Secret

REFUSAL_INTERVAL = 60.0
"""Seconds between two lines about messages refused from one address for one reason."""

REFUSAL_ADDRESSES = 1024
"""Addresses, times their reasons, that this is remembered of."""

_SUCCEEDED = frozenset(
    {
        DeletionReason.REPLACED,
        DeletionReason.REAUTHENTICATED,
        DeletionReason.DUPLICATE,
        DeletionReason.INITIAL_CONTACT,
    }
)


class Negotiation:
    """Owns the IKE engine; keeps the SA database in step with it."""

    def __init__(
        self,
        policy: Policy,
        sad: SecurityAssociationDatabase,
        early: EarlyEsp,
        *,
        random_bytes: Callable[[int], bytes],
        settings: Settings,
        wall_clock: Callable[[], float],
        ike_keylog: Callable[[str], None] | None = None,
        esp_keylog: Callable[[str], None] | None = None,
    ) -> None:
        self._sad = sad
        self._early = early
        self._esp_keylog = esp_keylog
        self._types = {packet_type.name: packet_type for packet_type in policy.packet_types}
        self._endpoint = Endpoint(
            peer_configs(policy),
            settings=settings,
            random_bytes=random_bytes,
            secrets_log=ike_keylog,
            wall_clock=lambda: datetime.fromtimestamp(wall_clock(), UTC),
        )
        self._refusals: dict[tuple[IPv4Address, FailureReason], float] = {}
        self._messages: list[Message] = []
        self._failures = FailureLog()

    # --- inputs ---------------------------------------------------------------------------

    def start(self, packet_type: PacketType, now: float) -> None:
        """Begin an attempt for a packet type, unless one is in flight."""
        self._endpoint.initiate(packet_type.name, now)

    def receive(self, datagram: Datagram, now: float) -> Discard | None:
        """Take an IKE message; tell why it was thrown away, if it was."""
        return self._endpoint.receive(datagram, now)

    def advance(self, now: float) -> None:
        """Run IKE's timers."""
        self._endpoint.advance(now)

    def next_deadline(self) -> float | None:
        """Return when `advance` has something to do, in seconds."""
        return self._endpoint.next_deadline()

    def note_inbound_traffic(self, spi_in: int, now: float) -> None:
        """ESP has arrived on this SA: its peer is alive."""
        self._endpoint.note_inbound_traffic(spi_in, now)

    def note_usage(self, spi_in: int, usage: CounterValue, now: float) -> None:
        """Tell what a pair of SAs has carried in its busier direction since it was made."""
        self._endpoint.note_usage(spi_in, usage.bytes, usage.packets, now)

    def reserve_spis(self, spis: Iterable[int]) -> None:
        """Keep these inbound SPIs out of what is allocated."""
        self._endpoint.reserve_spis(spis)

    def set_policy(self, policy: Policy, now: float) -> None:
        """Go over to another configuration; SAs of what it no longer has are deleted."""
        self._types = {packet_type.name: packet_type for packet_type in policy.packet_types}
        self._endpoint.set_peers(peer_configs(policy), now)
        self._failures.keep(peer_name(peer) for peer in policy.peers)

    def delete_child(self, spi_in: int, now: float) -> None:
        """Delete one pair of SAs, here and at the peer."""
        self._endpoint.delete_child(spi_in, now)

    def delete_peer(self, peer: IsakmpPeer, now: float) -> None:
        """Delete all SAs with a peer, here and there."""
        self._endpoint.delete_peer(peer_name(peer), now)

    def shutdown(self, now: float) -> None:
        """Delete all SAs at the peers, without waiting for their answers."""
        self._endpoint.shutdown(now)

    def export_state(self, key: Secret, now: float) -> bytes:
        """Export the IKE SAs, for another controller to carry them on."""
        return self._endpoint.export_state(key, now)

    def import_state(self, blob: bytes, key: Secret, now: float) -> None:
        """Carry on the IKE SAs that an earlier controller has exported.

        Raises:
            StateError: they can't be; nothing is changed.
        """
        report = self._endpoint.import_state(blob, key, now)
        if report.carried_on:
            text = f"{len(report.carried_on)} IKE SAs of the controller before are carried on"
            self._say(Severity.INFO, text)
        for dropped in report.not_carried_on:
            text = f"IKE SA with {dropped.peer} is not carried on: {dropped.reason}"
            self._say(Severity.WARNING, text)

    # --- outputs --------------------------------------------------------------------------

    @property
    def children(self) -> frozenset[tuple[int, int]]:
        """The inbound and outbound SPIs of all CHILD_SAs that IKE knows."""
        return frozenset(
            (child.spi_in, child.spi_out)
            for sa in self._endpoint.ike_sas()
            for child in sa.children
        )

    def transmits(self) -> list[Datagram]:
        """Drain the IKE messages that are to be sent."""
        return self._endpoint.transmits()

    def messages(self) -> list[Message]:
        """Drain the lines for the operator."""
        drained, self._messages = self._messages, []
        return drained

    def ike_sas(self) -> list[IkeSaInfo]:
        """Return the state of every IKE SA."""
        return self._endpoint.ike_sas()

    def last_failure(self, sa: IkeSaInfo) -> str | None:
        """Return why the last attempt with the peer of an IKE SA failed; None after a success."""
        failure = self._failures.last(sa.peer)
        return None if failure is None else str(failure)

    @property
    def failures(self) -> FailureLog:
        """Why negotiations failed of late, to look at."""
        return self._failures

    def passive_events(self, now: float, is_clear: Callable[[int], bool]) -> Iterator[PassiveEvent]:
        """Drain the engine's events into the SA database; yield what passive mode should know.

        Args:
            now: seconds.
            is_clear: tells whether a packet type is being sent in the clear.
        """
        for event in self._endpoint.events():
            yield from self._handle(event, now, is_clear)

    # --- inside ---------------------------------------------------------------------------

    def _handle(
        self, event: Event, now: float, is_clear: Callable[[int], bool]
    ) -> Iterator[PassiveEvent]:
        match event:
            case ChildSaOffered():
                self._early.offered(event.spi_in, event.local.address, event.child)
            case ChildSaOfferEnded():
                self._early.ended(event.spi_in)
            case ChildSaEstablished():
                yield from self._established(event, now, is_clear)
                self._early.established(event.spi_in, now)
            case ChildSaDeleted():
                yield from self._deleted(event, now)
            case AttemptFailed():
                yield from self._failed(event, now)
            case IkeSaEstablished():
                self._failures.succeeded(event.peer)
                self._say(
                    Severity.INFO,
                    f"IKE SA with {event.remote} established as {event.role}"
                    f" ({event.remote_identity}{', NAT detected' if event.nat_detected else ''})",
                )
            case IkeSaClosed():
                self._say(Severity.INFO, f"IKE SA with {event.peer} closed: {event.reason}")
            case PeerMoved():
                self._moved(event)
            case ReauthenticationFailed():
                failure = NegotiationFailure(now, Role.INITIATOR, event.reason, event.detail)
                self._failures.note(event.peer, failure)
                self._say(Severity.WARNING, f"reauthentication with {event.peer} failed: {failure}")
            case PeerRefused():
                self._refused(event, now)

    def _established(
        self, event: ChildSaEstablished, now: float, is_clear: Callable[[int], bool]
    ) -> Iterator[PassiveEvent]:
        packet_type = self._types.get(event.child)
        if packet_type is None:
            self._endpoint.delete_child(event.spi_in, now)
            return
        before = self._sad.pairs(packet_type.id)
        try:
            pair = self._sad.establish(
                event,
                packet_type,
                now,
                has_way=self._is_protected(packet_type) or is_clear(packet_type.id),
            )
        except SaError as error:
            self._say(Severity.ERROR, f"SA for {packet_type.name} given up: {error}", packet_type)
            self._endpoint.delete_child(event.spi_in, now)
            yield AttemptEnded(packet_type.id, str(error))
            return
        for old in before:
            if old.source is SaSource.ADOPTED:
                self._sad.retire(old.inbound.spi, now)
        if self._esp_keylog is not None:
            for line in esp_keylog_lines(pair):
                self._esp_keylog(line)
        suite = EspSuite(event.encryption, event.key_bits, event.integrity)
        kind = "rekeyed" if event.replaces is not None else "established"
        self._say(
            Severity.INFO,
            f"SA for {packet_type.name} with {event.remote.address} {kind}"
            f" as {event.role}: SPI {event.spi_in:#010x} in, {event.spi_out:#010x} out,"
            f" {suite.cipher_name}{', in UDP' if event.encapsulated else ''}",
            packet_type,
        )

    def _deleted(self, event: ChildSaDeleted, now: float) -> Iterator[PassiveEvent]:
        pair = self._sad.by_inbound_spi(event.spi_in)
        if pair is None:
            return
        if event.reason in _SUCCEEDED or len(self._sad.pairs(pair.packet_type.id)) > 1:
            self._sad.retire(event.spi_in, now)
        else:
            self._sad.remove(event.spi_in)
        if event.reason is not DeletionReason.REPLACED:
            self._say(
                Severity.INFO,
                f"SA for {pair.packet_type.name} with {pair.packet_type.peer} gone:"
                f" {event.reason} (SPI {event.spi_in:#010x})",
                pair.packet_type,
            )
        if not self._is_protected(pair.packet_type):
            yield SaDown(pair.packet_type.id)

    def _failed(self, event: AttemptFailed, now: float) -> Iterator[PassiveEvent]:
        packet_type = self._types.get(event.child)
        if packet_type is None:
            return
        failure = NegotiationFailure(
            now, Role.INITIATOR, event.reason, event.detail, packet_type.name
        )
        if event.reason is not FailureReason.CANCELLED:
            self._failures.note(event.peer, failure)
        adopted = [
            pair for pair in self._sad.pairs(packet_type.id) if pair.source is SaSource.ADOPTED
        ]
        for pair in adopted:
            self._sad.remove(pair.inbound.spi)
        if adopted and not self._is_protected(packet_type):
            yield SaDown(packet_type.id)
        yield AttemptEnded(packet_type.id, str(failure))

    def _is_protected(self, packet_type: PacketType) -> bool:
        # Not by a pair that only lingers for its last packets: it carries nothing out.
        return self._sad.sending(packet_type.id) is not None

    def _moved(self, event: PeerMoved) -> None:
        for spi_in in event.children:
            try:
                self._sad.move(
                    spi_in, event.local.address, event.remote, encapsulated=event.encapsulated
                )
            except NoRouteToPeerError as error:
                self._say(Severity.ERROR, f"SAs with {event.peer} can't follow it: {error}")
                return
        self._say(
            Severity.INFO,
            f"SAs with {event.peer} go from {event.local.address} to {event.remote} now",
        )

    def _refused(self, event: PeerRefused, now: float) -> None:
        failure = NegotiationFailure(now, Role.RESPONDER, event.reason, event.detail)
        if event.peer:
            self._failures.note(event.peer, failure)
        else:
            self._failures.note_stranger(event.remote, failure)
        if self._may_log_refusal(event, now):
            self._say(Severity.WARNING, f"IKE from {event.remote} refused: {failure}")

    def _may_log_refusal(self, event: PeerRefused, now: float) -> bool:
        what = event.remote, event.reason
        if now < self._refusals.get(what, 0.0):
            return False
        if len(self._refusals) >= REFUSAL_ADDRESSES:
            self._refusals = {one: until for one, until in self._refusals.items() if until > now}
            if len(self._refusals) >= REFUSAL_ADDRESSES:
                return False
        self._refusals[what] = now + REFUSAL_INTERVAL
        return True

    def _say(self, severity: Severity, text: str, packet_type: PacketType | None = None) -> None:
        about = None if packet_type is None else packet_type.id
        self._messages.append(Message(severity, text, about))
