"""The CHILD_SAs of one IKE SA."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ike.child_sa import ChildSa, Making
from ike.environment import Environment
from ike.exchanges.child import ChildAgreement
from ike.lifetimes import Lifetime, Volume

_MAX_DELETED_EARLY = 256


class ChildTable(dict[int, ChildSa]):
    """By inbound SPI."""

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
