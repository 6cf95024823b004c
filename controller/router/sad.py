"""The security association database (RFC 4301 §4.4.2): which SAs there are, and their entries.

A pair of SAs, one each way, belongs to one packet type and shares one SA id. While a pair is
being replaced there are two of a type: both are accepted inbound, one is sent on.

An outbound SA is put into a switch once. Its sequence numbers live in the switch only, so after
the switch has lost them the SA is dead: counting from 1 again under the same key would repeat
IVs (RFC 4106 §3.1). Manual SAs get a new generation, which is part of the IV, instead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from controller.p4runtime import tables
from controller.p4runtime.desired import DesiredState
from controller.p4runtime.entities import Entry, EntryKey
from controller.p4runtime.errors import SelectorError
from controller.p4runtime.tables import SadIn, SadOut
from controller.policy.model import PacketType
from controller.router.sa_pair import (
    NoRouteToPeerError,
    PairMaker,
    SaError,
    SaPair,
    SaTableFullError,
    UnusableSelectorsError,
    found,
)
from controller.router.selectors import flow_selectors
from controller.speaker.routes import RouteTable
from ike.events import ChildSaEstablished, Role
from ike.types import TrafficSelector, UdpAddress

SA_LIMIT = 4096
"""Pairs of SAs: the size of `sad_in` and `sad_out` (p4src/sizes.p4)."""

RESPONDER_SETTLE = 0.1
"""Seconds from our IKE response to our first ESP packet, where the packets have another way until
then (the clear, or the SA that is replaced): the initiator has to install the SA first."""

INBOUND_LINGER = 5.0
"""Seconds that a replaced SA is still accepted: its last packets may be on their way."""


@dataclass(slots=True)
class _PacketTypeSas:
    pairs: list[SaPair] = field(default_factory=list)  # oldest first
    sending: SaPair | None = None  # whose entry `sad_out` holds


class SecurityAssociationDatabase:
    """Declares the entries of `sad_in`, `sa_selectors` and `sad_out` for the SAs it is told of."""

    def __init__(
        self,
        desired: DesiredState,
        routes: RouteTable,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._desired = desired
        self._maker = PairMaker(routes, random_bytes)
        self._free_ids = deque(range(1, SA_LIMIT + 1))
        self._types: dict[int, _PacketTypeSas] = {}
        self._by_spi: dict[int, SaPair] = {}
        self._timed: set[SaPair] = set()
        self._activated: list[int] = []

    def __len__(self) -> int:
        return len(self._by_spi)

    # --- what there is --------------------------------------------------------------------

    def pairs(self, packet_type: int | None = None) -> list[SaPair]:
        """Return the pairs of one packet type, or all, oldest first."""
        if packet_type is None:
            return list(self._by_spi.values())
        sas = self._types.get(packet_type)
        return list(sas.pairs) if sas else []

    def sending(self, packet_type: int) -> SaPair | None:
        """Return the pair that packets of this type leave by."""
        sas = self._types.get(packet_type)
        return sas.sending if sas else None

    def by_inbound_spi(self, spi: int) -> SaPair | None:
        """Return the pair whose inbound SPI this is."""
        return self._by_spi.get(spi)

    def by_entry(self, key: EntryKey) -> SaPair | None:
        """Return the pair that an entry of `sad_in`, `sa_selectors` or `sad_out` belongs to."""
        match = dict(key.match)
        if key.table == "sad_out":
            packet_type = match["packet_type"]
            return self.sending(packet_type) if isinstance(packet_type, int) else None
        for pair in self._by_spi.values():
            if key.table == "sad_in" and pair.inbound.spi == match["spi"]:
                return pair
            if key.table == "sa_selectors" and pair.sa_id == match["sa_id"]:
                return pair
        return None

    # --- coming ---------------------------------------------------------------------------

    def establish(
        self, event: ChildSaEstablished, packet_type: PacketType, now: float, *, has_way: bool
    ) -> SaPair:
        """Add the pair that IKE has negotiated; inbound at once, outbound as the role allows.

        Args:
            event: the pair, with its keys.
            packet_type: what it protects.
            now: seconds.
            has_way: packets of this type have another way for a moment: in the clear, or by the
                SA that this one replaces.

        Raises:
            SaError: the peer is not reachable, there are `SA_LIMIT` pairs already, or the switch
                can't check the selectors. Nothing is changed.
        """
        sa_id = self._take_id()
        try:
            pair = self._maker.negotiated(event, packet_type, sa_id, now)
        except SaError:
            self._free_ids.appendleft(sa_id)
            raise
        self._add(pair, event.local_selectors, event.remote_selectors)
        if event.role is Role.RESPONDER and has_way:
            pair.activate_at = now + RESPONDER_SETTLE
            self._timed.add(pair)
        elif event.role is Role.INITIATOR:
            self.activate(pair)
        else:
            pair.activate_at = now
            self._timed.add(pair)
        return pair

    def add_manual(self, packet_type: PacketType, now: float, generation: int) -> SaPair:
        """Add the SAs that the configuration gives for a packet type (PM-11).

        Args:
            packet_type: a manual one.
            now: seconds.
            generation: 32 bits, never used before with these keys.

        Raises:
            SaError: the peer is not reachable, there are `SA_LIMIT` pairs already, or the switch
                can't check the selectors. Nothing is changed.
        """
        sa_id = self._take_id()
        try:
            pair = self._maker.manual(packet_type, sa_id, generation, now)
        except SaError:
            self._free_ids.appendleft(sa_id)
            raise
        self._add(pair, *flow_selectors(packet_type.flow))
        self.activate(pair)
        return pair

    def adopt(
        self,
        packet_type: PacketType,
        inbound: SadIn,
        outbound: SadOut,
        selectors: tuple[Entry, ...],
        now: float,
        *,
        carried_on: bool = False,
    ) -> SaPair:
        """Carry on with a pair that was found on the switch, exactly as it stands there.

        `carried_on`: IKE knows it.
        """
        pair = found(packet_type, inbound, outbound, selectors, now, carried_on=carried_on)
        self._free_ids.remove(pair.sa_id)
        self._declare(pair)
        self.activate(pair)
        return pair

    # --- changing -------------------------------------------------------------------------

    def activate(self, pair: SaPair) -> None:
        """Send on this pair from now on."""
        pair.activate_at = None
        sas = self._types[pair.packet_type.id]
        if sas.sending is None:
            self._activated.append(pair.packet_type.id)
        sas.sending = pair
        self._desired.declare(tables.sad_out(pair.outbound, pair.name))

    def move(
        self, spi_in: int, local: IPv4Address, remote: UdpAddress, *, encapsulated: bool
    ) -> None:
        """Go between other addresses or ports, in UDP or not (RFC 7296 §2.23, RFC 4555).

        Raises:
            NoRouteToPeerError: the peer's address is not reachable; the SA stays as it was.
        """
        pair = self._by_spi.get(spi_in)
        if pair is None:
            return
        self._maker.redirect(pair, remote, encapsulated=encapsulated)
        if pair.inbound.destination != local:
            self._desired.withdraw(tables.sad_in(pair.inbound).key)
            pair.relocate(local)
            self._desired.declare(tables.sad_in(pair.inbound, pair.name))
        if self.sending(pair.packet_type.id) is pair:
            self.activate(pair)

    def relocate(self, packet_type: PacketType) -> None:
        """Have the SAs of a packet type end at its local address, which was another one.

        The old address is no longer ours. `reroute` has to follow, once that is written: the
        switch may have no room for the entries of both.
        """
        for pair in self.pairs(packet_type.id):
            self._desired.withdraw(tables.sad_in(pair.inbound).key)
            pair.packet_type = packet_type
            pair.relocate(packet_type.local_address)

    def reroute(self) -> list[str]:
        """Find every tunnel's way anew after the routes, or our addresses, have changed.

        Returns:
            One line for each SA that has no way any more; it goes the way that it went.
        """
        lost = []
        for pair in self._by_spi.values():
            inbound, outbound = pair.inbound, pair.outbound
            self._desired.declare(tables.sad_in(inbound, pair.name))
            remote = UdpAddress(outbound.tunnel_destination, outbound.udp_destination_port)
            try:
                self.move(inbound.spi, inbound.destination, remote, encapsulated=pair.encapsulated)
            except NoRouteToPeerError as error:
                lost.append(f"SA for {pair.name}: {error}")
        return lost

    # --- going ----------------------------------------------------------------------------

    def retire(self, spi_in: int, now: float) -> None:
        """Stop sending on a pair that has a successor; accept its last packets a while longer."""
        pair = self._by_spi.get(spi_in)
        if pair is None:
            return
        successor = self._successor(pair)
        if successor is None:
            self.remove(spi_in)
            return
        if self.sending(pair.packet_type.id) is pair:
            self.activate(successor)
        pair.activate_at = None
        pair.expires_at = now + INBOUND_LINGER
        self._timed.add(pair)

    def remove(self, spi_in: int) -> SaPair | None:
        """Take a pair out, both ways, at once; return it, or None if there is none."""
        pair = self._by_spi.pop(spi_in, None)
        if pair is None:
            return None
        self._timed.discard(pair)
        sas = self._types[pair.packet_type.id]
        if sas.sending is pair:
            successor = self._successor(pair)
            if successor is not None:
                self.activate(successor)
            else:
                sas.sending = None
                self._desired.withdraw(tables.sad_out(pair.outbound).key)
        sas.pairs.remove(pair)
        if not sas.pairs:
            del self._types[pair.packet_type.id]
        for entry in self._inbound_entries(pair):
            self._desired.withdraw(entry.key)
        self._free_ids.append(pair.sa_id)
        return pair

    # --- time -----------------------------------------------------------------------------

    def advance(self, now: float) -> None:
        """Start to send on what has settled; drop what was only lingering."""
        for pair in list(self._timed):
            if pair.activate_at is not None and pair.activate_at <= now:
                self.activate(pair)
            if pair.expires_at is not None and pair.expires_at <= now:
                self.remove(pair.inbound.spi)
            if pair.activate_at is None and pair.expires_at is None:
                self._timed.discard(pair)

    def next_deadline(self) -> float | None:
        """Return when `advance` has something to do, in seconds."""
        times = [
            time
            for pair in self._timed
            for time in (pair.activate_at, pair.expires_at)
            if time is not None
        ]
        return min(times, default=None)

    def take_activated(self) -> list[int]:
        """Drain the packet types that have got an SA to send on, and had none before."""
        drained, self._activated = self._activated, []
        return drained

    # --- inside ---------------------------------------------------------------------------

    def _add(
        self,
        pair: SaPair,
        local: tuple[TrafficSelector, ...],
        remote: tuple[TrafficSelector, ...],
    ) -> None:
        try:
            pair.selectors = tables.sa_selectors(pair.sa_id, local, remote, pair.name)
        except SelectorError as error:
            self._free_ids.appendleft(pair.sa_id)
            raise UnusableSelectorsError(str(error)) from None
        self._declare(pair)

    def _declare(self, pair: SaPair) -> None:
        self._types.setdefault(pair.packet_type.id, _PacketTypeSas()).pairs.append(pair)
        self._by_spi[pair.inbound.spi] = pair
        for entry in self._inbound_entries(pair):
            self._desired.declare(entry)

    def _inbound_entries(self, pair: SaPair) -> Iterable[Entry]:
        yield from pair.selectors
        yield tables.sad_in(pair.inbound, pair.name)

    def _successor(self, pair: SaPair) -> SaPair | None:
        others = [
            other
            for other in self._types[pair.packet_type.id].pairs
            if other is not pair and other.expires_at is None
        ]
        return others[-1] if others else None

    def _take_id(self) -> int:
        if not self._free_ids:
            raise SaTableFullError(f"all {SA_LIMIT} pairs of SAs are in use")
        return self._free_ids.popleft()
