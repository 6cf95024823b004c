"""Making a further CHILD_SA (RFC 7296 §1.3.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ike.codec.payload import Payload
from ike.codec.registry import ExchangeType, NotifyType
from ike.config import ChildConfig
from ike.events import AttemptFailed
from ike.exchanges import create_child_sa
from ike.exchanges.child import ChildDraft, ChildOffer
from ike.exchanges.outcome import Failure
from ike.state.records import CreateChildRecord
from ike.tasks import child_request, followup
from ike.tasks.base import Request
from ike.tasks.delete import DeleteChildren

if TYPE_CHECKING:
    from ike.connection import Connection

_TRIES = 4  # while the peer answers that it cannot for now
_PASSING = frozenset({NotifyType.TEMPORARY_FAILURE, NotifyType.STATE_NOT_FOUND})


class CreateChild:
    """A CHILD_SA for `config`.

    Args:
        config: what it is to protect.
        is_live: tells whether the CHILD_SA of that name is there already, in any IKE SA.

    Attributes:
        packet_types: see `Task`; `goes_alone` too.
        cancelled: nobody wants it any more; if the peer makes it, it is deleted at once.
    """

    goes_alone = False

    def __init__(self, config: ChildConfig, is_live: Callable[[str], bool]) -> None:
        self.config = config
        self.packet_types = frozenset({config.name})
        self.cancelled = False
        self._is_live = is_live
        self._tries = 0
        self._began = 0
        self._offer: ChildOffer | None = None
        self._nonce = b""
        self._draft: ChildDraft | None = None

    def begin(self, connection: Connection, now: float) -> Request | None:
        """Make the request, unless the peer has made the CHILD_SA meanwhile, or wants no more.

        In the last case the owner finds another IKE SA.
        """
        if self.cancelled or connection.is_full or self._is_live(self.config.name):
            self.abandon(connection)
            return None
        if self._draft is not None:
            return followup.request(self._draft)
        env = connection.env
        self._began = env.next_sequence()
        self._nonce = env.nonce()
        if self._offer is None:
            self._offer = child_request.make_offer(connection, self.config)
        payloads = create_child_sa.build_request(self._offer, self._nonce)
        return Request(ExchangeType.CREATE_CHILD_SA, payloads)

    def finish(self, connection: Connection, payloads: Sequence[Payload], now: float) -> None:
        """Take the answer.

        Raises:
            ParseError: a payload is missing.
        """
        offer = self._offer
        assert offer is not None
        outcome = child_request.read(connection, offer, self._nonce, self._draft, payloads)
        if isinstance(outcome, ChildOffer):
            self._offer = outcome
            connection.go_on(self, now)
        elif isinstance(outcome, Failure):
            self._failed(connection, outcome, offer.spi_in, now)
        elif outcome.methods:
            self._draft = followup.begin(outcome, connection.env.random_bytes)
            connection.go_on(self, now)
        elif self.cancelled:
            self.abandon(connection)
            spis = {offer.spi_in: outcome.agreement().spi_out}
            connection.enqueue(DeleteChildren(spis, self.packet_types), now)
        else:
            self._offer = self._draft = None
            connection.add_child(outcome.agreement(), self._began, now)

    def _failed(self, connection: Connection, failure: Failure, spi_in: int, now: float) -> None:
        self.abandon(connection)
        if not failure.notify_type:
            # The peer thinks that all went well: it has a CHILD_SA that we must not use.
            connection.enqueue(DeleteChildren({spi_in: 0}, self.packet_types), now)
        self._tries += 1
        if failure.notify_type in _PASSING and self._tries < _TRIES:
            connection.retry_later(self, now)
        elif failure.notify_type == NotifyType.NO_ADDITIONAL_SAS:
            connection.is_full = True
        elif not self.cancelled:
            connection.events.append(
                AttemptFailed(
                    self.config.name, connection.peer.name, failure.reason, failure.detail
                )
            )

    def abandon(self, connection: Connection) -> None:
        """Withdraw the offer."""
        if self._offer is not None:
            child_request.withdraw(connection, self._offer)
            self._offer = self._draft = None

    def snapshot(self) -> CreateChildRecord:
        """Describe it for another process (`ike.state`)."""
        return CreateChildRecord(
            self.config,
            self.cancelled,
            self._tries,
            self._began,
            self._offer,
            self._nonce,
            self._draft,
        )

    @classmethod
    def restore(
        cls, record: CreateChildRecord, is_live: Callable[[str], bool], base: int
    ) -> CreateChild:
        """Make the one that `snapshot` described; `base` is added to sequence numbers."""
        task = cls(record.config, is_live)
        task.cancelled = record.cancelled
        task._tries = record.tries
        task._began = base + record.began
        task._offer = record.offer
        task._nonce = record.nonce
        task._draft = record.draft
        return task
