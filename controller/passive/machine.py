"""Passive mode as a whole: packet types, lists, timers and warnings.

Nothing here waits or reads a clock. The owner calls `advance` when `next_deadline` is reached,
and carries out the effects of every call in their order. The first call of any kind returns
`SwitchPassiveMode` with the initial mode as its first effect. Times are seconds of one
monotonic clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import assert_never

from controller.passive.addresses import AddressList, ListedAddress
from controller.passive.deadlines import Deadlines
from controller.passive.events import (
    AttemptEnded,
    Decide,
    Decision,
    DestinationIdle,
    Effect,
    Forget,
    Message,
    PacketWithoutSa,
    PassiveEvent,
    ReceivedInClear,
    Remember,
    SaDown,
    SaUp,
    SentInClear,
    Severity,
    SourceIdle,
    StartAttempt,
    SwitchPassiveMode,
)
from controller.passive.packet_type import PacketTypeRecord, PassiveSettings
from controller.passive.states import (
    DECISIONS,
    MOVES,
    Action,
    Input,
    State,
)
from controller.passive.warnings import RECEIVED, SAVE_REMINDER, SENT, ClearWarning, Reminder


@dataclass(frozen=True, slots=True)
class PacketTypeState:
    """Where a packet type stands. `since` and `next_attempt_at` are times, in seconds.

    `next_attempt_at` is when the next packet may trigger IKE; None: not while this state lasts.
    """

    state: State
    since: float
    next_attempt_at: float | None
    last_failure: str | None


class PassiveMode:
    """The state machine of PM-1 to PM-10. Events of unknown packet types change nothing."""

    def __init__(
        self, packet_types: Iterable[int], *, enabled: bool, retry: float, now: float
    ) -> None:
        self._now = now
        self._settings = PassiveSettings(enabled, retry)
        self._started = False
        self._types = {
            packet_type: PacketTypeRecord(State.IDLE, now) for packet_type in packet_types
        }
        self._deadlines = Deadlines()
        self._destinations = AddressList()
        self._sources = AddressList()
        self._reminder = Reminder()
        self._sent_warning = ClearWarning(SENT)
        self._received_warning = ClearWarning(RECEIVED)
        if enabled:
            self._reminder.start(now)

    # --- what there is to see -------------------------------------------------------------

    @property
    def enabled(self) -> bool:
        """Tell whether passive mode is on."""
        return self._settings.enabled

    @property
    def retry(self) -> float:
        """Seconds from the start of one attempt to the next (PM-4)."""
        return self._settings.retry

    @property
    def packet_types(self) -> tuple[int, ...]:
        """The packet types known."""
        return tuple(self._types)

    def state_of(self, packet_type: int) -> PacketTypeState:
        """Return where a packet type stands. Raises KeyError for an unknown one."""
        record = self._types[packet_type]
        next_attempt_at = record.next_attempt_at(self._settings, self._now)
        return PacketTypeState(record.state, record.since, next_attempt_at, record.last_failure)

    def destinations(self) -> tuple[ListedAddress, ...]:
        """Return the destinations that packets are being sent to in the clear (PM-9)."""
        return tuple(self._destinations)

    def sources(self) -> tuple[ListedAddress, ...]:
        """Return the sources that clear packets are being accepted from (PM-6)."""
        return tuple(self._sources)

    @property
    def unlisted_destinations(self) -> int:
        """Reports of destinations that the list, being full, had no room for."""
        return self._destinations.unlisted

    @property
    def unlisted_sources(self) -> int:
        """Reports of sources that the list, being full, had no room for."""
        return self._sources.unlisted

    def next_deadline(self) -> float | None:
        """Return when `advance` wants to be called; None: not before the next event."""
        if not self._started:
            return self._now
        deadlines = (
            self._deadlines.next(),
            self._reminder.deadline,
            self._sent_warning.deadline,
            self._received_warning.deadline,
        )
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    # --- what happens ---------------------------------------------------------------------

    def advance(self, now: float) -> list[Effect]:
        """Do what is due at `now`."""
        effects: list[Effect] = []
        self._advance(now, effects)
        return effects

    def handle(self, event: PassiveEvent, now: float) -> list[Effect]:
        """Take in one event."""
        effects: list[Effect] = []
        self._advance(now, effects)
        if event.packet_type in self._types:
            self._handle(event, effects)
            self._advance(now, effects)
        return effects

    def set_enabled(self, enabled: bool, now: float) -> list[Effect]:
        """Turn passive mode on or off (PM-10)."""
        if enabled == self.enabled:
            return self.advance(now)
        self._now = max(self._now, now)
        self._started = True
        self._settings = replace(self._settings, enabled=enabled)
        # First, so that the data plane sends nothing in the clear while the rest is written.
        effects: list[Effect] = [SwitchPassiveMode(enabled)]
        if enabled:
            self._reminder.start(self._now)
            self._move_all(Input.TURNED_ON, effects)
        else:
            self._reminder.stop()
            self._sent_warning.drop()
            self._received_warning.drop()
            self._move_all(Input.TURNED_OFF, effects)
            for packet_type in self._types:
                self._forget_sources(packet_type, effects)
            effects.append(Message(Severity.WARNING, SAVE_REMINDER))
        self._advance(now, effects)
        return effects

    def set_retry(self, seconds: float, now: float) -> list[Effect]:
        """Set `retry`, which counts from the attempts already made.

        Raises:
            ValueError: If `seconds` isn't a positive, finite number.
        """
        effects: list[Effect] = []
        self._advance(now, effects)
        self._settings = replace(self._settings, retry=seconds)
        for packet_type, record in self._types.items():
            if not record.retry_is_due(self._settings, self._now):
                self._move(packet_type, record, Input.RETRY_POSTPONED, effects)
            self._set_deadline(packet_type, record)
        self._advance(now, effects)
        return effects

    def set_packet_types(self, packet_types: Iterable[int], now: float) -> list[Effect]:
        """Replace the packet types: those that stay keep their state, new ones are idle."""
        effects: list[Effect] = []
        self._advance(now, effects)
        wanted = dict.fromkeys(packet_types)
        for packet_type in [old for old in self._types if old not in wanted]:
            record = self._types.pop(packet_type)
            self._deadlines.set(packet_type, None)
            if DECISIONS[record.state] is not None:
                effects.append(Decide(packet_type, None))
            self._forget_destinations(packet_type, effects)
            self._forget_sources(packet_type, effects)
        for packet_type in wanted:
            self._types.setdefault(packet_type, PacketTypeRecord(State.IDLE, self._now))
        return effects

    def adopt(self, packet_type: int, decision: Decision, now: float) -> list[Effect]:
        """Take over an entry of `no_sa` that an earlier controller has left on the switch.

        In the clear stays in the clear, so that no packet is lost; the attempt that was made is
        unknown and its end will never be told, so the next one is due. A hold is removed, and
        the next packet starts PM-2 afresh. Nothing stays in the clear with passive mode off.
        """
        effects: list[Effect] = []
        self._advance(now, effects)
        record = self._types.get(packet_type)
        if record is None:
            effects.append(Decide(packet_type, None))
        elif record.state is State.IDLE and decision is not Decision.HOLD and self.enabled:
            record.state = State.CLEAR_RETRY_DUE
            record.since = self._now
            # Said even where the entry has it already: what nobody declares is removed.
            effects.append(Decide(packet_type, Decision.CLEAR_RETRY_DUE))
        elif decision is not DECISIONS[record.state]:
            effects.append(Decide(packet_type, DECISIONS[record.state]))
        return effects

    def adopt_address(
        self, packet_type: int, address: IPv4Address, now: float, *, outbound: bool
    ) -> list[Effect]:
        """List a destination or source that an earlier controller has left on the switch.

        Without a warning: nobody knows which minute its last packet was in. Call it after
        `adopt`; what no longer belongs on the switch is not remembered.
        """
        effects: list[Effect] = []
        self._advance(now, effects)
        record = self._types.get(packet_type)
        if record is None or not self.enabled:
            return effects
        if outbound and record.state not in (State.CLEAR, State.CLEAR_RETRY_DUE):
            return effects
        listed = self._destinations if outbound else self._sources
        if listed.add(packet_type, address, self._now):
            effects.append(Remember(packet_type, address, outbound))
        return effects

    # --- inside ---------------------------------------------------------------------------

    def _advance(self, now: float, effects: list[Effect]) -> None:
        self._now = max(self._now, now)
        if not self._started:
            self._started = True
            effects.append(SwitchPassiveMode(self.enabled))
        while (packet_type := self._deadlines.pop_due(self._now)) is not None:
            record = self._types[packet_type]
            self._move(packet_type, record, record.timer_input(self._settings), effects)
        for source in (self._reminder, self._sent_warning, self._received_warning):
            message = source.advance(self._now)
            if message is not None:
                effects.append(message)

    def _handle(self, event: PassiveEvent, effects: list[Effect]) -> None:
        record = self._types[event.packet_type]
        match event:
            case PacketWithoutSa(packet_type):
                self._move(packet_type, record, Input.PACKET_WITHOUT_SA, effects)
            case SentInClear(packet_type, destination, retry_due):
                # A report from just before passive mode was turned off tells nothing new.
                if self.enabled:
                    self._sent_warning.seen(destination)
                    trigger = Input.SENT_RETRY_DUE if retry_due else Input.SENT_IN_CLEAR
                    self._move(packet_type, record, trigger, effects, destination=destination)
            case ReceivedInClear(packet_type, source):
                if self.enabled:
                    self._received_warning.seen(source)
                    if self._sources.add(packet_type, source, self._now):
                        effects.append(Remember(packet_type, source, outbound=False))
            case DestinationIdle(packet_type, destination):
                if self._destinations.remove(packet_type, destination):
                    effects.append(Forget(packet_type, destination, outbound=True))
            case SourceIdle(packet_type, source):
                if self._sources.remove(packet_type, source):
                    effects.append(Forget(packet_type, source, outbound=False))
            case SaUp(packet_type):
                record.last_failure = None
                record.failure_unlogged = False
                self._move(packet_type, record, Input.SA_UP, effects)
            case SaDown(packet_type):
                self._move(packet_type, record, Input.SA_DOWN, effects)
            case AttemptEnded(packet_type, reason):
                self._move(packet_type, record, Input.ATTEMPT_ENDED, effects, reason=reason)
            case _:
                assert_never(event)

    def _move_all(self, trigger: Input, effects: list[Effect]) -> None:
        for packet_type, record in self._types.items():
            self._move(packet_type, record, trigger, effects)
            self._set_deadline(packet_type, record)

    def _move(
        self,
        packet_type: int,
        record: PacketTypeRecord,
        trigger: Input,
        effects: list[Effect],
        *,
        destination: IPv4Address | None = None,
        reason: str = "",
    ) -> None:
        move = MOVES.get((record.state, trigger))
        if move is None:
            return
        if DECISIONS[move.to] is not DECISIONS[record.state]:
            effects.append(Decide(packet_type, DECISIONS[move.to]))
        if move.to is not record.state:
            record.state = move.to
            record.since = self._now
        for action in move.actions:
            match action:
                case Action.START_HOLD:
                    record.held_since = self._now
                case Action.START_ATTEMPT:
                    record.attempt_began = self._now
                    record.failure_unlogged = True
                    effects.append(StartAttempt(packet_type))
                case Action.LIST_DESTINATION:
                    assert destination is not None
                    if self._destinations.add(packet_type, destination, self._now):
                        effects.append(Remember(packet_type, destination, outbound=True))
                case Action.FORGET_DESTINATIONS:
                    self._forget_destinations(packet_type, effects)
                case Action.LOG_FAILURE:
                    record.last_failure = reason
                    if record.failure_unlogged:
                        record.failure_unlogged = False
                        text = f"IKE attempt failed: {reason}"
                        effects.append(Message(Severity.WARNING, text, packet_type))
                case _:
                    assert_never(action)
        self._set_deadline(packet_type, record)

    def _set_deadline(self, packet_type: int, record: PacketTypeRecord) -> None:
        self._deadlines.set(packet_type, record.deadline(self._settings))

    def _forget_destinations(self, packet_type: int, effects: list[Effect]) -> None:
        for address in self._destinations.remove_all_of(packet_type):
            effects.append(Forget(packet_type, address, outbound=True))

    def _forget_sources(self, packet_type: int, effects: list[Effect]) -> None:
        for address in self._sources.remove_all_of(packet_type):
            effects.append(Forget(packet_type, address, outbound=False))
