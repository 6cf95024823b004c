"""The engine as its caller sees it: all IKE SAs of one router.

`ike.dispatch` finds out whom a datagram is for, `ike.sa_table` has the IKE SAs, `ike.peer_table`
the peers, and `ike.settlement` carries out what follows from what has happened to one of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import datetime
from ipaddress import IPv4Address

from ike.config import PeerConfig, Settings
from ike.discards import Discard, DiscardCounters
from ike.dispatch import Dispatcher
from ike.environment import Environment, drain
from ike.events import DeletionReason, Event
from ike.info import IkeSaInfo
from ike.peer import Peer
from ike.peer_table import PeerTable
from ike.reception import Reception
from ike.responder import ResponderHandshake
from ike.sa_table import SaTable
from ike.settlement import Settlement
from ike.state import handover
from ike.state.report import ImportReport
from ike.states import State
from ike.types import Datagram, Identity, Secret


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
        reception = Reception(self._env)
        self._peers = PeerTable(self._env, peers)
        self._sas = SaTable(2 * settings.ike_sas_per_peer)
        self._discards = DiscardCounters()
        self._settlement = Settlement(self._env, self._peers, self._sas, reception)
        self._dispatcher = Dispatcher(
            self._env, self._peers, self._sas, reception, self._settlement
        )

    def set_peers(self, peers: Iterable[PeerConfig], now: float) -> None:
        """Change the configuration; what it leaves unchanged lives on.

        Removed peers, and those whose addresses, identities, key or proposals differ, lose their
        IKE SAs; a changed or removed child loses its CHILD_SAs. A peer that differs in our address,
        with the identity if it is that address, is gone on with as by `set_address`.

        Raises:
            ValueError: as for the constructor; nothing is changed.
        """
        configs = self._peers.check(peers)
        for known, config in self._peers.moved(configs):
            self._move(known, config.local_address, config.local_identity, now)
        touched = self._peers.configure(configs, now)
        for peer in touched:
            self._settlement.settle_peer(peer, now)
        kept = [p.config for p in touched if self._peers.get(p.config.name) is p]
        for handshake in self._sas.handshakes():
            handshake.reconfigure(kept)
            self._settlement.settle(handshake, now)

    def initiate(self, child: str, now: float) -> None:
        """Attempt the CHILD_SA of a `ChildConfig`, by its name.

        Nothing happens while an attempt is in flight or the CHILD_SA is established. The result
        is `ChildSaEstablished` or `AttemptFailed`.

        Raises:
            KeyError: no such child is configured.
        """
        peer, config = self._peers.child(child)
        peer.initiate(config, now)
        self._settlement.settle_peer(peer, now)

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
        self._settlement.settle_peer(known, now)

    def cancel(self, child: str, now: float) -> None:
        """Give up an attempt in flight: `AttemptFailed` with CANCELLED. Without one, do nothing.

        A CHILD_SA that the peer is about to make for it is deleted as soon as the answer is there;
        the IKE SA that carries it stays.

        Raises:
            KeyError: no such child is configured.
        """
        peer, _ = self._peers.child(child)
        peer.cancel(child, now)
        self._settlement.settle_peer(peer, now)

    def receive(self, datagram: Datagram, now: float) -> Discard | None:
        """Take a datagram, whatever is in it; tell why it was thrown away, if it was."""
        if datagram.is_nat_keepalive:
            return None
        discarded = self._dispatcher.dispatch(datagram, now)
        self._discards.count(discarded)
        return discarded

    def advance(self, now: float) -> None:
        """Do what time asks for."""
        for spi in self._sas.due(now):
            sa = self._sas.get(spi)
            if sa is None:
                continue
            if sa.state is State.CLOSED:
                self._settlement.remove(spi)
            else:
                sa.advance(now)
                self._settlement.settle(sa, now)

    def next_deadline(self) -> float | None:
        """Return when `advance` wants to be called next; None: not until something happens."""
        return self._sas.next_deadline()

    def transmits(self) -> list[Datagram]:
        """Take what is to be sent."""
        return drain(self._settlement.outbox)

    def events(self) -> list[Event]:
        """Take what has happened."""
        return drain(self._settlement.events)

    def delete_child(self, spi_in: int, now: float) -> None:
        """Delete a pair of ESP SAs, here at once and at the peer; unknown ones are passed over."""
        connection = self._sas.holder(spi_in)
        if connection is not None:
            child = connection.children[spi_in]
            connection.delete_children((child,), DeletionReason.LOCAL, now)
            self._settlement.settle(connection, now)

    def rekey_child(self, spi_in: int, now: float) -> None:
        """Rekey a pair of ESP SAs before its time; unknown ones are passed over."""
        connection = self._sas.holder(spi_in)
        if connection is not None:
            connection.rekey_child(connection.children[spi_in], now)
            self._settlement.settle(connection, now)

    def rekey_peer(self, peer: str, now: float) -> None:
        """Rekey a peer's IKE SAs before their time.

        Raises:
            KeyError: no such peer is configured.
        """
        for connection in tuple(self._peers[peer].connections):
            connection.rekey(now)
            self._settlement.settle(connection, now)

    def delete_peer(self, peer: str, now: float) -> None:
        """Delete a peer's IKE SAs with all their CHILD_SAs, and give up its attempts.

        All are gone here at once. The peer is asked to delete them, one that is about to be
        established as soon as its answer is there.

        Raises:
            KeyError: no such peer is configured.
        """
        known = self._peers[peer]
        known.delete(DeletionReason.LOCAL, now)
        self._settlement.settle_peer(known, now)

    def set_address(self, peer: str, local: IPv4Address, now: float) -> None:
        """Go on with a peer at another address of ours (RFC 4555).

        IKE SAs with MOBIKE that we initiated move there, with all their CHILD_SAs: `PeerMoved`
        when the peer knows. So do those that the peer is about to authenticate; those that have
        not come that far begin anew from there. Others end. The peer's `PeerConfig` has that local
        address from here on, as `set_peers` is to give it.

        Raises:
            KeyError: no such peer is configured.
        """
        known = self._peers[peer]
        self._move(known, local, known.config.local_identity, now)

    def _move(self, peer: Peer, local: IPv4Address, identity: Identity, now: float) -> None:
        name = peer.config.name
        self._peers.relocate(peer, local, identity)
        for sa in self._sas:
            if isinstance(sa, ResponderHandshake):
                sa.reconfigure([p for p in sa.peers if p.name != name])
            elif sa.peer.name == name:
                sa.relocate(local, now)
            else:
                continue
            self._settlement.settle(sa, now)
        peer.resume(now)
        self._settlement.settle_peer(peer, now)

    def shutdown(self, now: float) -> None:
        """Delete everything, with one datagram for each IKE SA and no wait for answers."""
        for initiated in self._sas.initiated():
            initiated.shutdown()
        for peer in self._peers:
            peer.shutdown(now)
            self._settlement.settle_peer(peer, now)
        for handshake in self._sas.handshakes():
            handshake.abandon()
        for sa in self._sas:
            self._settlement.settle(sa, now)
            self._settlement.remove(sa.channel.own_spi)

    def note_inbound_traffic(self, spi_in: int, now: float) -> None:
        """Take ESP that arrived and was authentic for a proof that the peer lives."""
        connection = self._sas.holder(spi_in)
        if connection is not None:
            connection.note_inbound_traffic(now)
            self._sas.wake(connection.channel.own_spi, connection.deadline)

    def note_usage(self, spi_in: int, octets: int, packets: int, now: float) -> None:
        """Take what a pair of ESP SAs has carried since it was made, in its busier direction.

        It is rekeyed or deleted as `ChildConfig.lifetime_bytes` and `lifetime_packets` say, and
        before its sequence numbers run out. Unknown ones are passed over.
        """
        connection = self._sas.holder(spi_in)
        if connection is not None:
            connection.note_usage(connection.children[spi_in], octets, packets, now)
            self._settlement.settle(connection, now)

    def ike_sas(self) -> list[IkeSaInfo]:
        """Describe every IKE SA that is established or on its way, for an operator."""
        return [sa.info() for sa in self._sas if sa.state is not State.CLOSED]

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
        if self._settlement.events:
            raise ValueError("there are events that have not been taken")
        return handover.hand_over(self._env, self._peers, self._sas, key, now)

    def import_state(self, blob: bytes, key: Secret, now: float) -> ImportReport:
        """Carry on the IKE SAs that another process has exported.

        Those whose peer is not configured as it was are reported, and passed over. A CHILD_SA
        whose `ChildConfig` is there no more is deleted, which is reported as ever. What is on
        offer to a peer is reported again (`ChildSaOffered`).

        Raises:
            ValueError: the key does not have 32 bytes.
            StateError: the blob can't be used: its subclasses tell why. Nothing is changed.
        """
        return handover.take_over(
            blob, key, self._env, self._peers, self._sas, self._settlement, now
        )

    def reserve_spis(self, spis: Iterable[int]) -> None:
        """Never allocate these inbound SPIs: others use them."""
        self._env.reserve_esp_spis(spis)
