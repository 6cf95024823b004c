"""The CHILD_SAs of one IKE SA."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ike.child_sa import ChildSa, Making
from ike.environment import Environment
from ike.events import DeletionReason
from ike.exchanges.child import ChildAgreement
from ike.lifetimes import Lifetime, Volume
from ike.timers import TimerQueue

_MAX_DELETED_EARLY = 256


class ChildTable(dict[int, ChildSa]):
    """By inbound SPI. What time asks of them is found without looking at all of them.

    So all that brings a deadline forward goes through here; one that is put off, or gone, is
    found out when its old time comes.
    """

    def __init__(self) -> None:
        super().__init__()
        self._timers: TimerQueue[int] = TimerQueue()

    def add(self, child: ChildSa) -> None:
        """Keep a CHILD_SA."""
        self[child.spi_in] = child
        self.wake(child)

    def remove(self, spi_in: int) -> ChildSa | None:
        """Forget a CHILD_SA, and give it; None if it is not there."""
        self._timers.set(spi_in, None)
        return self.pop(spi_in, None)

    def move_to(self, heir: ChildTable) -> None:
        """Give all to another table."""
        for spi_in in tuple(self):
            heir.add(self[spi_in])
            self.remove(spi_in)

    def rekey_at(self, child: ChildSa, when: float) -> None:
        """Have one of them rekeyed."""
        child.rekey_at = when
        self.wake(child)

    def end_at(self, child: ChildSa, when: float, reason: DeletionReason) -> None:
        """Have one of them deleted by us, if the peer does not do so before."""
        child.expire_at = when
        child.expire_reason = reason
        self.wake(child)

    @property
    def deadline(self) -> float | None:
        """When one of them may want to be rekeyed or deleted."""
        return self._timers.next_deadline()

    def due(self, now: float) -> list[ChildSa]:
        """Take those whose deadline has come; each is to be waited for again with `wake`."""
        found = []
        for spi_in in self._timers.due(now):
            child = self[spi_in]
            if child.deadline is not None and child.deadline <= now:
                found.append(child)
            else:
                self.wake(child)
        return found

    def wake(self, child: ChildSa) -> None:
        """Set when a CHILD_SA wants something next, if it is still there."""
        if self.get(child.spi_in) is child:
            self._timers.set(child.spi_in, child.deadline)

    def live(self, name: str) -> Iterator[ChildSa]:
        """Give those of a configuration which are to stay."""
        return (child for child in self.values() if child.config.name == name and child.is_live)

    def has_live(self, name: str) -> bool:
        """Tell whether there is one."""
        return any(True for _ in self.live(name))

    def by_spi_out(self, spi_out: int) -> ChildSa | None:
        """Return the one with that outbound SPI."""
        return next((child for child in self.values() if child.spi_out == spi_out), None)


class EarlyDeletes:
    """Outbound SPIs that the peer has deleted before the answer came that tells us of them.

    Each is kept until the answers are there that were missing when its Delete came.
    """

    def __init__(self) -> None:
        self._last_missing: dict[int, int] = {}

    def __contains__(self, spi_out: object) -> bool:
        return spi_out in self._last_missing

    def note(self, spi_out: int, last_missing: int) -> None:
        """Take a Delete; `last_missing` is the highest message id without an answer."""
        if len(self._last_missing) < _MAX_DELETED_EARLY:
            self._last_missing[spi_out] = last_missing

    def snapshot(self) -> tuple[tuple[int, int], ...]:
        """Describe it for another process (`ike.state`)."""
        return tuple(self._last_missing.items())

    def restore(self, record: Iterable[tuple[int, int]]) -> None:
        """Be what `snapshot` described."""
        self._last_missing = dict(record)

    def settle(self, lowest_missing: int) -> None:
        """Forget what no answer can be about any more, by the lowest id without an answer."""
        for spi_out, last in tuple(self._last_missing.items()):
            if last < lowest_missing:
                del self._last_missing[spi_out]


def make_child(
    agreement: ChildAgreement, began: int, env: Environment, now: float, replaces: ChildSa | None
) -> ChildSa:
    """Make what is kept of an agreement.

    Args:
        agreement: what the exchange has brought.
        began: the sequence number of its request.
        env: the engine's.
        now: the time.
        replaces: the CHILD_SA that it was rekeyed from.
    """
    config, nonces = agreement.config, agreement.nonces
    lowest_nonce = min(nonces.initiator, nonces.responder)
    making = Making(agreement.role, lowest_nonce, began, env.next_sequence())
    child = ChildSa(
        config,
        agreement.spi_in,
        agreement.spi_out,
        agreement.suite,
        agreement.local,
        agreement.remote,
        making,
        replaces.origin if replaces is not None else making,
        now,
        agreement.more_selectors,
        agreement.mode,
    )
    lifetime = Lifetime.draw(config.lifetime, env, now)
    child.rekey_at, child.expire_at = lifetime.rekey_at, lifetime.expire_at
    child.tfc_padding = agreement.tfc_padding
    child.volume = Volume.draw(config, agreement.suite, env)
    return child
