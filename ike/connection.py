"""One established IKE SA and its CHILD_SAs.

The connection queues tasks (`ike.tasks`), as many of which are under way as the peer's window has
room for, takes the answers to them (`ike.replies`), and answers the peer's requests
(`ike.answers`). When it is rekeyed, a connection of its own is there for the new IKE SA, and
inherits the CHILD_SAs (`ike.succession`).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address

from ike import answers, crash_detection, keylog, relocation, replies, reports, schedule, states
from ike.authentication.lifetime import Renewal
from ike.channel import Channel
from ike.child_sa import ChildSa, ChildState
from ike.children import ChildTable, EarlyDeletes, make_child
from ike.codec.header import Header
from ike.codec.payload import Payload
from ike.config import PeerConfig
from ike.crypto.keys import IkeKeys, Nonces
from ike.crypto.suites import IkeSuite
from ike.environment import Environment
from ike.events import DeletionReason, Event, Role
from ike.exchanges.child import ChildAgreement
from ike.exchanges.nat_detection import NatStatus
from ike.followups import FollowupTable
from ike.info import IkeSaInfo
from ike.lifetimes import Lifetime
from ike.mobike import Mobility
from ike.states import State, Trigger
from ike.tasks.base import Task
from ike.tasks.delete import DeleteChildren, DeleteIkeSa
from ike.tasks.liveness import CheckLiveness
from ike.tasks.mobike import UpdateAddresses
from ike.tasks.queue import TaskQueue
from ike.tasks.rekey_child import RekeyChild
from ike.tasks.rekey_ike_sa import RekeyIkeSa
from ike.tasks.send_token import SendToken
from ike.types import Datagram


class Connection:
    """An IKE SA whose peer is authenticated.

    Attributes:
        events: what happened, for the owner to take.
        spawned: the IKE SAs that this one was rekeyed to, for the owner to take.
        heir: the one among them that has the CHILD_SAs now.
        claims: the IKE SA that the peer has rekeyed to this one while we were rekeying it too.
        began: the sequence number of its first message; `sequence` that of its establishment.
        initial_contact: the peer says that it knows no other IKE SA with us.
        has_ppk: a postquantum preshared key is in its keys (RFC 8784).
        is_full: the peer wants no more CHILD_SAs in it (NO_ADDITIONAL_SAS).
        is_redundant: the peer and we made another one at once, which is to stay.
        ended_by: why it is no longer usable.
        rekey_at: when it is rekeyed; None: never, or the rekey is under way.
        expire_at: when it is deleted, for `expire_reason`; None: never.
        renewal: when both ends have to prove again who they are.
        heard_esp_at: when ESP last came from the peer.
        nat: which end is behind a NAT.
        peer_token: what shows that the peer has lost its state (`ike.crash_detection`).
        mobility: how it moves to other addresses; None without MOBIKE.
        deleted_early: outbound SPIs of CHILD_SAs that the peer has deleted before we knew them.
    """

    def __init__(
        self,
        env: Environment,
        channel: Channel,
        peer: PeerConfig,
        suite: IkeSuite,
        keys: IkeKeys,
        nonces: Nonces,
        nat: NatStatus,
        began: int,
        now: float,
    ) -> None:
        self.env = env
        self.channel = channel
        self.peer = peer
        self.suite = suite
        self.keys = keys
        self.lowest_nonce = min(nonces.initiator, nonces.responder)
        self.nat = nat
        self.began = began
        self.sequence = env.next_sequence()
        self.established_at = now
        self.initial_contact = False
        self.has_ppk = False
        self.is_full = False
        self.is_redundant = False
        self.ended_by: DeletionReason | None = None
        self.state = State.ESTABLISHED
        self.children = ChildTable()
        self.tasks = TaskQueue()
        self.followups = FollowupTable(env)
        self.events: list[Event] = []
        self.spawned: list[Connection] = []
        self.heir: Connection | None = None
        self.claims: Connection | None = None
        lifetime = Lifetime.draw(peer.lifetime, env, now)
        self.rekey_at = lifetime.rekey_at
        self.expire_at = lifetime.expire_at
        self.expire_reason = DeletionReason.EXPIRED
        self.renewal = Renewal()
        self.heard_esp_at = now
        self.peer_token = b""
        self.mobility: Mobility | None = None
        self.deleted_early = EarlyDeletes()
        if env.secrets_log is not None:
            spis = channel.initiator_spi, channel.responder_spi
            line = keylog.ike_line(*spis, suite, keys)
            if line is not None:
                env.secrets_log(line)
        self.events.append(reports.ike_sa_established(self))

    @property
    def role(self) -> Role:
        """Whether we initiated it."""
        return self.channel.role

    @property
    def is_usable(self) -> bool:
        """Whether new CHILD_SAs can be made in it."""
        return self.state is State.ESTABLISHED

    @property
    def own_token(self) -> tuple[Payload, ...]:
        """What shows the peer that we have lost our state, if we do."""
        channel = self.channel
        spis = channel.initiator_spi, channel.responder_spi
        return crash_detection.announce(self.env.settings.qcd_secret, *spis, channel.remote)

    @property
    def nat_detected(self) -> bool:
        """Whether ESP has to go in UDP."""
        return self.nat.detected

    @property
    def allows_transport(self) -> bool:
        """Whether CHILD_SAs can be in transport mode.

        Not through a NAT, where their packets' addresses and checksums would have to be put right
        (RFC 7296 §2.23.1), nor at an address that the selectors are not about.
        """
        channel, peer = self.channel, self.peer
        return not self.nat_detected and (channel.local.address, channel.remote.address) == (
            peer.local_address,
            peer.remote_address,
        )

    @property
    def deadline(self) -> float | None:
        """When `advance` wants to be called."""
        return schedule.deadline(self)

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
        if received is None:
            return
        if not received.authenticated:
            # Whatever else it says, anybody can have sent it (RFC 7296 §2.21).
            if header.is_response and crash_detection.is_proof(self.peer_token, received.payloads):
                self.close(DeletionReason.CRASHED)
            return
        if self.channel.remote.address != remote.address:
            self.tasks.add(SendToken())
        if self.channel.remote != remote:
            relocation.report(self)
        if header.is_response:
            replies.take(self, received, now)
        elif header.exchange_type in states.ANSWERED[self.state]:
            answers.answer(self, received, now)
        self.pump(now)

    def advance(self, now: float) -> None:
        """Do what time asks for."""
        schedule.advance(self, now)

    def authenticated(self, good_for: float | None, now: float) -> None:
        """Note that the peer has just proven who it is, for so many seconds; None: for ever."""
        is_ours = self.role is Role.INITIATOR
        self.renewal = Renewal.within(good_for, self.env, now, is_ours=is_ours)

    @property
    def awaits_the_peer(self) -> bool:
        """Whether something is under way, or waits for its turn, that shows whether it is there."""
        return bool(self.tasks.running) or any(isinstance(t, CheckLiveness) for t in self.tasks)

    def check_liveness(self, now: float) -> None:
        """Ask whether the peer is there, unless something is under way that will show it."""
        if self.state is State.ESTABLISHED and not self.awaits_the_peer:
            self.enqueue(CheckLiveness(), now)

    def rekey(self, now: float) -> None:
        """Have the IKE SA rekeyed."""
        self.rekey_at = None
        if not any(isinstance(task, RekeyIkeSa) for task in self.tasks):
            self.enqueue(RekeyIkeSa(), now)

    def note_usage(self, child: ChildSa, octets: int, packets: int, now: float) -> None:
        """Take what a CHILD_SA has carried: its soft limits rekey it, its hard ones end it."""
        if child.volume.is_used_up(octets, packets):
            self.delete_children((child,), DeletionReason.EXPIRED, now)
        elif child.volume.wants_rekey(octets, packets):
            child.volume = child.volume.without_rekey()
            self.rekey_child(child, now)

    def rekey_child(self, child: ChildSa, now: float) -> None:
        """Have a CHILD_SA rekeyed."""
        child.rekey_at = None
        if child.state is ChildState.LIVE:
            self.enqueue(RekeyChild(child.spi_in, child.config.name), now)

    def relocate(self, local: IPv4Address, now: float) -> None:
        """Go on at another address of ours, if the peer follows us there; else end."""
        if self.state is State.CLOSED:
            return
        self.channel.relocate(local, now)
        if self.state is not State.ESTABLISHED:
            return
        if self.mobility is None or not self.mobility.decides:
            self.delete(DeletionReason.UNREACHABLE, now)
        elif not self.tasks.is_under_way(UpdateAddresses):
            self.tasks.add_first(UpdateAddresses())
            self.pump(now)

    def end_at(self, when: float, reason: DeletionReason) -> None:
        """Have the IKE SA deleted by us, if the peer does not do so before."""
        self.expire_at = when
        self.expire_reason = reason

    def enqueue(self, task: Task, now: float) -> None:
        """Do a task as soon as no other one is in the way."""
        self.tasks.add(task)
        self.pump(now)

    def retry_later(self, task: Task, now: float) -> None:
        """Begin it again after a while."""
        self.tasks.add_later(task, now + self.env.retry_after())

    def go_on(self, task: Task, now: float) -> None:
        """Send the next request of the task that has just had its answer, before all others.

        It waits too if the answer to an earlier request is missing, and the window is full.
        """
        if self.channel.has_room:
            self._begin(task, now)
        else:
            self.tasks.add_first(task)
        self.pump(now)

    def pump(self, now: float) -> None:
        """Begin the tasks that can begin now.

        None can while the peer is about to rekey the IKE SA: it would not be answered (§2.25.2).
        """
        while self.state is not State.CLOSED and self.channel.has_room:
            if self.is_usable and self.followups.rekeys_ike_sa:
                return
            task = self.tasks.next()
            if task is None:
                return
            self._begin(task, now)

    def _begin(self, task: Task, now: float) -> None:
        request = task.begin(self, now)
        if request is not None:
            self.tasks.running[self.channel.next_id] = task
            self.channel.request(request.exchange_type, request.payloads, now)

    def add_child(
        self, agreement: ChildAgreement, began: int, now: float, replaces: ChildSa | None = None
    ) -> ChildSa:
        """Keep a new CHILD_SA, and report it.

        Args:
            agreement: what it is.
            began: the sequence number of the request that made it.
            now: the time.
            replaces: the one that it was rekeyed from.
        """
        child = make_child(agreement, began, self.env, now, replaces)
        lifetime = child.rekey_at - now if child.rekey_at is not None else 0.0
        self.children.add(child)
        self.events.append(
            reports.child_sa_established(
                self, agreement, lifetime, replaces.spi_in if replaces is not None else None
            )
        )
        if child.spi_out in self.deleted_early:
            self.drop_child(child, DeletionReason.PEER)
        return child

    def note_deleted(self, spi_out: int) -> None:
        """Take a Delete for a CHILD_SA that we may be about to learn of."""
        if self.tasks.running:
            self.deleted_early.note(spi_out, max(self.tasks.running))

    def drop_child(self, child: ChildSa, reason: DeletionReason) -> None:
        """Report a CHILD_SA gone, and forget it."""
        if self.children.remove(child.spi_in) is not None:
            self.is_full = False
            self.env.release_esp_spi(child.spi_in)
            self.events.append(reports.child_sa_deleted(self, child, reason))

    def delete_children(
        self, children: Iterable[ChildSa], reason: DeletionReason, now: float
    ) -> None:
        """Report CHILD_SAs gone at once, and ask the peer for their end."""
        gone = tuple(children)
        for child in gone:
            self.drop_child(child, reason)
        if gone:
            spis = {child.spi_in: child.spi_out for child in gone}
            if reason is not DeletionReason.EXPIRED:
                for task in self.tasks.under_way(RekeyChild):
                    task.cancelled |= task.spi_in in spis
            self.enqueue(DeleteChildren(spis, {child.config.name for child in gone}), now)

    def delete(self, reason: DeletionReason, now: float) -> None:
        """Report the IKE SA and its CHILD_SAs gone at once, and ask the peer for their end."""
        if self.state in (State.DELETING, State.CLOSED):
            return
        self._drop_all(reason)
        self.state = states.advance(self.state, Trigger.DELETE_SENT)
        self.expire_at = None
        for task in self.tasks.clear():
            task.abandon(self)
        self.enqueue(DeleteIkeSa(), now)

    def shutdown(self, reason: DeletionReason) -> None:
        """Like `delete`, but without waiting for the peer's answer."""
        if self.state not in (State.DELETING, State.CLOSED):
            self.channel.announce(*DeleteIkeSa.message)
            self.close(reason)

    def close(self, reason: DeletionReason) -> None:
        """Report the IKE SA and its CHILD_SAs gone, and tell the peer nothing."""
        if self.state is State.CLOSED:
            return
        if self.state is not State.DELETING:
            self._drop_all(reason)
        self.state = states.advance(self.state, Trigger.ENDED)
        self.channel.forget_request()
        self.expire_at = None
        for task in self.tasks:
            task.abandon(self)
        self.tasks = TaskQueue()

    def _drop_all(self, reason: DeletionReason) -> None:
        for child in tuple(self.children.values()):
            self.drop_child(child, reason)
        self.followups.clear()
        self.ended_by = reason
        self.events.append(reports.ike_sa_closed(self, reason))

    def reconfigure(self, peer: PeerConfig, now: float) -> None:
        """Take a changed configuration: CHILD_SAs that are no longer in it end."""
        if peer.reauthenticate and peer.reauthenticate != self.peer.reauthenticate:
            self.renewal.shorten(peer.reauthenticate, self.env, now)
        self.peer = peer
        self.followups.reconfigure(peer.children)
        gone = [c for c in self.children.values() if c.config not in peer.children]
        self.delete_children(gone, DeletionReason.RECONFIGURED, now)

    def info(self) -> IkeSaInfo:
        """Describe it for an operator."""
        return reports.info(self)

    def note_inbound_traffic(self, now: float) -> None:
        """Take ESP from the peer for a sign of life."""
        self.heard_esp_at = now
