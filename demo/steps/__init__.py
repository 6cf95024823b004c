"""The six steps, in their order."""

from demo.stage import Step
from demo.steps import (
    encrypted,
    hold_then_clear,
    topology,
    turn_off,
    upgrade,
    who_is_left,
)

STEPS = (
    Step(topology.TITLE, topology.run),
    Step(hold_then_clear.TITLE, hold_then_clear.run),
    Step(encrypted.TITLE, encrypted.run),
    Step(who_is_left.TITLE, who_is_left.run),
    Step(upgrade.TITLE, upgrade.run),
    Step(turn_off.TITLE, turn_off.run),
)

__all__ = ["STEPS"]
