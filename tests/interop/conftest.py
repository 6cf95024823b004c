from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.lab.lab import Lab, standing_labs
from tests.interop.lab.requirements import missing

_TEST_LAB = re.compile(r"t(\d+)[a-z]?")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    problems = missing()
    if problems and os.environ.get("P4IPSEC_REQUIRE_INTEROP"):
        raise pytest.UsageError("the interop tests can't run: " + "; ".join(problems))
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and problems and item.get_closest_marker("interop"):
            item.add_marker(pytest.mark.skip(reason="; ".join(problems)))


def _remove_labs_of_dead_runs() -> None:
    for lab_id in standing_labs():
        match = _TEST_LAB.fullmatch(lab_id)
        if match and not Path(f"/proc/{match[1]}").exists():
            Lab(lab_id).down()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab with its network up and nothing started, one for all tests of a module."""
    _remove_labs_of_dead_runs()
    lab = Lab(f"t{os.getpid()}")
    lab.down()
    lab.up()
    try:
        yield lab
    finally:
        lab.down()
