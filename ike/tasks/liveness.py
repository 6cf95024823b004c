"""Asking whether the peer is there (RFC 7296 §1.4, §2.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ike.codec.payload import Payload
from ike.codec.registry import ExchangeType
from ike.state.records import CheckLivenessRecord
from ike.tasks.base import Request

if TYPE_CHECKING:
    from ike.connection import Connection


class CheckLiveness:
    """An empty INFORMATIONAL: any answer will do."""

    packet_types: frozenset[str] = frozenset()
    goes_alone = False

    def begin(self, connection: Connection, now: float) -> Request | None:
        """Make the request."""
        return Request(ExchangeType.INFORMATIONAL, ())

    def finish(self, connection: Connection, payloads: Sequence[Payload], now: float) -> None:
        """Be content: the channel has noted the time."""

    def abandon(self, connection: Connection) -> None:
        """Hold nothing."""

    def snapshot(self) -> CheckLivenessRecord:
        """Describe it for another process (`ike.state`)."""
        return CheckLivenessRecord()
