"""Two endpoints over a network in memory, with a clock of its own."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from dataclasses import replace as changed
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network
from typing import TypeVar

from authority import NOW

from ike.config import ChildConfig, PeerConfig, PresharedKey, Settings
from ike.endpoint import Endpoint
from ike.events import ChildSaOffered, ChildSaOfferEnded, Event
from ike.types import Datagram, Identity, Secret, TrafficSelector, UdpAddress

LEFT = IPv4Address("192.0.2.1")
RIGHT = IPv4Address("192.0.2.2")
PRESHARED_KEY = PresharedKey(Secret(b"a shared secret"))
START = 1000.0  # seconds
E = TypeVar("E")


def selector(
    prefix: str, protocol: int = 0, ports: tuple[int, int] = (0, 65535)
) -> TrafficSelector:

    network = IPv4Network(prefix)
    return TrafficSelector(
        network.network_address, network.broadcast_address, protocol, ports[0], ports[1]
    )


def child(name: str, local: str, remote: str, **options: object) -> ChildConfig:
    return changed(
        ChildConfig(name, (selector(local),), (selector(remote),)),
        **options,  # type: ignore[arg-type]  # tests give what fits
    )


def peer(name: str, local: IPv4Address, remote: IPv4Address, *children: ChildConfig) -> PeerConfig:
    return PeerConfig(
        name,
        local,
        remote,
        Identity.from_text(str(local)),
        Identity.from_text(str(remote)),
        PRESHARED_KEY,
        PRESHARED_KEY,
        children,
    )


def with_key(config: PeerConfig, key: bytes) -> PeerConfig:
    """Change the pre-shared key of both directions."""
    shared = PresharedKey(Secret(key))
    return changed(config, local_authentication=shared, remote_authentication=shared)


def left_peer(*children: ChildConfig) -> PeerConfig:
    """The configuration of the left router for the right one."""
    return peer("right", LEFT, RIGHT, *(children or (child("net", "10.1.0.0/16", "10.2.0.0/16"),)))


def right_peer(*children: ChildConfig) -> PeerConfig:
    """The configuration of the right router for the left one."""
    return peer("left", RIGHT, LEFT, *(children or (child("ten", "10.2.0.0/16", "10.1.0.0/16"),)))


def mirrored(one: ChildConfig, name: str) -> ChildConfig:
    return changed(
        one, name=name, local_selectors=one.remote_selectors, remote_selectors=one.local_selectors
    )


@dataclass
class Node:
    """A router; its clock is `offset` seconds ahead of the network's.

    `history` is all that it has reported, `log` the same without offers: what has come of them.
    """

    endpoint: Endpoint
    log: list[Event] = field(default_factory=list)
    history: list[Event] = field(default_factory=list)
    offset: float = 0.0

    def next_deadline(self) -> float | None:
        deadline = self.endpoint.next_deadline()
        return None if deadline is None else deadline - self.offset

    def collect(self) -> None:
        """Take what the endpoint has to say."""
        events = self.endpoint.events()
        self.history += events
        self.log += (e for e in events if not isinstance(e, ChildSaOffered | ChildSaOfferEnded))

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.log if isinstance(event, kind)]

    def one(self, kind: type[E]) -> E:
        found = self.of(kind)
        assert len(found) == 1, self.log
        return found[0]


class Network:
    """Carries datagrams with a delay of 10 ms, unless `filter` says otherwise.

    `filter` gets each datagram and gives those that are to arrive, each with its delay.
    """

    def __init__(
        self,
        left: PeerConfig | list[PeerConfig] | None = None,
        right: PeerConfig | list[PeerConfig] | None = None,
        *,
        settings: Settings | None = None,
        right_settings: Settings | None = None,
        seed: int = 1,
    ) -> None:
        self.random = random.Random(seed)
        self.now = START
        self.filter: Callable[[Datagram], list[tuple[float, Datagram]]] = lambda d: [(0.01, d)]
        self.on_step: Callable[[], None] = lambda: None
        self.sent: list[Datagram] = []
        self._flying: list[tuple[float, int, Datagram]] = []
        self._count = 0
        settings = settings or Settings()
        self.left = self._node(left or left_peer(), settings)
        self.right = self._node(right or right_peer(), right_settings or settings)
        self.nodes = {LEFT: self.left, RIGHT: self.right}

    def _node(self, peers: PeerConfig | list[PeerConfig], settings: Settings) -> Node:
        peers = [peers] if isinstance(peers, PeerConfig) else peers
        endpoint = Endpoint(
            peers,
            settings=settings,
            random_bytes=self.random.randbytes,
            wall_clock=self.wall_clock,
        )
        return Node(endpoint)

    def wall_clock(self) -> datetime:
        """The calendar: the network starts at `authority.NOW`."""
        return NOW + timedelta(seconds=self.now - START)

    def restart(self, address: IPv4Address, peers: PeerConfig) -> Node:
        """Replace a router by one that has lost all state."""
        node = self.nodes[address] = self._node(peers, Settings())
        if address == LEFT:
            self.left = node
        else:
            self.right = node
        return node

    def collect(self) -> None:
        """Take what the endpoints have to send and to say."""
        for node in self.nodes.values():
            node.collect()
            for datagram in node.endpoint.transmits():
                self.sent.append(datagram)
                for delay, arriving in self.filter(datagram):
                    self.inject(arriving, delay)

    def inject(self, datagram: Datagram, delay: float = 0.01) -> None:
        self._count += 1
        self._flying.append((self.now + delay, self._count, datagram))
        self._flying.sort(key=lambda entry: entry[:2])

    def run(self, seconds: float = 5.0) -> None:
        """Let time pass, event by event."""
        end = self.now + seconds
        for _ in range(100_000):
            self.collect()
            self.on_step()
            deadlines = [n.next_deadline() for n in self.nodes.values()]
            times = [t for t in deadlines if t is not None]
            times += [self._flying[0][0]] if self._flying else []
            at = min(times, default=None)
            if at is None or at > end:
                self.now = end
                return
            self.now = max(self.now, at)
            if self._flying and self._flying[0][0] <= self.now:
                _, _, datagram = self._flying.pop(0)
                node = self.nodes.get(datagram.destination.address)
                if node is not None:
                    node.endpoint.receive(datagram, self.now + node.offset)
            for node in self.nodes.values():
                deadline = node.endpoint.next_deadline()
                if deadline is not None and deadline - node.offset <= self.now:
                    node.endpoint.advance(max(self.now + node.offset, deadline))
        raise AssertionError("the endpoints do not come to rest")

    def drop_all(self) -> None:
        self.filter = lambda d: []

    def deliver_all(self) -> None:
        self.filter = lambda d: [(0.01, d)]


def at(address: IPv4Address, port: int = 500) -> UdpAddress:
    return UdpAddress(address, port)
