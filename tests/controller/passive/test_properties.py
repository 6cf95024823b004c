"""Passive mode under any order of events: what must never happen, doesn't."""

from __future__ import annotations

from ipaddress import IPv4Address

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

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
    SourceIdle,
    StartAttempt,
    SwitchPassiveMode,
)
from controller.passive.machine import PassiveMode
from controller.passive.states import DECISIONS, State

PACKET_TYPES = st.integers(1, 4)  # 4 is unknown to the machine
ADDRESSES = st.integers(0, 5).map(lambda n: IPv4Address(0x0A000000 + n))
RETRIES = st.sampled_from([1.0, 9.0, 10.0, 60.0, 300.0])
CLEAR = (Decision.CLEAR, Decision.CLEAR_RETRY_DUE)


class AnyOrder(RuleBasedStateMachine):
    """A data plane that carries out the effects, and checks them as they come."""

    @initialize(enabled=st.booleans(), retry=RETRIES)
    def start(self, enabled: bool, retry: float) -> None:
        self.now = 0.0
        self.machine = PassiveMode([1, 2, 3], enabled=enabled, retry=retry, now=0.0)
        self.decided: dict[int, Decision] = {}
        self.entries: set[tuple[int, IPv4Address, bool]] = set()
        self.bit: bool | None = None
        self.first_packet: dict[int, float] = {}
        self.turned_on = 0.0
        self.last_attempt: dict[int, float] = {}
        self.last_said: dict[str, float] = {}
        self.protected: set[int] = set()
        self.carry_out(self.machine.advance(0.0), None)

    def carry_out(self, effects: list[Effect], event: PassiveEvent | None) -> None:
        for effect in effects:
            match effect:
                case Decide(packet_type, None):
                    self.decided.pop(packet_type, None)
                case Decide(packet_type, Decision.HOLD):
                    self.decided[packet_type] = Decision.HOLD
                    self.first_packet[packet_type] = self.now
                case Decide(packet_type, decision):
                    assert decision in CLEAR
                    assert self.machine.enabled, "PM-1: in the clear while off"
                    if self.decided[packet_type] is Decision.HOLD:
                        held = max(self.first_packet[packet_type], self.turned_on)
                        assert self.now >= held + 10, "PM-2: in the clear before 10 s"
                    self.decided[packet_type] = decision
                case StartAttempt(packet_type):
                    assert isinstance(event, PacketWithoutSa | SentInClear), "PM-4: no packet"
                    assert event.packet_type == packet_type
                    if isinstance(event, SentInClear):
                        assert event.retry_due
                        due = self.last_attempt[packet_type] + self.machine.retry
                        assert self.now >= due, "PM-4: before the retry"
                    elif packet_type in self.last_attempt:
                        assert packet_type not in self.protected
                    self.last_attempt[packet_type] = self.now
                case Remember(packet_type, address, outbound):
                    assert (packet_type, address, outbound) not in self.entries
                    if outbound:
                        assert self.decided.get(packet_type) in CLEAR
                    self.entries.add((packet_type, address, outbound))
                case Forget(packet_type, address, outbound):
                    self.entries.remove((packet_type, address, outbound))
                case SwitchPassiveMode(enabled):
                    assert effect is effects[0]
                    self.bit = enabled
                case Message(_, text):
                    self.check_rate(text)

    def check_rate(self, text: str) -> None:
        for kind, interval in (("sent to", 60), ("received from", 60)):
            if kind in text:
                assert self.machine.enabled
                assert self.now >= self.last_said.get(kind, -1e9) + interval, "PM-8"
                self.last_said[kind] = self.now

    def feed(self, event: PassiveEvent) -> None:
        self.carry_out(self.machine.handle(event, self.now), event)

    @rule(seconds=st.one_of(st.floats(0, 15), st.floats(0, 700)))
    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while (deadline := self.machine.next_deadline()) is not None and deadline <= end:
            assert deadline >= self.now, "a deadline in the past was left undone"
            self.now = deadline
            self.carry_out(self.machine.advance(self.now), None)
            later = self.machine.next_deadline()
            assert later is None or later > self.now, "advance left something due"
        self.now = end
        self.carry_out(self.machine.advance(self.now), None)

    @rule(packet_type=PACKET_TYPES)
    def packet(self, packet_type: int) -> None:
        self.feed(PacketWithoutSa(packet_type))

    @rule(packet_type=PACKET_TYPES, address=ADDRESSES, retry_due=st.booleans())
    def sent(self, packet_type: int, address: IPv4Address, retry_due: bool) -> None:
        self.feed(SentInClear(packet_type, address, retry_due))

    @rule(packet_type=PACKET_TYPES, address=ADDRESSES)
    def received(self, packet_type: int, address: IPv4Address) -> None:
        self.feed(ReceivedInClear(packet_type, address))

    @rule(packet_type=PACKET_TYPES, address=ADDRESSES, outbound=st.booleans())
    def idle(self, packet_type: int, address: IPv4Address, outbound: bool) -> None:
        self.feed((DestinationIdle if outbound else SourceIdle)(packet_type, address))

    @rule(packet_type=PACKET_TYPES)
    def sa_up(self, packet_type: int) -> None:
        self.feed(SaUp(packet_type))
        self.protected.add(packet_type)
        assert packet_type not in self.decided
        assert not [e for e in self.entries if e[0] == packet_type and e[2]]

    @rule(packet_type=PACKET_TYPES)
    def sa_down(self, packet_type: int) -> None:
        self.feed(SaDown(packet_type))
        self.protected.discard(packet_type)

    @rule(packet_type=PACKET_TYPES)
    def attempt_ended(self, packet_type: int) -> None:
        self.feed(AttemptEnded(packet_type, "no answer"))

    @rule(enabled=st.booleans())
    def switch(self, enabled: bool) -> None:
        if enabled and not self.machine.enabled:
            self.turned_on = self.now
        self.carry_out(self.machine.set_enabled(enabled, self.now), None)
        if not enabled:
            assert not self.entries
            assert not [d for d in self.decided.values() if d in CLEAR]

    @rule(retry=RETRIES)
    def set_retry(self, retry: float) -> None:
        self.carry_out(self.machine.set_retry(retry, self.now), None)

    @invariant()
    def data_plane_and_machine_agree(self) -> None:
        if not hasattr(self, "machine"):
            return
        assert self.bit is self.machine.enabled
        for packet_type in self.machine.packet_types:
            state = self.machine.state_of(packet_type).state
            assert self.decided.get(packet_type) is DECISIONS[state]
            assert (state is State.PROTECTED) == (packet_type in self.protected)
        listed = {(a.packet_type, a.address, True) for a in self.machine.destinations()}
        listed |= {(a.packet_type, a.address, False) for a in self.machine.sources()}
        assert listed == self.entries


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=60,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


class AnyDeadlines(RuleBasedStateMachine):
    """`Deadlines` beside the obvious way of doing it."""

    def __init__(self) -> None:
        super().__init__()
        self.deadlines = Deadlines()
        self.model: dict[int, float] = {}

    @rule(key=st.integers(0, 20), when=st.none() | st.integers(0, 9).map(float))
    def set(self, key: int, when: float | None) -> None:
        self.deadlines.set(key, when)
        self.model.pop(key, None)
        if when is not None:
            self.model[key] = when

    @rule(now=st.integers(0, 9).map(float))
    def pop(self, now: float) -> None:
        key = self.deadlines.pop_due(now)
        if key is None:
            assert min(self.model.values(), default=10) > now
        else:
            assert self.model.pop(key) <= now

    @rule(times=st.integers(100, 300))
    def flap(self, times: int) -> None:
        for n in range(times):
            self.set(0, float(n % 7))

    @invariant()
    def next_is_the_earliest(self) -> None:
        assert self.deadlines.next() == min(self.model.values(), default=None)


TestAnyDeadlines = AnyDeadlines.TestCase
TestAnyDeadlines.settings = settings(max_examples=40, deadline=None)
