"""Rekeying the IKE SA (RFC 7296 §1.3.2, §2.8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ike import crash_detection, succession
from ike.codec.payload import Payload
from ike.codec.registry import ExchangeType, NotifyType
from ike.events import DeletionReason, Role
from ike.exchanges import ike_sa_init, rekey_ike_sa
from ike.exchanges.ike_sa_init import InitOffer
from ike.exchanges.outcome import Failure
from ike.exchanges.rekey_ike_sa import IkeSaDraft, OldKeys
from ike.state.records import RekeyIkeSaRecord
from ike.states import State
from ike.tasks import followup
from ike.tasks.base import Request

if TYPE_CHECKING:
    from ike.connection import Connection


class RekeyIkeSa:
    """A new IKE SA in the place of the one that carries the request.

    Attributes:
        rival: the IKE SA that the peer has made in its place meanwhile (§2.8.2).
        rival_nonce: the lowest nonce of the one that it has made, or is about to make.
    """

    packet_types: frozenset[str] = frozenset()
    goes_alone = True

    def __init__(self) -> None:
        self.rival: Connection | None = None
        self._began = 0
        self._offer: InitOffer | None = None
        self.rival_nonce: bytes | None = None
        self._draft: IkeSaDraft | None = None

    def begin(self, connection: Connection, now: float) -> Request | None:
        """Make the request, unless the peer has rekeyed the IKE SA meanwhile."""
        if connection.state is not State.ESTABLISHED:
            self.abandon(connection)
            return None
        if self._draft is not None:
            return followup.request(self._draft)
        env = connection.env
        self._began = env.next_sequence()
        if self._offer is None:
            self._offer = ike_sa_init.make_offer(
                env.allocate_ike_spi(), env.nonce(), connection.peer.proposals, env.random_bytes
            )
        payloads = rekey_ike_sa.build_request(self._offer)
        return Request(ExchangeType.CREATE_CHILD_SA, payloads)

    def finish(self, connection: Connection, payloads: Sequence[Payload], now: float) -> None:
        """Take the answer.

        Raises:
            ParseError: a payload is missing.
        """
        outcome, env = self._read(connection, payloads), connection.env
        if isinstance(outcome, InitOffer):
            self._offer = outcome
            connection.go_on(self, now)
        elif isinstance(outcome, Failure):
            if outcome.notify_type == NotifyType.NO_ADDITIONAL_SAS and self.rival is None:
                # A peer that never rekeys (RFC 7296 §1.3): begin again from the start.
                self.abandon(connection)
                connection.renewal.is_due = True
            else:
                self._yield(connection, now)
        elif outcome.methods:
            if self.rival_nonce is not None and outcome.lowest_nonce < self.rival_nonce:
                # The peer's stays; ours is not there yet, and never will be (RFC 9370 §2.2.4).
                self._yield(connection, now)
                return
            self._draft = followup.begin(outcome, env.random_bytes)
            connection.go_on(self, now)
        else:
            new = self._spawn(connection, outcome, now)
            new.peer_token = crash_detection.read(payloads)
            rival = self.rival
            if rival is not None and rival.is_usable and new.lowest_nonce < rival.lowest_nonce:
                # The peer's stays. It deletes the old one, we delete ours.
                succession.inherit(connection, rival, now, we_delete=False)
                new.delete(DeletionReason.DUPLICATE, now)
                return
            succession.inherit(connection, new, now, we_delete=True)
            if rival is not None:
                rival.claims = None
                rival.end_at(now + env.settings.duplicate_grace, DeletionReason.DUPLICATE)

    def finish_unwanted(
        self, connection: Connection, payloads: Sequence[Payload], now: float
    ) -> None:
        """Take the answer though the IKE SA is being deleted: the peer has the new one now.

        Raises:
            ParseError: a payload is missing.
        """
        outcome = self._read(connection, payloads)
        if isinstance(outcome, IkeSaDraft) and not outcome.methods:
            new = self._spawn(connection, outcome, now)
            new.delete(connection.ended_by or DeletionReason.LOCAL, now)
            new.events.clear()  # it is over before anybody has heard of it
        else:
            self.abandon(connection)

    def _read(
        self, connection: Connection, payloads: Sequence[Payload]
    ) -> IkeSaDraft | InitOffer | Failure:
        assert self._offer is not None
        if self._draft is not None:
            return followup.read(self._draft, payloads)
        old = OldKeys(connection.suite.prf, connection.keys.sk_d)
        random_bytes = connection.env.random_bytes
        return rekey_ike_sa.read_response(self._offer, payloads, old, random_bytes)

    def _spawn(self, connection: Connection, draft: IkeSaDraft, now: float) -> Connection:
        self._offer = self._draft = None
        agreement = draft.agreement()
        return succession.spawn(connection, agreement, Role.INITIATOR, self._began, now)

    def _yield(self, connection: Connection, now: float) -> None:
        """Leave the IKE SA to the peer's rekey, or keep it until that is done."""
        self.abandon(connection)
        if self.rival is not None and self.rival.is_usable:
            succession.inherit(connection, self.rival, now, we_delete=False)
        else:
            connection.rekey_at = now + connection.env.retry_after(now, connection.expire_at)

    def abandon(self, connection: Connection) -> None:
        """Give the SPI back."""
        if self._offer is not None:
            connection.env.release_ike_spi(self._offer.spi)
            self._offer = self._draft = None

    def snapshot(self) -> RekeyIkeSaRecord:
        """Describe it for another process (`ike.state`)."""
        rival = self.rival.channel.own_spi if self.rival is not None else None
        return RekeyIkeSaRecord(rival, self.rival_nonce, self._began, self._offer, self._draft)

    @classmethod
    def restore(cls, record: RekeyIkeSaRecord, rival: Connection | None, base: int) -> RekeyIkeSa:
        """Make the one that `snapshot` described; `base` is added to sequence numbers."""
        task = cls()
        task.rival = rival
        task._began = base + record.began
        task._offer = record.offer
        task._draft = record.draft
        task.rival_nonce = record.rival_nonce
        return task
