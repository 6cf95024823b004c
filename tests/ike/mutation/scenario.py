"""Exchanges in every state of an IKE SA, one message of which is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from model.schedule import Schedule, Weather
from model.world import World
from mutation.mutations import Effect, Mutation, blind, mutations
from mutation.tampering import Keys

from ike.codec.header import Header
from ike.codec.registry import NotifyType, PayloadType
from ike.events import AttemptFailed, DeletionReason, IkeSaClosed
from ike.info import IkeSaInfo
from ike.states import State
from ike.types import Datagram

_FAIR = Weather(0.0, 0.0, 0.0, 0.011)
_WITH_PFS = 8
_EXCHANGE = 1.0  # seconds that the exchange and what follows from it take


@dataclass(frozen=True)
class Scenario:
    """What leads up to an exchange, and what begins it.

    `pfs`: a CHILD_SA has a key exchange of its own; `hybrid`: there are two of them (RFC 9370).
    """

    name: str
    prepare: Callable[[World], None]
    begin: Callable[[World], None]
    pfs: bool = False
    hybrid: bool = False


def _nothing(world: World) -> None:
    pass


def _established(world: World) -> None:
    world.node("left").endpoint.initiate("left-one", world.network.now)
    world.network.run(_EXCHANGE)


def _initiate(world: World) -> None:
    world.node("left").endpoint.initiate("left-one", world.network.now)


def _make_child(side: str) -> Callable[[World], None]:
    return lambda w: w.node(side).endpoint.initiate(f"{side}-two", w.network.now)


def _rekey_child(side: str) -> Callable[[World], None]:
    def begin(world: World) -> None:
        (spi_in,) = world.ledger.live[side]
        world.node(side).endpoint.rekey_child(spi_in, world.network.now)

    return begin


def _delete_child(side: str) -> Callable[[World], None]:
    def begin(world: World) -> None:
        (spi_in,) = world.ledger.live[side]
        world.node(side).endpoint.delete_child(spi_in, world.network.now)

    return begin


def _other(side: str) -> str:
    return "right" if side == "left" else "left"


SCENARIOS = [
    Scenario("establish", _nothing, _initiate),
    *(
        scenario
        for side in ("left", "right")
        for scenario in (
            Scenario(f"{side} makes a child", _established, _make_child(side), pfs=True),
            Scenario(f"{side} rekeys the child", _established, _rekey_child(side)),
            Scenario(
                f"{side} rekeys the IKE SA",
                _established,
                lambda w, s=side: w.node(s).endpoint.rekey_peer(_other(s), w.network.now),
            ),
            Scenario(f"{side} deletes the child", _established, _delete_child(side)),
            Scenario(
                f"{side} deletes the IKE SA",
                _established,
                lambda w, s=side: w.node(s).endpoint.delete_peer(_other(s), w.network.now),
            ),
        )
    ),
    Scenario("establish by two key exchanges", _nothing, _initiate, hybrid=True),
    Scenario("make a child by two", _established, _make_child("left"), pfs=True, hybrid=True),
    Scenario("rekey the child by two", _established, _rekey_child("right"), pfs=True, hybrid=True),
    Scenario("liveness", _established, lambda w: w.network.run(10.0)),
]


class Stage:
    """One run of a scenario with, if there is one, a changed message in a genuine one's place."""

    def __init__(self, scenario: Scenario, keys: Keys) -> None:
        self.scenario = scenario
        self.keys = keys
        setup = _WITH_PFS if scenario.pfs else 0
        schedule = Schedule(7, _FAIR, False, setup, scenario.hybrid, ())
        self.world = World(schedule, secrets_log=keys.log)
        self.messages: list[bytes] = []
        self.errors: list[int] = []
        self._instead: tuple[int, bytes] | None = None
        self._answered = False

    def play(self, number: int | None = None, packet: bytes = b"") -> None:
        """Play; message `number` of the exchange arrives as `packet` the first time."""
        self.scenario.prepare(self.world)
        self._instead = None if number is None else (number, packet)
        self.world.network.filter = self._carry
        self.scenario.begin(self.world)
        self.world.network.run(_EXCHANGE)

    def _carry(self, datagram: Datagram) -> list[tuple[float, Datagram]]:
        number = len(self.messages)
        self.messages.append(datagram.payload)
        if self._instead is not None and number == self._instead[0]:
            changed = Datagram(datagram.source, datagram.destination, self._instead[1])
            return [(0.01, changed)]
        if self._answers_the_change(datagram.payload):
            self.errors += self._errors_in(datagram.payload)
        return self.world.carry(datagram)

    def _answers_the_change(self, packet: bytes) -> bool:
        if self._instead is None or len(self.messages) <= self._instead[0] or self._answered:
            return False
        asked, answer = Header.parse(self.messages[self._instead[0]]), Header.parse(packet)
        self._answered = (
            answer.is_response
            and answer.message_id == asked.message_id
            and answer.from_initiator is not asked.from_initiator
            and answer.initiator_spi == asked.initiator_spi
        )
        return self._answered

    def _errors_in(self, packet: bytes) -> list[int]:
        opened = self.keys.open(packet)
        chain = opened.chain if opened else ()
        types = [
            int.from_bytes(raw.body[2:4], "big")
            for raw in chain
            if raw.payload_type == PayloadType.NOTIFY
        ]
        return [t for t in types if t < 16384]

    def failures(self) -> list[object]:
        """Give what would not have been without the change."""
        return [
            event
            for side in ("left", "right")
            for event in self.world.node(side).log
            if isinstance(event, AttemptFailed)
            or (
                isinstance(event, IkeSaClosed)
                and event.reason in (DeletionReason.LIVENESS, DeletionReason.PROTOCOL_ERROR)
            )
        ]

    def share_ike_sas(self) -> bool:
        """Tell whether both ends have the same IKE SAs, with the keys that they had."""
        if "rekeys the IKE SA" in self.scenario.name:
            return False
        shown = [
            {(i.initiator_spi, i.responder_spi, i.state) for i in self.infos(side)}
            for side in ("left", "right")
        ]
        return shown[0] == shown[1] and {state for _, _, state in shown[0]} == {State.ESTABLISHED}

    def infos(self, side: str) -> list[IkeSaInfo]:
        return self.world.node(side).endpoint.ike_sas()


def check_that_it_still_works(stage: Stage) -> None:
    """Make another CHILD_SA in the same IKE SA."""
    world = stage.world
    world.node("left").endpoint.initiate("left-three", world.network.now)
    world.network.run(_EXCHANGE)
    for side in ("left", "right"):
        made = [e.child for e in world.ledger.live[side].values()]
        assert f"{side}-three" in made, f"no further CHILD_SA: {made}"


@dataclass(frozen=True)
class Case:
    """A changed message in a scenario."""

    scenario: Scenario
    number: int
    is_request: bool
    protected: bool
    mutation: Mutation

    def __str__(self) -> str:
        return f"{self.scenario.name}, message {self.number}: {self.mutation.name}"


def cases(scenario: Scenario) -> tuple[Keys, list[Case]]:
    """Play a scenario as it should be, and change each of its messages in every way."""
    keys = Keys()
    genuine = Stage(scenario, keys)
    genuine.play()
    assert not genuine.failures()
    found: list[Case] = []
    for number, packet in enumerate(genuine.messages):
        opened = keys.open(packet)
        request = not Header.parse(packet).is_response
        if opened is None:  # IKE_INTERMEDIATE: keys that are not for long are not logged
            assert scenario.hybrid
            found += (Case(scenario, number, request, True, m) for m in blind(packet))
            continue
        found += (
            Case(scenario, number, request, opened.protected, m) for m in mutations(keys, opened)
        )
    return keys, found


_EXPECTED = {
    Effect.MALFORMED: NotifyType.INVALID_SYNTAX,
    Effect.UNKNOWN_CRITICAL: NotifyType.UNSUPPORTED_CRITICAL_PAYLOAD,
}


def check(keys: Keys, case: Case) -> None:
    """Play a case: nothing raises or hangs, the answer is right, and both ends recover."""
    stage = Stage(case.scenario, keys)
    stage.play(case.number, case.mutation.packet)
    effect = case.mutation.effect
    if case.protected and effect is Effect.NONE:
        assert not stage.failures(), stage.failures()
        assert not stage.errors
    elif case.protected and case.is_request and effect in _EXPECTED:
        assert stage.errors == [_EXPECTED[effect]], stage.errors
    stage.world.network.filter = stage.world.carry
    if not case.mutation.in_header and stage.share_ike_sas():
        check_that_it_still_works(stage)
    if effect is not Effect.NONE:
        # A peer that has the keys can make its end see what the other does not: start afresh.
        for side in ("left", "right"):
            stage.world.node(side).endpoint.delete_peer(_other(side), stage.world.network.now)
    stage.world.clear_up()
    stage.world.check()
