"""What a connection reports: its events, and what an operator can be shown of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ike.authentication.proof import expected, presented
from ike.child_sa import ChildSa
from ike.events import (
    ChildSaDeleted,
    ChildSaEstablished,
    ChildSaOffered,
    ChildSaOfferEnded,
    DeletionReason,
    IkeSaClosed,
    IkeSaEstablished,
    Role,
)
from ike.exchanges.child import ChildAgreement
from ike.info import ChildSaInfo, IkeSaInfo

if TYPE_CHECKING:
    from ike.connection import Connection


def ike_sa_established(connection: Connection) -> IkeSaEstablished:
    """Report that both peers are authenticated, or that the IKE SA is a rekeyed one."""
    channel = connection.channel
    return IkeSaEstablished(
        connection.peer.name,
        connection.role,
        channel.initiator_spi,
        channel.responder_spi,
        channel.local,
        channel.remote,
        connection.peer.remote_identity,
        connection.nat_detected,
    )


def ike_sa_closed(connection: Connection, reason: DeletionReason) -> IkeSaClosed:
    """Report the end of the IKE SA."""
    channel = connection.channel
    return IkeSaClosed(connection.peer.name, channel.initiator_spi, channel.responder_spi, reason)


def child_sa_offered(connection: Connection, child: str, spi_in: int) -> ChildSaOffered:
    """Report that the peer may send by an inbound SPI, whose keys are not known yet."""
    return ChildSaOffered(child, connection.peer.name, spi_in, connection.channel.local)


def child_sa_offer_ended(connection: Connection, child: str, spi_in: int) -> ChildSaOfferEnded:
    """Report that an offer has come to nothing."""
    return ChildSaOfferEnded(child, connection.peer.name, spi_in)


def child_sa_established(
    connection: Connection, agreement: ChildAgreement, lifetime: float, replaces: int | None
) -> ChildSaEstablished:
    """Report a new CHILD_SA, with its keys; `lifetime` in seconds until it is rekeyed."""
    outbound, inbound = agreement.keys.initiator, agreement.keys.responder
    if agreement.role is Role.RESPONDER:
        outbound, inbound = inbound, outbound
    suite, channel = agreement.suite, connection.channel
    return ChildSaEstablished(
        agreement.config.name,
        connection.peer.name,
        agreement.role,
        agreement.spi_in,
        agreement.spi_out,
        suite.encryption,
        suite.key_bits,
        inbound.key,
        inbound.salt,
        outbound.key,
        outbound.salt,
        agreement.local,
        agreement.remote,
        channel.local,
        channel.remote,
        connection.nat_detected,
        lifetime,
        replaces,
        suite.integrity,
        inbound.integrity_key,
        outbound.integrity_key,
        agreement.mode,
        suite.extended_sequence_numbers,
    )


def child_sa_deleted(
    connection: Connection, child: ChildSa, reason: DeletionReason
) -> ChildSaDeleted:
    """Report the end of a CHILD_SA."""
    return ChildSaDeleted(
        child.config.name, connection.peer.name, child.spi_in, child.spi_out, reason
    )


def info(connection: Connection) -> IkeSaInfo:
    """Describe a connection for an operator."""
    channel = connection.channel
    children = tuple(
        ChildSaInfo(
            c.config.name,
            c.spi_in,
            c.spi_out,
            str(c.suite),
            c.established_at,
            c.rekey_at,
            c.more_selectors,
            c.mode,
            c.tfc_padding,
        )
        for c in connection.children.values()
    )
    return IkeSaInfo(
        connection.peer.name,
        connection.role,
        connection.state,
        channel.initiator_spi,
        channel.responder_spi,
        channel.local,
        channel.remote,
        str(connection.suite),
        connection.nat_detected,
        connection.established_at,
        connection.rekey_at,
        children,
        local_identity=connection.peer.local_identity,
        remote_identity=connection.peer.remote_identity,
        local_authentication=presented(connection.peer.local_authentication),
        remote_authentication=expected(connection.peer.remote_authentication),
        features=_features(connection),
        vendor_ids=channel.vendor_ids,
        retransmissions=channel.retransmissions,
        http_certificates=channel.http_certificates,
        reauthenticate_at=connection.renewal.begin_at,
        authenticated_until=connection.renewal.ends_at,
    )


def _features(connection: Connection) -> tuple[str, ...]:
    channel = connection.channel
    features = ["fragmentation"] if channel.fragmentation else []
    if channel.peer_window > 1:
        features.append(f"window of {channel.peer_window}")
    if connection.has_ppk:
        features.append("PPK")
    if connection.mobility is not None:
        features.append("MOBIKE")
    return tuple(features)
