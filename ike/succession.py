"""How one IKE SA takes the place of another one (RFC 7296 §1.3.2, §2.18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ike import relocation, states
from ike.channel import Channel
from ike.events import DeletionReason, Role
from ike.exchanges.rekey_ike_sa import RekeyAgreement
from ike.states import Trigger
from ike.tasks.send_token import SendToken

if TYPE_CHECKING:
    from ike.connection import Connection


def spawn(
    old: Connection, agreement: RekeyAgreement, role: Role, began: int, now: float
) -> Connection:
    """Make the connection for a rekeyed IKE SA; it has no CHILD_SAs yet.

    Args:
        old: the one that was rekeyed.
        agreement: what the exchange has brought.
        role: whether we initiated the rekey.
        began: the sequence number of its request.
        now: the time.
    """
    channel = Channel(
        role,
        agreement.initiator_spi,
        old.channel.local,
        old.channel.remote,
        old.env.settings,
        old.env.random_bytes,
        now,
    )
    channel.responder_spi = agreement.responder_spi
    channel.secure(agreement.suite, agreement.keys)
    channel.fragmentation = old.channel.fragmentation
    channel.vendor_ids = old.channel.vendor_ids
    channel.http_certificates = old.channel.http_certificates
    new = type(old)(
        old.env,
        channel,
        old.peer,
        agreement.suite,
        agreement.keys,
        agreement.nonces,
        old.nat,
        began,
        now,
    )
    new.has_ppk = old.has_ppk
    relocation.bequeath(old, new)
    old.spawned.append(new)
    return new


def inherit(old: Connection, heir: Connection, now: float, *, we_delete: bool) -> None:
    """Give CHILD_SAs and waiting tasks to the heir; the old IKE SA ends.

    The owner has the heir begin the tasks when it knows of the succession.

    With `we_delete` it is ours to delete, else the peer's, for a while.
    """
    heir.claims = None
    old.children.move_to(heir.children)
    heir.tasks.add(SendToken())
    old.tasks.hand_over(heir.tasks)
    old.followups.clear()
    old.heir = heir
    heir.is_redundant |= old.is_redundant
    heir.renewal = old.renewal
    heir.is_full = old.is_full
    old.rekey_at = None
    old.ended_by = DeletionReason.REPLACED
    old.state = states.advance(old.state, Trigger.REKEYED)
    if we_delete:
        old.delete(DeletionReason.REPLACED, now)
    else:
        old.end_at(now + old.env.settings.replaced_grace, DeletionReason.REPLACED)
