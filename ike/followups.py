"""What the peer has begun with a CREATE_CHILD_SA, and is still to send key exchanges for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ike.config import ChildConfig
from ike.environment import Environment
from ike.exchanges.child import ChildDraft
from ike.exchanges.rekey_ike_sa import IkeSaDraft
from ike.state.records import PendingChildRecord, PendingIkeSaRecord, PendingRecord
from ike.types import Secret

_LINK_LENGTH = 16  # bytes


@dataclass(slots=True)
class PendingChild:
    """A CHILD_SA; `replaces` is the inbound SPI of the one that it is to replace, 0 for none.

    `began` is the sequence number of its request; it is given up at `expire_at`.
    """

    draft: ChildDraft
    replaces: int
    began: int
    expire_at: float = 0.0

    def release(self, env: Environment) -> None:
        """Give the SPI back."""
        env.release_esp_spi(self.draft.terms.spi_in)

    def advance(self, shared: Secret) -> None:
        """Take the secret of the next key exchange."""
        self.draft = self.draft.after(shared)

    def snapshot(self, now: float) -> PendingChildRecord:
        """Describe it for another process (`ike.state`)."""
        return PendingChildRecord(self.draft, self.replaces, self.began, self.expire_at - now)


@dataclass(slots=True)
class PendingIkeSa:
    """The IKE SA that this one is rekeyed to; the rest is as with a CHILD_SA."""

    draft: IkeSaDraft
    began: int
    expire_at: float = 0.0

    def release(self, env: Environment) -> None:
        """Give the SPI back."""
        env.release_ike_spi(self.draft.terms.responder_spi)

    def advance(self, shared: Secret) -> None:
        """Take the secret of the next key exchange."""
        self.draft = self.draft.after(shared)

    def snapshot(self, now: float) -> PendingIkeSaRecord:
        """Describe it for another process (`ike.state`)."""
        return PendingIkeSaRecord(self.draft, self.began, self.expire_at - now)


Pending = PendingChild | PendingIkeSa


class FollowupTable:
    """By link. What the peer leaves lying is dropped after a while, with its SPI."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._pending: dict[bytes, Pending] = {}

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def rekeys_ike_sa(self) -> bool:
        """Whether the peer is about to rekey the IKE SA."""
        return any(isinstance(pending, PendingIkeSa) for pending in self._pending.values())

    def rekeys_child(self, spi_in: int) -> bool:
        """Tell whether the peer is about to rekey that CHILD_SA."""
        return any(_replaces(pending, spi_in) for pending in self._pending.values())

    @property
    def deadline(self) -> float | None:
        """When `expire` has something to do."""
        return min((pending.expire_at for pending in self._pending.values()), default=None)

    def new_link(self) -> bytes:
        """Make what the peer is to send back to us."""
        return self._env.random_bytes(_LINK_LENGTH)

    def add(self, pending: Pending, now: float) -> None:
        """Wait for its key exchanges; an earlier one in its place has been given up by the peer."""
        if isinstance(pending, PendingIkeSa):
            self._drop(lambda other: isinstance(other, PendingIkeSa))
        elif pending.replaces:
            replaces = pending.replaces
            self._drop(lambda other: _replaces(other, replaces))
        pending.expire_at = self._until(now)
        self._pending[pending.draft.link] = pending

    def get(self, link: bytes) -> Pending | None:
        """Return what has that link."""
        return self._pending.get(link)

    def advance(self, pending: Pending, shared: Secret, now: float) -> bool:
        """Take the secret of the next key exchange; tell whether it was the last one."""
        pending.advance(shared)
        pending.expire_at = self._until(now)
        if pending.draft.methods:
            return False
        del self._pending[pending.draft.link]
        return True

    def discard(self, pending: Pending) -> None:
        """Drop one."""
        self._drop(lambda other: other is pending)

    def reconfigure(self, children: Sequence[ChildConfig]) -> None:
        """Drop CHILD_SAs that are no longer configured."""
        self._drop(lambda p: isinstance(p, PendingChild) and p.draft.terms.config not in children)

    def expire(self, now: float) -> None:
        """Drop what the peer has left lying."""
        self._drop(lambda pending: pending.expire_at <= now)

    def clear(self) -> None:
        """Drop all."""
        self._drop(lambda _: True)

    def snapshot(self, now: float) -> tuple[PendingRecord, ...]:
        """Describe them for another process (`ike.state`)."""
        return tuple(pending.snapshot(now) for pending in self._pending.values())

    def restore(self, records: Iterable[PendingRecord], base: int, at: float) -> None:
        """Be what `snapshot` described; `base` is added to sequence numbers, `at` was its time."""
        for r in records:
            began, expire_at = base + r.began, at + r.expire_in
            self._pending[r.draft.link] = (
                PendingChild(r.draft, r.replaces, began, expire_at)
                if isinstance(r, PendingChildRecord)
                else PendingIkeSa(r.draft, began, expire_at)
            )

    def _until(self, now: float) -> float:
        return now + self._env.settings.followup_lifetime

    def _drop(self, is_meant: Callable[[Pending], bool]) -> None:
        for link, pending in tuple(self._pending.items()):
            if is_meant(pending):
                del self._pending[link]
                pending.release(self._env)


def _replaces(pending: Pending, spi_in: int) -> bool:
    return isinstance(pending, PendingChild) and pending.replaces == spi_in
