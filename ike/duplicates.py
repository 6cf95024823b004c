"""What both ends have made at once: one of the two is to go, and both ends agree which.

RFC 7296 §2.8.1 applied to what is new instead of rekeyed. Both ends see the same four nonces, and
what was made with the lowest loses. Who initiated the loser deletes it, so that one end deletes and
the other sees it go; a peer that does not know this rule is helped after a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ike.child_sa import Contest
from ike.connection import Connection
from ike.events import DeletionReason, Role
from ike.tasks.create_child import CreateChild


def mark_redundant(new: Connection, connections: Iterable[Connection]) -> None:
    """Mark the loser of a new IKE SA and another one that was on its way at the same time.

    It goes when it has no CHILD_SA any more.
    """
    for other in connections:
        if other.role is not new.role and new.began < other.sequence:
            min(new, other, key=lambda c: c.lowest_nonce).is_redundant = True


def end_redundant(connections: Iterable[Connection], grace: float, now: float) -> list[Connection]:
    """End redundant IKE SAs that nothing hangs on; give those that something was done to.

    Args:
        connections: the peer's IKE SAs.
        grace: seconds that the peer has to delete one that it initiated.
        now: the time.
    """
    touched = []
    for connection in tuple(connections):
        creating = any(isinstance(task, CreateChild) for task in connection.tasks)
        doomed = connection.is_redundant and connection.is_usable
        if not doomed or connection.children or creating:
            continue
        if connection.role is Role.INITIATOR:
            connection.delete(DeletionReason.DUPLICATE, now)
            touched.append(connection)
        elif connection.expire_reason is not DeletionReason.DUPLICATE:
            connection.end_at(now + grace, DeletionReason.DUPLICATE)
            touched.append(connection)
    return touched


def end_duplicate_children(
    spi_in: int, connections: Sequence[Connection], grace: float, now: float
) -> list[Connection]:
    """End a new CHILD_SA or its double, wherever they were made; give the IKE SAs of the losers.

    Args:
        spi_in: the new one, by its inbound SPI.
        connections: the peer's IKE SAs.
        grace: seconds that the peer has to delete one that it initiated.
        now: the time.
    """
    holder = next((c for c in connections if spi_in in c.children), None)
    if holder is None:
        return []
    new = holder.children[spi_in]
    doubles = [
        (connection, other)
        for connection in connections
        for other in connection.children.live(new.config.name)
        if other is not new
    ]
    touched = []
    for connection, other in doubles:
        contest = Contest.between(new, other)
        if contest is None:
            continue
        home = holder if contest.loser is new else connection
        if contest.we_delete:
            home.delete_children((contest.loser,), DeletionReason.DUPLICATE, now)
        else:
            home.children.end_at(contest.loser, now + grace, DeletionReason.DUPLICATE)
        touched.append(home)
    return touched
