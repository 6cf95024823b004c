"""The SAs of both ends as their events tell of them, and the keys that were ever used."""

from __future__ import annotations

from dataclasses import dataclass, field

from ike.events import (
    ChildSaDeleted,
    ChildSaEstablished,
    ChildSaOffered,
    ChildSaOfferEnded,
    Event,
    Role,
)


@dataclass
class Ledger:
    """Follows the events of both ends.

    `live` are the CHILD_SAs of each side by inbound SPI, `on_offer` the SPIs that it has offered.
    """

    live: dict[str, dict[int, ChildSaEstablished]] = field(
        default_factory=lambda: {"left": {}, "right": {}}
    )
    on_offer: dict[str, set[int]] = field(default_factory=lambda: {"left": set(), "right": set()})
    _keys: dict[bytes, tuple[str, int]] = field(default_factory=dict)

    def note(self, side: str, event: Event) -> None:
        """Take an event: no key belongs to two SAs, and what ends has been there."""
        on_offer = self.on_offer[side]
        if isinstance(event, ChildSaOffered):
            assert event.spi_in not in on_offer | self.live[side].keys(), "it is in use"
            on_offer.add(event.spi_in)
        elif isinstance(event, ChildSaOfferEnded):
            on_offer.remove(event.spi_in)
        elif isinstance(event, ChildSaEstablished):
            if event.role is Role.INITIATOR:
                on_offer.remove(event.spi_in)
            assert event.spi_in not in self.live[side], "an SPI in use is given out again"
            self.live[side][event.spi_in] = event
            other = "right" if side == "left" else "left"
            # An SA is known by where it ends: at the receiver, under the receiver's SPI.
            self._claim(event.key_in.reveal() + event.salt_in.reveal(), (side, event.spi_in))
            self._claim(event.key_out.reveal() + event.salt_out.reveal(), (other, event.spi_out))
        elif isinstance(event, ChildSaDeleted):
            assert event.spi_in in self.live[side], "an SA ends that is not there"
            del self.live[side][event.spi_in]

    def _claim(self, key: bytes, sa: tuple[str, int]) -> None:
        assert self._keys.setdefault(key, sa) == sa, "two SAs have the same key"

    def forget(self, side: str) -> None:
        """Take a restart, of which no event tells."""
        self.live[side].clear()
        self.forget_offers(side)

    def forget_offers(self, side: str) -> None:
        """Take a handover: who carries on reports anew what is still on offer."""
        self.on_offer[side].clear()
