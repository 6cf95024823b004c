"""One established IKE SA and its CHILD_SAs.

The connection queues tasks (`ike.tasks`), one of which at a time has a request outstanding, and
answers the peer's requests (`ike.answers`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from ike import answers, keylog, states
from ike.channel import Channel, Received
from ike.child_sa import ChildSa
from ike.codec.chain import find_notify, unsupported_critical
from ike.codec.errors import ParseError
from ike.codec.header import Header
from ike.codec.registry import NotifyType
from ike.config import PeerConfig
from ike.crypto.keys import IkeKeys, Nonces
from ike.crypto.suites import IkeSuite
from ike.environment import Environment
from ike.events import (
    ChildSaDeleted,
    ChildSaEstablished,
    DeletionReason,
    Event,
    IkeSaClosed,
    IkeSaEstablished,
    PeerMoved,
    Role,
)
from ike.exchanges.child import ChildAgreement
from ike.info import ChildSaInfo, IkeSaInfo
from ike.states import State, Trigger
from ike.tasks.base import Task
from ike.tasks.delete import DeleteChildren, DeleteIkeSa
from ike.tasks.liveness import CheckLiveness
from ike.types import Datagram, Identity


class Connection:
    """An IKE SA whose peer is authenticated.

    Attributes:
        events: what happened, for the owner to take.
        began: the sequence number of its first message; `sequence` that of its establishment.
        initial_contact: the peer says that it knows no other IKE SA with us.
        is_redundant: the peer and we made another one at once, which is to stay.
        ended_by: why it is no longer usable.
    """

    def __init__(
        self,
        env: Environment,
        channel: Channel,
        peer: PeerConfig,
        suite: IkeSuite,
        keys: IkeKeys,
        nonces: Nonces,
        nat_detected: bool,
        began: int,
        now: float,
    ) -> None:
        self.env = env
        self.channel = channel
        self.peer = peer
        self.suite = suite
        self.keys = keys
        self.lowest_nonce = min(nonces.initiator, nonces.responder)
        self.nat_detected = nat_detected
        self.began = began
        self.sequence = env.next_sequence()
        self.established_at = now
        self.initial_contact = False
        self.is_redundant = False
        self.ended_by: DeletionReason | None = None
        self.state = State.ESTABLISHED
        self.children: dict[int, ChildSa] = {}
        self.events: list[Event] = []
        self._heard_esp_at = now
        self._tasks: deque[Task] = deque()
        self._task: Task | None = None

    @property
    def role(self) -> Role:
        """Whether we initiated it."""
        return self.channel.role

    @property
    def is_usable(self) -> bool:
        """Whether new CHILD_SAs can be made in it."""
        return self.state is State.ESTABLISHED

    @property
    def deadline(self) -> float | None:
        """When `advance` wants to be called."""
        times = [self.channel.deadline]
        if self._task is None and self.state is State.ESTABLISHED:
            times.append(self._liveness_at)
        times += [child.expire_at for child in self.children.values()]
        return min((t for t in times if t is not None), default=None)

    @property
    def _liveness_at(self) -> float | None:
        interval = self.peer.liveness_interval
        return max(self.channel.heard_at, self._heard_esp_at) + interval if interval else None

    def announce(self, remote_identity: Identity) -> None:
        """Report the establishment."""
        channel = self.channel
        self.events.append(
            IkeSaEstablished(
                self.peer.name,
                self.role,
                channel.initiator_spi,
                channel.responder_spi,
                channel.local,
                channel.remote,
                remote_identity,
                self.nat_detected,
            )
        )

    def log_keys(self) -> None:
        """Write the key log line, if there is a key log."""
        if self.env.secrets_log is not None:
            channel = self.channel
            self.env.secrets_log(
                keylog.ike_line(channel.initiator_spi, channel.responder_spi, self.suite, self.keys)
            )

    def receive(self, datagram: Datagram, header: Header, now: float) -> None:
        """Take a message with our SPIs.

        Raises:
            ParseError: what is outside the encryption is malformed.
        """
        if self.state is State.CLOSED:
            if not header.is_response:
                self.channel.repeat(datagram, header.message_id)
            return
        remote = self.channel.remote
        received = self.channel.receive(datagram, header, now)
        if received is None or not received.authenticated:
            return  # whatever it says, anybody can have sent it (RFC 7296 §2.21)
        if self.channel.remote != remote:
            self.events.append(PeerMoved(self.peer.name, tuple(self.children), self.channel.remote))
        if header.is_response:
            self._answered(received, now)
        elif header.exchange_type in states.ANSWERED[self.state]:
            answers.answer(self, received, now)
        self.pump(now)

    def advance(self, now: float) -> None:
        """Do what time asks for."""
        if self.state is State.CLOSED:
            return
        if self.channel.advance(now):
            self.close(DeletionReason.LIVENESS)
            return
        for child in tuple(self.children.values()):
            if child.expire_at is not None and now >= child.expire_at:
                self.delete_children((child,), child.expire_reason, now)
        liveness_at = self._liveness_at
        if self._task is None and liveness_at is not None and now >= liveness_at:
            self.enqueue(CheckLiveness(), now)

    def enqueue(self, task: Task, now: float) -> None:
        """Do a task as soon as no other one is in the way."""
        self._tasks.append(task)
        self.pump(now)

    def pump(self, now: float) -> None:
        """Begin the next task if none is under way."""
        while self._task is None and self._tasks and self.state is not State.CLOSED:
            task = self._tasks.popleft()
            request = task.begin(self, now)
            if request is not None:
                self._task = task
                self.channel.request(request.exchange_type, request.payloads, now)

    def retry(self, task: Task) -> None:
        """Begin a task again, before those that wait."""
        self._tasks.appendleft(task)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The task under way and those that wait."""
        current = (self._task,) if self._task is not None else ()
        return (*current, *self._tasks)

    @property
    def current_task(self) -> Task | None:
        """The task under way."""
        return self._task

    def live_child(self, name: str, apart_from: ChildSa | None = None) -> ChildSa | None:
        """Return a CHILD_SA of that configuration which is to stay."""
        for child in self.children.values():
            if child.config.name == name and child.is_live and child is not apart_from:
                return child
        return None

    def child_by_spi_out(self, spi_out: int) -> ChildSa | None:
        """Return the CHILD_SA with that outbound SPI."""
        return next((c for c in self.children.values() if c.spi_out == spi_out), None)

    def add_child(self, agreement: ChildAgreement, began: int, now: float) -> ChildSa:
        """Keep a new CHILD_SA, and report it; `began` numbers the request that made it."""
        config = agreement.config
        nonces = agreement.nonces
        child = ChildSa(
            config,
            agreement.role,
            agreement.spi_in,
            agreement.spi_out,
            agreement.suite,
            agreement.local,
            agreement.remote,
            min(nonces.initiator, nonces.responder),
            began,
            self.env.next_sequence(),
            now,
        )
        self.children[child.spi_in] = child
        keys = agreement.keys
        outbound = (keys.initiator_key, keys.initiator_salt)
        inbound = (keys.responder_key, keys.responder_salt)
        if agreement.role is Role.RESPONDER:
            outbound, inbound = inbound, outbound
        self.events.append(
            ChildSaEstablished(
                config.name,
                self.peer.name,
                agreement.role,
                child.spi_in,
                child.spi_out,
                child.suite.encryption,
                child.suite.key_bits,
                *inbound,
                *outbound,
                child.local_selectors,
                child.remote_selectors,
                self.channel.local,
                self.channel.remote,
                self.nat_detected,
                config.lifetime,
            )
        )
        return child

    def drop_child(self, child: ChildSa, reason: DeletionReason) -> None:
        """Report a CHILD_SA gone, and forget it."""
        if self.children.pop(child.spi_in, None) is None:
            return
        self.env.release_esp_spi(child.spi_in)
        self.events.append(
            ChildSaDeleted(child.config.name, self.peer.name, child.spi_in, child.spi_out, reason)
        )

    def delete_children(
        self, children: Iterable[ChildSa], reason: DeletionReason, now: float
    ) -> None:
        """Report CHILD_SAs gone at once, and ask the peer for their end."""
        spis = []
        for child in tuple(children):
            spis.append(child.spi_in)
            self.drop_child(child, reason)
        if spis:
            self.enqueue(DeleteChildren(tuple(spis)), now)

    def delete(self, reason: DeletionReason, now: float) -> None:
        """Report the IKE SA and its CHILD_SAs gone at once, and ask the peer for their end."""
        if self.state in (State.DELETING, State.CLOSED):
            return
        self._drop_all(reason)
        self.state = states.advance(self.state, Trigger.DELETE_SENT)
        self._tasks.clear()
        self.enqueue(DeleteIkeSa(), now)

    def shutdown(self, reason: DeletionReason) -> None:
        """Like `delete`, but without waiting for the peer's answer."""
        if self.state in (State.DELETING, State.CLOSED):
            return
        self.channel.announce(*DeleteIkeSa().message)
        self.close(reason)

    def close(self, reason: DeletionReason) -> None:
        """Report the IKE SA and its CHILD_SAs gone, and tell the peer nothing."""
        if self.state is State.CLOSED:
            return
        if self.state is not State.DELETING:
            self._drop_all(reason)
        self.state = states.advance(self.state, Trigger.ENDED)
        self.channel.forget_request()
        for task in self.tasks:
            task.abandon(self)
        self._task = None
        self._tasks.clear()

    def reconfigure(self, peer: PeerConfig, now: float) -> None:
        """Take a changed configuration: CHILD_SAs that are no longer in it end."""
        self.peer = peer
        gone = [c for c in self.children.values() if c.config not in peer.children]
        self.delete_children(gone, DeletionReason.RECONFIGURED, now)

    def info(self) -> IkeSaInfo:
        """Describe it for an operator."""
        channel = self.channel
        children = tuple(
            ChildSaInfo(
                c.config.name,
                c.spi_in,
                c.spi_out,
                str(c.suite),
                c.established_at,
                c.rekey_at,
            )
            for c in self.children.values()
        )
        return IkeSaInfo(
            self.peer.name,
            self.role,
            self.state,
            channel.initiator_spi,
            channel.responder_spi,
            channel.local,
            channel.remote,
            str(self.suite),
            self.nat_detected,
            self.established_at,
            None,
            children,
        )

    def note_inbound_traffic(self, now: float) -> None:
        """Take ESP from the peer for a sign of life."""
        self._heard_esp_at = now

    def _drop_all(self, reason: DeletionReason) -> None:
        for child in tuple(self.children.values()):
            self.drop_child(child, reason)
        self.ended_by = reason
        channel = self.channel
        self.events.append(
            IkeSaClosed(self.peer.name, channel.initiator_spi, channel.responder_spi, reason)
        )

    def _answered(self, received: Received, now: float) -> None:
        task, self._task = self._task, None
        if task is None:
            return
        if self.state is State.DELETING and not isinstance(task, DeleteIkeSa):
            task.abandon(self)
            return
        if received.error is not None or unsupported_critical(received.payloads):
            task.abandon(self)
            self.delete(DeletionReason.PROTOCOL_ERROR, now)
        elif find_notify(received.payloads, NotifyType.INVALID_SYNTAX):
            # Fatal at both ends, without a Delete (RFC 7296 §2.21.3).
            task.abandon(self)
            self.close(DeletionReason.PROTOCOL_ERROR)
        else:
            try:
                task.finish(self, received.payloads, now)
            except ParseError:
                task.abandon(self)
                self.delete(DeletionReason.PROTOCOL_ERROR, now)
