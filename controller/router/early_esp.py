"""ESP that arrives before its keys do.

Who answers our offer of a CHILD_SA may send by it as soon as the answer is out, and the switch can
have that packet before the controller has read the answer and written the SA. So an SPI on offer
has an entry in `sad_in` from the start, which punts what comes by it; the SA's own entry then
takes its place. Punted packets are held, and sent back through the pipeline once the switch has
confirmed the SA.

::

                offered           established            HOLD_TIME
    (unknown) ──────────▶ OFFERED ───────────▶ SETTLING ─────────▶ (unknown)
                             │        held until the switch has it,
                             │        from then on sent back at once
                             └─▶ (unknown)  offer ended: what is held is dropped

A packet that is sent back and punted again is treated like any other: at the end of SETTLING at the
latest that is over. Only the peer knows a pending SPI, and only while it is negotiated with.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from controller.p4runtime import tables
from controller.p4runtime.desired import DesiredState
from controller.p4runtime.entities import EntryKey, PacketOut
from controller.router.sad import SA_LIMIT, SecurityAssociationDatabase
from controller.speaker.errors import PacketError
from controller.speaker.ethernet import EthernetFrame
from controller.speaker.ipv4 import PROTOCOL_UDP, Ipv4Packet
from controller.speaker.tally import Tally
from controller.speaker.udp import HEADER_LENGTH as UDP_HEADER_LENGTH

HOLD_TIME = 0.5
"""Seconds that a packet is held at most, and that packets are sent back after an SA has come."""

HELD_PER_SPI = 128
"""Packets held of one SPI: what is further behind is outside the replay window anyway."""

HELD_LIMIT = 512
"""Packets held in all."""

_SPI_LENGTH = 4


@dataclass(slots=True)
class _Offer:
    """An SPI; `over_at` is None until its SA is there."""

    key: EntryKey
    over_at: float | None = None
    held: deque[tuple[float, bytes]] = field(default_factory=deque)  # (until when, frame)


class EarlyEsp:
    """Declares the entries of SPIs on offer, and holds what comes by them.

    Attributes:
        dropped: frames given up: there was no room, or no SA in time.
    """

    def __init__(self, desired: DesiredState, sad: SecurityAssociationDatabase) -> None:
        self._desired = desired
        self._sad = sad
        self._offers: dict[int, _Offer] = {}
        self._holding: set[int] = set()
        self._held = 0
        # (time, SPI), in the order of time, for all wait equally long.
        self._deadlines: deque[tuple[float, int]] = deque()
        self.dropped = Tally()

    def __len__(self) -> int:
        """Return how many packets are held."""
        return self._held

    # --- what becomes of an SPI -----------------------------------------------------------

    def offered(self, spi: int, destination: IPv4Address, name: str) -> None:
        """A peer may send by this SPI from now on. `name`: of its packet type.

        Where `sad_in` has no room for more than the SAs themselves, early packets are lost.
        """
        if len(self._offers) + len(self._sad) >= SA_LIMIT:
            return
        entry = tables.sad_in_awaiting_keys(destination, spi, name)
        self._offers[spi] = _Offer(entry.key)
        self._desired.declare(entry)

    def established(self, spi: int, now: float) -> None:
        """The SA database has been told of the SA, and has declared its entry if it took it."""
        offer = self._offers.get(spi)
        if offer is None:
            return
        if self._awaits_keys(offer):  # it was given up, or is at another address of ours
            self.ended(spi)
            return
        offer.over_at = now + HOLD_TIME
        self._deadlines.append((offer.over_at, spi))

    def ended(self, spi: int) -> None:
        """There will be no SA with this SPI, or nothing early comes by it any more."""
        offer = self._offers.pop(spi, None)
        if offer is None:
            return
        for frame in self._take_held(spi, offer):
            self.dropped.count(frame)
        if self._awaits_keys(offer):
            self._desired.withdraw(offer.key)

    def _awaits_keys(self, offer: _Offer) -> bool:
        entry = self._desired.get(offer.key)
        return entry is not None and entry.action == tables.AWAIT_KEYS

    # --- packets --------------------------------------------------------------------------

    def receive(self, frame: bytes, now: float) -> list[PacketOut]:
        """Take a punted frame; return what is to be sent back.

        Raises:
            PacketError: there is no SPI in it.
        """
        spi = _spi(frame)
        offer = self._offers.get(spi)
        if offer is None or len(offer.held) >= HELD_PER_SPI or self._held >= HELD_LIMIT:
            self.dropped.count(frame)
            return []
        offer.held.append((now + HOLD_TIME, frame))
        self._held += 1
        self._holding.add(spi)
        self._deadlines.append((now + HOLD_TIME, spi))
        return self._release(spi)

    def release(self) -> list[PacketOut]:
        """Return what is to be sent back, now that the switch has confirmed more entries."""
        return [packet for spi in tuple(self._holding) for packet in self._release(spi)]

    def _release(self, spi: int) -> list[PacketOut]:
        offer = self._offers[spi]
        if offer.over_at is None or not self._desired.is_installed(offer.key):
            return []
        return [PacketOut(frame) for frame in self._take_held(spi, offer)]

    def _take_held(self, spi: int, offer: _Offer) -> list[bytes]:
        frames = [frame for _, frame in offer.held]
        offer.held.clear()
        self._holding.discard(spi)
        self._held -= len(frames)
        return frames

    # --- time -----------------------------------------------------------------------------

    def advance(self, now: float) -> None:
        """Give up what has been held for too long."""
        while self._deadlines and self._deadlines[0][0] <= now:
            _, spi = self._deadlines.popleft()
            offer = self._offers.get(spi)
            if offer is None:
                continue
            while offer.held and offer.held[0][0] <= now:
                self.dropped.count(offer.held.popleft()[1])
                self._held -= 1
            if not offer.held:
                self._holding.discard(spi)
            if offer.over_at is not None and offer.over_at <= now:
                self.ended(spi)

    def next_deadline(self) -> float | None:
        """Return when `advance` has something to do, in seconds."""
        return self._deadlines[0][0] if self._deadlines else None


def _spi(frame: bytes) -> int:
    """Return the SPI of ESP, be it in UDP or not.

    Raises:
        PacketError: it is no whole IPv4 packet, or too short for an SPI.
    """
    packet = Ipv4Packet.parse(EthernetFrame.parse(frame).payload)
    start = UDP_HEADER_LENGTH if packet.protocol == PROTOCOL_UDP else 0
    spi = packet.payload[start : start + _SPI_LENGTH]
    if len(spi) < _SPI_LENGTH:
        raise PacketError("ESP", len(spi), "truncated header")
    return int.from_bytes(spi, "big")
