"""An IKE SA's move from one pair of addresses to another (RFC 4555 §3.5, RFC 7296 §2.23)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING

from ike import mobike
from ike.codec.chain import find_notify
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.registry import NotifyType
from ike.events import PeerMoved
from ike.exchanges import nat_detection
from ike.mobike import Mobility, Path
from ike.received import Received
from ike.tasks.send_token import SendToken
from ike.types import UdpAddress

if TYPE_CHECKING:
    from ike.connection import Connection


def enable(connection: Connection, *, decides: bool) -> None:
    """Have an IKE SA move as MOBIKE says, from here on."""
    connection.mobility = Mobility(decides, _path(connection))
    connection.channel.follows = False


def bequeath(old: Connection, heir: Connection) -> None:
    """Have a rekeyed IKE SA move as the old one does; who decides stays the same (§2)."""
    if old.mobility is not None:
        heir.mobility = Mobility(
            old.mobility.decides, old.mobility.path, old.mobility.peer_addresses
        )
        heir.channel.follows = False


def announce(connection: Connection) -> list[Payload]:
    """Say where we send from and to, for NATs in between to be noticed."""
    channel = connection.channel
    spis = channel.initiator_spi, channel.responder_spi
    return nat_detection.announce(*spis, channel.local, channel.remote)


def take_nat_status(
    connection: Connection, payloads: Sequence[Payload], local: UdpAddress, remote: UdpAddress
) -> None:
    """Find out anew which end is behind a NAT, if the peer says where it is."""
    channel = connection.channel
    spis = channel.initiator_spi, channel.responder_spi
    status = nat_detection.detect(payloads, *spis, local, remote)
    if status.supported:
        connection.nat = status


def report(connection: Connection) -> None:
    """Tell the data plane where ESP goes now, if that has changed."""
    mobility, path = connection.mobility, _path(connection)
    if mobility is not None:
        if mobility.path == path:
            return
        if mobility.path.remote.address != path.remote.address:
            connection.tasks.add(SendToken())
        mobility.path = path
    connection.events.append(
        PeerMoved(
            connection.peer.name,
            tuple(connection.children),
            path.remote,
            path.local,
            path.encapsulated,
        )
    )


def note_answer(connection: Connection, payloads: Sequence[Payload]) -> bool:
    """Tell whether a NAT has changed the address that the peer sees us at (§3.8)."""
    mobility, seen_as = connection.mobility, nat_detection.seen_as(payloads)
    return mobility is not None and bool(seen_as) and seen_as != mobility.seen_as


class Consequence(Enum):
    """What follows from what an INFORMATIONAL says about addresses."""

    NOTHING = auto()
    CHECK = auto()  # whether the peer's new address is its own
    REPORT = auto()  # that ESP goes another way


def answer(connection: Connection, received: Received) -> tuple[list[Payload], Consequence]:
    """Answer what an INFORMATIONAL says about addresses; what follows comes second."""
    mobility, payloads = connection.mobility, received.payloads
    if mobility is None:
        return [], Consequence.NOTHING
    others = mobike.addresses(payloads)
    if others is not None:
        mobility.peer_addresses = others
    answers = [*mobike.echoed_cookies(payloads)]
    consequence = Consequence.NOTHING
    local, remote = received.local, received.remote
    if find_notify(payloads, NotifyType.UPDATE_SA_ADDRESSES) and not mobility.decides:
        if mobike.has_forbidden_nat(payloads, local, remote):
            return [Notify(NotifyType.UNEXPECTED_NAT_DETECTED), *answers], consequence
        if not mobike.is_acceptable(local, remote):
            return [Notify(NotifyType.UNACCEPTABLE_ADDRESSES), *answers], consequence
        consequence = _update(connection, mobility, received)
    if find_notify(payloads, NotifyType.NAT_DETECTION_SOURCE_IP):
        channel = connection.channel
        spis = channel.initiator_spi, channel.responder_spi
        answers += nat_detection.announce(*spis, local, remote)
    return answers, consequence


def _update(connection: Connection, mobility: Mobility, received: Received) -> Consequence:
    """Follow the peer, as far as IKE goes."""
    message_id = received.header.message_id
    if mobility.newest_update is not None and message_id < mobility.newest_update:
        return Consequence.NOTHING  # a newer one has overtaken it
    mobility.newest_update = message_id
    channel = connection.channel
    channel.local, channel.remote = received.local, received.remote
    take_nat_status(connection, received.payloads, received.local, received.remote)
    is_known = mobility.path.remote.address == received.remote.address
    return Consequence.REPORT if is_known else Consequence.CHECK


def _path(connection: Connection) -> Path:
    channel = connection.channel
    return Path(channel.local, channel.remote, connection.nat_detected)
