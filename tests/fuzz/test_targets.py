"""The targets of ``make fuzz`` take real inputs, and inputs that are a little wrong."""

from __future__ import annotations

import random

import pytest

from fuzz import targets
from fuzz.steering import Steering


@pytest.mark.parametrize("name", targets.PACKAGE)
def test_a_target_takes_its_seeds(name: str) -> None:
    target = targets.load(name)
    dice = random.Random(1)
    seeds = target.seeds()
    assert seeds
    for seed in dice.sample(seeds, min(len(seeds), 30)):
        assert len(seed) <= target.max_length
        target.one_input(seed)
        changed = bytearray(seed)
        changed[dice.randrange(len(changed))] ^= 1
        target.one_input(bytes(changed))


def test_decisions_run_out() -> None:
    steering = Steering(b"\x05\x02ab\xff")
    assert steering.below(4) == 1
    assert steering.block(256) == b"ab"
    assert steering.pick("xyz") == "x"
    assert not steering.has_more
    assert steering.number(2) == 0
    assert steering.block(10) == b""


def test_no_such_target() -> None:
    with pytest.raises(ModuleNotFoundError):
        targets.load("nothing")
