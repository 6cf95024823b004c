"""The states of a packet type, and the table of what moves it from one to the next.

=================  ==========  ================================================================
state              `no_sa`     meaning
=================  ==========  ================================================================
IDLE               none        no SA, and no packet yet that wanted one
HOLDING            hold        the first packet came, an attempt is under way; packets drop
HOLDING_FAILED     hold        the same, but the attempt has failed; packets still drop
CLEAR              clear       packets go in the clear until the next attempt is due
CLEAR_RETRY_DUE    clear, due  packets go in the clear, and the next one triggers an attempt
PROTECTED          none        an SA carries the packets
=================  ==========  ================================================================

The moves; what a cell leaves out, the state ignores:

=====================  ===============  ==============  ===========  ===============  =========
input                  IDLE             HOLDING         HOLDING_     CLEAR            CLEAR_
                                                        FAILED                        RETRY_DUE
=====================  ===============  ==============  ===========  ===============  =========
packet without SA      HOLDING [1]_     .               .            .                .
sent in clear          .                .               .            list             list
sent, retry due        .                .               .            list             CLEAR [2]_
attempt ended          log              HOLDING_FAILED  log          log              log
hold over [3]_         .                CLEAR           CLEAR        .                .
attempt over [4]_      .                IDLE            IDLE         .                .
retry reached          .                .               .            CLEAR_RETRY_DUE  .
retry postponed [5]_   .                .               .            .                CLEAR
turned on              .                hold [6]_       hold [6]_    (never)          (never)
turned off             .                .               .            IDLE [7]_        IDLE [7]_
SA up                  PROTECTED        PROTECTED       PROTECTED    PROTECTED [7]_   PROTECTED
                                                                                      [7]_
=====================  ===============  ==============  ===========  ===============  =========

PROTECTED knows one input, "SA down", which leads to IDLE: PM-2 starts afresh (PM-5).

.. [1] PM-2 begins: the hold starts, and so does the attempt.
.. [2] PM-4: lists the destination and starts an attempt. Packets stay in the clear meanwhile.
.. [3] Passive mode on, 10 s since the first packet (PM-3), whether the attempt has ended or not:
   a peer without IKE leaves it retransmitting for minutes. An attempt that fails sooner isn't
   repeated before PM-4 says so, or a wrong key would cost an exchange every few milliseconds.
.. [4] Passive mode off (PM-1): the attempt has failed, and 10 s have passed since it began, so
   the next packet may start the next one. An attempt whose end nobody tells is given up after
   `ATTEMPT_LIMIT`.
.. [5] `retry` was made longer.
.. [6] The hold starts again: 10 s from now, since until now clear traffic was forbidden.
.. [7] Forgets the destinations. Sources are kept while there is an SA (PM-6).
"""

from __future__ import annotations

from enum import Enum, StrEnum, auto
from types import MappingProxyType
from typing import NamedTuple

from controller.passive.events import Decision

HOLD_TIME = 10.0
"""Seconds from the first packet during which packets drop (PM-2)."""

ATTEMPT_LIMIT = 300.0
"""Seconds after which an attempt whose end was not reported no longer blocks the next (PM-1)."""


class State(StrEnum):
    """Where a packet type stands; the module's table says what each means."""

    IDLE = "idle"
    HOLDING = "holding"
    HOLDING_FAILED = "holding_failed"
    CLEAR = "clear"
    CLEAR_RETRY_DUE = "clear_retry_due"
    PROTECTED = "protected"


class Input(Enum):
    """What can move a packet type: events, timers and the operator's commands."""

    PACKET_WITHOUT_SA = auto()
    SENT_IN_CLEAR = auto()
    SENT_RETRY_DUE = auto()
    ATTEMPT_ENDED = auto()
    HOLD_OVER = auto()
    ATTEMPT_OVER = auto()
    RETRY_REACHED = auto()
    RETRY_POSTPONED = auto()
    TURNED_ON = auto()
    TURNED_OFF = auto()
    SA_UP = auto()
    SA_DOWN = auto()


class Action(Enum):
    """What is done on the way, besides setting the decision that belongs to the new state."""

    START_HOLD = auto()
    START_ATTEMPT = auto()
    LIST_DESTINATION = auto()
    FORGET_DESTINATIONS = auto()
    LOG_FAILURE = auto()


class Move(NamedTuple):
    """One cell of the table."""

    to: State
    actions: tuple[Action, ...] = ()


DECISIONS = MappingProxyType(
    {
        State.IDLE: None,
        State.HOLDING: Decision.HOLD,
        State.HOLDING_FAILED: Decision.HOLD,
        State.CLEAR: Decision.CLEAR,
        State.CLEAR_RETRY_DUE: Decision.CLEAR_RETRY_DUE,
        State.PROTECTED: None,
    }
)
"""The `no_sa` entry of each state. None where an entry would outlive its reason."""

MOVES = MappingProxyType(
    {
        (State.IDLE, Input.PACKET_WITHOUT_SA): Move(
            State.HOLDING, (Action.START_HOLD, Action.START_ATTEMPT)
        ),
        (State.IDLE, Input.ATTEMPT_ENDED): Move(State.IDLE, (Action.LOG_FAILURE,)),
        (State.IDLE, Input.SA_UP): Move(State.PROTECTED),
        #
        (State.HOLDING, Input.ATTEMPT_ENDED): Move(State.HOLDING_FAILED, (Action.LOG_FAILURE,)),
        (State.HOLDING, Input.HOLD_OVER): Move(State.CLEAR),
        (State.HOLDING, Input.ATTEMPT_OVER): Move(State.IDLE),
        (State.HOLDING, Input.TURNED_ON): Move(State.HOLDING, (Action.START_HOLD,)),
        (State.HOLDING, Input.SA_UP): Move(State.PROTECTED),
        #
        (State.HOLDING_FAILED, Input.ATTEMPT_ENDED): Move(
            State.HOLDING_FAILED, (Action.LOG_FAILURE,)
        ),
        (State.HOLDING_FAILED, Input.HOLD_OVER): Move(State.CLEAR),
        (State.HOLDING_FAILED, Input.ATTEMPT_OVER): Move(State.IDLE),
        (State.HOLDING_FAILED, Input.TURNED_ON): Move(State.HOLDING_FAILED, (Action.START_HOLD,)),
        (State.HOLDING_FAILED, Input.SA_UP): Move(State.PROTECTED),
        #
        (State.CLEAR, Input.SENT_IN_CLEAR): Move(State.CLEAR, (Action.LIST_DESTINATION,)),
        (State.CLEAR, Input.SENT_RETRY_DUE): Move(State.CLEAR, (Action.LIST_DESTINATION,)),
        (State.CLEAR, Input.ATTEMPT_ENDED): Move(State.CLEAR, (Action.LOG_FAILURE,)),
        (State.CLEAR, Input.RETRY_REACHED): Move(State.CLEAR_RETRY_DUE),
        (State.CLEAR, Input.TURNED_OFF): Move(State.IDLE, (Action.FORGET_DESTINATIONS,)),
        (State.CLEAR, Input.SA_UP): Move(State.PROTECTED, (Action.FORGET_DESTINATIONS,)),
        #
        (State.CLEAR_RETRY_DUE, Input.SENT_IN_CLEAR): Move(
            State.CLEAR_RETRY_DUE, (Action.LIST_DESTINATION,)
        ),
        (State.CLEAR_RETRY_DUE, Input.SENT_RETRY_DUE): Move(
            State.CLEAR, (Action.LIST_DESTINATION, Action.START_ATTEMPT)
        ),
        (State.CLEAR_RETRY_DUE, Input.ATTEMPT_ENDED): Move(
            State.CLEAR_RETRY_DUE, (Action.LOG_FAILURE,)
        ),
        (State.CLEAR_RETRY_DUE, Input.RETRY_POSTPONED): Move(State.CLEAR),
        (State.CLEAR_RETRY_DUE, Input.TURNED_OFF): Move(State.IDLE, (Action.FORGET_DESTINATIONS,)),
        (State.CLEAR_RETRY_DUE, Input.SA_UP): Move(State.PROTECTED, (Action.FORGET_DESTINATIONS,)),
        #
        (State.PROTECTED, Input.SA_DOWN): Move(State.IDLE),
    }
)
"""The module's table as data. A pair that is not here changes nothing."""
