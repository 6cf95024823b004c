"""The neighbor cache: next hops to MAC addresses, by ARP (RFC 826, RFC 1122 §2.3.2).

::

                  resolve                   reply
    (unknown) ───────────────▶ INCOMPLETE ─────────▶ REACHABLE ◀───┐ reply, or any packet that
                                   │                     │         │ tells its MAC address
                      no answer    │       reachable time│         │
                     to 3 requests │                     ▼         │
                                   ▼                   PROBE ──────┘
    (unknown) ◀───────────────── FAILED                  │ no answer to 3 unicast requests
                  some seconds                           ▼
                                                     (unknown), and out of the pipeline

Nothing is learned that was not asked for: an entry begins with a packet of ours that needs it, so
that nobody on the link can fill the table. What others tell refreshes known entries only.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Interface

from controller.p4runtime.entities import PacketOut
from controller.policy.model import Interface
from controller.speaker.arp import ArpOperation, ArpPacket
from controller.speaker.arp_frames import (
    arp_reply,
    arp_request,
    can_be_neighbor,
    to_neighbor,
)
from controller.speaker.errors import PacketError
from controller.speaker.ethernet import BROADCAST, TYPE_ARP, EthernetFrame, is_unicast
from controller.speaker.tally import Tally

RETRY_INTERVAL = 1.0  # seconds between requests
TRIES = 3
NEGATIVE_TIME = 5.0  # seconds that a next hop which did not answer is left alone
REACHABLE_TIME = 300.0  # seconds after which an entry is probed

HELD_FRAMES = 3  # a next hop
UNRESOLVED_LIMIT = 1024  # next hops, FAILED ones included
NEIGHBOR_LIMIT = 16384  # next hops in all: the size of the pipeline's table


@dataclass(frozen=True, slots=True)
class AddNeighbor:
    """The pipeline should have this MAC address, in place of any that it had."""

    interface: Interface
    next_hop: IPv4Address
    mac_address: int


@dataclass(frozen=True, slots=True)
class RemoveNeighbor:
    """The pipeline should forget this next hop."""

    interface: Interface
    next_hop: IPv4Address


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The next hop does not answer; these frames were held for it, and are given up."""

    interface: Interface
    next_hop: IPv4Address
    frames: tuple[bytes, ...]


NeighborEffect = PacketOut | AddNeighbor | RemoveNeighbor | Unreachable


class NeighborState(StrEnum):
    """Of one entry; see the module's drawing."""

    INCOMPLETE = "incomplete"
    REACHABLE = "reachable"
    PROBE = "probe"
    FAILED = "failed"


@dataclass(slots=True)
class _Neighbor:
    interface: Interface
    next_hop: IPv4Address
    state: NeighborState
    deadline: float
    mac_address: int = 0
    tries: int = 0
    held: deque[bytes] = field(default_factory=lambda: deque(maxlen=HELD_FRAMES))


_Key = tuple[int, IPv4Address]
_UNRESOLVED = (NeighborState.INCOMPLETE, NeighborState.FAILED)


class NeighborCache:
    """The neighbors of one router. Times are seconds of the injected clock.

    Attributes:
        dropped: frames given up, for want of a neighbor or of room.
    """

    def __init__(self, interfaces: Iterable[Interface]) -> None:
        self._interfaces = {interface.id: interface for interface in interfaces}
        self._neighbors: dict[_Key, _Neighbor] = {}
        self._unresolved = 0
        self._deadlines: list[tuple[float, int, IPv4Address]] = []  # a heap; stale ones stay
        self.dropped = Tally()

    def __len__(self) -> int:
        return len(self._neighbors)

    def mac_address(self, interface_id: int, next_hop: IPv4Address) -> int | None:
        """Return the MAC address of a next hop, if it is known."""
        neighbor = self._neighbors.get((interface_id, next_hop))
        return neighbor.mac_address or None if neighbor else None

    def neighbors(self) -> tuple[AddNeighbor, ...]:
        """Return all next hops that are known."""
        return tuple(
            AddNeighbor(neighbor.interface, neighbor.next_hop, neighbor.mac_address)
            for neighbor in self._neighbors.values()
            if neighbor.state not in _UNRESOLVED
        )

    # --- what happens ---------------------------------------------------------------------

    def resolve(
        self, interface_id: int, next_hop: IPv4Address, frame: bytes, now: float
    ) -> list[NeighborEffect]:
        """Find a next hop's MAC address for a frame, and hold the frame until then.

        Of the frames that are held for one next hop the oldest gives way. A next hop that can't
        be one, or for which there is no room, costs the frame.
        """
        interface = self._interfaces.get(interface_id)
        if interface is None or not can_be_neighbor(interface, next_hop):
            self.dropped.count(frame)
            return []
        neighbor = self._neighbors.get((interface_id, next_hop))
        if neighbor is None:
            if self._unresolved >= UNRESOLVED_LIMIT or len(self._neighbors) >= NEIGHBOR_LIMIT:
                self.dropped.count(frame)
                return []
            neighbor = _Neighbor(interface, next_hop, NeighborState.INCOMPLETE, now)
            self._neighbors[interface_id, next_hop] = neighbor
            self._unresolved += 1
            neighbor.held.append(frame)
            return [self._ask(neighbor, now)]
        match neighbor.state:
            case NeighborState.INCOMPLETE:
                if len(neighbor.held) == HELD_FRAMES:
                    self.dropped.count(neighbor.held[0])
                neighbor.held.append(frame)
                return []
            case NeighborState.FAILED:
                self.dropped.count(frame)
                return []
            case _:
                # It was punted before the entry was in the pipeline.
                return [to_neighbor(neighbor.interface, neighbor.mac_address, frame)]

    def receive(self, interface_id: int, frame: bytes, now: float) -> list[NeighborEffect]:
        """Take an ARP frame that came in by this interface; answer it, learn from it.

        Raises:
            PacketError: the frame is malformed.
        """
        ethernet = EthernetFrame.parse(frame)
        if ethernet.ether_type != TYPE_ARP:
            raise PacketError("Ethernet", 12, f"type {ethernet.ether_type:#06x}")
        arp = ArpPacket.parse(ethernet.payload)
        if not is_unicast(arp.sender_mac):
            raise PacketError("ARP", 8, "the sender's MAC address is not one station's")
        interface = self._interfaces.get(interface_id)
        if interface is None or arp.sender_mac == interface.mac_address:
            return []
        effects: list[NeighborEffect] = []
        if can_be_neighbor(interface, arp.sender_address):
            effects += self._learn(interface, arp, now)
        if (
            arp.operation is ArpOperation.REQUEST
            and arp.target_address == interface.address.ip
            and arp.sender_address != interface.address.ip
        ):
            effects.append(arp_reply(interface, arp))
        return effects

    def adopt(
        self, interface_id: int, next_hop: IPv4Address, mac_address: int, now: float
    ) -> list[NeighborEffect]:
        """Carry on with an entry that was found in the pipeline, and probe it at once.

        Returns nothing, and knows nothing, where the entry can't be right any more.
        """
        interface = self._interfaces.get(interface_id)
        if (
            interface is None
            or not can_be_neighbor(interface, next_hop)
            or not is_unicast(mac_address)
            or (interface_id, next_hop) in self._neighbors
            or len(self._neighbors) >= NEIGHBOR_LIMIT
        ):
            return []
        neighbor = _Neighbor(interface, next_hop, NeighborState.PROBE, now, mac_address)
        self._neighbors[interface_id, next_hop] = neighbor
        return [AddNeighbor(interface, next_hop, mac_address), self._ask(neighbor, now)]

    def set_interfaces(self, interfaces: Iterable[Interface]) -> list[NeighborEffect]:
        """Go over to other interfaces; neighbors on links that stay the same are kept.

        A crypto map or another MTU makes no other link: traffic would be lost for ARP.
        """
        new = {interface.id: interface for interface in interfaces}
        effects: list[NeighborEffect] = []
        for neighbor in list(self._neighbors.values()):
            interface = new.get(neighbor.interface.id)
            if interface is None or _link(interface) != _link(neighbor.interface):
                effects += self._forget(neighbor)
            else:
                neighbor.interface = interface
        self._interfaces = new
        return effects

    # --- time -----------------------------------------------------------------------------

    def advance(self, now: float) -> list[NeighborEffect]:
        """Do what is due: ask again, give up, probe."""
        effects: list[NeighborEffect] = []
        while (neighbor := self._next_due(now)) is not None:
            effects += self._time_out(neighbor, now)
        return effects

    def next_deadline(self) -> float | None:
        """Return when `advance` has something to do."""
        self._drop_stale_deadlines()
        return self._deadlines[0][0] if self._deadlines else None

    def _next_due(self, now: float) -> _Neighbor | None:
        self._drop_stale_deadlines()
        if not self._deadlines or self._deadlines[0][0] > now:
            return None
        _, interface_id, next_hop = heapq.heappop(self._deadlines)
        return self._neighbors[interface_id, next_hop]

    def _drop_stale_deadlines(self) -> None:
        while self._deadlines:
            deadline, interface_id, next_hop = self._deadlines[0]
            neighbor = self._neighbors.get((interface_id, next_hop))
            if neighbor is not None and neighbor.deadline == deadline:
                return
            heapq.heappop(self._deadlines)

    def _time_out(self, neighbor: _Neighbor, now: float) -> list[NeighborEffect]:
        match neighbor.state:
            case NeighborState.REACHABLE:
                neighbor.state = NeighborState.PROBE
                neighbor.tries = 0
                return [self._ask(neighbor, now)]
            case NeighborState.FAILED:
                return self._forget(neighbor)
            case _ if neighbor.tries < TRIES:
                return [self._ask(neighbor, now)]
            case NeighborState.PROBE:
                return self._forget(neighbor)
            case _:
                neighbor.state = NeighborState.FAILED
                self._set_deadline(neighbor, now + NEGATIVE_TIME)
                frames = tuple(neighbor.held)
                neighbor.held.clear()
                for frame in frames:
                    self.dropped.count(frame)
                return [Unreachable(neighbor.interface, neighbor.next_hop, frames)]

    # --- inside ---------------------------------------------------------------------------

    def _learn(self, interface: Interface, arp: ArpPacket, now: float) -> list[NeighborEffect]:
        neighbor = self._neighbors.get((interface.id, arp.sender_address))
        if neighbor is None:
            return []
        is_new = neighbor.mac_address != arp.sender_mac
        if neighbor.state in _UNRESOLVED:
            self._unresolved -= 1
        neighbor.mac_address = arp.sender_mac
        neighbor.state = NeighborState.REACHABLE
        neighbor.tries = 0
        self._set_deadline(neighbor, now + REACHABLE_TIME)
        effects: list[NeighborEffect] = []
        if is_new:
            effects.append(AddNeighbor(interface, neighbor.next_hop, neighbor.mac_address))
        effects += (
            to_neighbor(neighbor.interface, neighbor.mac_address, frame) for frame in neighbor.held
        )
        neighbor.held.clear()
        return effects

    def _ask(self, neighbor: _Neighbor, now: float) -> PacketOut:
        neighbor.tries += 1
        self._set_deadline(neighbor, now + RETRY_INTERVAL)
        # RFC 1122 §2.3.2.1: who is known is asked by unicast.
        return arp_request(neighbor.interface, neighbor.next_hop, neighbor.mac_address or BROADCAST)

    def _forget(self, neighbor: _Neighbor) -> list[NeighborEffect]:
        del self._neighbors[neighbor.interface.id, neighbor.next_hop]
        for frame in neighbor.held:
            self.dropped.count(frame)
        if neighbor.state in _UNRESOLVED:
            self._unresolved -= 1
            return []
        return [RemoveNeighbor(neighbor.interface, neighbor.next_hop)]

    def _set_deadline(self, neighbor: _Neighbor, deadline: float) -> None:
        neighbor.deadline = deadline
        if len(self._deadlines) > 4 * len(self._neighbors) + 64:  # most are stale
            self._deadlines = [
                (known.deadline, known.interface.id, known.next_hop)
                for known in self._neighbors.values()
            ]
            heapq.heapify(self._deadlines)
        heapq.heappush(self._deadlines, (deadline, neighbor.interface.id, neighbor.next_hop))


def _link(interface: Interface) -> tuple[int, int, IPv4Interface]:
    """Return what neighbors are known by: they are others where any of it is."""
    return interface.port, interface.mac_address, interface.address
