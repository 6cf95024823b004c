"""What an operator reads when the switch refuses an entry."""

import re

from controller.p4runtime.entities import (
    Entry,
    EntryKey,
    MeterCell,
    Update,
    UpdateKind,
    WriteFailure,
)
from controller.router.refusals import SIZES, explain
from p4src.artefacts import SOURCE_DIR


def refused(table, label, code="RESOURCE_EXHAUSTED", kind=UpdateKind.INSERT):
    entry = Entry(EntryKey(table, (("packet_type", len(label)),)), "protect", label=label)
    return WriteFailure(Update(kind, entry), code, "no")


def test_a_table_that_is_too_small_is_one_sentence_that_says_what_to_do():
    lines = list(explain([refused("spd_out", f"line {n}") for n in range(100)]))
    assert lines == [
        "the switch has no room for line 0 and 99 more: its table spd_out is full"
        " (RESOURCE_EXHAUSTED: no); configure less, or raise SPD_TABLE_SIZE in p4src/sizes.p4,"
        " run make p4, and restart switch and controller"
    ]


def test_bmv2_says_unknown_of_a_full_table():
    """Measured: tests/conformance/traces/p4runtime/entries-a_table_that_is_full.jsonl."""
    (line,) = explain([refused("sad_in", "the SA of line 1", "UNKNOWN")])
    assert "no room for the SA of line 1" in line
    assert "as it seems" in line
    assert "SA_TABLE_SIZE" in line


def test_each_full_table_has_its_own_sentence():
    failures = [refused("route", "a"), refused("neighbor", "b"), refused("route", "c")]
    tables = [re.search(r"its table (\w+)", line)[1] for line in explain(failures)]
    assert tables == ["route", "neighbor"]


def test_other_refusals_are_said_one_by_one():
    cell = WriteFailure(
        Update(UpdateKind.MODIFY, MeterCell("punt_meter", 1, 2, 3)), "UNKNOWN", "why not"
    )
    modified = refused("route", "a", "RESOURCE_EXHAUSTED", UpdateKind.MODIFY)
    invalid = refused("route", "b", "INVALID_ARGUMENT")
    assert list(explain([cell, modified, invalid])) == [
        "the switch refused to modify cell 1 of punt_meter: UNKNOWN: why not",
        "the switch refused to modify a: RESOURCE_EXHAUSTED: no",
        "the switch refused to insert b: INVALID_ARGUMENT: no",
    ]


def test_every_table_with_a_key_has_the_constant_that_the_program_gives_it():
    text = "".join(path.read_text() for path in SOURCE_DIR.glob("*.p4"))
    tables = re.findall(r"\btable (\w+) \{(?:(?!\btable ).)*?\bsize = (\w+);", text, re.S)
    assert dict(tables) == SIZES
