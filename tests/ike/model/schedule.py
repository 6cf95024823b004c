"""What happens in one run of the model: drawn from a seed, or by hypothesis."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum

from hypothesis import strategies as st

SIDES = ("left", "right")
POLICIES = ("one", "two", "three")


class Action(Enum):
    """What an operator, time, or somebody on the path does."""

    INITIATE = "initiate"
    DELETE_CHILD = "delete a child"
    REKEY_CHILD = "rekey a child"
    REKEY_IKE = "rekey the IKE SAs"
    DELETE_PEER = "delete the peer"
    CANCEL = "cancel"
    RECONFIGURE = "reconfigure"
    RESTART = "restart"
    HAND_OVER = "hand over to another process"
    HEAR_ESP = "note ESP"
    REBIND = "rebind the NAT"
    MOVE = "move left to another address"
    BLACKOUT = "lose everything"
    REPLAY = "replay"
    REFLECT = "reflect"
    CROSS = "deliver to the other end"
    FORGE = "forge"


_SILENCING = (
    Action.RESTART,
    Action.HAND_OVER,
    Action.REBIND,
    Action.MOVE,
    Action.BLACKOUT,
)
_FAIR = 0.1  # loss at which seven tries never fail all, in as many runs as we make
_OFTEN = (
    Action.INITIATE,
    Action.INITIATE,
    Action.REKEY_CHILD,
    Action.REKEY_IKE,
    Action.DELETE_CHILD,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One action at one side, `pause` seconds after the one before.

    `choice` picks the policy, the SA or the datagram that it is about.
    """

    action: Action
    side: str
    choice: int
    pause: float


@dataclass(frozen=True, slots=True)
class Weather:
    """What the network does to each datagram: parts of 1, and seconds."""

    loss: float
    duplicates: float
    corruption: float
    delay: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """One run. `nat`: left sits behind one. `setup` picks algorithms, lifetimes, fragments.

    `hybrid`: each key exchange is followed by a second one (RFC 9370).
    """

    seed: int
    weather: Weather
    nat: bool
    setup: int
    hybrid: bool
    steps: tuple[Step, ...]

    @property
    def is_peaceful(self) -> bool:
        """Whether each end is always there, and can be reached with some patience.

        An IKE_SA_INIT answer that was changed on its way is found out by AUTH alone (RFC 7296
        §2.15), when the responder believes in the IKE SA already.
        """
        fair = self.weather.loss <= _FAIR and not self.weather.corruption
        return fair and not any(step.action in _SILENCING for step in self.steps)


def from_seed(seed: int) -> Schedule:
    """Draw a schedule: the same one for the same seed."""
    dice = random.Random(f"schedule {seed}")
    calm = dice.random() < 0.3
    weather = Weather(
        0.0 if calm else dice.choice((0.0, 0.1, 0.3, 0.5)),
        0.0 if calm else dice.choice((0.0, 0.1, 0.5)),
        0.0 if calm else dice.choice((0.0, 0.0, 0.05, 0.2)),
        dice.choice((0.02, 0.02, 0.3, 1.5)),
    )
    pause = dice.choice((0.0, 0.02, 0.1, 1.0, 6.0))
    steps = tuple(_step(dice, pause) for _ in range(dice.randint(1, dice.choice((6, 24, 24, 48)))))
    return Schedule(
        seed, weather, dice.random() < 0.3, dice.randrange(64), dice.random() < 0.2, steps
    )


def _step(dice: random.Random, pause: float) -> Step:
    action = dice.choice(_OFTEN) if dice.random() < 0.6 else dice.choice(tuple(Action))
    together = dice.random() < 0.3
    return Step(
        action,
        dice.choice(SIDES),
        dice.randrange(1 << 16),
        0.0 if together else dice.uniform(0.0, 2 * pause),
    )


_PART = st.sampled_from((0.0, 0.1, 0.3))
SCHEDULES = st.builds(
    Schedule,
    seed=st.integers(0, 1 << 16),
    weather=st.builds(
        Weather,
        loss=_PART,
        duplicates=_PART,
        corruption=st.sampled_from((0.0, 0.1)),
        delay=st.sampled_from((0.02, 0.3, 1.5)),
    ),
    nat=st.booleans(),
    setup=st.integers(0, 63),
    hybrid=st.booleans(),
    steps=st.lists(
        st.builds(
            Step,
            action=st.sampled_from(Action),
            side=st.sampled_from(SIDES),
            choice=st.integers(0, (1 << 16) - 1),
            pause=st.sampled_from((0.0, 0.005, 0.02, 0.3, 3.0)),
        ),
        max_size=12,
    ).map(tuple),
)
"""For hypothesis: what it finds it makes small."""
