"""What time asks of an established IKE SA, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ike.events import DeletionReason
from ike.states import State
from ike.tasks.liveness import CheckLiveness
from ike.types import NAT_PORT

if TYPE_CHECKING:
    from ike.connection import Connection


def deadline(connection: Connection) -> float | None:
    """Return when `advance` has something to do next; None: not until something happens."""
    times = [connection.channel.deadline, connection.expire_at]
    if connection.state is State.ESTABLISHED:
        times += [
            connection.rekey_at,
            connection.tasks.deadline,
            connection.followups.deadline,
            connection.renewal.begin_at,
            connection.renewal.ends_at,
        ]
        times += [connection.children.deadline, _keepalive_at(connection)]
        if not connection.awaits_the_peer:
            times.append(_liveness_at(connection))
    return min([t for t in times if t is not None], default=None)


def advance(connection: Connection, now: float) -> None:
    """Do what is due."""
    if connection.state is State.CLOSED:
        return
    if connection.channel.advance(now):
        connection.close(DeletionReason.LIVENESS)
        return
    _advance_end(connection, now)
    if connection.state is not State.ESTABLISHED:
        return
    if _is_due(_keepalive_at(connection), now):
        connection.channel.keep_nat_alive()
    connection.followups.expire(now)
    connection.tasks.wake(now)
    _advance_children(connection, now)
    if _is_due(connection.rekey_at, now) or connection.channel.ids_run_out:
        connection.rekey(now)
    renewal = connection.renewal
    if _is_due(renewal.begin_at, now):
        renewal.begin_at = None
        renewal.is_due = True  # the peer's owner takes it from here
    if not connection.awaits_the_peer and _is_due(_liveness_at(connection), now):
        connection.tasks.add(CheckLiveness())
    connection.pump(now)


def _advance_end(connection: Connection, now: float) -> None:
    if _is_due(connection.expire_at, now):
        connection.expire_at = None
        if connection.expire_reason is not DeletionReason.DUPLICATE or not connection.children:
            connection.delete(connection.expire_reason, now)
    if _is_due(connection.renewal.ends_at, now) and connection.is_usable:
        connection.delete(DeletionReason.EXPIRED, now)


def _advance_children(connection: Connection, now: float) -> None:
    for child in connection.children.due(now):
        if _is_due(child.expire_at, now):
            connection.delete_children((child,), child.expire_reason, now)
        else:
            connection.rekey_child(child, now)
            connection.children.wake(child)


def _liveness_at(connection: Connection) -> float | None:
    """Return when the peer has been silent for too long (RFC 7296 §2.4)."""
    if connection.followups.rekeys_ike_sa:
        return None  # no task can begin until the peer goes on, or is given up
    interval = connection.peer.liveness_interval
    heard_at = max(connection.channel.heard_at, connection.heard_esp_at)
    return heard_at + interval if interval else None


def _keepalive_at(connection: Connection) -> float | None:
    """Return when the NAT before us has to see something (RFC 3948 §4)."""
    interval = connection.env.settings.nat_keepalive
    needed = connection.nat.local and connection.channel.local.port == NAT_PORT
    return connection.channel.sent_at + interval if needed and interval else None


def _is_due(when: float | None, now: float) -> bool:
    return when is not None and now >= when
