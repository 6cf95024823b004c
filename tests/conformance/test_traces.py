"""What a real bmv2 did, the embedded switch does: frame for frame, and counter for counter.

The traces are in ``traces``; `tests.conformance.trace.recorder` says what is in them, and what is
normalised.
"""

import pytest

from tests.conformance.embedded import EmbeddedTarget, OneProgram
from tests.conformance.trace.files import RERECORD, program_hashes, read_recorded_with, traces
from tests.conformance.trace.recorder import Recorder
from tests.conformance.trace.replay import replay

TRACES = traces()
# On a program of their own; the others share one, which is emptied: to compile takes longest.
QUICK = ("drop_reasons/test_reason_is_reached_and_counted-ECN_ILLEGAL", "passive_mode/test_clear")


def test_quick_traces_exist():
    assert set(QUICK) <= TRACES.keys()


def test_recorded_with_this_program():
    """Traces of another P4 program show nothing about this one."""
    recorded, now = read_recorded_with(), program_hashes()
    changed = sorted(name for name, digest in now.items() if recorded[name] != digest)
    assert not changed, (
        f"the traces were recorded on {recorded['date']} with another P4 program: {changed} in"
        f" p4src/build changed since; record them anew on a real bmv2: {RERECORD}"
    )


def as_recorded(name, target):
    lines = TRACES[name].read_text().splitlines()
    recorder = Recorder(target)
    replay(lines, recorder)
    assert recorder.finish() == lines


@pytest.mark.parametrize("name", QUICK)
def test_as_bmv2_on_a_switch_of_its_own(name):
    as_recorded(name, EmbeddedTarget())


@pytest.fixture(scope="module")
def shared_target():
    return EmbeddedTarget(datapath_class=OneProgram)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRACES)
def test_as_bmv2(shared_target, name):
    as_recorded(name, shared_target)
