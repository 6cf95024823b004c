"""Every exchange in every state, every payload changed once, by a peer whose keys are genuine.

A protected message is sealed again after the change. Whatever it was: nothing raises, nothing
hangs, a request gets the answer that RFC 7296 §2.5 and §2.21 say, and the two ends come to agree
again.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from mutation.scenario import SCENARIOS, Case, Scenario, cases, check
from mutation.tampering import Keys

_SAMPLE = 151  # a prime, so that the sample goes through all kinds of changes
_PARTS = 3


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_a_sample(scenario: Scenario) -> None:
    keys, found = cases(scenario)
    run(keys, found[::_SAMPLE])


@pytest.mark.slow
@pytest.mark.parametrize("part", range(_PARTS))
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_all(scenario: Scenario, part: int) -> None:
    keys, found = cases(scenario)
    run(keys, found[part::_PARTS])


def test_there_are_thousands() -> None:
    """The number of changed messages, so that it does not shrink unnoticed."""
    counts = {scenario.name: len(cases(scenario)[1]) for scenario in SCENARIOS}
    assert sum(counts.values()) > 4000, counts


def test_an_answer_to_delete_that_cannot_be_read_ends_the_ike_sa_too() -> None:
    """Else the peer could leave IKE SAs behind that are being deleted for ever."""
    (scenario,) = (s for s in SCENARIOS if s.name == "left deletes the IKE SA")
    keys, found = cases(scenario)
    answers = [c for c in found if not c.is_request and c.mutation.name == "129 payloads"]
    run(keys, answers)


def run(keys: Keys, found: Sequence[Case]) -> None:
    assert found
    for case in found:
        try:
            check(keys, case)
        except Exception as error:
            error.add_note(f"The change was: {case}")
            raise
