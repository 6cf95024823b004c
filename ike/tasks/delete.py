"""Asking the peer for the end of SAs (RFC 7296 §1.4.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ike.child_sa import ChildState
from ike.codec.payload import Payload
from ike.codec.registry import ExchangeType
from ike.events import DeletionReason
from ike.exchanges import informational
from ike.state.records import DeleteChildrenRecord, DeleteIkeSaRecord, DeleteReplacedRecord
from ike.tasks.base import Request

if TYPE_CHECKING:
    from ike.connection import Connection


class DeleteChildren:
    """The end of CHILD_SAs that are gone at our end already.

    Attributes:
        spis: outbound SPIs by inbound ones.
        packet_types: what they protected; `goes_alone`: see `Task`.
    """

    goes_alone = False

    def __init__(self, spis: Mapping[int, int], packet_types: Iterable[str]) -> None:
        self.spis = spis
        self.packet_types = frozenset(packet_types)

    def begin(self, connection: Connection, now: float) -> Request | None:
        """Make the request."""
        payloads = informational.delete_children(self.spis)
        return Request(ExchangeType.INFORMATIONAL, payloads)

    def finish(self, connection: Connection, payloads: Sequence[Payload], now: float) -> None:
        """Be content: whatever the peer answers, they are gone."""

    def abandon(self, connection: Connection) -> None:
        """Hold nothing."""

    def snapshot(self) -> DeleteChildrenRecord:
        """Describe it for another process (`ike.state`)."""
        return DeleteChildrenRecord(tuple(self.spis.items()), self.packet_types)


class DeleteReplaced:
    """The end of a CHILD_SA that we have rekeyed; it is there until the peer has answered."""

    goes_alone = False

    def __init__(self, spi_in: int, packet_type: str) -> None:
        self.spi_in = spi_in
        self.packet_types = frozenset({packet_type})

    def begin(self, connection: Connection, now: float) -> Request | None:
        """Make the request, unless the peer has deleted it meanwhile."""
        child = connection.children.get(self.spi_in)
        if child is None:
            return None
        child.state = ChildState.DELETING
        return Request(ExchangeType.INFORMATIONAL, informational.delete_children((self.spi_in,)))

    def finish(self, connection: Connection, payloads: Sequence[Payload], now: float) -> None:
        """Drop it."""
        child = connection.children.get(self.spi_in)
        if child is not None:
            connection.drop_child(child, DeletionReason.REPLACED)

    def abandon(self, connection: Connection) -> None:
        """Hold nothing."""

    def snapshot(self) -> DeleteReplacedRecord:
        """Describe it for another process (`ike.state`)."""
        (packet_type,) = self.packet_types
        return DeleteReplacedRecord(self.spi_in, packet_type)


class DeleteIkeSa:
    """The end of the IKE SA."""

    packet_types: frozenset[str] = frozenset()
    goes_alone = True

    message = (ExchangeType.INFORMATIONAL, informational.delete_ike_sa())

    def begin(self, connection: Connection, now: float) -> Request | None:
        """Make the request."""
        return Request(*self.message)

    def finish(self, connection: Connection, payloads: Sequence[Payload], now: float) -> None:
        """Close."""
        connection.close(DeletionReason.LOCAL)

    def abandon(self, connection: Connection) -> None:
        """Hold nothing."""

    def snapshot(self) -> DeleteIkeSaRecord:
        """Describe it for another process (`ike.state`)."""
        return DeleteIkeSaRecord()
