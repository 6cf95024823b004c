"""Answering the peer's requests in an established IKE SA."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ike.channel import Received
from ike.codec.chain import find_notify
from ike.codec.delete import Delete
from ike.codec.errors import ParseError
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u32
from ike.codec.registry import ExchangeType, NotifyType, ProtocolId
from ike.events import DeletionReason, PeerRefused
from ike.exchanges import create_child_sa, informational
from ike.exchanges.outcome import Refusal, refuse_critical, refuse_malformed
from ike.states import State

if TYPE_CHECKING:
    from ike.connection import Connection


def answer(connection: Connection, received: Received, now: float) -> None:
    """Answer one request; a malformed one ends the IKE SA (RFC 7296 §2.21.3)."""
    try:
        if received.error is not None:
            raise received.error
        if received.header.exchange_type == ExchangeType.CREATE_CHILD_SA:
            _create_child_sa(connection, received, now)
        else:
            _informational(connection, received)
    except ParseError as error:
        refusal = refuse_malformed(error)
        _refuse(connection, received, refusal)
        connection.close(DeletionReason.PROTOCOL_ERROR)


def _refuse(connection: Connection, received: Received, refusal: Refusal) -> None:
    connection.channel.respond(received, (refusal.notify,))
    connection.events.append(
        PeerRefused(
            connection.peer.name,
            connection.channel.remote.address,
            refusal.reason,
            refusal.detail,
        )
    )


def _create_child_sa(connection: Connection, received: Received, now: float) -> None:
    payloads = received.payloads
    channel = connection.channel
    if connection.state is not State.ESTABLISHED:
        channel.respond(received, (Notify(NotifyType.TEMPORARY_FAILURE),))
        return
    rekeyed = find_notify(payloads, NotifyType.REKEY_SA)
    if rekeyed is not None:
        spi = rekeyed.spi if rekeyed.protocol == ProtocolId.ESP else b""
        notify = Notify(NotifyType.CHILD_SA_NOT_FOUND, b"", ProtocolId.ESP, spi)
        channel.respond(received, (notify,))
        return
    _new_child(connection, received, now)


def _new_child(connection: Connection, received: Received, now: float) -> None:
    env = connection.env
    if len(connection.children) >= env.settings.children_per_ike_sa:
        connection.channel.respond(received, (Notify(NotifyType.NO_ADDITIONAL_SAS),))
        return
    spi_in = env.allocate_esp_spi()
    try:
        answered = create_child_sa.answer_request(
            connection.peer.children,
            received.payloads,
            spi_in,
            env.nonce(),
            connection.suite.prf,
            connection.keys.sk_d,
            env.random_bytes,
        )
    except ParseError:
        env.release_esp_spi(spi_in)
        raise
    if isinstance(answered, Refusal):
        env.release_esp_spi(spi_in)
        _refuse(connection, received, answered)
        return
    connection.channel.respond(received, answered.payloads)
    connection.add_child(answered.agreement, env.next_sequence(), now)


def _informational(connection: Connection, received: Received) -> None:
    refused = refuse_critical(received.payloads)
    if refused is not None:
        _refuse(connection, received, refused)
        return
    informed = informational.read_request(received.payloads)
    if informed.ends_ike_sa:
        connection.channel.respond(received, ())
        connection.close(DeletionReason.PEER)
        return
    connection.channel.respond(received, _delete_children(connection, informed.spis_out))


def _delete_children(connection: Connection, spis_out: Sequence[int]) -> list[Payload]:
    """Delete CHILD_SAs; the answer names our halves of the pairs (RFC 7296 §1.4.1)."""
    spis_in = []
    for spi_out in spis_out:
        child = connection.child_by_spi_out(spi_out)
        if child is None:
            continue  # unknown, or gone at our end with our own Delete on its way
        spis_in.append(u32(child.spi_in))
        connection.drop_child(child, DeletionReason.PEER)
    return [Delete(ProtocolId.ESP, tuple(spis_in))] if spis_in else []
