"""The table of an IKE SA's life, cell by cell."""

from __future__ import annotations

import itertools

import pytest

from ike.codec.registry import ExchangeType
from ike.states import ANSWERED, IllegalTransitionError, State, Trigger, advance

LEGAL = {
    (State.INIT_SENT, Trigger.MORE_KEYS): State.INTERMEDIATE_SENT,
    (State.INIT_SENT, Trigger.KEYS_AGREED): State.AUTH_SENT,
    (State.INTERMEDIATE_SENT, Trigger.MORE_KEYS): State.INTERMEDIATE_SENT,
    (State.INTERMEDIATE_SENT, Trigger.KEYS_AGREED): State.AUTH_SENT,
    (State.AUTH_SENT, Trigger.AUTHENTICATED): State.ESTABLISHED,
    (State.AUTH_SENT, Trigger.DELETE_SENT): State.DELETING,
    (State.HALF_OPEN, Trigger.AUTHENTICATED): State.ESTABLISHED,
    (State.ESTABLISHED, Trigger.REKEYED): State.REPLACED,
    (State.ESTABLISHED, Trigger.DELETE_SENT): State.DELETING,
    (State.REPLACED, Trigger.DELETE_SENT): State.DELETING,
    (State.INIT_SENT, Trigger.ENDED): State.CLOSED,
    (State.INTERMEDIATE_SENT, Trigger.ENDED): State.CLOSED,
    (State.AUTH_SENT, Trigger.ENDED): State.CLOSED,
    (State.HALF_OPEN, Trigger.ENDED): State.CLOSED,
    (State.ESTABLISHED, Trigger.ENDED): State.CLOSED,
    (State.REPLACED, Trigger.ENDED): State.CLOSED,
    (State.DELETING, Trigger.ENDED): State.CLOSED,
}


@pytest.mark.parametrize(
    ("state", "trigger"), list(itertools.product(State, Trigger)), ids=lambda v: v.name
)
def test_every_cell(state: State, trigger: Trigger) -> None:
    if (state, trigger) in LEGAL:
        assert advance(state, trigger) is LEGAL[state, trigger]
    else:
        with pytest.raises(IllegalTransitionError, match=trigger.name):
            advance(state, trigger)


def test_only_authenticated_peers_are_answered_beyond_ike_auth() -> None:
    assert set(ANSWERED) == set(State)
    assert ANSWERED[State.HALF_OPEN] == {ExchangeType.IKE_INTERMEDIATE, ExchangeType.IKE_AUTH}
    for state in (State.INIT_SENT, State.INTERMEDIATE_SENT, State.AUTH_SENT, State.CLOSED):
        assert not ANSWERED[state]
