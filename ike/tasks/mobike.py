"""What we ask of a peer with MOBIKE (RFC 4555): to follow us, and to show that it is there."""

from __future__ import annotations

from collections.abc import Sequence
from hmac import compare_digest
from typing import TYPE_CHECKING

from ike import relocation
from ike.codec.chain import find_notify
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.registry import ExchangeType, NotifyType
from ike.events import DeletionReason
from ike.exchanges import nat_detection
from ike.mobike import COOKIE_LENGTH
from ike.state.records import CheckRoutabilityRecord, UpdateAddressesRecord
from ike.tasks.base import Request
from ike.types import UdpAddress

if TYPE_CHECKING:
    from ike.connection import Connection

_REFUSALS = (NotifyType.UNACCEPTABLE_ADDRESSES, NotifyType.UNEXPECTED_NAT_DETECTED)


class UpdateAddresses:
    """UPDATE_SA_ADDRESSES (§3.5): where we are now.

    Attributes:
        packet_types: see `Task`; `goes_alone` too.
    """

    packet_types: frozenset[str] = frozenset()
    goes_alone = False

    def __init__(self, local: UdpAddress | None = None, remote: UdpAddress | None = None) -> None:
        self._local = local
        self._remote = remote

    def begin(self, connection: Connection, now: float) -> Request | None:
        """Make the request."""
        if connection.mobility is None:
            return None
        self._local, self._remote = connection.channel.local, connection.channel.remote
        payloads = [Notify(NotifyType.UPDATE_SA_ADDRESSES), *relocation.announce(connection)]
        return Request(ExchangeType.INFORMATIONAL, payloads)

    def finish(self, connection: Connection, payloads: Sequence[Payload], now: float) -> None:
        """Have the data plane follow, or give up if the peer does not.

        If we have moved again meanwhile, the answer may be about either address (§3.5).
        """
        channel = connection.channel
        if any(find_notify(payloads, refusal) for refusal in _REFUSALS):
            connection.delete(DeletionReason.UNREACHABLE, now)
        elif (channel.local, channel.remote) != (self._local, self._remote):
            connection.tasks.add_first(UpdateAddresses())
        else:
            relocation.take_nat_status(connection, payloads, channel.local, channel.remote)
            if connection.mobility is not None:
                connection.mobility.seen_as = nat_detection.seen_as(payloads)
            relocation.report(connection)

    def abandon(self, connection: Connection) -> None:
        """Hold nothing."""

    def snapshot(self) -> UpdateAddressesRecord:
        """Describe it for another process (`ike.state`)."""
        return UpdateAddressesRecord(self._local, self._remote)


class CheckRoutability:
    """COOKIE2 (§3.7): whether the peer gets what we send to its new address.

    Attributes:
        packet_types: see `Task`; `goes_alone` too.
    """

    packet_types: frozenset[str] = frozenset()
    goes_alone = False

    def __init__(self, cookie: bytes = b"", remote: UdpAddress | None = None) -> None:
        self._cookie = cookie
        self._remote = remote

    def begin(self, connection: Connection, now: float) -> Request | None:
        """Make the request."""
        self._cookie = connection.env.random_bytes(COOKIE_LENGTH)
        self._remote = connection.channel.remote
        return Request(ExchangeType.INFORMATIONAL, (Notify(NotifyType.COOKIE2, self._cookie),))

    def finish(self, connection: Connection, payloads: Sequence[Payload], now: float) -> None:
        """Have the data plane follow; whoever has not got the cookie is not the peer."""
        echo = find_notify(payloads, NotifyType.COOKIE2)
        if echo is None or not compare_digest(echo.data, self._cookie):
            connection.delete(DeletionReason.PROTOCOL_ERROR, now)
        elif connection.channel.remote != self._remote:
            connection.tasks.add_first(CheckRoutability())  # the cookie went to another address
        else:
            relocation.report(connection)

    def abandon(self, connection: Connection) -> None:
        """Hold nothing."""

    def snapshot(self) -> CheckRoutabilityRecord:
        """Describe it for another process (`ike.state`)."""
        return CheckRoutabilityRecord(self._cookie, self._remote)
