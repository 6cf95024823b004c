"""What follows for others when something has happened to an IKE SA or to a peer."""

from __future__ import annotations

from ike.connection import Connection
from ike.environment import Environment, drain
from ike.events import ChildSaDeleted, ChildSaEstablished, DeletionReason, Event
from ike.initiator import InitiatorHandshake
from ike.peer import Peer
from ike.peer_table import PeerTable
from ike.reception import Reception
from ike.responder import ResponderHandshake
from ike.sa_table import AnySa, SaTable
from ike.states import State
from ike.types import Datagram


class Settlement:
    """Takes what IKE SAs and peers have to send and to say, and keeps the tables in step with it.

    Whoever calls an IKE SA or a peer settles it afterwards.

    Attributes:
        outbox: datagrams to be sent, for the owner to take.
        events: what happened, for the owner to take.
    """

    def __init__(
        self, env: Environment, peers: PeerTable, sas: SaTable, reception: Reception
    ) -> None:
        self._env = env
        self._peers = peers
        self._sas = sas
        self._reception = reception
        self.outbox: list[Datagram] = []
        self.events: list[Event] = []

    def settle(self, sa: AnySa, now: float) -> None:
        """Carry out what has happened to an IKE SA."""
        self.outbox += sa.channel.take(now)
        if isinstance(sa, Connection):
            self._settle_connection(sa, now)
        elif isinstance(sa, ResponderHandshake):
            self._settle_responder(sa, now)
        else:
            self._settle_initiator(sa, now)

    def settle_peer(self, peer: Peer, now: float) -> None:
        """Carry out what has happened to a peer's IKE SAs."""
        self.events += drain(peer.events)
        while peer.touched:
            self.settle(peer.touched.pop(0), now)
        self.events += drain(peer.events)

    def settle_reception(self) -> None:
        """Take what strangers are answered, and what is said of them."""
        self.outbox += drain(self._reception.outbox)
        self.events += drain(self._reception.events)

    def remove(self, spi: int) -> None:
        """Forget an IKE SA, by our SPI, and let the SPI be used again."""
        if self._sas.remove(spi) is not None:
            self._reception.forget(spi)
            self._env.release_ike_spi(spi)

    def _settle_initiator(self, handshake: InitiatorHandshake, now: float) -> None:
        self.events += drain(handshake.events)
        spi = handshake.channel.own_spi
        if handshake.connection is not None:
            if self._sas.get(spi) is handshake:
                self._promote(handshake.connection, now)
        elif handshake.state is State.CLOSED:
            self.remove(spi)
            peer = self._peers.get(handshake.peer.name)
            if peer is not None:
                peer.handshake_failed(handshake, now)
                self.settle_peer(peer, now)
        else:
            self._sas.put(handshake)
            self._sas.wake(spi, handshake.deadline)
            if handshake.given_up:
                self._make_room(handshake)

    def _settle_responder(self, handshake: ResponderHandshake, now: float) -> None:
        self.events += drain(handshake.events)
        spi = handshake.channel.own_spi
        if handshake.connection is not None:
            self._reception.no_longer_half_open(spi)
            self._promote(handshake.connection, now)
        elif handshake.state is State.CLOSED and now >= handshake.expire_at:
            self.remove(spi)
        else:
            self._sas.wake(spi, handshake.expire_at)

    def _promote(self, connection: Connection, now: float) -> None:
        """Put an established IKE SA in the place of its handshake."""
        self._sas.put(connection)
        peer = self._peers[connection.peer.name]
        self._take_events(connection, peer)
        peer.established(connection, now)
        self._settle_connection(connection, now)

    def _settle_connection(self, connection: Connection, now: float) -> None:
        self.outbox += connection.channel.take(now)
        spi = connection.channel.own_spi
        peer = self._peers.get(connection.peer.name)
        for new in drain(connection.spawned):
            if new.is_usable:
                self._promote(new, now)
            else:
                self._sas.put(new)
                self._settle_connection(new, now)
        self._take_events(connection, peer)
        if connection.heir is not None:
            # Else the old one would live as long as its CHILD_SAs do.
            self._sas.note_children(connection.heir, connection.heir.children)
        if self._sas.get(spi) is not connection:
            return  # it had to go
        if connection.state is State.CLOSED:
            self._sas.linger(spi, now)
        else:
            self._sas.wake(spi, connection.deadline)
        if peer is not None:
            if not connection.is_usable:
                peer.lost(connection, connection.ended_by, now)
            peer.settle(now)
            self.settle_peer(peer, now)
        if not connection.is_usable:
            self._make_room(connection)

    def _make_room(self, sa: Connection | InitiatorHandshake) -> None:
        """Note that an IKE SA is on its way out; the oldest such one of its peer may have to go."""
        oldest = self._sas.leave(sa)
        if isinstance(oldest, InitiatorHandshake):
            oldest.abandon()
            self.events += drain(oldest.events)
            self.remove(oldest.channel.own_spi)
        elif oldest is not None:
            oldest.close(oldest.ended_by or DeletionReason.LOCAL)
            self._take_events(oldest, self._peers.get(oldest.peer.name))
            self.remove(oldest.channel.own_spi)

    def _take_events(self, connection: Connection, peer: Peer | None) -> None:
        for event in drain(connection.events):
            if isinstance(event, ChildSaEstablished):
                self._sas.note_children(connection, (event.spi_in,))
            elif isinstance(event, ChildSaDeleted):
                self._sas.forget_child(event.spi_in)
            if peer is None:
                self.events.append(event)
            else:
                peer.observe(event)
