"""Asking the peer for the end of SAs (RFC 7296 §1.4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ike.codec.payload import Payload
from ike.codec.registry import ExchangeType
from ike.events import DeletionReason
from ike.exchanges import informational
from ike.tasks.base import Request

if TYPE_CHECKING:
    from ike.connection import Connection


class DeleteChildren:
    """The end of CHILD_SAs that are gone at our end already, by inbound SPI."""

    def __init__(self, spis_in: tuple[int, ...]) -> None:
        self.spis_in = spis_in

    def begin(self, connection: Connection, now: float) -> Request | None:
        """Make the request."""
        payloads = informational.delete_children(self.spis_in)
        return Request(ExchangeType.INFORMATIONAL, payloads)

    def finish(self, connection: Connection, payloads: Sequence[Payload], now: float) -> None:
        """Be content: whatever the peer answers, they are gone."""

    def abandon(self, connection: Connection) -> None:
        """Hold nothing."""


class DeleteIkeSa:
    """The end of the IKE SA."""

    message = (ExchangeType.INFORMATIONAL, informational.delete_ike_sa())

    def begin(self, connection: Connection, now: float) -> Request | None:
        """Make the request."""
        return Request(*self.message)

    def finish(self, connection: Connection, payloads: Sequence[Payload], now: float) -> None:
        """Close."""
        connection.close(DeletionReason.LOCAL)

    def abandon(self, connection: Connection) -> None:
        """Hold nothing."""
