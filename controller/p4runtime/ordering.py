"""In which order updates may reach the data plane, so that no moment between two is a bad one.

P4Runtime lets a switch apply the updates of one WriteRequest in any order (§12.2), so what has to
come first goes into a request of its own. The stages, and why each is where it is:

====  ==================================  ==================================================
 no.  what                                because
====  ==================================  ==================================================
   0  passive mode off                    PM-10: nothing in the clear once it is asked for
   1  meters                              bounded before the first packet can be punted
   2  spd, local addresses                policy stands before there is a way to send
   3  no_sa: hold                         a type is held before its SA goes
   4  sa_selectors                        what comes out of an SA is checked from the start
   5  sad_in                              we can receive before the peer or we send
   6  neighbors, egress interfaces        the way out, which SAs and routes refer to
   7  sad_out                             a new SA takes over, old rules still beneath it
   8  routes                              forwarding starts, with all policy in place
   9  ingress interfaces                  packets are let in last
  10  no_sa: clear, clear addresses       nothing depends on them
  11  deletes: no_sa, clear addresses     a CLEAR goes before an SA does, or it would leak
  12  deletes: sad_out                    stop sending ...
  13  deletes: sad_in                     ... before the other direction is forgotten
  14  deletes: sa_selectors               no packet is left that they would admit
  15  deletes: ingress interfaces         stop taking packets in
  16  deletes: routes                     stop forwarding
  17  deletes: all other                  policy goes last, when nothing can use its absence
  18  passive mode on                     with every rule in place
====  ==================================  ==================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from controller.p4runtime.entities import MeterCell, Update, UpdateKind
from controller.passive.events import Decision

MAX_BATCH = 500
"""Updates in one WriteRequest."""

_PASSIVE_MODE_OFF = 0
_METERS = 1
_HOLD = 3
_PASSIVE_MODE_ON = 18

_SET_STAGES = {
    "spd_out": 2,
    "spd_in": 2,
    "local_address": 2,
    "sa_selectors": 4,
    "sad_in": 5,
    "neighbor": 6,
    "egress_interface": 6,
    "sad_out": 7,
    "route": 8,
    "ingress_interface": 9,
    "no_sa": 10,
    "clear_destinations": 10,
    "clear_sources": 10,
}
_DELETE_STAGES = {
    "no_sa": 11,
    "clear_destinations": 11,
    "clear_sources": 11,
    "sad_out": 12,
    "sad_in": 13,
    "sa_selectors": 14,
    "ingress_interface": 15,
    "route": 16,
    "spd_out": 17,
    "spd_in": 17,
    "local_address": 17,
    "neighbor": 17,
    "egress_interface": 17,
}

TABLES = (*_SET_STAGES, "passive_mode")
"""Every table of the pipeline: all of them are ours."""


def stage(update: Update) -> int:
    """Return the stage of an update, 0 to 18.

    Raises:
        KeyError: the table is none of the pipeline's.
    """
    entity = update.entity
    if isinstance(entity, MeterCell):
        return _METERS
    table = entity.key.table
    if table == "passive_mode":
        turns_on = update.kind is not UpdateKind.DELETE and ("enabled", 1) in entity.params
        return _PASSIVE_MODE_ON if turns_on else _PASSIVE_MODE_OFF
    if update.kind is UpdateKind.DELETE:
        return _DELETE_STAGES[table]
    if table == "no_sa" and entity.action == Decision.HOLD.value:
        return _HOLD
    return _SET_STAGES[table]


def in_order(updates: Iterable[Update]) -> list[Update]:
    """Return the updates by stage; within a stage they stay as they are."""
    return sorted(updates, key=stage)


def batches(updates: Iterable[Update], limit: int = MAX_BATCH) -> list[list[Update]]:
    """Split updates into what may go into one WriteRequest each.

    A batch holds one stage and at most `limit` updates. The order is kept; it is the caller's
    (`DesiredState.pending` gives the safe one).
    """
    result = []
    for _, group in groupby(updates, key=stage):
        same_stage = list(group)
        for start in range(0, len(same_stage), limit):
            result.append(same_stage[start : start + limit])
    return result
