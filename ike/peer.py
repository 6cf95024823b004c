"""One configured peer: which attempts are in flight, and which IKE SA carries them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from ike.config import ChildConfig, PeerConfig
from ike.connection import Connection
from ike.duplicates import end_duplicate_children, end_redundant, mark_redundant
from ike.environment import Environment, drain
from ike.events import (
    AttemptFailed,
    ChildSaEstablished,
    DeletionReason,
    Event,
    FailureReason,
)
from ike.initiator import InitiatorHandshake
from ike.reauthentication import Reauthentication
from ike.state.records import AttemptRecord
from ike.states import State
from ike.tasks.create_child import CreateChild
from ike.types import Identity

Sa = Connection | InitiatorHandshake


@dataclass(slots=True)
class Attempt:
    """A CHILD_SA that is wanted; `restarted`: the IKE SA that was to carry it has died once."""

    child: ChildConfig
    restarted: bool = False


class Peer:
    """See the module.

    Attributes:
        connections: the IKE SAs in which CHILD_SAs can be made, in order of establishment.
        handshake: the IKE SA that we are initiating.
        touched: SAs that have something to send or to say, for the owner to take.
        events: what happened, for the owner to take.
    """

    def __init__(self, env: Environment, config: PeerConfig) -> None:
        self._env = env
        self.config = config
        self.connections: list[Connection] = []
        self.handshake: InitiatorHandshake | None = None
        self.touched: list[Sa] = []
        self.events: list[Event] = []
        self._attempts: dict[str, Attempt] = {}
        self._connecting = False
        self._new_children: list[int] = []
        self._reauthentication = Reauthentication(env, self)

    def initiate(self, child: ChildConfig, now: float) -> None:
        """Attempt a CHILD_SA, unless it is there or an attempt is in flight."""
        if child.name in self._attempts or self.is_live(child.name):
            return
        self._attempts[child.name] = Attempt(child)
        self._place(child, now)

    def connect(self, now: float) -> None:
        """Attempt an IKE SA, unless there is one or it is on its way."""
        if self._connecting or self.preferred() is not None:
            return
        self._connecting = True
        self.start_handshake(None, now)

    def cancel(self, name: str, now: float) -> None:
        """Give up an attempt in flight."""
        if name not in self._attempts:
            return
        self._fail(name, FailureReason.CANCELLED, "given up by us")
        for connection in self.connections:
            for task in connection.tasks:
                if isinstance(task, CreateChild) and task.config.name == name:
                    task.cancelled = True
        handshake = self.handshake
        if handshake is None or handshake.child is None or handshake.child.name != name:
            return
        waiting = [a.child for a in self._attempts.values() if self._carrier(a.child) is None]
        if handshake.state is State.AUTH_SENT:
            handshake.cancelled = True
        elif waiting:
            handshake.child = waiting[0]
        elif self._connecting:
            handshake.child = None
        else:
            self._abandon_handshake()

    def cancel_all(self, now: float) -> None:
        """Give up all attempts and what carries them."""
        handshake = self.handshake
        for name in tuple(self._attempts):
            self.cancel(name, now)
        if handshake is not None:
            handshake.give_up()
            self.touched.append(handshake)
            self.handshake = None
        self._fail_to_connect(FailureReason.CANCELLED, "given up by us")

    def reconfigure(self, config: PeerConfig, now: float) -> None:
        """Take a configuration that differs in its children alone, or in its timers."""
        for name, attempt in tuple(self._attempts.items()):
            if attempt.child not in config.children:
                self.cancel(name, now)
        self.config = config
        if self.handshake is not None:
            self.handshake.peer = config
            self._reauthentication.reconfigured()
        for connection in self.connections:
            connection.reconfigure(config, now)
        self.touched += self.connections

    def relocate(self, local: IPv4Address, identity: Identity) -> None:
        """Take another address of ours, and who we are there, for all that is to come."""
        self.config = replace(self.config, local_address=local, local_identity=identity)
        for connection in self.connections:
            connection.peer = self.config
        if self.handshake is not None:
            self.handshake.peer = self.config

    def resume(self, now: float) -> None:
        """Begin anew what is wanted and has ended without having come to be."""
        self._place_waiting(now)
        if self._connecting and self.handshake is None and self.preferred() is None:
            self.start_handshake(None, now)

    def delete(self, reason: DeletionReason, now: float) -> None:
        """Give up all attempts, and delete all IKE SAs."""
        self.cancel_all(now)
        for connection in tuple(self.connections):
            connection.delete(reason, now)
            self.touched.append(connection)

    def shutdown(self, now: float) -> None:
        """Like `delete`, but without waiting for the peer's answers."""
        self.cancel_all(now)
        for connection in tuple(self.connections):
            connection.shutdown(DeletionReason.LOCAL)
            self.touched.append(connection)

    def preferred(self) -> Connection | None:
        """Return the IKE SA for new CHILD_SAs: the newest that is to stay, and has room."""
        usable = [c for c in self.connections if c.is_usable and not c.is_full]
        return max(usable, key=lambda c: (not c.is_redundant, c.sequence), default=None)

    def settle(self, now: float) -> None:
        """Do what follows from the events observed."""
        grace = self._env.settings.duplicate_grace
        for spi_in in drain(self._new_children):
            self.touched += end_duplicate_children(spi_in, self.connections, grace, now)
        self._reauthentication.settle(now)
        if any(connection.is_full for connection in self.connections):
            self._place_waiting(now)
        self.touched += end_redundant(self.connections, grace, now)

    def observe(self, event: Event) -> None:
        """Take what an SA has reported, and pass it on."""
        if isinstance(event, ChildSaEstablished):
            self._new_children.append(event.spi_in)
        if isinstance(event, (ChildSaEstablished, AttemptFailed)):
            known = self._attempts.pop(event.child, None)
            if isinstance(event, AttemptFailed) and known is None:
                # The peer has made the CHILD_SA meanwhile, or it is one that is there already.
                self._reauthentication.attempt_failed(event)
                return
        self.events.append(event)

    def established(self, connection: Connection, now: float) -> None:
        """Take a new IKE SA, whose events have been observed."""
        self.connections.append(connection)
        self._connecting = False
        if self.handshake is not None and self.handshake.connection is connection:
            self.handshake = None
        elif self.handshake is not None and self.handshake.is_before_auth:
            # The peer cannot have this one: we have not proven to it who we are.
            self._abandon_handshake()
        if connection.initial_contact:
            for old in tuple(self.connections):
                # What was made while the peer was already there is no leftover of its past.
                if old.sequence < connection.began:
                    old.close(DeletionReason.INITIAL_CONTACT)
                    self.touched.append(old)
        mark_redundant(connection, self.connections)
        for surplus in self.connections[: -self._env.settings.ike_sas_per_peer]:
            surplus.delete(DeletionReason.DUPLICATE, now)
            self.touched.append(surplus)
        self._note_contact()
        self._place_waiting(now)

    def snapshot_attempts(self) -> tuple[AttemptRecord, ...]:
        """Describe the attempts that established IKE SAs carry (`ike.state`)."""
        return tuple(
            AttemptRecord(name, attempt.restarted)
            for name, attempt in self._attempts.items()
            if isinstance(self._carrier(attempt.child), CreateChild)
        )

    def adopt(
        self, connections: Iterable[Connection], attempts: Iterable[AttemptRecord], now: float
    ) -> None:
        """Take IKE SAs over that another process had, and the attempts that they carry."""
        adopted = tuple(connections)
        self.connections += adopted
        if adopted and self.handshake is not None and self.handshake.is_before_auth:
            self._abandon_handshake()
        configured = {child.name: child for child in self.config.children}
        for connection in adopted:
            for task in connection.tasks:
                if isinstance(task, CreateChild):
                    known = configured.get(task.config.name)
                    task.cancelled = task.cancelled or known != task.config
            connection.reconfigure(self.config, now)
        for record in attempts:
            child = configured.get(record.child)
            carrier = self._carrier(child) if child is not None else None
            if child is not None and carrier is not None and not carrier.cancelled:
                self._attempts.setdefault(record.child, Attempt(child, record.restarted))
        self._note_contact()
        self._place_waiting(now)

    def handshake_failed(self, handshake: InitiatorHandshake, now: float) -> None:
        """Take the end of an IKE SA that has not come to be."""
        if self.handshake is handshake:
            self.handshake = None
        failure = handshake.failure
        if failure is None:
            return
        self._reauthentication.handshake_failed(handshake, now)
        if self.preferred() is not None:
            self._place_waiting(now)
            return
        for name in tuple(self._attempts):
            self._fail(name, failure.reason, failure.detail)
        self._fail_to_connect(failure.reason, failure.detail)

    def lost(self, connection: Connection, reason: DeletionReason | None, now: float) -> None:
        """Take the end of an IKE SA; attempts that it carried get a new one, once."""
        if connection not in self.connections:
            return
        self.connections.remove(connection)
        if connection.heir is not None:
            connection.heir.pump(now)
            self.touched.append(connection.heir)
        self._note_contact()
        for name, attempt in tuple(self._attempts.items()):
            if self._carrier(attempt.child) is not None:
                continue
            if reason is DeletionReason.PROTOCOL_ERROR:
                self._fail(name, FailureReason.INVALID_SYNTAX, "the peer's answer was malformed")
            elif attempt.restarted:
                self._fail(name, FailureReason.NO_ANSWER, "the IKE SA ended again and again")
            else:
                attempt.restarted = reason is not DeletionReason.DUPLICATE
                self._place(attempt.child, now)

    def is_live(self, name: str) -> bool:
        """Tell whether the CHILD_SA of that name is there."""
        return any(c.is_usable and c.children.has_live(name) for c in self.connections)

    def _carrier(self, child: ChildConfig) -> CreateChild | InitiatorHandshake | None:
        """Find what is making, or is about to make, that CHILD_SA.

        One of the same name that was configured otherwise is another one, and on its way out.
        """
        handshake = self.handshake
        if handshake is not None and handshake.child == child:
            return handshake
        for connection in self.connections:
            for task in connection.tasks:
                if isinstance(task, CreateChild) and task.config == child:
                    return task
        return None

    def _place(self, child: ChildConfig, now: float) -> None:
        carrier = self._carrier(child)
        connection = self.preferred()
        if carrier is not None:
            carrier.cancelled = False
        elif connection is not None:
            connection.enqueue(CreateChild(child, self.is_live), now)
            self.touched.append(connection)
        elif len(self.connections) >= self._env.settings.ike_sas_per_peer:
            detail = f"the peer wants no more CHILD_SAs in {len(self.connections)} IKE SAs"
            self._fail(child.name, FailureReason.REFUSED, detail)
        else:
            handshake = self.start_handshake(child, now)
            if handshake.child is None and handshake.is_before_auth:
                handshake.child = child

    def start_handshake(self, child: ChildConfig | None, now: float) -> InitiatorHandshake:
        """Initiate an IKE SA, with `child` for its first CHILD_SA; or give the one under way."""
        if self.handshake is None:
            self.handshake = InitiatorHandshake(self._env, self.config, child, now)
            self._note_contact()
            self.touched.append(self.handshake)
        return self.handshake

    def _fail_to_connect(self, reason: FailureReason, detail: str) -> None:
        """Report that an IKE SA that was to be made without a CHILD_SA has not come to be."""
        if self._connecting:
            self._connecting = False
            self.events.append(AttemptFailed("", self.config.name, reason, detail))

    def _place_waiting(self, now: float) -> None:
        for attempt in tuple(self._attempts.values()):
            if self._carrier(attempt.child) is None:
                self._place(attempt.child, now)

    def _note_contact(self) -> None:
        if self.handshake is not None:
            self.handshake.initial_contact = not self.connections

    def _abandon_handshake(self) -> None:
        if self.handshake is not None:
            self.handshake.abandon()
            self.touched.append(self.handshake)
            self.handshake = None

    def _fail(self, name: str, reason: FailureReason, detail: str) -> None:
        del self._attempts[name]
        self.events.append(AttemptFailed(name, self.config.name, reason, detail))
