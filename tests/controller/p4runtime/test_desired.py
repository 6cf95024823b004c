"""The declared state: differences only, in a safe order, with what was refused known."""

import random
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.p4runtime import tables
from controller.p4runtime.desired import DesiredState
from controller.p4runtime.entities import (
    Entry,
    EntryKey,
    MeterCell,
    Update,
    UpdateKind,
    WriteFailure,
)
from controller.p4runtime.ordering import batches, in_order
from controller.passive.events import Decision
from ike.types import TrafficSelector
from tests.controller.p4runtime.samples import INTERFACE, RULE, SAD_IN, SAD_OUT

HOST = IPv4Address("10.0.0.9")
ANY = (TrafficSelector(IPv4Address(0), IPv4Address("255.255.255.255")),)

HOLD = tables.no_sa(5, Decision.HOLD)
CLEAR = tables.no_sa(5, Decision.CLEAR)
INBOUND = tables.sad_in(SAD_IN)
OUTBOUND = tables.sad_out(SAD_OUT)
SELECTORS = tables.sa_selectors(9, ANY, ANY)

EVERYTHING: tuple[Entry, ...] = (
    tables.passive_mode(True),
    tables.clear_source(5, HOST, 300.0),
    tables.clear_destination(5, HOST, 300.0),
    CLEAR,
    tables.ingress_interface(INTERFACE),
    tables.route_connected(IPv4Network("10.0.0.0/24"), 3),
    OUTBOUND,
    tables.egress_interface(INTERFACE),
    tables.neighbor(INTERFACE, HOST, 0x020000000009),
    INBOUND,
    *SELECTORS,
    tables.local_address(HOST),
    tables.spd_in(RULE),
    tables.spd_out(RULE),
)


def kinds(updates: list[Update]) -> list[tuple[str, str]]:
    return [
        (update.kind.value, update.entity.key.table)
        for update in updates
        if isinstance(update.entity, Entry)
    ]


def declared(*entities: Entry | MeterCell) -> DesiredState:
    state = DesiredState()
    for entity in entities:
        state.declare(entity)
    return state


def written(*entities: Entry | MeterCell) -> DesiredState:
    state = declared(*entities)
    state.acknowledge(state.pending())
    return state


# --- pending ------------------------------------------------------------------------------


def test_what_is_new_is_inserted_once() -> None:
    state = declared(HOLD)
    assert state.pending() == [Update(UpdateKind.INSERT, HOLD)]
    assert state.pending() == []
    state.declare(HOLD)
    assert state.pending() == []
    assert state.get(HOLD.key) == HOLD
    assert state.entries("no_sa") == (HOLD,)
    assert state.entries("sad_in") == ()


def test_what_changes_is_modified_in_place() -> None:
    """Never delete and insert: there would be a moment without."""
    state = written(HOLD)
    state.declare(CLEAR)
    assert state.pending() == [Update(UpdateKind.MODIFY, CLEAR)]


def test_what_is_withdrawn_is_deleted() -> None:
    state = written(HOLD)
    state.withdraw(HOLD.key)
    assert kinds(state.pending()) == [("delete", "no_sa")]
    assert state.get(HOLD.key) is None
    state.withdraw(HOLD.key)
    assert state.pending() == []


def test_changes_between_two_drains_are_one() -> None:
    state = DesiredState()
    state.declare(HOLD)
    state.declare(CLEAR)
    assert state.pending() == [Update(UpdateKind.INSERT, CLEAR)]
    state.declare(HOLD)
    state.declare(CLEAR)
    assert state.pending() == []
    state.withdraw(CLEAR.key)
    state.declare(HOLD)
    assert state.pending() == [Update(UpdateKind.MODIFY, HOLD)]
    state.declare(INBOUND)
    state.withdraw(INBOUND.key)
    assert state.pending() == []


def test_default_actions_and_meter_cells_are_only_modified() -> None:
    state = declared(tables.passive_mode(False), MeterCell("punt_meter", 1, 10, 10))
    assert {update.kind for update in state.pending()} == {UpdateKind.MODIFY}


def test_labels_do_not_make_a_difference() -> None:
    state = written(HOLD)
    state.declare(replace(HOLD, label="by another name"))
    assert state.pending() == []


# --- order --------------------------------------------------------------------------------


def position(updates: list[Update], table: str, kind: str | None = None) -> int:
    return next(
        number
        for number, (what, name) in enumerate(kinds(updates))
        if name == table and kind in (None, what)
    )


def test_new_sa_is_ready_to_receive_before_it_sends() -> None:
    updates = declared(OUTBOUND, INBOUND, *SELECTORS).pending()
    assert [table for _, table in kinds(updates)] == ["sa_selectors", "sad_in", "sad_out"]


def test_old_sa_stops_sending_before_it_stops_receiving() -> None:
    state = written(INBOUND, *SELECTORS, OUTBOUND)
    for entry in (*SELECTORS, INBOUND, OUTBOUND):
        state.withdraw(entry.key)
    assert [table for _, table in kinds(state.pending())] == ["sad_out", "sad_in", "sa_selectors"]


def test_passive_mode_goes_off_before_all_and_on_after_all() -> None:
    """PM-10: not one clear packet after it was turned off."""
    state = written(*EVERYTHING)
    state.declare(tables.no_sa(6, Decision.HOLD))
    state.declare(tables.passive_mode(False))
    assert kinds(state.pending())[0] == ("modify", "passive_mode")
    state.declare(tables.no_sa(7, Decision.HOLD))
    state.declare(tables.passive_mode(True))
    assert kinds(state.pending())[-1] == ("modify", "passive_mode")


def test_new_sa_is_there_before_its_decision_goes() -> None:
    """No packet is lost on the way from the clear to ESP."""
    state = written(CLEAR)
    state.withdraw(CLEAR.key)
    state.declare(OUTBOUND)
    assert [table for _, table in kinds(state.pending())] == ["sad_out", "no_sa"]


def test_clear_is_gone_before_an_sa_goes() -> None:
    """A rule for the clear that was left beneath an SA must not come to light."""
    state = written(CLEAR, OUTBOUND)
    state.withdraw(OUTBOUND.key)
    state.withdraw(CLEAR.key)
    assert kinds(state.pending()) == [("delete", "no_sa"), ("delete", "sad_out")]


def test_hold_is_there_before_an_sa_goes() -> None:
    state = written(CLEAR, OUTBOUND)
    state.withdraw(OUTBOUND.key)
    state.declare(HOLD)
    assert kinds(state.pending()) == [("modify", "no_sa"), ("delete", "sad_out")]


def test_policy_is_there_before_any_way_to_send() -> None:
    updates = declared(*EVERYTHING).pending()
    for table in ("spd_out", "spd_in", "sad_out"):
        assert position(updates, table) < position(updates, "route")
    assert position(updates, "spd_in") < position(updates, "ingress_interface")
    assert position(updates, "egress_interface") < position(updates, "sad_out")


def test_policy_goes_after_every_way_to_send() -> None:
    state = written(*EVERYTHING)
    for entry in EVERYTHING:
        if not entry.key.is_default:
            state.withdraw(entry.key)
    updates = state.pending()
    for table in ("route", "ingress_interface", "sad_out", "no_sa"):
        assert position(updates, table) < position(updates, "spd_out")


@given(st.randoms(use_true_random=False))
def test_order_does_not_depend_on_the_order_of_declaration(shuffler: random.Random) -> None:
    expected = [
        sorted(map(str, kinds(batch))) for batch in batches(declared(*EVERYTHING).pending())
    ]
    shuffled = list(EVERYTHING)
    shuffler.shuffle(shuffled)
    found = [sorted(map(str, kinds(batch))) for batch in batches(declared(*shuffled).pending())]
    assert found == expected


def test_batches_hold_one_stage_and_are_bounded() -> None:
    """P4Runtime §12.2: a switch may apply one request's updates in any order."""
    routes = [tables.route_blackhole(IPv4Network((n << 8, 24))) for n in range(1201)]
    updates = declared(*EVERYTHING, *routes).pending()
    split = batches(updates, limit=500)
    assert [update for batch in split for update in batch] == updates
    assert max(map(len, split)) == 500
    sizes = [len(batch) for batch in split if kinds(batch)[0][1] == "route"]
    assert sizes == [500, 500, 202]
    for batch in split:
        assert in_order(batch) == batch
        assert len({table for _, table in kinds(batch)} & {"sad_in", "sad_out"}) <= 1


# --- reconcile ----------------------------------------------------------------------------


def test_nothing_is_written_where_the_switch_is_right() -> None:
    cell = MeterCell("punt_meter", 1, 10, 10)
    assert declared(*EVERYTHING, cell).reconcile(EVERYTHING, [cell]) == []


def test_only_the_difference_is_written() -> None:
    state = declared(*EVERYTHING)
    moved = tables.sad_out(replace(SAD_OUT, udp_destination_port=0))
    stray = tables.no_sa(99, Decision.CLEAR)
    actual = [moved if entry == OUTBOUND else entry for entry in EVERYTHING if entry != INBOUND]
    updates = state.reconcile([*actual, stray])
    assert updates == [
        Update(UpdateKind.INSERT, INBOUND),
        Update(UpdateKind.MODIFY, OUTBOUND),
        Update(UpdateKind.DELETE, stray),
    ]
    assert state.pending() == []


def test_meters_that_were_not_read_are_written() -> None:
    cell = MeterCell("punt_meter", 1, 10, 10)
    assert declared(cell).reconcile([]) == [Update(UpdateKind.MODIFY, cell)]
    assert declared(cell).reconcile([], [replace(cell, rate=9)]) == [
        Update(UpdateKind.MODIFY, cell)
    ]


def test_entries_of_other_tables_are_left_alone() -> None:
    foreign = Entry(EntryKey("somebody_elses", ()), "whatever")
    assert DesiredState().reconcile([foreign]) == []


def test_passive_mode_that_nobody_wants_is_reset_first() -> None:
    updates = declared(HOLD).reconcile([tables.passive_mode(True)])
    assert kinds(updates) == [("delete", "passive_mode"), ("insert", "no_sa")]


def test_idle_timeouts_are_compared_in_nanoseconds() -> None:
    entry = tables.clear_source(5, HOST, 0.1 + 0.2)
    assert declared(entry).reconcile([replace(entry, idle_timeout=0.3)]) == []
    assert len(declared(entry).reconcile([replace(entry, idle_timeout=0.4)])) == 1


def test_changes_after_a_reconciliation_start_from_it() -> None:
    state = declared(HOLD)
    state.reconcile([CLEAR])
    state.withdraw(HOLD.key)
    assert kinds(state.pending()) == [("delete", "no_sa")]


# --- refusals -----------------------------------------------------------------------------


def refusal(update: Update, code: str = "RESOURCE_EXHAUSTED") -> WriteFailure:
    return WriteFailure(update, code, "the table is full")


def test_refused_entry_is_known_by_its_label_and_not_tried_again() -> None:
    state = declared(OUTBOUND)
    (update,) = state.pending()
    state.acknowledge([update], [refusal(update)])
    (refused,) = state.refused
    assert isinstance(refused.update.entity, Entry)
    assert "outbound SA" in refused.update.entity.label
    assert state.pending() == []
    assert not state.is_installed(OUTBOUND.key)


def test_refused_entry_is_tried_again_when_declared_anew() -> None:
    state = declared(OUTBOUND)
    (update,) = state.pending()
    state.failed([refusal(update)])
    state.declare(OUTBOUND)
    assert state.pending() == [update]
    assert state.refused == ()


def test_refused_entry_is_tried_again_on_reconnect() -> None:
    state = declared(OUTBOUND)
    (update,) = state.pending()
    state.failed([refusal(update)])
    assert state.reconcile([]) == [update]
    assert state.refused == ()


def test_refused_entry_that_is_wanted_no_more_is_forgotten() -> None:
    state = declared(OUTBOUND)
    state.failed([refusal(update) for update in state.pending()])
    state.withdraw(OUTBOUND.key)
    assert state.pending() == []
    assert state.refused == ()


def test_after_a_refused_change_the_next_one_is_still_a_change() -> None:
    state = written(HOLD)
    state.declare(CLEAR)
    state.failed([refusal(update) for update in state.pending()])
    state.declare(HOLD)
    assert state.pending() == [Update(UpdateKind.MODIFY, HOLD)]


@pytest.mark.parametrize(
    ("first", "code", "then"),
    [
        (UpdateKind.INSERT, "ALREADY_EXISTS", UpdateKind.MODIFY),
        (UpdateKind.MODIFY, "NOT_FOUND", UpdateKind.INSERT),
    ],
)
def test_mistake_about_what_the_switch_holds_is_corrected_once(
    first: UpdateKind, code: str, then: UpdateKind
) -> None:
    state = declared(HOLD) if first is UpdateKind.INSERT else written(CLEAR)
    state.declare(HOLD)
    (update,) = state.pending()
    assert update.kind is first
    state.failed([refusal(update, code)])
    (second,) = state.pending()
    assert second == Update(then, HOLD)
    other = "NOT_FOUND" if then is UpdateKind.MODIFY else "ALREADY_EXISTS"
    state.failed([refusal(second, other)])
    assert state.pending() == []  # a switch that contradicts itself is not argued with
    assert len(state.refused) == 1


def test_delete_of_what_is_not_there_is_no_failure() -> None:
    state = written(HOLD)
    state.withdraw(HOLD.key)
    (update,) = state.pending()
    state.failed([refusal(update, "NOT_FOUND")])
    assert state.refused == ()
    state.declare(HOLD)
    assert kinds(state.pending()) == [("insert", "no_sa")]


def test_refused_delete_is_known() -> None:
    state = written(HOLD)
    state.withdraw(HOLD.key)
    state.failed([refusal(update, "INTERNAL") for update in state.pending()])
    assert len(state.refused) == 1
    state.declare(HOLD)
    assert state.pending() == [Update(UpdateKind.MODIFY, HOLD)]


def test_entry_is_installed_once_it_is_acknowledged() -> None:
    state = declared(HOLD)
    assert not state.is_installed(HOLD.key)
    updates = state.pending()
    assert not state.is_installed(HOLD.key)
    state.acknowledge(updates)
    assert state.is_installed(HOLD.key)
    state.declare(CLEAR)
    assert not state.is_installed(HOLD.key)


# --- with any switch ----------------------------------------------------------------------


class Switch:
    """A switch that applies updates, and refuses some."""

    def __init__(self) -> None:
        self.entries: dict[EntryKey, Entry] = {}

    def write(self, updates: list[Update], refuses: set[int]) -> list[WriteFailure]:
        failures = []
        for update in updates:
            entry = update.entity
            assert isinstance(entry, Entry)
            is_there = entry.key in self.entries
            if dict(entry.key.match).get("packet_type") in refuses:
                failures.append(WriteFailure(update, "RESOURCE_EXHAUSTED", ""))
            elif update.kind is UpdateKind.INSERT and is_there:
                failures.append(WriteFailure(update, "ALREADY_EXISTS", ""))
            elif update.kind is not UpdateKind.INSERT and not is_there:
                failures.append(WriteFailure(update, "NOT_FOUND", ""))
            elif update.kind is UpdateKind.DELETE:
                del self.entries[entry.key]
            else:
                self.entries[entry.key] = entry
        return failures


packet_types = st.integers(1, 5)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("declare"), packet_types, st.sampled_from(Decision)),
        st.tuples(st.just("withdraw"), packet_types, st.just(None)),
        st.tuples(st.just("drain"), packet_types, st.just(None)),
        st.tuples(st.just("refuse"), packet_types, st.just(None)),
        st.tuples(st.just("lose"), packet_types, st.just(None)),
    ),
    max_size=50,
)


@settings(max_examples=2 * settings.default.max_examples)
@given(operations)
def test_switch_ends_up_with_what_is_declared(
    todo: list[tuple[str, int, Decision | None]],
) -> None:
    """Whatever was refused or lost in between, a reconciliation makes it right."""
    state, switch, refuses = DesiredState(), Switch(), set[int]()
    for what, packet_type, decision in todo:
        key = tables.no_sa(packet_type, Decision.HOLD).key
        match what:
            case "declare":
                assert decision is not None
                state.declare(tables.no_sa(packet_type, decision))
            case "withdraw":
                state.withdraw(key)
            case "refuse":
                refuses ^= {packet_type}
            case "lose":  # behind our back
                switch.entries.pop(key, None)
            case _:
                updates = state.pending()
                state.acknowledge(updates, switch.write(updates, refuses))
    assert switch.write(state.reconcile(switch.entries.values()), set()) == []
    assert set(switch.entries.values()) == set(state.entries())
