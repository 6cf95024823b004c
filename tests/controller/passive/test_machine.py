"""Passive mode's requirements, over time."""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from pathlib import Path
from time import perf_counter

import pytest

from controller.passive.addresses import CLEAR_ADDRESS_TABLE_SIZE
from controller.passive.events import (
    AttemptEnded,
    Decide,
    Decision,
    DestinationIdle,
    Effect,
    Forget,
    Message,
    PacketWithoutSa,
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
from controller.passive.machine import PassiveMode
from controller.passive.states import State

A = IPv4Address("10.0.0.1")
B = IPv4Address("10.0.0.2")
C = IPv4Address("10.0.0.3")
REMINDER = "Security warning: crypto ipsec optional is configured"


def passive_mode(
    *packet_types: int, enabled: bool = True, retry: float = 300, now: float = 0
) -> PassiveMode:
    machine = PassiveMode(packet_types or (1,), enabled=enabled, retry=retry, now=now)
    machine.advance(now)
    return machine


def in_clear(*packet_types: int, retry: float = 300) -> PassiveMode:
    """Return a machine whose packet types all went to the clear at 10 s."""
    machine = passive_mode(*packet_types, retry=retry)
    for packet_type in packet_types or (1,):
        machine.handle(PacketWithoutSa(packet_type), 0)
    machine.advance(10)
    return machine


def texts(effects: list[Effect]) -> list[str]:
    return [effect.text for effect in effects if isinstance(effect, Message)]


def decisions(effects: list[Effect]) -> list[Decide]:
    return [effect for effect in effects if isinstance(effect, Decide)]


# --- PM-1 ---------------------------------------------------------------------------------


def test_pm1_off_packet_is_dropped_and_ike_attempted() -> None:
    machine = passive_mode(enabled=False)
    assert machine.handle(PacketWithoutSa(1), 5) == [Decide(1, Decision.HOLD), StartAttempt(1)]


def test_pm1_off_never_goes_to_the_clear() -> None:
    machine = passive_mode(enabled=False)
    machine.handle(PacketWithoutSa(1), 0)
    seen: list[Effect] = []
    for second in range(1, 2000):
        seen += machine.advance(second)
    assert decisions(seen) == [Decide(1, None)]


def test_pm1_off_failed_attempt_may_be_repeated_ten_seconds_after_it_began() -> None:
    machine = passive_mode(enabled=False)
    machine.handle(PacketWithoutSa(1), 0)
    machine.handle(AttemptEnded(1, "authentication failed"), 0.2)
    assert machine.next_deadline() == 10
    assert machine.handle(PacketWithoutSa(1), 9.9) == []
    assert machine.advance(10) == [Decide(1, None)]
    assert machine.handle(PacketWithoutSa(1), 10.5) == [Decide(1, Decision.HOLD), StartAttempt(1)]


def test_pm1_off_slow_attempt_holds_until_it_ends() -> None:
    machine = passive_mode(enabled=False)
    machine.handle(PacketWithoutSa(1), 0)
    assert machine.advance(164) == []
    effects = machine.handle(AttemptEnded(1, "no answer"), 165)
    assert effects == [
        Message(Severity.WARNING, "IKE attempt failed: no answer", 1),
        Decide(1, None),
    ]


def test_pm1_off_attempt_whose_end_is_never_told_does_not_block_for_ever() -> None:
    machine = passive_mode(enabled=False)
    machine.handle(PacketWithoutSa(1), 0)
    assert machine.next_deadline() == 300
    assert machine.advance(300) == [Decide(1, None)]


# --- PM-2, PM-3 ---------------------------------------------------------------------------


def test_pm2_pm3_hold_lasts_ten_seconds_from_the_first_packet() -> None:
    machine = passive_mode()
    assert machine.handle(PacketWithoutSa(1), 3) == [Decide(1, Decision.HOLD), StartAttempt(1)]
    assert machine.handle(PacketWithoutSa(1), 8) == []
    assert machine.next_deadline() == 13
    assert machine.advance(12.999) == []
    assert machine.advance(13) == [Decide(1, Decision.CLEAR)]


def test_pm2_failure_inside_the_hold_does_not_shorten_it_or_start_another_attempt() -> None:
    machine = passive_mode()
    machine.handle(PacketWithoutSa(1), 0)
    effects = machine.handle(AttemptEnded(1, "authentication failed"), 0.1)
    assert effects == [Message(Severity.WARNING, "IKE attempt failed: authentication failed", 1)]
    assert machine.handle(PacketWithoutSa(1), 0.2) == []
    assert machine.advance(10) == [Decide(1, Decision.CLEAR)]
    assert machine.state_of(1).last_failure == "authentication failed"
    assert machine.state_of(1).next_attempt_at == 300


def test_pm3_does_not_wait_for_the_attempt_to_end() -> None:
    machine = passive_mode()
    machine.handle(PacketWithoutSa(1), 0)
    assert machine.advance(10) == [Decide(1, Decision.CLEAR)]
    assert texts(machine.handle(AttemptEnded(1, "no answer"), 165)) == [
        "IKE attempt failed: no answer"
    ]
    assert machine.state_of(1).state is State.CLEAR


def test_pm2_an_attempt_gives_one_line_however_often_its_end_is_told() -> None:
    machine = in_clear()
    assert len(texts(machine.handle(AttemptEnded(1, "no answer"), 20))) == 1
    assert texts(machine.handle(AttemptEnded(1, "no answer"), 21)) == []


def test_pm2_packet_types_live_separate_lives() -> None:
    machine = passive_mode(1, 2)
    machine.handle(PacketWithoutSa(1), 0)
    machine.handle(PacketWithoutSa(2), 4)
    machine.handle(SaUp(1), 5)
    assert machine.advance(14) == [Decide(2, Decision.CLEAR)]
    assert machine.state_of(1).state is State.PROTECTED


# --- PM-4 ---------------------------------------------------------------------------------


def test_pm4_retry_counts_from_the_start_of_the_attempt() -> None:
    machine = in_clear(retry=60)
    assert machine.next_deadline() == 60
    assert machine.advance(59.9) == []
    assert machine.advance(60) == [Decide(1, Decision.CLEAR_RETRY_DUE)]
    effects = machine.handle(SentInClear(1, A, retry_due=True), 95)
    assert effects[:3] == [
        Decide(1, Decision.CLEAR),
        Remember(1, A, outbound=True),
        StartAttempt(1),
    ]
    assert machine.advance(154.9) == []
    assert decisions(machine.advance(155)) == [Decide(1, Decision.CLEAR_RETRY_DUE)]


def test_pm4_no_traffic_no_attempt() -> None:
    machine = in_clear(retry=60)
    seen = [effect for second in range(10, 3600) for effect in machine.advance(second)]
    assert StartAttempt(1) not in seen
    assert decisions(seen) == [Decide(1, Decision.CLEAR_RETRY_DUE)]


def test_pm4_a_retry_never_holds_packets_again() -> None:
    machine = in_clear(retry=60)
    seen: list[Effect] = []
    for second in range(10, 3600):
        seen += machine.handle(SentInClear(1, A, retry_due=True), second)
        if second % 7 == 0:
            seen += machine.handle(AttemptEnded(1, "no answer"), second)
    assert {decision.decision for decision in decisions(seen)} == {
        Decision.CLEAR,
        Decision.CLEAR_RETRY_DUE,
    }
    assert seen.count(StartAttempt(1)) == 59


def test_pm4_burst_of_triggers_starts_one_attempt() -> None:
    machine = in_clear(retry=60)
    machine.advance(60)
    seen = [e for _ in range(50) for e in machine.handle(SentInClear(1, A, retry_due=True), 61)]
    assert seen.count(StartAttempt(1)) == 1


def test_pm4_retry_shorter_than_the_hold_is_due_when_the_hold_ends() -> None:
    machine = passive_mode(retry=3)
    machine.handle(PacketWithoutSa(1), 0)
    assert machine.state_of(1).next_attempt_at == 10
    assert machine.advance(9.9) == []
    assert machine.advance(10)[-1] == Decide(1, Decision.CLEAR_RETRY_DUE)


def test_pm4_shorter_retry_applies_to_attempts_already_made() -> None:
    machine = in_clear()
    assert machine.set_retry(60, 70) == [Decide(1, Decision.CLEAR_RETRY_DUE)]
    assert machine.retry == 60


def test_pm4_longer_retry_postpones_what_was_due() -> None:
    machine = in_clear(retry=60)
    machine.advance(60)
    assert machine.set_retry(300, 61) == [Decide(1, Decision.CLEAR)]
    assert machine.advance(299) == []
    assert machine.advance(300) == [Decide(1, Decision.CLEAR_RETRY_DUE)]


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_pm4_retry_that_is_no_time_is_refused_and_changes_nothing(seconds: float) -> None:
    machine = in_clear(retry=60)
    with pytest.raises(ValueError, match="positive number of seconds"):
        machine.set_retry(seconds, 20)
    assert machine.retry == 60
    with pytest.raises(ValueError, match="positive number of seconds"):
        PassiveMode([1], enabled=True, retry=seconds, now=0)


# --- PM-5 ---------------------------------------------------------------------------------


def test_pm5_sa_takes_over_from_the_clear_and_leaves_no_destination_listed() -> None:
    machine = in_clear(1, 2)
    machine.handle(SentInClear(1, A), 11)
    machine.handle(SentInClear(1, B), 11)
    machine.handle(SentInClear(2, C), 11)
    assert machine.handle(SaUp(1), 12) == [
        Decide(1, None),
        Forget(1, A, outbound=True),
        Forget(1, B, outbound=True),
    ]
    assert [listed.address for listed in machine.destinations()] == [C]


def test_pm5_late_report_after_the_sa_lists_nothing() -> None:
    machine = in_clear()
    machine.handle(SaUp(1), 12)
    effects = machine.handle(SentInClear(1, A, retry_due=True), 12.1)
    assert [type(effect) for effect in effects] == [Message]
    assert machine.destinations() == ()


def test_pm5_when_the_sa_goes_away_pm2_starts_afresh() -> None:
    machine = in_clear()
    machine.handle(SaUp(1), 12)
    machine.handle(SaDown(1), 100)
    assert machine.handle(PacketWithoutSa(1), 200) == [Decide(1, Decision.HOLD), StartAttempt(1)]
    assert machine.advance(209.9) == []
    assert machine.advance(210) == [Decide(1, Decision.CLEAR)]


def test_pm5_quiet_packet_type_stays_in_the_clear_though_its_destinations_are_forgotten() -> None:
    machine = in_clear()
    machine.handle(SentInClear(1, A), 11)
    assert machine.handle(DestinationIdle(1, A), 200) == [Forget(1, A, outbound=True)]
    assert decisions(machine.advance(86_400)) == [Decide(1, Decision.CLEAR_RETRY_DUE)]
    assert StartAttempt(1) in machine.handle(SentInClear(1, A, retry_due=True), 86_401)


def test_pm5_sa_clears_the_last_failure() -> None:
    machine = in_clear()
    machine.handle(AttemptEnded(1, "no answer"), 11)
    machine.handle(SaUp(1), 12)
    assert machine.state_of(1).last_failure is None
    assert machine.state_of(1).next_attempt_at is None


# --- PM-6 ---------------------------------------------------------------------------------


def test_pm6_sources_are_listed_whatever_the_state_and_kept_while_an_sa_exists() -> None:
    machine = passive_mode()
    assert Remember(1, A, outbound=False) in machine.handle(ReceivedInClear(1, A), 1)
    machine.handle(SaUp(1), 2)
    assert machine.handle(ReceivedInClear(1, B), 3) == [Remember(1, B, outbound=False)]
    assert [(s.address, s.since) for s in machine.sources()] == [(A, 1), (B, 3)]
    assert machine.handle(SourceIdle(1, A), 4) == [Forget(1, A, outbound=False)]


def test_pm6_off_a_late_report_says_nothing() -> None:
    machine = passive_mode(enabled=False)
    assert machine.handle(ReceivedInClear(1, A), 1) == []
    assert machine.handle(SentInClear(1, A), 1) == []
    assert machine.sources() == machine.destinations() == ()


# --- PM-7, PM-8 ---------------------------------------------------------------------------


def test_pm7_reminder_when_turned_on_and_every_ten_minutes() -> None:
    machine = PassiveMode([1], enabled=True, retry=300, now=0)
    said = [
        (second, text) for second in range(3601) for text in texts(machine.advance(float(second)))
    ]
    assert said == [(second, REMINDER) for second in range(0, 3601, 600)]


def test_pm7_no_reminder_while_off() -> None:
    machine = passive_mode(enabled=False)
    assert machine.next_deadline() is None
    assert machine.advance(86_400) == []
    assert texts(machine.set_enabled(True, 86_400)) == [REMINDER]
    assert REMINDER not in texts(machine.set_enabled(False, 86_500))
    assert machine.advance(200_000) == []


def test_pm8_first_packet_is_warned_of_at_once_and_the_latest_of_the_minute_when_it_is_over() -> (
    None
):
    machine = in_clear()
    assert texts(machine.handle(SentInClear(1, A), 20)) == [
        "Unencrypted traffic is sent to 10.0.0.1 because crypto optional is configured"
    ]
    assert texts(machine.handle(SentInClear(1, B), 21)) == []
    assert texts(machine.handle(SentInClear(1, C), 79)) == []
    assert machine.next_deadline() == 80
    assert texts(machine.advance(80)) == [
        "Unencrypted traffic is sent to 10.0.0.3 because crypto optional is configured"
    ]
    assert machine.next_deadline() == 300
    assert len(texts(machine.handle(SentInClear(1, A), 200))) == 1


def test_pm8_directions_are_limited_apart() -> None:
    machine = in_clear()
    assert texts(machine.handle(SentInClear(1, A), 20)) == [
        "Unencrypted traffic is sent to 10.0.0.1 because crypto optional is configured"
    ]
    assert texts(machine.handle(ReceivedInClear(1, B), 20)) == [
        "Unencrypted traffic is received from 10.0.0.2 because crypto optional is configured"
    ]


def test_pm8_turning_off_and_on_does_not_get_round_the_limit() -> None:
    machine = in_clear()
    machine.handle(SentInClear(1, A), 20)
    machine.handle(SentInClear(1, B), 21)
    machine.set_enabled(False, 22)
    machine.set_enabled(True, 23)
    assert texts(machine.handle(SentInClear(1, C), 24)) == []
    assert texts(machine.advance(80)) == [
        "Unencrypted traffic is sent to 10.0.0.3 because crypto optional is configured"
    ]


def test_pm8_ten_thousand_destinations_are_listed_once_each_with_one_warning_a_minute() -> None:
    machine = in_clear(*range(1, 101))
    addresses = [IPv4Address(0x0A000000 + n) for n in range(10_000)]
    began = perf_counter()
    effects: list[Effect] = []
    for round_ in range(2):
        for n, address in enumerate(addresses):
            now = 20 + 60 * round_ + n * 0.005
            effects += machine.handle(SentInClear(1 + n % 100, address), now)
    took = perf_counter() - began
    remembered = [effect.address for effect in effects if isinstance(effect, Remember)]
    assert remembered == addresses
    assert len(machine.destinations()) == 10_000
    assert len([text for text in texts(effects) if "sent to" in text]) == 2
    # 20,000 reports: a scan of the list in each would take minutes.
    assert took < 5


# --- PM-10 --------------------------------------------------------------------------------


def test_pm10_turning_off_stops_the_clear_first_and_reminds_to_save() -> None:
    machine = in_clear(1, 2, 3)
    machine.handle(SentInClear(1, A), 11)
    machine.handle(ReceivedInClear(2, B), 11)
    machine.handle(SaUp(3), 11)
    effects = machine.set_enabled(False, 12)
    assert effects[0] == SwitchPassiveMode(False)
    assert set(effects[1:-1]) == {
        Decide(1, None),
        Decide(2, None),
        Forget(1, A, outbound=True),
        Forget(2, B, outbound=False),
    }
    assert isinstance(effects[-1], Message)
    assert "write memory" in effects[-1].text
    assert machine.destinations() == machine.sources() == ()
    assert machine.state_of(3).state is State.PROTECTED


def test_pm10_the_data_plane_bit_comes_first_even_when_timers_are_due() -> None:
    machine = passive_mode(1, 2)
    machine.handle(PacketWithoutSa(1), 0)
    effects = machine.set_enabled(False, 600)
    assert effects[0] == SwitchPassiveMode(False)
    assert Decide(1, Decision.CLEAR) not in effects


def test_pm10_turning_off_hundreds_of_types_leaves_none_in_the_clear() -> None:
    machine = in_clear(*range(1, 501))
    effects = machine.set_enabled(False, 20)
    assert {d.packet_type for d in decisions(effects) if d.decision is None} == set(range(1, 501))
    assert decisions(machine.advance(100_000)) == []


def test_pm10_same_mode_again_changes_nothing() -> None:
    machine = in_clear()
    assert machine.set_enabled(True, 11) == []
    machine.set_enabled(False, 12)
    assert machine.set_enabled(False, 13) == []


def test_pm2_turning_on_starts_the_hold_afresh() -> None:
    machine = passive_mode(enabled=False)
    machine.handle(PacketWithoutSa(1), 0)
    effects = machine.set_enabled(True, 100)
    assert effects[0] == SwitchPassiveMode(True)
    assert decisions(effects) == []
    assert machine.advance(109.9) == []
    assert machine.advance(110) == [Decide(1, Decision.CLEAR)]


def test_pm1_turning_off_in_the_hold_goes_on_as_pm1() -> None:
    machine = passive_mode()
    machine.handle(PacketWithoutSa(1), 0)
    machine.handle(AttemptEnded(1, "no answer"), 1)
    assert decisions(machine.set_enabled(False, 5)) == []
    assert machine.advance(10) == [Decide(1, None)]


# --- start, restart, change of configuration ----------------------------------------------


@pytest.mark.parametrize("enabled", [True, False])
def test_first_call_sets_the_data_plane_bit(enabled: bool) -> None:
    machine = PassiveMode([1], enabled=enabled, retry=300, now=7)
    assert machine.next_deadline() == 7
    assert machine.advance(7)[0] == SwitchPassiveMode(enabled)
    assert SwitchPassiveMode(enabled) not in machine.advance(8)


@pytest.mark.parametrize("decision", [Decision.CLEAR, Decision.CLEAR_RETRY_DUE])
def test_adopt_keeps_in_the_clear_and_the_next_packet_attempts(decision: Decision) -> None:
    machine = passive_mode()
    effects = machine.adopt(1, decision, 1)
    assert [d.decision for d in decisions(effects)] == [Decision.CLEAR_RETRY_DUE]
    assert machine.state_of(1).state is State.CLEAR_RETRY_DUE
    assert StartAttempt(1) in machine.handle(SentInClear(1, A, retry_due=True), 2)


@pytest.mark.parametrize("enabled", [True, False])
def test_adopt_removes_a_hold_whose_attempt_is_not_ours(enabled: bool) -> None:
    machine = passive_mode(enabled=enabled)
    assert machine.adopt(1, Decision.HOLD, 1) == [Decide(1, None)]
    assert machine.state_of(1).state is State.IDLE


def test_adopt_with_passive_mode_off_leaves_nothing_in_the_clear() -> None:
    machine = passive_mode(enabled=False)
    assert machine.adopt(1, Decision.CLEAR, 1) == [Decide(1, None)]


def test_adopt_removes_entries_of_packet_types_that_are_gone() -> None:
    assert passive_mode(1).adopt(9, Decision.CLEAR, 1) == [Decide(9, None)]


def test_adopted_addresses_are_listed_without_a_warning() -> None:
    machine = passive_mode(1, 2)
    machine.adopt(1, Decision.CLEAR, 1)
    machine.handle(SaUp(2), 1)
    assert machine.adopt_address(1, A, 1, outbound=True) == [Remember(1, A, outbound=True)]
    assert machine.adopt_address(2, A, 1, outbound=False) == [Remember(2, A, outbound=False)]
    assert machine.adopt_address(2, B, 1, outbound=True) == []
    assert machine.adopt_address(9, B, 1, outbound=True) == []
    assert [listed.address for listed in machine.destinations()] == [A]
    assert passive_mode(enabled=False).adopt_address(1, A, 1, outbound=False) == []


def test_adopt_after_events_keeps_the_machine_s_own_state() -> None:
    machine = passive_mode()
    machine.handle(PacketWithoutSa(1), 1)
    assert machine.adopt(1, Decision.CLEAR, 2) == [Decide(1, Decision.HOLD)]
    assert machine.adopt(1, Decision.HOLD, 2) == []


def test_packet_types_that_go_leave_nothing_behind_and_those_that_stay_keep_their_state() -> None:
    machine = in_clear(1, 2)
    machine.handle(SentInClear(1, A), 11)
    machine.handle(ReceivedInClear(1, B), 11)
    assert machine.set_packet_types([2, 3], 12) == [
        Decide(1, None),
        Forget(1, A, outbound=True),
        Forget(1, B, outbound=False),
    ]
    assert machine.packet_types == (2, 3)
    assert machine.state_of(2).state is State.CLEAR
    assert machine.state_of(3).state is State.IDLE
    assert decisions(machine.advance(1000)) == [Decide(2, Decision.CLEAR_RETRY_DUE)]


def test_events_of_unknown_packet_types_change_nothing() -> None:
    machine = passive_mode(1)
    for event in (PacketWithoutSa(2), SentInClear(2, A), ReceivedInClear(2, A), SaUp(2)):
        assert machine.handle(event, 1) == []
    with pytest.raises(KeyError):
        machine.state_of(2)


# --- limits -------------------------------------------------------------------------------


def test_list_size_is_the_data_plane_s() -> None:
    sizes = Path(__file__).parents[3] / "p4src" / "sizes.p4"
    match = re.search(r"#define CLEAR_ADDRESS_TABLE_SIZE (\d+)", sizes.read_text())
    assert match
    assert int(match[1]) == CLEAR_ADDRESS_TABLE_SIZE


def test_full_lists_count_what_they_cannot_show_and_recover() -> None:
    machine = in_clear()
    for n in range(CLEAR_ADDRESS_TABLE_SIZE):
        machine.handle(SentInClear(1, IPv4Address(0x0A000000 + n)), 11)
    extra = IPv4Address("172.16.0.1")
    assert machine.handle(SentInClear(1, extra), 12) == []
    assert machine.unlisted_destinations == 1
    assert machine.unlisted_sources == 0
    assert len(machine.destinations()) == CLEAR_ADDRESS_TABLE_SIZE
    machine.handle(DestinationIdle(1, IPv4Address(0x0A000000)), 13)
    assert machine.unlisted_destinations == 0
    assert machine.handle(SentInClear(1, extra), 14) == [Remember(1, extra, outbound=True)]


def test_time_that_steps_back_moves_nothing_backwards() -> None:
    machine = passive_mode(now=100)
    machine.handle(PacketWithoutSa(1), 100)
    machine.advance(50)
    assert machine.advance(109.9) == []
    assert machine.advance(110) == [Decide(1, Decision.CLEAR)]


def test_a_day_of_timers_of_a_thousand_packet_types_takes_moments() -> None:
    types = range(1, 1001)
    machine = in_clear(*types, retry=60)
    began = perf_counter()
    calls = 0
    seen = 0
    while (deadline := machine.next_deadline()) is not None and deadline <= 86_400:
        seen += len(machine.advance(deadline))
        calls += 1
        if calls == 1:
            for packet_type in types:
                machine.handle(SentInClear(packet_type, A, retry_due=True), deadline)
    assert calls > 144
    assert seen > 2000
    assert perf_counter() - began < 2
