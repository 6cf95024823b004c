"""Asking whether the peer is there (RFC 7296 §1.4, §2.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ike import relocation
from ike.codec.payload import Payload
from ike.codec.registry import ExchangeType
from ike.state.records import CheckLivenessRecord
from ike.tasks.base import Request
from ike.tasks.mobike import UpdateAddresses

if TYPE_CHECKING:
    from ike.connection import Connection


class CheckLiveness:
    """An empty INFORMATIONAL: any answer will do."""

    packet_types: frozenset[str] = frozenset()
    goes_alone = False

    def begin(self, connection: Connection, now: float) -> Request | None:
        """Make the request; behind a NAT, for a change of its mapping to be noticed too."""
        mobility = connection.mobility
        follows = mobility is not None and mobility.decides and connection.nat.local
        payloads = relocation.announce(connection) if follows else ()
        return Request(ExchangeType.INFORMATIONAL, payloads)

    def finish(self, connection: Connection, payloads: Sequence[Payload], now: float) -> None:
        """Be content: the channel has noted the time. Tell the peer of a new NAT mapping."""
        if relocation.note_answer(connection, payloads):
            connection.tasks.add_first(UpdateAddresses())

    def abandon(self, connection: Connection) -> None:
        """Hold nothing."""

    def snapshot(self) -> CheckLivenessRecord:
        """Describe it for another process (`ike.state`)."""
        return CheckLivenessRecord()
