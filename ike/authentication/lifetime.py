"""How long an authentication is good for (RFC 4478)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ike.codec.chain import find_notify
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u32
from ike.codec.registry import NotifyType
from ike.config import PeerConfig

SHORTEST = 10.0  # seconds; a peer that asks for less does not get it
_LENGTH = 4  # bytes


def announce(peer: PeerConfig) -> list[Notify]:
    """Tell the initiator when it has to authenticate again; nothing if it never has to."""
    if not peer.reauthenticate:
        return []
    return [Notify(NotifyType.AUTH_LIFETIME, u32(int(peer.reauthenticate)))]


def read(payloads: Iterable[Payload]) -> float | None:
    """Read when the responder wants us to authenticate again, in seconds; None if it says nothing.

    A malformed one says nothing: it is about when, and never about whether.
    """
    notify = find_notify(payloads, NotifyType.AUTH_LIFETIME)
    if notify is None or len(notify.data) != _LENGTH:
        return None
    return max(float(int.from_bytes(notify.data, "big")), SHORTEST)


def limit(
    peer: PeerConfig,
    margin: float,
    not_after: datetime | None,
    at: datetime | None,
    announced: float | None,
) -> float | None:
    """Return after how many seconds to authenticate again at the latest; None: never.

    The authentication ends for good `margin`, a part of that time, later: no later than the peer's
    certificate, or than what the peer has announced.

    Args:
        peer: whose configuration says so too.
        margin: `Settings.rekey_margin`.
        not_after: the end of the peer's certificate, if it has one; aware.
        at: the time by the calendar; aware.
        announced: what the responder has said.
    """
    limits = [peer.reauthenticate] if peer.reauthenticate else []
    if not_after is not None and at is not None:
        limits.append(max((not_after - at).total_seconds(), 0.0) / (1 + margin))
    if announced is not None:
        limits.append(announced / (1 + margin))
    return min(limits, default=None)
