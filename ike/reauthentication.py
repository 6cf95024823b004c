"""Proving once more who the ends of an IKE SA are (RFC 7296 §2.8.3, RFC 4478).

A new IKE SA is made from the beginning, with all the CHILD_SAs of the old one, and then the old one
is deleted: so there is a CHILD_SA for each packet type all the time.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ike.config import ChildConfig
from ike.environment import Environment
from ike.events import AttemptFailed, DeletionReason, FailureReason, ReauthenticationFailed
from ike.tasks.create_child import CreateChild

if TYPE_CHECKING:
    from ike.connection import Connection
    from ike.initiator import InitiatorHandshake
    from ike.peer import Peer

_TRIES_LEFT = 4  # a failure is followed by the next try after this part of the time that is left


class Reauthentication:
    """What takes the place of one of a peer's IKE SAs, one at a time."""

    def __init__(self, env: Environment, peer: Peer) -> None:
        self._env = env
        self._peer = peer
        self._old: Connection | None = None
        self._handshake: InitiatorHandshake | None = None
        self._began = 0
        self._refused: set[str] = set()

    def settle(self, now: float) -> None:
        """Do what is to be done next."""
        if self._old is None:
            self._begin(now)
        if self._old is not None:
            self._go_on(self._old, now)

    def reconfigured(self) -> None:
        """Take a changed configuration of the peer: what is no longer in it is not made."""
        handshake = self._handshake
        if handshake is None or handshake.child is None:
            return
        if handshake.child not in self._peer.config.children:
            handshake.cancelled = True

    def attempt_failed(self, event: AttemptFailed) -> None:
        """Take a CHILD_SA that the peer does not make again: it ends with the old IKE SA."""
        if self._old is not None and event.child not in self._refused:
            self._refused.add(event.child)
            self._report(event.reason, f"{event.child}: {event.detail}")

    def handshake_failed(self, handshake: InitiatorHandshake, now: float) -> None:
        """Take the end of an IKE SA that has not come to be: the old one stays, for a while."""
        if self._old is not None and handshake is self._handshake and handshake.failure is not None:
            self._fail(handshake.failure.reason, handshake.failure.detail, now)

    def _begin(self, now: float) -> None:
        peer = self._peer
        old = next((c for c in peer.connections if c.is_usable and c.renewal.is_due), None)
        if old is None:
            return
        missing = self._missing(old)
        if not missing and self._is_spare(old):
            self._replace(old, now)
            return
        self._began = self._env.next_sequence()
        self._old = old
        self._handshake = peer.start_handshake(next(iter(missing), None), now)

    def _go_on(self, old: Connection, now: float) -> None:
        while old.heir is not None:
            old = old.heir
        self._old = old
        peer = self._peer
        if not old.is_usable:
            self._end()
            return
        missing = self._missing(old)
        fresh = [c for c in peer.connections if c.is_usable and c.renewal.number > self._began]
        if fresh and not missing:
            self._replace(old, now)
            self._end()
            return
        with_room = [c for c in fresh if not c.is_full]
        if with_room:
            self._make(missing, with_room, now)
        elif fresh:
            self._find_room(missing[0], now)
        elif peer.handshake is None or peer.handshake is not self._handshake:
            self._fail(FailureReason.CANCELLED, "the new IKE SA was given up", now)

    def _make(self, missing: list[ChildConfig], fresh: list[Connection], now: float) -> None:
        old = self._old
        assert old is not None
        newest = max(fresh, key=lambda c: (not c.is_redundant, c.sequence))
        on_their_way = {
            task.config.name for c in fresh for task in c.tasks if isinstance(task, CreateChild)
        }
        handshake = self._peer.handshake
        if handshake is not None and handshake.child is not None:
            on_their_way.add(handshake.child.name)
        for config in missing:
            if config.name not in on_their_way:
                newest.enqueue(CreateChild(config, partial(self._is_renewed, old=old)), now)
                self._peer.touched.append(newest)

    def _find_room(self, config: ChildConfig, now: float) -> None:
        """Begin a further IKE SA for what the peer wants no more of in the new one."""
        peer = self._peer
        if len(peer.connections) >= self._env.settings.ike_sas_per_peer:
            self._fail(FailureReason.REFUSED, "the peer wants no more CHILD_SAs", now)
        elif peer.handshake is None:
            self._handshake = peer.start_handshake(config, now)

    def _is_spare(self, old: Connection) -> bool:
        """Tell whether an IKE SA without a CHILD_SA of its own need not be made again."""
        others = [c for c in self._peer.connections if c.is_usable and c is not old]
        return any(not _live(old) or _is_younger(c, old) for c in others)

    def _missing(self, old: Connection) -> list[ChildConfig]:
        """Return which CHILD_SAs an old IKE SA has that no younger one has."""
        return [
            config
            for config in _live(old)
            if config in self._peer.config.children
            and config.name not in self._refused
            and not self._is_renewed(config.name, old)
        ]

    def _is_renewed(self, name: str, old: Connection) -> bool:
        return any(
            c.is_usable and _is_younger(c, old) and c.children.has_live(name)
            for c in self._peer.connections
        )

    def _replace(self, old: Connection, now: float) -> None:
        old.delete(DeletionReason.REAUTHENTICATED, now)
        self._peer.touched.append(old)

    def _fail(self, reason: FailureReason, detail: str, now: float) -> None:
        old = self._old
        assert old is not None
        self._report(reason, detail)
        wait = self._env.retry_after(now, old.renewal.ends_at)
        if old.renewal.ends_at is not None:
            wait = max(wait, (old.renewal.ends_at - now) / _TRIES_LEFT)
        old.renewal.is_due = False
        old.renewal.begin_at = now + wait
        self._peer.touched.append(old)
        self._end()

    def _report(self, reason: FailureReason, detail: str) -> None:
        self._peer.events.append(ReauthenticationFailed(self._peer.config.name, reason, detail))

    def _end(self) -> None:
        self._old = None
        self._handshake = None
        self._refused.clear()


def _is_younger(one: Connection, other: Connection) -> bool:
    return one.renewal.number > other.renewal.number


def _live(connection: Connection) -> list[ChildConfig]:
    """Return what the CHILD_SAs of an IKE SA are for, each once."""
    found = {c.config.name: c.config for c in connection.children.values() if c.is_live}
    return list(found.values())
