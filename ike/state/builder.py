"""Making IKE SAs again from their records."""

from __future__ import annotations

from ike import reports
from ike.authentication.lifetime import Renewal
from ike.channel import Channel
from ike.child_sa import ChildSa, Making
from ike.connection import Connection
from ike.crypto.keys import Nonces
from ike.environment import Environment
from ike.peer import Peer
from ike.state.errors import StateError
from ike.state.records import (
    CheckLivenessRecord,
    CheckRoutabilityRecord,
    ChildRecord,
    ConnectionRecord,
    CreateChildRecord,
    DeleteChildrenRecord,
    DeleteIkeSaRecord,
    DeleteReplacedRecord,
    PendingChildRecord,
    PendingRecord,
    RekeyChildRecord,
    RekeyIkeSaRecord,
    SendTokenRecord,
    StateRecord,
    TaskRecord,
    UpdateAddressesRecord,
)
from ike.tasks.base import Task
from ike.tasks.create_child import CreateChild
from ike.tasks.delete import DeleteChildren, DeleteIkeSa, DeleteReplaced
from ike.tasks.liveness import CheckLiveness
from ike.tasks.mobike import CheckRoutability, UpdateAddresses
from ike.tasks.rekey_child import RekeyChild
from ike.tasks.rekey_ike_sa import RekeyIkeSa
from ike.tasks.send_token import SendToken


class Builder:
    """Makes IKE SAs that nobody knows yet.

    Args:
        record: what was exported.
        env: what all IKE SAs share.
        at: the time of the export, on the importer's clock.

    Attributes:
        connections: those made, by our SPIs.
        ike_spis: those of ours that are in use or on offer.
        esp_spis: likewise, inbound.
    """

    def __init__(self, record: StateRecord, env: Environment, at: float) -> None:
        self._env = env
        self._at = at
        # What was numbered before the export stays before all that is numbered from now on.
        self._base = env.reserve_sequence(record.next_sequence)
        self._makings = [
            Making(m.role, m.lowest_nonce, self._base + m.began, self._base + m.ended)
            for m in record.makings
        ]
        self._children: dict[int, ChildSa] = {}
        self._linked: list[tuple[Connection, ConnectionRecord, Peer]] = []
        self.connections: dict[int, Connection] = {}
        self.ike_spis: set[int] = set()
        self.esp_spis: set[int] = set()

    def add(self, record: ConnectionRecord, peer: Peer) -> None:
        """Make one, without what it has to do with others.

        Raises:
            StateError: it can't be made; nothing is changed.
        """
        at, base = self._at, self._base
        try:
            channel = Channel.restore(
                record.channel,
                record.suite,
                record.keys,
                self._env.settings,
                self._env.random_bytes,
                at,
            )
        except (KeyError, ValueError) as error:
            raise StateError(f"its keys don't fit its algorithms: {error}") from None
        children = [self._child(child) for child in record.children]
        nonces = Nonces(record.lowest_nonce, record.lowest_nonce)
        connection = Connection(
            self._env,
            channel,
            peer.config,
            record.suite,
            record.keys,
            nonces,
            record.nat,
            base + record.began,
            at - record.established_ago,
        )
        connection.events.clear()  # it has been reported as established, elsewhere
        connection.sequence = base + record.sequence
        connection.initial_contact = record.initial_contact
        connection.has_ppk = record.has_ppk
        connection.is_full = record.is_full
        connection.is_redundant = record.is_redundant
        connection.ended_by = record.ended_by
        connection.state = record.state
        for child in children:
            connection.children.add(child)
        connection.rekey_at = self._absolute(record.rekey_in)
        connection.expire_at = self._absolute(record.expire_in)
        connection.expire_reason = record.expire_reason
        renewal = record.renewal
        connection.renewal = Renewal(
            base + renewal.number,
            renewal.is_ours,
            self._absolute(renewal.begin_in),
            self._absolute(renewal.ends_in),
            renewal.is_due,
        )
        connection.heard_esp_at = at - record.heard_esp_ago
        connection.peer_token = record.peer_token
        connection.mobility = record.mobility
        connection.deleted_early.restore(record.deleted_early)
        self._pending(connection, record.followups)
        self._children.update(connection.children)
        self.connections[channel.own_spi] = connection
        self.ike_spis.add(channel.own_spi)
        self.esp_spis.update(connection.children)
        self._linked.append((connection, record, peer))

    def link(self) -> None:
        """Give those made what they have to do with each other, and their tasks."""
        for connection, record, peer in self._linked:
            connection.heir = self._known(record.heir)
            connection.claims = self._known(record.claims)

            def restore_task(
                task: TaskRecord, connection: Connection = connection, peer: Peer = peer
            ) -> Task:
                return self._task(task, connection, peer)

            connection.tasks.restore(record.tasks, restore_task, self._at)

    def _pending(self, connection: Connection, records: tuple[PendingRecord, ...]) -> None:
        connection.followups.restore(records, self._base, self._at)
        for record in records:
            if isinstance(record, PendingChildRecord):
                self.esp_spis.add(record.draft.terms.spi_in)
            else:
                self.ike_spis.add(record.draft.terms.responder_spi)

    def _absolute(self, relative: float | None) -> float | None:
        return None if relative is None else self._at + relative

    def _known(self, spi: int | None) -> Connection | None:
        return None if spi is None else self.connections.get(spi)

    def _making(self, number: int) -> Making:
        if number >= len(self._makings):
            raise StateError("one of its CHILD_SAs refers to nothing")
        return self._makings[number]

    def _child(self, record: ChildRecord) -> ChildSa:
        return ChildSa(
            record.config,
            record.spi_in,
            record.spi_out,
            record.suite,
            record.local_selectors,
            record.remote_selectors,
            self._making(record.making),
            self._making(record.origin),
            self._at - record.established_ago,
            record.more_selectors,
            record.mode,
            self._absolute(record.rekey_in),
            self._absolute(record.expire_in),
            record.expire_reason,
            record.state,
            record.tfc_padding,
            record.volume,
        )

    def _task(self, record: TaskRecord, connection: Connection, peer: Peer) -> Task:
        match record:
            case CreateChildRecord():
                self._offers_child(record, connection)
                return CreateChild.restore(record, peer.is_live, self._base)
            case RekeyChildRecord():
                self._offers_child(record, connection)
                rival = None if record.rival is None else self._children.get(record.rival)
                return RekeyChild.restore(record, rival, self._base)
            case DeleteChildrenRecord():
                return DeleteChildren(dict(record.spis), record.packet_types)
            case DeleteReplacedRecord():
                return DeleteReplaced(record.spi_in, record.packet_type)
            case DeleteIkeSaRecord():
                return DeleteIkeSa()
            case CheckLivenessRecord():
                return CheckLiveness()
            case SendTokenRecord():
                return SendToken()
            case UpdateAddressesRecord():
                return UpdateAddresses(record.local, record.remote)
            case CheckRoutabilityRecord():
                return CheckRoutability(record.cookie, record.remote)
            case RekeyIkeSaRecord():
                if record.offer is not None:
                    self.ike_spis.add(record.offer.spi)
                return RekeyIkeSa.restore(record, self._known(record.rival), self._base)

    def _offers_child(
        self, record: CreateChildRecord | RekeyChildRecord, connection: Connection
    ) -> None:
        offer = record.offer
        if offer is not None:
            self.esp_spis.add(offer.spi_in)
            # Reported once more: who has begun to receive by it was another process.
            connection.events.append(
                reports.child_sa_offered(connection, offer.config.name, offer.spi_in)
            )
