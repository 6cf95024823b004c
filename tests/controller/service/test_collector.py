"""The garbage collector while the controller runs."""

import gc

import pytest

from controller.service.collector import THRESHOLDS, relax_collector


@pytest.fixture
def collector():
    """Python's settings afterwards are those of before."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.usefixtures("collector")
def test_what_is_there_is_passed_over_and_new_cycles_are_found():
    there = [[]]
    there[0].append(there)
    relax_collector()
    assert gc.get_threshold() == THRESHOLDS
    assert gc.get_freeze_count() > 0
    del there
    new = [[]]
    new[0].append(new)
    del new
    assert gc.collect() == 2
