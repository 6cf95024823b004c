"""Multicast groups and clone sessions: this switch has none, and says so as bmv2 would."""

from __future__ import annotations

from collections.abc import Iterator

from finsy.proto import p4r

from bmv2.embedded.p4runtime.codes import Code
from bmv2.embedded.p4runtime.errors import P4RuntimeError, invalid, unimplemented

FIRST_RESERVED_GROUP = 1 << 15
"""From here on bmv2 keeps multicast groups for its clone sessions."""


def refuse_write(
    update: p4r.Update.Type.ValueType, message: p4r.PacketReplicationEngineEntry
) -> P4RuntimeError:
    """Why a write is refused: it is malformed, names what is not there, or would create it."""
    match message.WhichOneof("type"):
        case "multicast_group_entry":
            what, number = "multicast group", message.multicast_group_entry.multicast_group_id
            if number >= FIRST_RESERVED_GROUP:
                return P4RuntimeError(Code.OUT_OF_RANGE, "the multicast group id is too high")
        case "clone_session_entry":
            what, number = "clone session", message.clone_session_entry.session_id
        case _:
            return invalid("the packet replication entry is not set")
    if number == 0:
        return invalid(f"0 is no {what}")
    if update == p4r.Update.UNSPECIFIED:
        return invalid("the type of the update is not set")
    if update == p4r.Update.INSERT:
        return unimplemented(f"this switch has no {what}s")
    return P4RuntimeError(Code.NOT_FOUND, f"there is no {what} {number}")


def read(message: p4r.PacketReplicationEngineEntry) -> Iterator[p4r.Entity]:
    """Of all groups or sessions, there are none; any one is not found."""
    match message.WhichOneof("type"):
        case "multicast_group_entry":
            number = message.multicast_group_entry.multicast_group_id
            if number >= FIRST_RESERVED_GROUP:
                raise P4RuntimeError(Code.OUT_OF_RANGE, "the multicast group id is too high")
        case "clone_session_entry":
            number = message.clone_session_entry.session_id
        case _:
            raise invalid("the packet replication entry is not set")
    if number:
        raise P4RuntimeError(Code.NOT_FOUND, "there is no such group or session")
    return iter(())
