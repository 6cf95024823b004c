"""What all IKE SAs of one endpoint share: settings, randomness, and the SPIs in use."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from ike.config import Settings

_LOWEST_ESP_SPI = 256  # 1 to 255 are reserved (RFC 4303 §2.1)
_SPI_TRIES = 1000
_TRIES_LEFT = 3  # a try comes after this part of the time that is left, on average
_SHORTEST_WAIT = 0.5  # seconds
NONCE_LENGTH = 32  # bytes: half the key size of every PRF here, or more (RFC 7296 §2.10)

T = TypeVar("T")


def drain(items: list[T]) -> list[T]:
    """Take everything out of a list."""
    if not items:
        return []
    taken = items[:]
    items.clear()
    return taken


class Environment:
    """Settings, randomness, SPIs in use, and an order of events that clocks can't give.

    Args:
        settings: what holds for the whole engine.
        random_bytes: cryptographically secure random bytes; deterministic in tests.
        secrets_log: where key log lines go (`ike.keylog`); None: nowhere.
        wall_clock: gives the time by the calendar, aware; None: nobody needs it.
    """

    def __init__(
        self,
        settings: Settings,
        random_bytes: Callable[[int], bytes],
        secrets_log: Callable[[str], None] | None = None,
        wall_clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.settings = settings
        self.random_bytes = random_bytes
        self.secrets_log = secrets_log
        self.wall_clock = wall_clock
        self._esp_spis: set[int] = set()
        self._ike_spis: set[int] = set()
        self._next_sequence = 1

    def calendar(self) -> datetime | None:
        """Return the time by the calendar, aware; None where nobody needs it."""
        return self.wall_clock() if self.wall_clock is not None else None

    def nonce(self) -> bytes:
        """Make a fresh nonce."""
        return self.random_bytes(NONCE_LENGTH)

    def rekey_after(self, lifetime: float) -> float:
        """Draw when an SA of that lifetime is rekeyed; in the lifetime's unit."""
        return lifetime * (1 - self.settings.rekey_jitter * self._draw_fraction())

    def expire_after(self, lifetime: float) -> float:
        """Tell when an SA of that lifetime ends if rekeying fails; in the lifetime's unit."""
        return lifetime * (1 + self.settings.rekey_margin)

    def retry_after(self, now: float = 0.0, before: float | None = None) -> float:
        """Draw when what the peer has refused for now is tried again, in seconds from now.

        At random, since the peer may well be trying the same at the same time (RFC 7296 §2.25).

        Args:
            now: the time.
            before: when it is too late; several tries fit into what is left. None: never.
        """
        wait = self.settings.retry_interval
        if before is not None:
            wait = min(wait, max((before - now) / _TRIES_LEFT, _SHORTEST_WAIT))
        return wait * (0.5 + self._draw_fraction())

    def _draw_fraction(self) -> float:
        return int.from_bytes(self.random_bytes(4), "big") / 2**32

    def next_sequence(self) -> int:
        """Number what happens: later is larger, even at the same instant."""
        self._next_sequence += 1
        return self._next_sequence - 1

    def reserve_sequence(self, numbers: int) -> int:
        """Take that many numbers at once; give the first."""
        first = self._next_sequence
        self._next_sequence += numbers
        return first

    def reserve_esp_spis(self, spis: Iterable[int]) -> None:
        """Keep inbound ESP SPIs that somebody else uses from being allocated."""
        self._esp_spis.update(spis)

    def allocate_esp_spi(self) -> int:
        """Allocate an inbound ESP SPI."""
        spi = self._draw(4, self._esp_spis, _LOWEST_ESP_SPI)
        self._esp_spis.add(spi)
        return spi

    def release_esp_spi(self, spi: int) -> None:
        """Give an inbound ESP SPI back."""
        self._esp_spis.discard(spi)

    def allocate_ike_spi(self) -> int:
        """Allocate an IKE SPI of ours."""
        spi = self._draw(8, self._ike_spis, 1)
        self._ike_spis.add(spi)
        return spi

    def reserve_ike_spis(self, spis: Iterable[int]) -> None:
        """Keep IKE SPIs of ours from being allocated again."""
        self._ike_spis.update(spis)

    def release_ike_spi(self, spi: int) -> None:
        """Give an IKE SPI of ours back."""
        self._ike_spis.discard(spi)

    def _draw(self, length: int, used: set[int], lowest: int) -> int:
        for _ in range(_SPI_TRIES):
            spi = int.from_bytes(self.random_bytes(length), "big")
            if spi >= lowest and spi not in used:
                return spi
        raise RuntimeError("the source of randomness gives the same values again and again")
