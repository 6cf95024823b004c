"""Every branch of the P4 program is taken by a test that a real bmv2 has passed."""

import pytest

from bmv2.embedded.datapath import EmbeddedDatapath
from p4src.artefacts import JSON_PATH
from tests.conformance.coverage.instrument import COUNTER, instrument
from tests.conformance.coverage.measure import (
    LIST,
    UNREACHABLE,
    listing,
    measure,
    why_unreachable,
    without_line,
)
from tests.conformance.trace.files import RERECORD


@pytest.mark.slow
def test_every_branch_is_taken():
    first = measure()
    missing = [name for name, trace in first.items() if not trace and not why_unreachable(name)]
    assert not missing, f"no case takes {missing}: add one to tests/bmv2/datapath; then {RERECORD}"
    untaken = {without_line(name) for name, trace in first.items() if not trace}
    wrong = sorted(UNREACHABLE.keys() - untaken)
    assert not wrong, f"{wrong} can be taken after all, or are no branches"
    assert LIST.read_text() == listing(first), f"what covers what has changed: {RERECORD}"


def test_list_names_the_branches_of_this_program():
    _, branches = instrument(JSON_PATH.read_bytes())
    listed = [line.partition("\t")[0] for line in LIST.read_text().splitlines() if line[0] != "#"]
    assert listed == [branch.name for branch in branches], f"the program has changed: {RERECORD}"


def test_measures_what_is_taken():
    """On a frame that is too short for anything."""
    config, branches = instrument(JSON_PATH.read_bytes())
    datapath = EmbeddedDatapath(lambda: 0)
    program = datapath.compile(config)
    datapath.commit(program)
    datapath.inject(1, b"")
    cells = {index: cell.packets for index, cell in enumerate(program.counters[COUNTER].cells)}
    taken = {branch.name for branch in branches if branch.taken(cells)}
    assert "parser start: default → parse_ethernet" in taken
    assert "parser parse_ethernet: too short" in taken
    assert not any(name.startswith("parser parse_ipv4") for name in taken)
    malformed = "if standard_metadata.parser_error != error.NoError"
    assert [name.rpartition(": ")[2] for name in taken if malformed in name] == ["true"]
