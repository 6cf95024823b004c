"""Every state of a packet type, times every input, through the public interface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address

import pytest

from controller.passive.events import (
    AttemptEnded,
    Decide,
    Decision,
    Effect,
    Forget,
    Message,
    PacketWithoutSa,
    Remember,
    SaDown,
    SaUp,
    SentInClear,
    Severity,
    StartAttempt,
)
from controller.passive.machine import PassiveMode
from controller.passive.states import DECISIONS, MOVES, Input, State

PT = 7
KNOWN = IPv4Address("10.0.0.1")
NEW = IPv4Address("10.0.0.2")

HOLD = Decide(PT, Decision.HOLD)
CLEAR = Decide(PT, Decision.CLEAR)
DUE = Decide(PT, Decision.CLEAR_RETRY_DUE)
NONE = Decide(PT, None)
ATTEMPT = StartAttempt(PT)
LISTED = Remember(PT, NEW, outbound=True)
FORGOTTEN = Forget(PT, KNOWN, outbound=True)
FAILED = Message(Severity.WARNING, "IKE attempt failed: no answer", PT)


def machine_in(state: State, *, enabled: bool = True) -> tuple[PassiveMode, float]:
    """Bring packet type 7 to a state; returns the machine and the time.

    In the clear, one destination is listed. The last attempt began at 0 and has not ended,
    except where the state says that it has.
    """
    machine = PassiveMode([PT], enabled=enabled, retry=300, now=0)
    now = 0.0
    if state is not State.IDLE:
        machine.handle(PacketWithoutSa(PT), now)
    if state is State.HOLDING_FAILED:
        now = 2.0
        machine.handle(AttemptEnded(PT, "no answer"), now)
    if state in (State.CLEAR, State.CLEAR_RETRY_DUE):
        now = 11.0
        machine.advance(now)
        machine.handle(SentInClear(PT, KNOWN), now)
    if state is State.CLEAR_RETRY_DUE:
        now = 301.0
        machine.advance(now)
    if state is State.PROTECTED:
        now = 1.0
        machine.handle(SaUp(PT), now)
    machine.advance(now)
    assert machine.state_of(PT).state is state
    return machine, now


@dataclass(frozen=True)
class Case:
    """Input `trigger` in `state` leads `to`, with these effects on the packet type."""

    state: State
    trigger: Input
    to: State
    effects: tuple[Effect, ...] = ()


S, I = State, Input  # noqa: E741 - column headings of the table below

CASES = [
    # PM-2: the first packet starts the hold and the attempt.
    Case(S.IDLE, I.PACKET_WITHOUT_SA, S.HOLDING, (HOLD, ATTEMPT)),
    Case(S.IDLE, I.SENT_IN_CLEAR, S.IDLE),
    Case(S.IDLE, I.SENT_RETRY_DUE, S.IDLE),
    Case(S.IDLE, I.ATTEMPT_ENDED, S.IDLE),
    Case(S.IDLE, I.TURNED_OFF, S.IDLE),
    Case(S.IDLE, I.RETRY_POSTPONED, S.IDLE),
    Case(S.IDLE, I.SA_UP, S.PROTECTED),
    Case(S.IDLE, I.SA_DOWN, S.IDLE),
    Case(S.HOLDING, I.PACKET_WITHOUT_SA, S.HOLDING),
    Case(S.HOLDING, I.SENT_IN_CLEAR, S.HOLDING),
    Case(S.HOLDING, I.SENT_RETRY_DUE, S.HOLDING),
    Case(S.HOLDING, I.ATTEMPT_ENDED, S.HOLDING_FAILED, (FAILED,)),
    Case(S.HOLDING, I.HOLD_OVER, S.CLEAR, (CLEAR,)),  # PM-3
    Case(S.HOLDING, I.TURNED_OFF, S.HOLDING),
    Case(S.HOLDING, I.RETRY_POSTPONED, S.HOLDING),
    Case(S.HOLDING, I.SA_UP, S.PROTECTED, (NONE,)),
    Case(S.HOLDING, I.SA_DOWN, S.HOLDING),
    Case(S.HOLDING_FAILED, I.PACKET_WITHOUT_SA, S.HOLDING_FAILED),
    Case(S.HOLDING_FAILED, I.SENT_IN_CLEAR, S.HOLDING_FAILED),
    Case(S.HOLDING_FAILED, I.SENT_RETRY_DUE, S.HOLDING_FAILED),
    Case(S.HOLDING_FAILED, I.ATTEMPT_ENDED, S.HOLDING_FAILED),
    Case(S.HOLDING_FAILED, I.HOLD_OVER, S.CLEAR, (CLEAR,)),  # PM-3
    Case(S.HOLDING_FAILED, I.TURNED_OFF, S.HOLDING_FAILED),
    Case(S.HOLDING_FAILED, I.RETRY_POSTPONED, S.HOLDING_FAILED),
    Case(S.HOLDING_FAILED, I.SA_UP, S.PROTECTED, (NONE,)),
    Case(S.HOLDING_FAILED, I.SA_DOWN, S.HOLDING_FAILED),
    Case(S.CLEAR, I.PACKET_WITHOUT_SA, S.CLEAR),
    Case(S.CLEAR, I.SENT_IN_CLEAR, S.CLEAR, (LISTED,)),
    Case(S.CLEAR, I.SENT_RETRY_DUE, S.CLEAR, (LISTED,)),
    Case(S.CLEAR, I.ATTEMPT_ENDED, S.CLEAR, (FAILED,)),
    Case(S.CLEAR, I.RETRY_REACHED, S.CLEAR_RETRY_DUE, (DUE,)),  # PM-4
    Case(S.CLEAR, I.TURNED_OFF, S.IDLE, (NONE, FORGOTTEN)),  # PM-10
    Case(S.CLEAR, I.RETRY_POSTPONED, S.CLEAR),
    Case(S.CLEAR, I.SA_UP, S.PROTECTED, (NONE, FORGOTTEN)),  # PM-5
    Case(S.CLEAR, I.SA_DOWN, S.CLEAR),
    Case(S.CLEAR_RETRY_DUE, I.PACKET_WITHOUT_SA, S.CLEAR_RETRY_DUE),
    Case(S.CLEAR_RETRY_DUE, I.SENT_IN_CLEAR, S.CLEAR_RETRY_DUE, (LISTED,)),
    Case(S.CLEAR_RETRY_DUE, I.SENT_RETRY_DUE, S.CLEAR, (CLEAR, LISTED, ATTEMPT)),  # PM-4
    Case(S.CLEAR_RETRY_DUE, I.ATTEMPT_ENDED, S.CLEAR_RETRY_DUE, (FAILED,)),
    Case(S.CLEAR_RETRY_DUE, I.TURNED_OFF, S.IDLE, (NONE, FORGOTTEN)),  # PM-10
    Case(S.CLEAR_RETRY_DUE, I.RETRY_POSTPONED, S.CLEAR, (CLEAR,)),
    Case(S.CLEAR_RETRY_DUE, I.SA_UP, S.PROTECTED, (NONE, FORGOTTEN)),  # PM-5
    Case(S.CLEAR_RETRY_DUE, I.SA_DOWN, S.CLEAR_RETRY_DUE),
    Case(S.PROTECTED, I.PACKET_WITHOUT_SA, S.PROTECTED),
    Case(S.PROTECTED, I.SENT_IN_CLEAR, S.PROTECTED),
    Case(S.PROTECTED, I.SENT_RETRY_DUE, S.PROTECTED),
    Case(S.PROTECTED, I.ATTEMPT_ENDED, S.PROTECTED),
    Case(S.PROTECTED, I.TURNED_OFF, S.PROTECTED),
    Case(S.PROTECTED, I.RETRY_POSTPONED, S.PROTECTED),
    Case(S.PROTECTED, I.SA_UP, S.PROTECTED),
    Case(S.PROTECTED, I.SA_DOWN, S.IDLE),  # PM-5
]

OFF_CASES = [
    Case(S.IDLE, I.PACKET_WITHOUT_SA, S.HOLDING, (HOLD, ATTEMPT)),  # PM-1
    Case(S.IDLE, I.SENT_IN_CLEAR, S.IDLE),
    Case(S.IDLE, I.SENT_RETRY_DUE, S.IDLE),
    Case(S.IDLE, I.ATTEMPT_ENDED, S.IDLE),
    Case(S.IDLE, I.TURNED_ON, S.IDLE),
    Case(S.IDLE, I.SA_UP, S.PROTECTED),
    Case(S.IDLE, I.SA_DOWN, S.IDLE),
    Case(S.HOLDING, I.PACKET_WITHOUT_SA, S.HOLDING),
    Case(S.HOLDING, I.SENT_IN_CLEAR, S.HOLDING),
    Case(S.HOLDING, I.SENT_RETRY_DUE, S.HOLDING),
    Case(S.HOLDING, I.ATTEMPT_ENDED, S.HOLDING_FAILED, (FAILED,)),
    Case(S.HOLDING, I.ATTEMPT_OVER, S.IDLE, (NONE,)),
    Case(S.HOLDING, I.TURNED_ON, S.HOLDING),
    Case(S.HOLDING, I.SA_UP, S.PROTECTED, (NONE,)),
    Case(S.HOLDING, I.SA_DOWN, S.HOLDING),
    Case(S.HOLDING_FAILED, I.PACKET_WITHOUT_SA, S.HOLDING_FAILED),
    Case(S.HOLDING_FAILED, I.SENT_IN_CLEAR, S.HOLDING_FAILED),
    Case(S.HOLDING_FAILED, I.SENT_RETRY_DUE, S.HOLDING_FAILED),
    Case(S.HOLDING_FAILED, I.ATTEMPT_ENDED, S.HOLDING_FAILED),
    Case(S.HOLDING_FAILED, I.ATTEMPT_OVER, S.IDLE, (NONE,)),
    Case(S.HOLDING_FAILED, I.TURNED_ON, S.HOLDING_FAILED),
    Case(S.HOLDING_FAILED, I.SA_UP, S.PROTECTED, (NONE,)),
    Case(S.HOLDING_FAILED, I.SA_DOWN, S.HOLDING_FAILED),
    Case(S.PROTECTED, I.PACKET_WITHOUT_SA, S.PROTECTED),
    Case(S.PROTECTED, I.SENT_IN_CLEAR, S.PROTECTED),
    Case(S.PROTECTED, I.SENT_RETRY_DUE, S.PROTECTED),
    Case(S.PROTECTED, I.ATTEMPT_ENDED, S.PROTECTED),
    Case(S.PROTECTED, I.TURNED_ON, S.PROTECTED),
    Case(S.PROTECTED, I.SA_UP, S.PROTECTED),
    Case(S.PROTECTED, I.SA_DOWN, S.IDLE),
]

Feed = Callable[[PassiveMode, float], list[Effect]]

FEED: dict[Input, Feed] = {
    I.PACKET_WITHOUT_SA: lambda m, now: m.handle(PacketWithoutSa(PT), now),
    I.SENT_IN_CLEAR: lambda m, now: m.handle(SentInClear(PT, NEW), now),
    I.SENT_RETRY_DUE: lambda m, now: m.handle(SentInClear(PT, NEW, retry_due=True), now),
    I.ATTEMPT_ENDED: lambda m, now: m.handle(AttemptEnded(PT, "no answer"), now),
    I.HOLD_OVER: lambda m, _: m.advance(10.0),
    I.ATTEMPT_OVER: lambda m, _: m.advance(300.0),
    I.RETRY_REACHED: lambda m, _: m.advance(300.0),
    I.RETRY_POSTPONED: lambda m, now: m.set_retry(600, now),
    I.TURNED_ON: lambda m, now: m.set_enabled(True, now),
    I.TURNED_OFF: lambda m, now: m.set_enabled(False, now),
    I.SA_UP: lambda m, now: m.handle(SaUp(PT), now),
    I.SA_DOWN: lambda m, now: m.handle(SaDown(PT), now),
}


def about_packet_type(effects: list[Effect]) -> tuple[Effect, ...]:
    return tuple(effect for effect in effects if getattr(effect, "packet_type", None) == PT)


def check(case: Case, *, enabled: bool) -> None:
    machine, now = machine_in(case.state, enabled=enabled)
    effects = about_packet_type(FEED[case.trigger](machine, now))
    assert machine.state_of(PT).state is case.to
    assert effects == case.effects


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.state.name}-{c.trigger.name}")
def test_pm2_pm3_pm4_pm5_every_cell_with_passive_mode_on(case: Case) -> None:
    check(case, enabled=True)


@pytest.mark.parametrize("case", OFF_CASES, ids=lambda c: f"{c.state.name}-{c.trigger.name}")
def test_pm1_every_cell_with_passive_mode_off(case: Case) -> None:
    check(case, enabled=False)


def test_cases_cover_every_move_of_the_table() -> None:
    covered = {(case.state, case.trigger) for case in CASES + OFF_CASES}
    assert set(MOVES) <= covered


def test_cases_cover_every_state_times_every_event() -> None:
    events = {
        I.PACKET_WITHOUT_SA,
        I.SENT_IN_CLEAR,
        I.SENT_RETRY_DUE,
        I.ATTEMPT_ENDED,
        I.SA_UP,
        I.SA_DOWN,
    }
    assert {(c.state, c.trigger) for c in CASES} >= {(s, e) for s in State for e in events}
    off_states = set(State) - {S.CLEAR, S.CLEAR_RETRY_DUE}
    assert {(c.state, c.trigger) for c in OFF_CASES} >= {(s, e) for s in off_states for e in events}


def test_pm1_no_state_reachable_while_off_forwards_in_the_clear() -> None:
    """CLEAR is entered by HOLD_OVER, RETRY_* and SENT_RETRY_DUE, which need passive mode on."""
    for (state, trigger), move in MOVES.items():
        if DECISIONS[move.to] in (Decision.CLEAR, Decision.CLEAR_RETRY_DUE):
            assert state in (S.CLEAR, S.CLEAR_RETRY_DUE) or trigger is I.HOLD_OVER
