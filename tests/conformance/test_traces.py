"""What a real bmv2 did, the embedded switch does: frame for frame, and counter for counter.

The traces are in ``traces``; `tests.conformance.trace.recorder` says what is in them, and what is
normalised.
"""

import pytest

from tests.conformance.embedded import EmbeddedTarget
from tests.conformance.trace.files import RERECORD, program_hashes, read_recorded_with, traces
from tests.conformance.trace.recorder import Recorder
from tests.conformance.trace.replay import replay

TRACES = traces()
# Enough to see most mistakes at once; `make slow` replays them all.
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


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in TRACES],
)
def test_as_bmv2(name):
    lines = TRACES[name].read_text().splitlines()
    recorder = Recorder(EmbeddedTarget())
    replay(lines, recorder)
    assert recorder.finish() == lines
