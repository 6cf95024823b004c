"""Answering the peer's CREATE_CHILD_SA, and the IKE_FOLLOWUP_KE exchanges after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ike import succession
from ike.child_sa import ChildSa, ChildState
from ike.codec.chain import find, find_notify
from ike.codec.errors import ParseError
from ike.codec.notify import Notify
from ike.codec.registry import NotifyType, ProtocolId
from ike.codec.security_association import SecurityAssociation
from ike.config import ChildConfig
from ike.events import DeletionReason, PeerRefused, Role
from ike.exchanges import create_child_sa, rekey_ike_sa
from ike.exchanges.child import ChildAgreement
from ike.exchanges.key_exchange import answer_additional
from ike.exchanges.outcome import Refusal
from ike.exchanges.rekey_ike_sa import OldKeys, RekeyAgreement
from ike.followups import PendingChild, PendingIkeSa
from ike.received import Received
from ike.states import State
from ike.tasks.create_child import CreateChild
from ike.tasks.delete import DeleteChildren, DeleteReplaced
from ike.tasks.mobike import CheckRoutability, UpdateAddresses
from ike.tasks.rekey_child import RekeyChild
from ike.tasks.rekey_ike_sa import RekeyIkeSa

if TYPE_CHECKING:
    from ike.connection import Connection


def refuse(connection: Connection, received: Received, refusal: Refusal) -> None:
    """Refuse a request, and report it unless the peer is only asked for another value."""
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


def answer_create_child_sa(connection: Connection, received: Received, now: float) -> None:
    """Find out what is asked for, and whether it can be done now (§2.25)."""
    if connection.state is not State.ESTABLISHED:
        _not_now(connection, received)
        return
    offered = find(received.payloads, SecurityAssociation)
    if offered is not None and offered.proposals[0].protocol == ProtocolId.IKE:
        _rekey_ike_sa(connection, received, now)
        return
    if connection.tasks.is_under_way(RekeyIkeSa) or connection.followups.rekeys_ike_sa:
        _not_now(connection, received)
        return
    rekey = find_notify(received.payloads, NotifyType.REKEY_SA)
    limit = connection.env.settings.children_per_ike_sa
    count = len(connection.children) + len(connection.followups)
    if count >= (limit if rekey is None else 2 * limit):
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
) -> None:
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
            connection.followups.new_link,
            allow_transport=connection.allows_transport,
        )
    except ParseError:
        env.release_esp_spi(spi_in)
        raise
    if isinstance(answered, Refusal):
        env.release_esp_spi(spi_in)
        refuse(connection, received, answered)
        return
    connection.channel.respond(received, answered.payloads)
    draft, began = answered.draft, env.next_sequence()
    for task in _own_rekeys(connection, replaces):
        task.rival_nonce = draft.lowest_nonce
    if draft.methods:
        spi_replaced = replaces.spi_in if replaces is not None else 0
        connection.followups.add(PendingChild(draft, spi_replaced, began), now)
    else:
        _install(connection, draft.agreement(), began, replaces, now)


def _install(
    connection: Connection,
    agreement: ChildAgreement,
    began: int,
    replaces: ChildSa | None,
    now: float,
) -> None:
    """Keep what the peer has made."""
    new = connection.add_child(agreement, began, now, replaces)
    old = replaces
    if old is None:
        return
    if old.expire_reason is DeletionReason.DUPLICATE and old.expire_at is not None:
        connection.children.end_at(new, old.expire_at, DeletionReason.DUPLICATE)
    ours = _own_rekeys(connection, old)
    if ours:
        ours[0].rival = new
    else:
        old.state = ChildState.REPLACED
        grace = connection.env.settings.replaced_grace
        connection.children.end_at(old, now + grace, DeletionReason.REPLACED)


def _own_rekeys(connection: Connection, old: ChildSa | None) -> list[RekeyChild]:
    """Give our own rekey of a CHILD_SA, if one is under way."""
    tasks = connection.tasks.under_way(RekeyChild)
    return [task for task in tasks if old is not None and task.spi_in == old.spi_in]


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
    _make_child(connection, received, (old.config,), now, old)


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
        or tasks.is_under_way(UpdateAddresses, CheckRoutability)
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
            connection.followups.new_link,
        )
    except ParseError:
        env.release_ike_spi(spi)
        raise
    if isinstance(answered, Refusal):
        env.release_ike_spi(spi)
        refuse(connection, received, answered)
        return
    draft, payloads = answered
    connection.channel.respond(received, payloads)
    began = env.next_sequence()
    if task is not None:
        task.rival_nonce = draft.lowest_nonce
    if draft.methods:
        connection.followups.add(PendingIkeSa(draft, began), now)
    else:
        _succeed(connection, draft.agreement(), began, now)


def _succeed(connection: Connection, agreement: RekeyAgreement, began: int, now: float) -> None:
    """Go over to the IKE SA that the peer has made."""
    new = succession.spawn(connection, agreement, Role.RESPONDER, began, now)
    task = next(connection.tasks.under_way(RekeyIkeSa), None)
    if task is not None:
        task.rival = new
        new.claims = connection
    else:
        succession.inherit(connection, new, now, we_delete=False)


def answer_followup_ke(connection: Connection, received: Received, now: float) -> None:
    """Answer an additional key exchange of what the peer has begun (RFC 9370 §2.2.4)."""
    link = find_notify(received.payloads, NotifyType.ADDITIONAL_KEY_EXCHANGE)
    pending = connection.followups.get(link.data) if link is not None else None
    old = None
    if isinstance(pending, PendingChild) and pending.replaces:
        old = connection.children.get(pending.replaces)
        if old is None or old.state is ChildState.DELETING:
            connection.followups.discard(pending)
            pending = None
    if pending is None:
        connection.channel.respond(received, (Notify(NotifyType.STATE_NOT_FOUND),))
        return
    method = pending.draft.methods[0]
    answered = answer_additional(method, received.payloads, connection.env.random_bytes)
    if isinstance(answered, Refusal):
        # INVALID_SYNTAX, which ends the IKE SA (RFC 7296 §2.21.3).
        refuse(connection, received, answered)
        connection.close(DeletionReason.PROTOCOL_ERROR)
        return
    is_last = connection.followups.advance(pending, answered.shared, now)
    payloads = (answered.payload, *pending.draft.link_payloads)
    connection.channel.respond(received, payloads)
    if not is_last:
        return
    if isinstance(pending, PendingChild):
        _install(connection, pending.draft.agreement(), pending.began, old, now)
    else:
        _succeed(connection, pending.draft.agreement(), pending.began, now)
