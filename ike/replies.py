"""What the peer's answers mean for the tasks that asked, and for the IKE SA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ike.codec.chain import find_notify, unsupported_critical
from ike.codec.errors import ParseError
from ike.codec.registry import NotifyType
from ike.events import DeletionReason
from ike.received import Received
from ike.states import State
from ike.tasks.base import Task
from ike.tasks.delete import DeleteIkeSa
from ike.tasks.rekey_ike_sa import RekeyIkeSa

if TYPE_CHECKING:
    from ike.connection import Connection


def take(connection: Connection, received: Received, now: float) -> None:
    """Take the answer to a request of ours; a malformed one ends the IKE SA (RFC 7296 §2.21.3)."""
    task = connection.tasks.running.pop(received.header.message_id, None)
    if task is None:
        return
    _finish(connection, task, received, now)
    connection.deleted_early.settle(connection.channel.lowest_outstanding)


def _finish(connection: Connection, task: Task, received: Received, now: float) -> None:
    if isinstance(task, DeleteIkeSa):
        # Whatever the answer says, the peer has had the Delete.
        task.finish(connection, received.payloads, now)
    elif connection.state is not State.ESTABLISHED:
        _finish_unwanted(connection, task, received, now)
    elif received.error is not None or unsupported_critical(received.payloads):
        task.abandon(connection)
        connection.delete(DeletionReason.PROTOCOL_ERROR, now)
    elif find_notify(received.payloads, NotifyType.INVALID_SYNTAX):
        # Fatal at both ends, without a Delete (RFC 7296 §2.21.3).
        task.abandon(connection)
        connection.close(DeletionReason.PROTOCOL_ERROR)
    else:
        try:
            task.finish(connection, received.payloads, now)
        except ParseError:
            task.abandon(connection)
            connection.delete(DeletionReason.PROTOCOL_ERROR, now)


def _finish_unwanted(connection: Connection, task: Task, received: Received, now: float) -> None:
    """Take an answer in an IKE SA on its way out: all goes with it but another IKE SA."""
    readable = received.error is None and not unsupported_critical(received.payloads)
    if isinstance(task, RekeyIkeSa) and readable:
        try:
            task.finish_unwanted(connection, received.payloads, now)
        except ParseError:
            task.abandon(connection)
    else:
        task.abandon(connection)
