"""How long an authentication is good for (RFC 4478)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ike.codec.chain import find_notify
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u32
from ike.codec.registry import NotifyType
from ike.config import PeerConfig
from ike.environment import Environment

SHORTEST = 10.0  # seconds; what ends sooner is not renewed
_LENGTH = 4  # bytes
_FOREVER = 2.0**32  # seconds


@dataclass(slots=True)
class Renewal:
    """When the ends of an IKE SA authenticate again. Times are the caller's, in seconds.

    Attributes:
        number: the sequence number of the authentication; 0 before there was one.
        is_ours: we initiated the IKE SA that was authenticated, so that it is us who begin again.
        begin_at: when to begin; None: never, or it is due.
        ends_at: when the authentication ends; None: never.
        is_due: it is time, and has not come to an end yet.
    """

    number: int = 0
    is_ours: bool = False
    begin_at: float | None = None
    ends_at: float | None = None
    is_due: bool = False

    @classmethod
    def within(
        cls, seconds: float | None, env: Environment, now: float, *, is_ours: bool
    ) -> Renewal:
        """Plan the next authentication after the one of now.

        Args:
            seconds: the `limit`; None: never.
            env: the engine's.
            now: the time.
            is_ours: whether we were the initiator. The responder begins where the initiator should
                have and has not.
        """
        renewal = cls(env.next_sequence(), is_ours)
        if seconds is not None:
            renewal.shorten(seconds, env, now)
        return renewal

    def shorten(self, seconds: float, env: Environment, now: float) -> None:
        """Authenticate again after that many seconds at the latest."""
        margin = env.settings.rekey_margin
        ends_at = now + seconds * (1 + margin)
        if self.ends_at is not None and self.ends_at <= ends_at:
            return
        self.ends_at = ends_at
        if not self.is_due and seconds >= SHORTEST:
            wait = env.rekey_after(seconds) if self.is_ours else seconds * (1 + margin / 2)
            begin_at = now + wait
            self.begin_at = begin_at if self.begin_at is None else min(self.begin_at, begin_at)


def announce(seconds: float | None) -> list[Notify]:
    """Tell the initiator when it has to authenticate again; nothing if it never has to."""
    if seconds is None or not 1 <= seconds < _FOREVER:
        return []
    return [Notify(NotifyType.AUTH_LIFETIME, u32(int(seconds)))]


def read(payloads: Iterable[Payload]) -> float | None:
    """Read when the responder wants us to authenticate again, in seconds; None if it says nothing.

    A malformed one says nothing: it is about when, and never about whether.
    """
    notify = find_notify(payloads, NotifyType.AUTH_LIFETIME)
    if notify is None or len(notify.data) != _LENGTH:
        return None
    return float(int.from_bytes(notify.data, "big"))


def held_to(announced: float, margin: float) -> float:
    """Return after how many seconds to authenticate again so as not to be late for the peer."""
    return max(announced / (1 + margin), SHORTEST)


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
        announced: what the responder has said; it is not held to less than `SHORTEST`.
    """
    limits = [peer.reauthenticate] if peer.reauthenticate else []
    if not_after is not None and at is not None:
        limits.append(max((not_after - at).total_seconds(), 0.0) / (1 + margin))
    if announced is not None:
        limits.append(held_to(announced, margin))
    return min(limits, default=None)
