"""The data path of an engine: its CHILD_SAs, and the echo requests that go through them."""

from __future__ import annotations

from dataclasses import dataclass

from ike.events import ChildSaDeleted, ChildSaEstablished, Event, PeerMoved, Role
from ike.types import TrafficSelector, UdpAddress
from tests.interop.lab.engine.echo import Address, Echo
from tests.interop.lab.engine.esp import EspError, EspSa

_SPI = slice(0, 4)


@dataclass(slots=True)
class ChildPair:
    """Both ESP SAs of one CHILD_SA. `remote` is where its packets go in UDP."""

    event: ChildSaEstablished
    inbound: EspSa
    outbound: EspSa
    local: UdpAddress
    remote: UdpAddress
    packets_in: int = 0
    packets_out: int = 0

    @classmethod
    def of(cls, event: ChildSaEstablished) -> ChildPair:
        """Make both SAs from what the engine says about them."""
        suite = event.encryption, event.key_bits
        inbound = EspSa(
            *(event.spi_in, *suite, event.key_in, event.salt_in),
            *(event.integrity, event.integrity_key_in),
        )
        outbound = EspSa(
            *(event.spi_out, *suite, event.key_out, event.salt_out),
            *(event.integrity, event.integrity_key_out),
        )
        return cls(event, inbound, outbound, event.local, event.remote)

    def carries(self, source: Address, destination: Address) -> bool:
        """Tell whether its selectors let a packet of ours pass."""
        return _covered(self.event.local_selectors, source) and _covered(
            self.event.remote_selectors, destination
        )


@dataclass(frozen=True, slots=True)
class EspDatagram:
    """ESP in UDP, on its way."""

    source: UdpAddress
    destination: UdpAddress
    payload: bytes


class Tunnel:
    """What a router does with its CHILD_SAs: opens, answers echo requests, sends its own.

    Not safe to use from two threads.
    """

    def __init__(self) -> None:
        self.pairs: dict[int, ChildPair] = {}  # by inbound SPI, oldest first
        self.errors: list[str] = []
        self.answered: set[tuple[int, int]] = set()  # identifier and number of our echo requests

    def observe(self, event: Event) -> None:
        """Keep the SAs in step with the engine."""
        if isinstance(event, ChildSaEstablished):
            self.pairs[event.spi_in] = ChildPair.of(event)
        elif isinstance(event, ChildSaDeleted):
            self.pairs.pop(event.spi_in, None)
        elif isinstance(event, PeerMoved):
            for spi in event.children:
                if spi in self.pairs:
                    self.pairs[spi].local = event.local
                    self.pairs[spi].remote = event.remote

    def receive(self, packet: bytes) -> tuple[int, EspDatagram | None] | None:
        """Open a packet; return its SPI and the answer that it asks for. None: not authentic."""
        spi = int.from_bytes(packet[_SPI])
        pair = self.pairs.get(spi)
        if pair is None:
            self.errors.append(f"no SA for SPI {spi:#010x}")
            return None
        try:
            _, inner = pair.inbound.open(packet)
        except EspError as error:
            self.errors.append(str(error))
            return None
        pair.packets_in += 1
        echo = Echo.parse(inner)
        if echo is None:
            return spi, None
        if not pair.carries(echo.destination, echo.source):
            self.errors.append(f"{echo.source} to {echo.destination} by the SA of others")
            return spi, None
        if echo.is_request:
            return spi, self.send(echo.reply())
        self.answered.add((echo.identifier, echo.sequence))
        return spi, None

    def send(self, echo: Echo) -> EspDatagram | None:
        """Seal a packet with the SA that is for it; None: there is none."""
        pair = self._outbound(echo.source, echo.destination)
        if pair is None:
            return None
        pair.packets_out += 1
        return EspDatagram(pair.local, pair.remote, pair.outbound.seal(*echo.serialize()))

    def _outbound(self, source: Address, destination: Address) -> ChildPair | None:
        """Find the newest pair for a packet that the peer is ready for (RFC 7296 §2.8)."""
        matching = [pair for pair in self.pairs.values() if pair.carries(source, destination)]
        for pair in reversed(matching):
            replaces = pair.event.replaces
            unconfirmed = pair.event.role is Role.RESPONDER and not pair.packets_in
            if not (unconfirmed and replaces in self.pairs):
                return pair
        return matching[-1] if matching else None


def _covered(selectors: tuple[TrafficSelector, ...], address: Address) -> bool:
    return any(
        selector.version == address.version
        and int(selector.start_address) <= int(address) <= int(selector.end_address)
        for selector in selectors
    )
