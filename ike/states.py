"""The life of an IKE SA, as a table.

::

    initiator:  INIT_SENT --KEYS_AGREED--> AUTH_SENT --AUTHENTICATED--> ESTABLISHED
    responder:                             HALF_OPEN --AUTHENTICATED--> ESTABLISHED
    rekeyed:                                                            ESTABLISHED

    INIT_SENT --MORE_KEYS--> INTERMEDIATE_SENT --KEYS_AGREED--> AUTH_SENT
    INTERMEDIATE_SENT --MORE_KEYS--> INTERMEDIATE_SENT

    ESTABLISHED --REKEYED--> REPLACED --DELETE_SENT--> DELETING --ENDED--> CLOSED
    ESTABLISHED --DELETE_SENT--> DELETING
    AUTH_SENT --DELETE_SENT--> DELETING: given up meanwhile

    any --ENDED--> CLOSED: no answer, refused, deleted by the peer

The first IKE_SA_INIT makes no state at the responder before it is answered, so HALF_OPEN is
where it begins there; IKE_INTERMEDIATE exchanges (RFC 9242) go on in it.
"""

from __future__ import annotations

from enum import Enum, auto

from ike.codec.registry import ExchangeType


class State(Enum):
    """Where an IKE SA is in its life."""

    INIT_SENT = "IKE_SA_INIT sent"
    INTERMEDIATE_SENT = "IKE_INTERMEDIATE sent"
    AUTH_SENT = "IKE_AUTH sent"
    HALF_OPEN = "waiting for IKE_AUTH"
    ESTABLISHED = "established"
    REPLACED = "rekeyed"
    DELETING = "deleting"
    CLOSED = "closed"


class Trigger(Enum):
    """What moves it on."""

    MORE_KEYS = auto()
    KEYS_AGREED = auto()
    AUTHENTICATED = auto()
    REKEYED = auto()
    DELETE_SENT = auto()
    ENDED = auto()


TRANSITIONS: dict[tuple[State, Trigger], State] = {
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
    **{(state, Trigger.ENDED): State.CLOSED for state in State if state is not State.CLOSED},
}

_AFTER_IKE_AUTH = frozenset(
    {
        ExchangeType.CREATE_CHILD_SA,
        ExchangeType.IKE_FOLLOWUP_KE,
        ExchangeType.INFORMATIONAL,
    }
)

ANSWERED: dict[State, frozenset[ExchangeType]] = {
    State.INIT_SENT: frozenset(),
    State.INTERMEDIATE_SENT: frozenset(),
    State.AUTH_SENT: frozenset(),
    State.HALF_OPEN: frozenset({ExchangeType.IKE_INTERMEDIATE, ExchangeType.IKE_AUTH}),
    State.ESTABLISHED: _AFTER_IKE_AUTH,
    State.REPLACED: _AFTER_IKE_AUTH,
    State.DELETING: _AFTER_IKE_AUTH,
    State.CLOSED: frozenset(),
}
"""Which requests of the peer's are answered; others are thrown away."""


class IllegalTransitionError(Exception):
    """The engine tried what the table does not know: a bug, whatever the peer sent."""


def advance(state: State, trigger: Trigger) -> State:
    """Look the next state up.

    Raises:
        IllegalTransitionError: the table has no such cell.
    """
    try:
        return TRANSITIONS[state, trigger]
    except KeyError:
        raise IllegalTransitionError(f"{trigger.name} while {state.value}") from None
