"""What a real bmv2 answers, the embedded switch answers, but for what `DEVIATIONS` lists."""

import pytest

from tests.conformance.p4runtime.deviations import DEVIATIONS
from tests.conformance.p4runtime.run import FOLDER, GROUPS, answers, path, read
from tests.conformance.p4runtime.world import EmbeddedWorld
from tests.conformance.trace.files import RERECORD, recordings

QUICK = ("arbitration-alone", "entries-exact")


@pytest.mark.parametrize(
    "group",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in GROUPS],
)
def test_as_bmv2(group):
    recorded = read(path(group))
    answered = answers(GROUPS[group], EmbeddedWorld())
    assert answered.keys() == recorded.keys(), f"other cases were recorded: {RERECORD}"
    listed = {
        case: answer
        for deviation in DEVIATIONS
        for (where, case), answer in deviation.answers.items()
        if where == group
    }
    differ = {case: answer for case, answer in answered.items() if answer != recorded[case]}
    assert differ == listed


def test_every_group_is_recorded_and_no_other():
    recorded = {name.partition("/")[2] for name in recordings() if name.startswith(f"{FOLDER}/")}
    assert recorded == GROUPS.keys()


def test_every_deviation_is_of_a_case_once():
    keys = [key for deviation in DEVIATIONS for key in deviation.answers]
    assert len(keys) == len(set(keys))
    assert {group for group, _ in keys} <= GROUPS.keys()
