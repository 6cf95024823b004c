"""Making a further CHILD_SA (RFC 7296 §1.3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ike.codec.payload import Payload
from ike.codec.registry import ExchangeType
from ike.config import ChildConfig
from ike.events import AttemptFailed
from ike.exchanges import create_child_sa
from ike.exchanges.child import ChildOffer
from ike.exchanges.outcome import Failure
from ike.tasks.base import Request
from ike.tasks.delete import DeleteChildren

if TYPE_CHECKING:
    from ike.connection import Connection


class CreateChild:
    """A CHILD_SA for `config`.

    Attributes:
        cancelled: nobody wants it any more; if the peer makes it, it is deleted at once.
        began: the sequence number of the request.
    """

    def __init__(self, config: ChildConfig, offer: ChildOffer | None = None) -> None:
        self.config = config
        self.cancelled = False
        self.began = 0
        self._offer = offer
        self._nonce = b""

    def begin(self, connection: Connection, now: float) -> Request | None:
        """Make the request, unless the peer has made the CHILD_SA meanwhile."""
        if self.cancelled or connection.live_child(self.config.name):
            self.abandon(connection)
            return None
        env = connection.env
        self.began = env.next_sequence()
        self._nonce = env.nonce()
        if self._offer is None:
            spi_in = env.allocate_esp_spi()
            self._offer = create_child_sa.make_offer(self.config, spi_in, env.random_bytes)
        payloads = create_child_sa.build_request(self._offer, self._nonce)
        return Request(ExchangeType.CREATE_CHILD_SA, payloads)

    def finish(self, connection: Connection, payloads: Sequence[Payload], now: float) -> None:
        """Take the answer.

        Raises:
            ParseError: a payload is missing.
        """
        offer = self._offer
        assert offer is not None
        outcome = create_child_sa.read_response(
            offer,
            self._nonce,
            payloads,
            connection.suite.prf,
            connection.keys.sk_d,
            connection.env.random_bytes,
        )
        if isinstance(outcome, ChildOffer):
            self._offer = outcome
            connection.retry(self)
            return
        if isinstance(outcome, Failure):
            self.abandon(connection)
            if not outcome.notify_type:
                # The peer thinks that all went well: it has a CHILD_SA that we must not use.
                connection.enqueue(DeleteChildren((offer.spi_in,)), now)
            if not self.cancelled:
                connection.events.append(
                    AttemptFailed(
                        self.config.name, connection.peer.name, outcome.reason, outcome.detail
                    )
                )
            return
        self._offer = None
        if self.cancelled:
            connection.env.release_esp_spi(offer.spi_in)
            connection.enqueue(DeleteChildren((offer.spi_in,)), now)
            return
        connection.add_child(outcome, self.began, now)

    def abandon(self, connection: Connection) -> None:
        """Give the SPI back."""
        if self._offer is not None:
            connection.env.release_esp_spi(self._offer.spi_in)
            self._offer = None
