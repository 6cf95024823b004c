"""Giving the peer our token of quick crash detection anew (RFC 6290 §4.3, §4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ike.codec.payload import Payload
from ike.codec.registry import ExchangeType
from ike.state.records import SendTokenRecord
from ike.tasks.base import Request

if TYPE_CHECKING:
    from ike.connection import Connection


class SendToken:
    """An INFORMATIONAL with the token for the SPIs and the address that the peer has now.

    Attributes:
        packet_types: see `Task`; `goes_alone` too.
    """

    packet_types: frozenset[str] = frozenset()
    goes_alone = False

    def begin(self, connection: Connection, now: float) -> Request | None:
        """Make the request, if we have a secret for tokens."""
        token = connection.own_token
        return Request(ExchangeType.INFORMATIONAL, token) if token else None

    def finish(self, connection: Connection, payloads: Sequence[Payload], now: float) -> None:
        """Be content."""

    def abandon(self, connection: Connection) -> None:
        """Hold nothing."""

    def snapshot(self) -> SendTokenRecord:
        """Describe it for another process (`ike.state`)."""
        return SendTokenRecord()
