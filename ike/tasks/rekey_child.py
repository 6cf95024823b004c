"""Rekeying a CHILD_SA (RFC 7296 §1.3.3, §2.8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ike.child_sa import ChildSa, ChildState
from ike.codec.payload import Payload
from ike.codec.registry import ExchangeType, NotifyType
from ike.events import DeletionReason
from ike.exchanges import create_child_sa
from ike.exchanges.child import ChildAgreement, ChildDraft, ChildOffer
from ike.exchanges.outcome import Failure
from ike.state.records import RekeyChildRecord
from ike.tasks import child_request, followup
from ike.tasks.base import Request
from ike.tasks.create_child import CreateChild
from ike.tasks.delete import DeleteChildren, DeleteReplaced

if TYPE_CHECKING:
    from ike.connection import Connection


class RekeyChild:
    """A new CHILD_SA in the place of the one with the inbound SPI `spi_in`.

    Attributes:
        cancelled: the old one has been deleted meanwhile, and nobody wants the new one.
        rival: the CHILD_SA that the peer has made in its place meanwhile (§2.8.1).
        rival_nonce: the lowest nonce of the one that it has made, or is about to make.
    """

    goes_alone = False

    def __init__(self, spi_in: int, packet_type: str) -> None:
        self.spi_in = spi_in
        self.packet_types = frozenset({packet_type})
        self.cancelled = False
        self.rival: ChildSa | None = None
        self._began = 0
        self._offer: ChildOffer | None = None
        self._nonce = b""
        self.rival_nonce: bytes | None = None
        self._draft: ChildDraft | None = None

    def begin(self, connection: Connection, now: float) -> Request | None:
        """Make the request, unless the old one has gone or been rekeyed by the peer meanwhile."""
        old = connection.children.get(self.spi_in)
        doomed = old is not None and old.expire_reason is DeletionReason.DUPLICATE
        if old is None or not old.is_live or doomed:
            self.abandon(connection)
            return None
        if self._draft is not None:
            return followup.request(self._draft)
        if self._offer is None and connection.followups.rekeys_child(self.spi_in):
            wait = connection.env.retry_after(now, old.expire_at)
            connection.children.rekey_at(old, now + wait)
            return None
        old.state = ChildState.REKEYING
        env = connection.env
        self._began = env.next_sequence()
        self._nonce = env.nonce()
        if self._offer is None:
            self._offer = child_request.make_offer(connection, old.config)
        payloads = create_child_sa.build_rekey(self._offer, self._nonce, self.spi_in)
        return Request(ExchangeType.CREATE_CHILD_SA, payloads)

    def finish(self, connection: Connection, payloads: Sequence[Payload], now: float) -> None:
        """Take the answer.

        Raises:
            ParseError: a payload is missing.
        """
        offer = self._offer
        assert offer is not None
        outcome = child_request.read(connection, offer, self._nonce, self._draft, payloads)
        old = connection.children.get(self.spi_in)
        if isinstance(outcome, ChildOffer):
            self._offer = outcome
            connection.go_on(self, now)
        elif isinstance(outcome, Failure):
            self.abandon(connection)
            self._failed(connection, outcome, offer.spi_in, old, now)
        elif self.cancelled:
            self.abandon(connection)
            if not outcome.methods:
                spis = {offer.spi_in: outcome.agreement().spi_out}
                connection.enqueue(DeleteChildren(spis, self.packet_types), now)
        elif outcome.methods:
            self._go_on(connection, outcome, old, now)
        else:
            self._offer = self._draft = None
            self._replace(connection, outcome.agreement(), old, now)

    def _go_on(
        self,
        connection: Connection,
        draft: ChildDraft,
        old: ChildSa | None,
        now: float,
    ) -> None:
        """Begin the next key exchange, unless the peer's rekey is the one to stay (RFC 9370)."""
        if self.rival_nonce is None or draft.lowest_nonce > self.rival_nonce:
            self._draft = followup.begin(draft, connection.env.random_bytes)
            connection.go_on(self, now)
            return
        self.abandon(connection)
        if old is not None:
            self._yield(connection, old, now)

    def _yield(self, connection: Connection, old: ChildSa, now: float) -> None:
        """Leave the old one to the peer's rekey, or keep it until that is done."""
        settings = connection.env.settings
        if self.rival is not None:
            old.state = ChildState.REPLACED
            end = now + settings.replaced_grace
            connection.children.end_at(old, end, DeletionReason.REPLACED)
        else:
            old.state = ChildState.LIVE
            wait = connection.env.retry_after(now, old.expire_at)
            connection.children.rekey_at(old, now + wait)

    def _replace(
        self, connection: Connection, agreement: ChildAgreement, old: ChildSa | None, now: float
    ) -> None:
        new = connection.add_child(agreement, self._began, now, old)
        if old is None:
            return
        old.state = ChildState.REPLACED
        rival = self.rival
        if (
            rival is not None
            and rival.spi_in in connection.children
            and new.making.lowest_nonce < rival.making.lowest_nonce
        ):
            # The peer's stays; who made the one that stays deletes the old one.
            end = now + connection.env.settings.replaced_grace
            connection.children.end_at(old, end, DeletionReason.REPLACED)
        else:
            connection.enqueue(DeleteReplaced(old.spi_in, old.config.name), now)

    def _failed(
        self,
        connection: Connection,
        failure: Failure,
        offered_spi: int,
        old: ChildSa | None,
        now: float,
    ) -> None:
        if not failure.notify_type:
            connection.enqueue(DeleteChildren({offered_spi: 0}, self.packet_types), now)
        if old is None:
            return
        if self.rival is None and failure.notify_type == NotifyType.CHILD_SA_NOT_FOUND:
            # The peer does not have it: begin from scratch (§2.25).
            connection.drop_child(old, DeletionReason.PEER)
            connection.enqueue(CreateChild(old.config, connection.children.has_live), now)
        elif self.rival is None and failure.notify_type == NotifyType.NO_ADDITIONAL_SAS:
            # A peer that never rekeys (§1.3): a new IKE SA has to bring new ones.
            old.state = ChildState.LIVE
            connection.renewal.is_due = True
        else:
            self._yield(connection, old, now)

    def abandon(self, connection: Connection) -> None:
        """Withdraw the offer."""
        if self._offer is not None:
            child_request.withdraw(connection, self._offer)
            self._offer = self._draft = None

    def snapshot(self) -> RekeyChildRecord:
        """Describe it for another process (`ike.state`)."""
        rival = self.rival.spi_in if self.rival is not None else None
        (packet_type,) = self.packet_types
        return RekeyChildRecord(
            self.spi_in,
            packet_type,
            self.cancelled,
            rival,
            self.rival_nonce,
            self._began,
            self._offer,
            self._nonce,
            self._draft,
        )

    @classmethod
    def restore(cls, record: RekeyChildRecord, rival: ChildSa | None, base: int) -> RekeyChild:
        """Make the one that `snapshot` described; `base` is added to sequence numbers."""
        task = cls(record.spi_in, record.packet_type)
        task.cancelled = record.cancelled
        task.rival = rival
        task._began = base + record.began
        task._offer = record.offer
        task._nonce = record.nonce
        task._draft = record.draft
        task.rival_nonce = record.rival_nonce
        return task
