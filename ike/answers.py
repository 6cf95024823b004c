"""Answering the peer's requests in an established IKE SA."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ike import crash_detection, creation, relocation, succession
from ike.authentication import lifetime
from ike.child_sa import ChildState
from ike.codec.delete import Delete
from ike.codec.errors import ParseError
from ike.codec.payload import Payload
from ike.codec.reader import u32
from ike.codec.registry import ExchangeType, ProtocolId
from ike.events import DeletionReason
from ike.exchanges import configuration, informational
from ike.exchanges.outcome import refuse_critical, refuse_malformed
from ike.received import Received
from ike.relocation import Consequence
from ike.states import State
from ike.tasks.mobike import CheckRoutability
from ike.tasks.rekey_ike_sa import RekeyIkeSa

if TYPE_CHECKING:
    from ike.connection import Connection


def answer(connection: Connection, received: Received, now: float) -> None:
    """Answer one request; a malformed one ends the IKE SA (RFC 7296 §2.21.3)."""
    try:
        if received.error is not None:
            raise received.error
        refused = refuse_critical(received.payloads)
        old = connection.claims
        if old is not None and old.is_usable and _is_about_children(received):
            # So it is the heir for the peer, whatever becomes of our own rekey.
            succession.inherit(old, connection, now, we_delete=False)
        if refused is not None:
            creation.refuse(connection, received, refused)
        elif received.header.exchange_type == ExchangeType.CREATE_CHILD_SA:
            creation.answer_create_child_sa(connection, received, now)
        elif received.header.exchange_type == ExchangeType.IKE_FOLLOWUP_KE:
            creation.answer_followup_ke(connection, received, now)
        else:
            _informational(connection, received, now)
    except ParseError as error:
        creation.refuse(connection, received, refuse_malformed(error))
        connection.close(DeletionReason.PROTOCOL_ERROR)


def _is_about_children(received: Received) -> bool:
    return received.header.exchange_type == ExchangeType.CREATE_CHILD_SA or any(
        isinstance(p, Delete) and p.protocol == ProtocolId.ESP for p in received.payloads
    )


def _informational(connection: Connection, received: Received, now: float) -> None:
    informed = informational.read_request(received.payloads)
    connection.peer_token = crash_detection.read(received.payloads) or connection.peer_token
    announced = lifetime.read(received.payloads)
    if announced is not None and connection.renewal.is_ours:
        margin = connection.env.settings.rekey_margin
        heard_at = connection.channel.heard_at
        held_to = lifetime.held_to(announced, margin)
        connection.renewal.shorten(held_to, connection.env, heard_at)
    if informed.gave_up:
        connection.channel.respond(received, ())
        connection.close(DeletionReason.PROTOCOL_ERROR)
        return
    if not informed.ends_ike_sa:
        payloads = _delete_children(connection, informed.spis_out)
        payloads += configuration.answer(
            received.payloads, connection.env.settings.application_version
        )
        about_addresses, consequence = relocation.answer(connection, received)
        connection.channel.respond(received, [*payloads, *about_addresses])
        if consequence is Consequence.REPORT:
            relocation.report(connection)
        elif consequence is Consequence.CHECK:
            connection.tasks.add_first(CheckRoutability())
        _drop_unknown(connection, informed.unknown_spis_out, now)
        return
    connection.channel.respond(received, ())
    task = next(connection.tasks.under_way(RekeyIkeSa), None)
    rival = task.rival if task is not None else None
    if rival is not None and rival.is_usable and connection.state is State.ESTABLISHED:
        # Our rekey is forgotten, the peer's stands (§2.25.2).
        succession.inherit(connection, rival, connection.channel.heard_at, we_delete=False)
    replaced = connection.state is State.REPLACED
    connection.close(DeletionReason.REPLACED if replaced else DeletionReason.PEER)


def _drop_unknown(connection: Connection, spis_out: Sequence[int], now: float) -> None:
    """Delete CHILD_SAs that the peer says it does not have (INVALID_SPI, RFC 7296 §1.5).

    One that is new, or about to be replaced, it does not know yet, or no more.
    """
    for spi_out in spis_out:
        child = connection.children.by_spi_out(spi_out)
        settled = now - connection.env.settings.retry_interval
        if child is not None and child.state is ChildState.LIVE and child.established_at <= settled:
            connection.delete_children((child,), DeletionReason.PEER, now)


def _delete_children(connection: Connection, spis_out: Sequence[int]) -> list[Payload]:
    """Delete CHILD_SAs; the answer names our halves of the pairs (RFC 7296 §1.4.1)."""
    spis_in = []
    for spi_out in spis_out:
        child = connection.children.by_spi_out(spi_out)
        if child is None:
            # Unknown, or gone at our end with our own Delete on its way, or one that the peer
            # has made for us: its answer is late, or lost and about to be repeated.
            connection.note_deleted(spi_out)
            continue
        if child.state is not ChildState.DELETING:
            spis_in.append(u32(child.spi_in))
        replaced = child.state in (ChildState.REPLACED, ChildState.DELETING)
        connection.drop_child(child, DeletionReason.REPLACED if replaced else DeletionReason.PEER)
    return [Delete(ProtocolId.ESP, tuple(spis_in))] if spis_in else []
