"""Postquantum preshared keys: mixed into the keys and into AUTH (RFC 8784).

IKE_SA_INIT tells whether both ends know how to (USE_PPK). In IKE_AUTH the initiator names its key
(PPK_IDENTITY), and, where it can do without, proves who it is without the key too (NO_PPK_AUTH).
The responder uses the key if it has it, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ike.authentication.context import AuthContext
from ike.authentication.verdict import Rejected, unproven
from ike.codec.authentication import Authentication
from ike.codec.chain import find_notify
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u8
from ike.codec.registry import NotifyType
from ike.config import PeerConfig, Ppk
from ike.printable import quoted


def announce(peers: Iterable[PeerConfig]) -> list[Notify]:
    """Say in IKE_SA_INIT that we know how to, if one of `peers` has a key."""
    return [Notify(NotifyType.USE_PPK)] if any(p.ppk is not None for p in peers) else []


def is_announced(payloads: Iterable[Payload]) -> bool:
    """Tell whether the peer says so."""
    return find_notify(payloads, NotifyType.USE_PPK) is not None


def obstacle(context: AuthContext, peer: PeerConfig) -> str | None:
    """Say why we can't go on with this peer as initiator; None if we can."""
    if peer.ppk is not None and peer.ppk.required and not context.uses_ppk:
        return f"the peer knows no PPK, and {peer.ppk} is required"
    return None


def own_context(context: AuthContext, peer: PeerConfig) -> AuthContext:
    """Return what the initiator proves itself with: the key is in it, if it can be."""
    ppk = peer.ppk if context.uses_ppk else None
    return context if ppk is None else context.mixed_with(ppk.key)


def claim(ppk: Ppk, without: Authentication | None) -> list[Notify]:
    """Name the key that AUTH was made with; `without` is the AUTH that was made without it."""
    identity = u8(ppk.id_type) + ppk.ppk_id
    notifies = [Notify(NotifyType.PPK_IDENTITY, identity)]
    if without is not None:
        notifies.append(Notify(NotifyType.NO_PPK_AUTH, without.data))
    return notifies


def accepted_by_responder(
    context: AuthContext, peer: PeerConfig, payloads: Sequence[Payload]
) -> AuthContext | Rejected:
    """Find out, as initiator, whether the responder uses the key."""
    if context.uses_ppk and peer.ppk is not None:
        if find_notify(payloads, NotifyType.PPK_IDENTITY) is not None:
            return context.mixed_with(peer.ppk.key)
        if peer.ppk.required:
            return unproven(f"the peer does not have {peer.ppk}, which is required")
    return context


def choose(
    context: AuthContext, peer: PeerConfig, payloads: Sequence[Payload]
) -> tuple[AuthContext, Sequence[Payload]] | Rejected:
    """Find out, as responder, with which keys and by which AUTH the initiator is to be checked.

    Args:
        context: that of the exchanges so far.
        peer: whom the initiator says that it is.
        payloads: its IKE_AUTH.

    Returns:
        The context to go on with, and the payloads with the AUTH that belongs to it.
    """
    own = peer.ppk
    named = find_notify(payloads, NotifyType.PPK_IDENTITY) if context.uses_ppk else None
    if named is not None and own is not None and named.data == u8(own.id_type) + own.ppk_id:
        return context.mixed_with(own.key), payloads
    if own is not None and own.required:
        what = "no PPK" if named is None else f"the PPK {_show(named.data)}"
        return unproven(f"the peer uses {what}, and {own} is required")
    if named is None:
        return context, payloads
    without = find_notify(payloads, NotifyType.NO_PPK_AUTH)
    if without is None:
        return unproven(f"the peer requires the PPK {_show(named.data)}, which is not configured")
    return context, [
        replace(p, data=without.data) if isinstance(p, Authentication) else p for p in payloads
    ]


def confirm(context: AuthContext) -> list[Notify]:
    """Say, as responder, whether the key is used."""
    return [Notify(NotifyType.PPK_IDENTITY)] if context.ppk_is_mixed else []


def _show(identity: bytes) -> str:
    return quoted(identity[1:]) if identity else "without a name"
