"""The table store: what the P4Runtime server relies on, and lookups against their definition."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmv2.embedded.datapath.matching import CACHE_SIZE
from bmv2.embedded.datapath.state import Meters
from bmv2.embedded.datapath.tables import Table
from bmv2.embedded.model import (
    ActionInfo,
    ActionParam,
    Entry,
    EntryExistsError,
    EntryNotFoundError,
    KeyField,
    MatchKind,
    MeterConfig,
    TableError,
    TableFullError,
    TableStore,
)

SECOND = 1_000_000_000
ACTIONS = {
    "set": ActionInfo("set", (ActionParam("value", 8),)),
    "nothing": ActionInfo("nothing", ()),
}


def table(*kinds: tuple[str, int], size: int = 8, const_default: bool = False) -> TableStore:
    keys = tuple(KeyField(f"k{i}", MatchKind(kind), bits) for i, (kind, bits) in enumerate(kinds))
    return Table(
        "t",
        keys,
        ACTIONS,
        ("nothing", ()),
        max_size=size,
        support_timeout=False,
        has_counter=False,
        const_default=const_default,
        meters=None,
    )


def entry(*match, priority=0, value=1):
    return Entry(match, priority, "set", (value,))


def test_entries_are_kept_in_order_and_found_by_match_and_priority():
    store = table(("ternary", 8), ("exact", 8))
    first = entry((0x10, 0xF0), (1, 0), priority=5)
    second = entry((0x10, 0xF0), (1, 0), priority=6)
    store.insert(first)
    store.insert(second)
    assert list(store.entries()) == [first, second]
    assert store.get(first.match, 5) is first
    assert store.get(first.match, 7) is None
    assert store.delete(first.match, 5) is first
    assert list(store.entries()) == [second]


def test_a_full_table_and_a_second_entry_are_refused():
    store = table(("exact", 8), size=2)
    store.insert(entry((1, 0)))
    with pytest.raises(EntryExistsError):
        store.insert(entry((1, 0), value=2))
    store.insert(entry((2, 0)))
    with pytest.raises(TableFullError):
        store.insert(entry((3, 0)))
    assert len(list(store.entries())) == 2


def test_what_is_not_there_cannot_be_changed():
    store = table(("exact", 8))
    with pytest.raises(EntryNotFoundError):
        store.modify(((1, 0),), 0, "set", (1,))
    with pytest.raises(EntryNotFoundError):
        store.delete(((1, 0),), 0)


def test_modify_keeps_the_counter():
    store = table(("exact", 8))
    made = entry((1, 0))
    store.insert(made)
    made.counter.packets = 7
    assert store.modify(((1, 0),), 0, "nothing", ()) is made
    assert (made.action, made.params, made.counter.packets) == ("nothing", (), 7)


@pytest.mark.parametrize(
    ("kind", "match", "priority"),
    [
        ("exact", (256, 0), 0),
        ("exact", (1, 1), 0),
        ("exact", (-1, 0), 0),
        ("exact", (1, 0), 3),
        ("lpm", (0x11, 4), 0),
        ("lpm", (0x10, 9), 0),
        ("ternary", (0x11, 0xF0), 1),
        ("ternary", (0, 256), 1),
        ("range", (5, 4), 1),
        ("range", (0, 256), 1),
        ("optional", (5, 0), 1),
        ("optional", (5, 2), 1),
    ],
)
def test_a_match_that_is_none_of_its_kind_is_refused(kind, match, priority):
    store = table((kind, 8))
    with pytest.raises(TableError):
        store.insert(entry(match, priority=priority))
    assert list(store.entries()) == []


def test_bad_actions_are_refused():
    store = table(("exact", 8))
    for action, params in (("odd", ()), ("set", ()), ("set", (256,)), ("nothing", (1,))):
        with pytest.raises(TableError):
            store.insert(Entry(((1, 0),), 0, action, params))
        with pytest.raises(TableError):
            store.set_default(action, params)
    assert store.default == ("nothing", ())


def test_a_keyless_table_has_a_default_only():
    store = table()
    with pytest.raises(TableError):
        store.insert(entry())
    store.set_default("set", (3,))
    assert store.default == ("set", (3,))


def test_a_constant_default_stays():
    store = table(("exact", 8), const_default=True)
    with pytest.raises(TableError):
        store.set_default("set", (3,))


FIELD = st.integers(0, 15)
KINDS = [("exact", 4), ("ternary", 4), ("range", 4), ("optional", 4), ("lpm", 4)]


@st.composite
def entries(draw):
    value, mask = draw(FIELD), draw(st.sampled_from([0, 0xF, 0xC, 0x3]))
    low, high = sorted((draw(FIELD), draw(FIELD)))
    chosen = draw(st.booleans())
    length = draw(st.integers(0, 4))
    prefix = draw(FIELD) >> (4 - length) << (4 - length)
    match = (
        (draw(st.integers(0, 1)), 0),
        (value & mask, mask),
        (low, high),
        (draw(FIELD), 1) if chosen else (0, 0),
        (prefix, length),
    )
    return Entry(match, draw(st.integers(1, 4)), "nothing", ())


def matches(made: Entry, values) -> bool:
    exact, ternary, span, optional, lpm = made.match
    return (
        values[0] == exact[0]
        and values[1] & ternary[1] == ternary[0]
        and span[0] <= values[2] <= span[1]
        and (not optional[1] or values[3] == optional[0])
        and values[4] >> (4 - lpm[1]) == lpm[0] >> (4 - lpm[1])
    )


@settings(deadline=None)
@given(
    made=st.lists(entries(), max_size=20),
    removed=st.sets(st.integers(0, 19)),
    looked_up=st.lists(st.tuples(st.integers(0, 1), FIELD, FIELD, FIELD, FIELD), max_size=20),
)
def test_best_match_against_the_definition(made, removed, looked_up):
    """The highest priority that matches; among equals the one that was there first."""
    store = table(*KINDS, size=100)
    there: list[Entry] = []
    for one in made:
        if store.get(one.match, one.priority) is None:
            store.insert(one)
            there.append(one)
    for values in looked_up:
        store.lookup(values)
    for index in removed:
        if index < len(there):
            store.delete(there[index].match, there[index].priority)
    there = [one for index, one in enumerate(there) if index not in removed]
    for values in looked_up:
        found = [one for one in there if matches(one, values)]
        best = max(found, key=lambda one: one.priority, default=None)
        assert store.lookup(values) is best


def test_the_cache_of_results_is_bounded():
    store = table(("lpm", 32))
    default = entry((0, 0))
    store.insert(default)
    for value in range(CACHE_SIZE + 10):
        assert store.lookup(value) is default
    assert len(store.lookup.__self__) <= CACHE_SIZE


class TestMeter:
    """RFC 2698, colour-blind, as bmv2 rounds it."""

    def meter(self, **config):
        meters = Meters("m", 2, counts_bytes=config.pop("counts_bytes", False))
        meters.configure(0, MeterConfig(**config))
        return meters

    def test_buckets_are_full_and_refill(self):
        meters = self.meter(cir=10, cburst=2, pir=20, pburst=4)
        colors = [meters.execute(0, 100, 0) for _ in range(6)]
        assert colors == [0, 0, 1, 1, 2, 2]
        # A tenth of a second later: one committed token, two peak tokens.
        assert [meters.execute(0, 100, SECOND // 10) for _ in range(3)] == [0, 1, 2]

    def test_burst_is_the_most_that_is_saved(self):
        meters = self.meter(cir=10, cburst=2, pir=10, pburst=2)
        assert [meters.execute(0, 1, 0) for _ in range(3)] == [0, 0, 2]
        assert [meters.execute(0, 1, 3600 * SECOND) for _ in range(3)] == [0, 0, 2]

    def test_bytes(self):
        meters = self.meter(cir=1000, cburst=150, pir=1000, pburst=300, counts_bytes=True)
        assert [meters.execute(0, 100, 0) for _ in range(4)] == [0, 1, 1, 2]

    def test_slow_rates_lose_nothing_to_rounding(self):
        meters = self.meter(cir=1, cburst=1, pir=1, pburst=1)
        assert meters.execute(0, 1, 0) == 0
        colors = [meters.execute(0, 1, tenth * SECOND // 10) for tenth in range(1, 31)]
        assert colors.count(0) == 3

    def test_not_configured_or_no_longer_is_green(self):
        meters = self.meter(cir=0, cburst=0, pir=0, pburst=0)
        assert [meters.execute(1, 1, 0), meters.execute(0, 1, 0)] == [0, 2]
        assert meters.config(0) == MeterConfig(0, 0, 0, 0)
        meters.configure(0, None)
        assert (meters.execute(0, 1, 0), meters.config(0)) == (0, None)

    def test_time_does_not_run_backwards(self):
        meters = self.meter(cir=10, cburst=1, pir=10, pburst=1)
        assert meters.execute(0, 1, SECOND) == 0
        assert meters.execute(0, 1, 0) == 2
        assert meters.execute(0, 1, 2 * SECOND) == 0

    @pytest.mark.parametrize("index", [-1, 2])
    def test_outside_the_array(self, index):
        with pytest.raises(IndexError):
            self.meter(cir=0, cburst=0, pir=0, pburst=0).configure(index, None)
