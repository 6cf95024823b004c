"""Answering the peer's requests in an established IKE SA."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ike import crash_detection, succession
from ike.authentication import lifetime
from ike.channel import Received
from ike.child_sa import ChildSa, ChildState
from ike.codec.chain import find, find_notify
from ike.codec.delete import Delete
from ike.codec.errors import ParseError
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u32
from ike.codec.registry import ExchangeType, NotifyType, ProtocolId
from ike.codec.security_association import SecurityAssociation
from ike.config import ChildConfig
from ike.events import DeletionReason, PeerRefused, Role
from ike.exchanges import create_child_sa, informational, rekey_ike_sa
from ike.exchanges.outcome import Refusal, refuse_critical, refuse_malformed
from ike.exchanges.rekey_ike_sa import OldKeys
from ike.states import State
from ike.tasks.create_child import CreateChild
from ike.tasks.delete import DeleteChildren, DeleteReplaced
from ike.tasks.rekey_child import RekeyChild
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
            _refuse(connection, received, refused)
        elif received.header.exchange_type == ExchangeType.CREATE_CHILD_SA:
            _create_child_sa(connection, received, now)
        else:
            _informational(connection, received)
    except ParseError as error:
        _refuse(connection, received, refuse_malformed(error))
        connection.close(DeletionReason.PROTOCOL_ERROR)


def _is_about_children(received: Received) -> bool:
    return received.header.exchange_type == ExchangeType.CREATE_CHILD_SA or any(
        isinstance(p, Delete) and p.protocol == ProtocolId.ESP for p in received.payloads
    )


def _refuse(connection: Connection, received: Received, refusal: Refusal) -> None:
    connection.channel.respond(received, (refusal.notify,))
    if refusal.notify.notify_type != NotifyType.INVALID_KE_PAYLOAD:
        connection.events.append(
            PeerRefused(
                connection.peer.name,
                connection.channel.remote.address,
                refusal.reason,
                refusal.detail,
            )
        )


def _create_child_sa(connection: Connection, received: Received, now: float) -> None:
    """Find out what is asked for, and whether it can be done now (§2.25)."""
    if connection.state is not State.ESTABLISHED:
        _not_now(connection, received)
        return
    offered = find(received.payloads, SecurityAssociation)
    if offered is not None and offered.proposals[0].protocol == ProtocolId.IKE:
        _rekey_ike_sa(connection, received, now)
        return
    if connection.tasks.is_under_way(RekeyIkeSa):
        _not_now(connection, received)
        return
    rekey = find_notify(received.payloads, NotifyType.REKEY_SA)
    limit = connection.env.settings.children_per_ike_sa
    if len(connection.children) >= (limit if rekey is None else 2 * limit):
        # Twice as many while all are being rekeyed; no more, whatever the peer does not delete.
        connection.channel.respond(received, (Notify(NotifyType.NO_ADDITIONAL_SAS),))
    elif rekey is not None:
        _rekey_child(connection, received, rekey, now)
    else:
        _make_child(connection, received, connection.peer.children, now)


def _not_now(connection: Connection, received: Received) -> None:
    connection.channel.respond(received, (Notify(NotifyType.TEMPORARY_FAILURE),))


def _make_child(
    connection: Connection,
    received: Received,
    configs: Sequence[ChildConfig],
    now: float,
    replaces: ChildSa | None = None,
) -> ChildSa | None:
    env = connection.env
    spi_in = env.allocate_esp_spi()
    try:
        answered = create_child_sa.answer_request(
            configs,
            received.payloads,
            spi_in,
            env.nonce(),
            connection.suite.prf,
            connection.keys.sk_d,
            env.random_bytes,
            allow_transport=connection.allows_transport,
        )
    except ParseError:
        env.release_esp_spi(spi_in)
        raise
    if isinstance(answered, Refusal):
        env.release_esp_spi(spi_in)
        _refuse(connection, received, answered)
        return None
    connection.channel.respond(received, answered.payloads)
    return connection.add_child(answered.agreement, env.next_sequence(), now, replaces)


def _rekey_child(connection: Connection, received: Received, rekey: Notify, now: float) -> None:
    """Answer a rekey of a CHILD_SA (§1.3.3, §2.25.1)."""
    known = rekey.protocol == ProtocolId.ESP and len(rekey.spi) == 4
    spi_out = int.from_bytes(rekey.spi, "big") if known else 0
    old = connection.children.by_spi_out(spi_out) if known else None
    if old is None and not (known and _may_be_known_soon(connection, spi_out)):
        notify = Notify(NotifyType.CHILD_SA_NOT_FOUND, b"", ProtocolId.ESP, rekey.spi)
        connection.channel.respond(received, (notify,))
        return
    if old is None or not old.is_live:
        _not_now(connection, received)
        return
    new = _make_child(connection, received, (old.config,), now, old)
    if new is None:
        return
    if old.expire_reason is DeletionReason.DUPLICATE and old.expire_at is not None:
        new.end_at(old.expire_at, DeletionReason.DUPLICATE)
    ours = [t for t in connection.tasks.under_way(RekeyChild) if t.spi_in == old.spi_in]
    if ours:
        ours[0].rival = new
    else:
        old.state = ChildState.REPLACED
        grace = connection.env.settings.replaced_grace
        old.end_at(now + grace, DeletionReason.REPLACED)


def _may_be_known_soon(connection: Connection, spi_out: int) -> bool:
    """Tell whether an unknown CHILD_SA is one that we are deleting, or are about to learn of."""
    return connection.tasks.is_under_way(CreateChild, RekeyChild) or any(
        isinstance(task, DeleteChildren) and spi_out in task.spis.values()
        for task in connection.tasks
    )


def _rekey_ike_sa(connection: Connection, received: Received, now: float) -> None:
    """Answer a rekey of the IKE SA (§1.3.2, §2.25.2)."""
    tasks = connection.tasks
    task = next(tasks.under_way(RekeyIkeSa), None)
    if (
        tasks.is_under_way(CreateChild, RekeyChild, DeleteChildren, DeleteReplaced)
        or (task is not None and task.rival is not None)
        # What comes before it is on its way, and may be about what it takes along.
        or not connection.channel.is_in_order(received.header)
    ):
        _not_now(connection, received)
        return
    env = connection.env
    spi = env.allocate_ike_spi()
    try:
        answered = rekey_ike_sa.answer_request(
            connection.peer.proposals,
            received.payloads,
            spi,
            env.nonce(),
            OldKeys(connection.suite.prf, connection.keys.sk_d),
            env.random_bytes,
        )
    except ParseError:
        env.release_ike_spi(spi)
        raise
    if isinstance(answered, Refusal):
        env.release_ike_spi(spi)
        _refuse(connection, received, answered)
        return
    agreement, payloads = answered
    connection.channel.respond(received, payloads)
    new = succession.spawn(connection, agreement, Role.RESPONDER, env.next_sequence(), now)
    if task is not None:
        task.rival = new
        new.claims = connection
    else:
        succession.inherit(connection, new, now, we_delete=False)


def _informational(connection: Connection, received: Received) -> None:
    informed = informational.read_request(received.payloads)
    connection.peer_token = crash_detection.read(received.payloads) or connection.peer_token
    announced = lifetime.read(received.payloads)
    if announced is not None and connection.renewal.is_ours:
        margin = connection.env.settings.rekey_margin
        heard_at = connection.channel.heard_at
        held_to = lifetime.held_to(announced, margin)
        connection.renewal.shorten(held_to, connection.env, heard_at)
    if not informed.ends_ike_sa:
        payloads = _delete_children(connection, informed.spis_out)
        connection.channel.respond(received, payloads)
        return
    connection.channel.respond(received, ())
    task = next(connection.tasks.under_way(RekeyIkeSa), None)
    rival = task.rival if task is not None else None
    if rival is not None and rival.is_usable and connection.state is State.ESTABLISHED:
        # Our rekey is forgotten, the peer's stands (§2.25.2).
        succession.inherit(connection, rival, connection.channel.heard_at, we_delete=False)
    replaced = connection.state is State.REPLACED
    connection.close(DeletionReason.REPLACED if replaced else DeletionReason.PEER)


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
