"""All IKE SAs of one router."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import datetime

from ike import crash_detection
from ike.admission import TokenBucket
from ike.codec.errors import ParseError
from ike.codec.header import VERSION, Header
from ike.codec.message import Message
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u8
from ike.codec.registry import ExchangeType, NotifyType, PayloadType
from ike.config import PeerConfig, Settings
from ike.connection import Connection
from ike.discards import Discard, DiscardCounters
from ike.environment import Environment, drain
from ike.events import (
    ChildSaDeleted,
    ChildSaEstablished,
    DeletionReason,
    Event,
    FailureReason,
)
from ike.exchanges.informational import invalid_spis
from ike.info import IkeSaInfo
from ike.initiator import InitiatorHandshake
from ike.leaving import Leaving
from ike.peer import Peer
from ike.peer_table import PeerTable
from ike.reception import Reception
from ike.responder import ResponderHandshake
from ike.state import snapshot
from ike.state.report import ImportReport
from ike.state.restore import restore
from ike.state.transfer import pack, unpack
from ike.states import State
from ike.timers import TimerQueue
from ike.types import Datagram, Secret, UdpAddress

_LINGER = 10.0  # seconds that a closed IKE SA still repeats its last answer
_HINTS_PER_SECOND = 1.0  # unprotected ones that are followed, from whoever it may be
_ENCRYPTED = (PayloadType.SK, PayloadType.SKF)
_MAJOR_VERSION = VERSION >> 4

AnySa = Connection | InitiatorHandshake | ResponderHandshake


class Endpoint:
    """All IKE SAs of one router: finds the one that a message belongs to, admits new ones.

    Nothing here waits, and nothing reads a clock: after every call the caller sends what
    `transmits` gives, acts on `events`, and calls `advance` when `next_deadline` comes. `now` is
    in seconds, from any clock that does not go back.

    Args:
        peers: whom to talk to. Names of peers, and of children over all peers, are unique.
        settings: what holds for the whole engine.
        random_bytes: cryptographically secure random bytes; deterministic in tests.
        secrets_log: where key log lines go (`ike.keylog`); None: nowhere.
        wall_clock: aware UTC; tells whether a certificate is valid, and how long a state was on its
            way from one process to another.

    Raises:
        ValueError: two peers or two children have the same name, one has no proposals or
            selectors, or too many selectors, one can't authenticate as it is configured, or one
            has a certificate to be checked and there is no `wall_clock`.
    """

    def __init__(
        self,
        peers: Iterable[PeerConfig],
        *,
        settings: Settings = Settings(),  # noqa: B008  # frozen
        random_bytes: Callable[[int], bytes] = os.urandom,
        secrets_log: Callable[[str], None] | None = None,
        wall_clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._env = Environment(settings, random_bytes, secrets_log, wall_clock)
        self._reception = Reception(self._env)
        self._by_spi: dict[int, AnySa] = {}
        self._by_child: dict[int, Connection] = {}
        self._timers: TimerQueue[int] = TimerQueue()
        self._linger_until: dict[int, float] = {}
        self._leaving = Leaving(2 * settings.ike_sas_per_peer)
        self._discards = DiscardCounters()
        self._hints = TokenBucket(_HINTS_PER_SECOND, _HINTS_PER_SECOND)
        self._transmits: list[Datagram] = []
        self._events: list[Event] = []
        self._peers = PeerTable(self._env, peers)

    def set_peers(self, peers: Iterable[PeerConfig], now: float) -> None:
        """Change the configuration; what it leaves unchanged lives on.

        Removed peers, and those whose addresses, identities, key or proposals differ, lose their
        IKE SAs; a changed or removed child loses its CHILD_SAs.

        Raises:
            ValueError: as for the constructor; nothing is changed.
        """
        touched = self._peers.configure(peers, now)
        for peer in touched:
            self._settle_peer(peer, now)
        kept = [p.config for p in touched if self._peers.get(p.config.name) is p]
        for sa in tuple(self._by_spi.values()):
            if isinstance(sa, ResponderHandshake):
                sa.reconfigure(kept)
                self._settle(sa, now)

    def initiate(self, child: str, now: float) -> None:
        """Attempt the CHILD_SA of a `ChildConfig`, by its name.

        Nothing happens while an attempt is in flight or the CHILD_SA is established. The result
        is `ChildSaEstablished` or `AttemptFailed`.

        Raises:
            KeyError: no such child is configured.
        """
        peer, config = self._peers.child(child)
        peer.initiate(config, now)
        self._settle_peer(peer, now)

    def connect(self, peer: str, now: float) -> None:
        """Attempt an IKE SA with a peer, without a CHILD_SA if the peer can (RFC 6023).

        One that can't gets the first configured CHILD_SA too. Nothing happens while there is an
        IKE SA or it is on its way. The result is `IkeSaEstablished`, or `AttemptFailed` with ""
        for the child.

        Raises:
            KeyError: no such peer is configured.
        """
        known = self._peers[peer]
        known.connect(now)
        self._settle_peer(known, now)

    def cancel(self, child: str, now: float) -> None:
        """Give up an attempt in flight: `AttemptFailed` with CANCELLED. Without one, do nothing.

        Raises:
            KeyError: no such child is configured.
        """
        peer, _ = self._peers.child(child)
        peer.cancel(child, now)
        self._settle_peer(peer, now)

    def receive(self, datagram: Datagram, now: float) -> Discard | None:
        """Take a datagram, whatever is in it; tell why it was thrown away, if it was."""
        if datagram.is_nat_keepalive:
            return None
        try:
            discarded = self._dispatch(datagram, now)
        except ParseError as error:
            discarded = Discard.INVALID_SYNTAX
            self._reception.report(
                datagram, FailureReason.INVALID_SYNTAX, f"malformed: {error}", now
            )
        self._discards.count(discarded)
        self._take_reception()
        return discarded

    def advance(self, now: float) -> None:
        """Do what time asks for."""
        for spi in tuple(self._timers.due(now)):
            sa = self._by_spi.get(spi)
            if sa is None:
                continue
            if sa.state is State.CLOSED:
                self._unregister(spi)
            else:
                sa.advance(now)
                self._settle(sa, now)

    def next_deadline(self) -> float | None:
        """Return when `advance` wants to be called next; None: not until something happens."""
        return self._timers.next_deadline()

    def transmits(self) -> list[Datagram]:
        """Take what is to be sent."""
        return drain(self._transmits)

    def events(self) -> list[Event]:
        """Take what has happened."""
        return drain(self._events)

    def delete_child(self, spi_in: int, now: float) -> None:
        """Delete a pair of ESP SAs, here at once and at the peer; unknown ones are passed over."""
        connection = self._holder(spi_in)
        if connection is not None:
            child = connection.children[spi_in]
            connection.delete_children((child,), DeletionReason.LOCAL, now)
            self._settle(connection, now)

    def rekey_child(self, spi_in: int, now: float) -> None:
        """Rekey a pair of ESP SAs before its time; unknown ones are passed over."""
        connection = self._holder(spi_in)
        if connection is not None:
            connection.rekey_child(connection.children[spi_in], now)
            self._settle(connection, now)

    def rekey_peer(self, peer: str, now: float) -> None:
        """Rekey a peer's IKE SAs before their time.

        Raises:
            KeyError: no such peer is configured.
        """
        for connection in tuple(self._peers[peer].connections):
            connection.rekey(now)
            self._settle(connection, now)

    def delete_peer(self, peer: str, now: float) -> None:
        """Delete a peer's IKE SAs with all their CHILD_SAs, and give up its attempts.

        Raises:
            KeyError: no such peer is configured.
        """
        known = self._peers[peer]
        known.delete(DeletionReason.LOCAL, now)
        self._settle_peer(known, now)

    def set_address(self, peer: str, local: UdpAddress, now: float) -> None:
        """Go on with a peer at another address of ours (RFC 4555).

        IKE SAs with MOBIKE that we initiated move there, with all their CHILD_SAs: `PeerMoved`
        when the peer knows. Others end. The peer's `PeerConfig` has that local address from here
        on, as `set_peers` is to give it.

        Raises:
            KeyError: no such peer is configured.
        """
        known = self._peers[peer]
        for sa in tuple(self._by_spi.values()):
            if isinstance(sa, Connection) and sa.peer.name == peer:
                sa.relocate(local, now)
                self._settle(sa, now)
        self._peers.relocate(known, local.address, now)
        self._settle_peer(known, now)

    def shutdown(self, now: float) -> None:
        """Delete everything, with one datagram for each IKE SA and no wait for answers."""
        for peer in self._peers:
            peer.shutdown(now)
            self._settle_peer(peer, now)
        for spi, sa in tuple(self._by_spi.items()):
            if isinstance(sa, ResponderHandshake):
                sa.abandon()
            self._settle(sa, now)
            self._unregister(spi)

    def note_inbound_traffic(self, spi_in: int, now: float) -> None:
        """Take ESP that arrived and was authentic for a proof that the peer lives."""
        connection = self._holder(spi_in)
        if connection is not None:
            connection.note_inbound_traffic(now)
            self._timers.set(connection.channel.own_spi, connection.deadline)

    def note_usage(self, spi_in: int, octets: int, packets: int, now: float) -> None:
        """Take what a pair of ESP SAs has carried since it was made, in its busier direction.

        It is rekeyed or deleted as `ChildConfig.lifetime_bytes` and `lifetime_packets` say, and
        before its sequence numbers run out. Unknown ones are passed over.
        """
        connection = self._holder(spi_in)
        if connection is not None:
            connection.note_usage(connection.children[spi_in], octets, packets, now)
            self._settle(connection, now)

    def ike_sas(self) -> list[IkeSaInfo]:
        """Describe every IKE SA that is established or on its way, for an operator."""
        return [sa.info() for sa in self._by_spi.values() if sa.state is not State.CLOSED]

    def counters(self) -> dict[str, int]:
        """Count the messages that were thrown away, by reason (`ike.discards.Discard`)."""
        return self._discards.totals()

    def export_state(self, key: Secret, now: float) -> bytes:
        """Export all established IKE SAs, for another process to carry them on.

        Messages in flight are part of it; IKE SAs that are not established yet are not, nor are
        the keys of CHILD_SAs. From here on this endpoint must keep silent, if the other process
        is to be understood: both would use the same message ids. (The same IV they never use.)

        Args:
            key: 32 bytes, which the importer needs.
            now: the time.

        Raises:
            ValueError: the key has another length, or `events` have not been taken: keys of
                CHILD_SAs would be lost with them.
        """
        if self._events:
            raise ValueError("there are events that have not been taken")
        connections = [sa for sa in self._by_spi.values() if isinstance(sa, Connection)]
        record = snapshot.take(
            self._env, self._peers, connections, self._linger_until, self._wall_time(), now
        )
        return pack(record, key, self._env.random_bytes)

    def import_state(self, blob: bytes, key: Secret, now: float) -> ImportReport:
        """Carry on the IKE SAs that another process has exported.

        Those whose peer is not configured as it was are reported, and passed over. A CHILD_SA
        whose `ChildConfig` is there no more is deleted, which is reported as ever.

        Raises:
            ValueError: the key does not have 32 bytes.
            StateError: the blob can't be used: its subclasses tell why. Nothing is changed.
        """
        restored = restore(
            unpack(blob, key),
            self._env,
            self._peers,
            self._by_spi,
            self._by_child,
            self._wall_time(),
            now,
        )
        self._env.reserve_ike_spis(restored.ike_spis)
        self._env.reserve_esp_spis(restored.esp_spis)
        self._by_spi.update(restored.connections)
        self._linger_until.update(restored.linger_until)
        for connection in restored.connections.values():
            self._by_child.update(dict.fromkeys(connection.children, connection))
        for adoption in restored.adoptions:
            adoption.peer.adopt(adoption.connections, adoption.attempts, now)
            self._settle_peer(adoption.peer, now)
        for connection in restored.connections.values():
            self._settle(connection, now)
        return restored.report

    def _wall_time(self) -> float | None:
        calendar = self._env.calendar()
        return None if calendar is None else calendar.timestamp()

    def reserve_spis(self, spis: Iterable[int]) -> None:
        """Never allocate these inbound SPIs: others use them."""
        self._env.reserve_esp_spis(spis)

    def _holder(self, spi_in: int) -> Connection | None:
        connection = self._by_child.get(spi_in)
        while connection is not None and spi_in not in connection.children:
            connection = connection.heir
        return connection

    def _dispatch(self, datagram: Datagram, now: float) -> Discard | None:
        header = Header.parse(datagram.payload)
        if header.major_version != _MAJOR_VERSION:
            # RFC 7296 §2.5; also the answer to IKEv1, which has no use for it but may log it.
            notify = Notify(NotifyType.INVALID_MAJOR_VERSION, u8(_MAJOR_VERSION))
            self._reception.reply(datagram, header, notify, now)
            return Discard.INVALID_MAJOR_VERSION
        first = header.exchange_type == ExchangeType.IKE_SA_INIT and not header.responder_spi
        if first and header.from_initiator and not header.is_response:
            return self._admit(datagram, header, now)
        spi = header.responder_spi if header.from_initiator else header.initiator_spi
        sa = self._by_spi.get(spi)
        if sa is None:
            if header.next_payload in _ENCRYPTED:
                self._answer_unknown(datagram, header, now)
            else:
                self._take_hint(datagram, header, now)
            return Discard.UNKNOWN_SPI
        if not sa.channel.expects_spis(header):
            return Discard.UNKNOWN_SPI
        sa.channel.discarded = None
        sa.receive(datagram, header, now)
        self._settle(sa, now)
        return sa.channel.discarded

    def _answer_unknown(self, datagram: Datagram, header: Header, now: float) -> None:
        """Say that we don't have the IKE SA, and prove it if we can."""
        # RFC 7296 §2.21.4: it proves nothing to the peer, but may set it thinking.
        notify = Notify(NotifyType.INVALID_IKE_SPI)
        proof: tuple[Payload, ...] = ()
        if header.initiator_spi not in self._by_spi and header.responder_spi not in self._by_spi:
            secret = self._env.settings.qcd_secret
            proof = crash_detection.answer_unknown(secret, header, datagram.source)
        self._reception.reply(datagram, header, notify, now, proof)

    def _take_hint(self, datagram: Datagram, header: Header, now: float) -> None:
        """Ask a peer whether it is there if somebody says that our ESP is unknown to it.

        It comes outside of any IKE SA, and is never answered (RFC 7296 §1.5, §2.4).
        """
        if header.exchange_type != ExchangeType.INFORMATIONAL or not self._hints.take(now):
            return
        spis_out = invalid_spis(Message.parse(datagram.payload, header).payloads)[:1]
        for config in self._peers.at(datagram.destination.address, datagram.source.address):
            for connection in tuple(self._peers[config.name].connections):
                if any(connection.children.by_spi_out(spi) for spi in spis_out):
                    connection.check_liveness(now)
                    self._settle(connection, now)

    def _admit(self, datagram: Datagram, header: Header, now: float) -> Discard | None:
        if header.initiator_spi in self._by_spi or header.message_id or not header.initiator_spi:
            return None  # our own request, reflected; or not the first message of an initiator
        peers = self._peers.at(datagram.destination.address, datagram.source.address)
        self._reception.discarded = None
        handshake = self._reception.receive(datagram, header, peers, now)
        if handshake is not None:
            self._by_spi[handshake.spi] = handshake
            self._settle(handshake, now)
        return self._reception.discarded

    def _settle_peer(self, peer: Peer, now: float) -> None:
        """Carry out what has happened to a peer's SAs, and what follows from it."""
        self._events += drain(peer.events)
        while peer.touched:
            self._settle(peer.touched.pop(0), now)
        self._events += drain(peer.events)

    def _settle(self, sa: AnySa, now: float) -> None:
        """Take what an SA has to send and to say, and keep the tables in step with it."""
        self._transmits += sa.channel.take(now)
        if isinstance(sa, Connection):
            self._settle_connection(sa, now)
        elif isinstance(sa, ResponderHandshake):
            self._settle_responder(sa, now)
        else:
            self._settle_initiator(sa, now)

    def _settle_initiator(self, handshake: InitiatorHandshake, now: float) -> None:
        spi = handshake.channel.own_spi
        if handshake.connection is not None:
            if self._by_spi.get(spi) is handshake:
                self._promote(handshake.connection, now)
        elif handshake.state is State.CLOSED:
            self._unregister(spi)
            peer = self._peers.get(handshake.peer.name)
            if peer is not None:
                peer.handshake_failed(handshake, now)
                self._settle_peer(peer, now)
        else:
            self._by_spi[spi] = handshake
            self._timers.set(spi, handshake.deadline)

    def _settle_responder(self, handshake: ResponderHandshake, now: float) -> None:
        self._events += drain(handshake.events)
        spi = handshake.channel.own_spi
        if handshake.connection is not None:
            self._reception.no_longer_half_open(spi)
            self._promote(handshake.connection, now)
        elif handshake.state is State.CLOSED and now >= handshake.expire_at:
            self._unregister(spi)
        else:
            self._timers.set(spi, handshake.expire_at)

    def _promote(self, connection: Connection, now: float) -> None:
        """Put an established IKE SA in the place of its handshake."""
        self._by_spi[connection.channel.own_spi] = connection
        peer = self._peers[connection.peer.name]
        self._take_events(connection, peer)
        peer.established(connection, now)
        self._settle_connection(connection, now)

    def _settle_connection(self, connection: Connection, now: float) -> None:
        self._transmits += connection.channel.take(now)
        spi = connection.channel.own_spi
        peer = self._peers.get(connection.peer.name)
        for new in drain(connection.spawned):
            self._promote(new, now)
        self._take_events(connection, peer)
        if connection.heir is not None:
            # Else the old one would live as long as its CHILD_SAs do.
            self._by_child |= dict.fromkeys(connection.heir.children, connection.heir)
        if self._by_spi.get(spi) is not connection:
            return  # it had to go
        if connection.state is State.CLOSED:
            self._timers.set(spi, self._linger_until.setdefault(spi, now + _LINGER))
        else:
            self._timers.set(spi, connection.deadline)
        if peer is not None:
            if not connection.is_usable:
                peer.lost(connection, connection.ended_by, now)
            peer.settle(now)
            self._settle_peer(peer, now)
        if not connection.is_usable:
            self._make_room(connection)

    def _make_room(self, connection: Connection) -> None:
        """Note that an IKE SA is on its way out; the oldest such one of its peer may have to go."""
        spi = self._leaving.add(connection.peer.name, connection.channel.own_spi)
        oldest = None if spi is None else self._by_spi.get(spi)
        if spi is not None and isinstance(oldest, Connection):
            oldest.close(oldest.ended_by or DeletionReason.LOCAL)
            self._take_events(oldest, self._peers.get(oldest.peer.name))
            self._unregister(spi)

    def _take_events(self, connection: Connection, peer: Peer | None) -> None:
        for event in drain(connection.events):
            if isinstance(event, ChildSaEstablished):
                self._by_child[event.spi_in] = connection
            elif isinstance(event, ChildSaDeleted):
                self._by_child.pop(event.spi_in, None)
            if peer is None:
                self._events.append(event)
            else:
                peer.observe(event)

    def _unregister(self, spi: int) -> None:
        sa = self._by_spi.pop(spi, None)
        if sa is not None:
            self._timers.set(spi, None)
            if isinstance(sa, Connection):
                self._leaving.discard(sa.peer.name, spi)
            self._linger_until.pop(spi, None)
            self._reception.forget(spi)
            self._env.release_ike_spi(spi)

    def _take_reception(self) -> None:
        self._transmits += drain(self._reception.outbox)
        self._events += drain(self._reception.events)
