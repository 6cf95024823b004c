"""The routing table: connected subnets and static routes, longest prefix first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from controller.p4runtime import tables
from controller.p4runtime.entities import Entry
from controller.policy.model import Interface, StaticRoute


class RouteError(ValueError):
    """A route that can't be: its gateway is on no connected subnet, or there are two of it."""


@dataclass(frozen=True, slots=True)
class _Route:
    interface: Interface | None  # None: a black hole
    gateway: IPv4Address | None = None  # None: connected


class RouteTable:
    """Finds next hops, and gives the entries that make the pipeline find the same ones.

    A connected subnet wins over a static route to the same prefix, as on IOS. The two broadcast
    addresses of a subnet (all ones and all zeros) are black holes (RFC 2644, RFC 1812 §4.2.3.1).

    Raises:
        RouteError: the gateway of a static route is not on a connected subnet, or is one of our
            own addresses; two interfaces have one subnet; a prefix has two static routes.
    """

    def __init__(
        self, interfaces: Iterable[Interface], static_routes: Iterable[StaticRoute]
    ) -> None:
        self._routes: dict[IPv4Network, _Route] = {}
        self._lengths: tuple[int, ...] = ()
        self.replace(interfaces, static_routes)

    def replace(
        self, interfaces: Iterable[Interface], static_routes: Iterable[StaticRoute]
    ) -> None:
        """Go over to other interfaces and routes.

        Raises:
            RouteError: as for the constructor; the table stays as it was.
        """
        connected = _connected(tuple(interfaces))
        static: dict[IPv4Network, _Route] = {}
        for route in static_routes:
            if route.prefix in static:
                raise RouteError(f"two static routes to {route.prefix}")
            static[route.prefix] = _static(route, connected)
        self._routes = static | connected
        self._lengths = tuple(sorted({net.prefixlen for net in self._routes}, reverse=True))

    def next_hop(self, address: IPv4Address) -> tuple[Interface, IPv4Address] | None:
        """Return the way to an address: the interface, and the gateway or the address itself.

        None: there is none, or it is a black hole.
        """
        route = self._lookup(address)
        if route is None or route.interface is None:
            return None
        return route.interface, route.gateway or address

    def entries(self) -> tuple[Entry, ...]:
        """Return the entries of the table `route`."""
        return tuple(_entry(prefix, route) for prefix, route in self._routes.items())

    def _lookup(self, address: IPv4Address) -> _Route | None:
        for length in self._lengths:
            route = self._routes.get(_network(address, length))
            if route is not None:
                return route
        return None


def _network(address: IPv4Address, length: int) -> IPv4Network:
    return IPv4Network((address, length), strict=False)


def _connected(interfaces: tuple[Interface, ...]) -> dict[IPv4Network, _Route]:
    routes: dict[IPv4Network, _Route] = {}
    for interface in interfaces:
        network = interface.address.network
        other = routes.get(network)
        if other is not None and other.interface is not None:
            raise RouteError(f"{other.interface.name} and {interface.name} are both on {network}")
        routes[network] = _Route(interface)
    for network in tuple(routes):
        if network.prefixlen <= 30:
            for address in (network.network_address, network.broadcast_address):
                routes.setdefault(_network(address, 32), _Route(None))
    return routes


def _static(route: StaticRoute, connected: dict[IPv4Network, _Route]) -> _Route:
    if route.gateway is None:
        return _Route(None)
    found = [
        known.interface
        for network, known in connected.items()
        if known.interface is not None and route.gateway in network
    ]
    if not found:
        raise RouteError(f"the gateway {route.gateway} of {route.prefix} is on no connected subnet")
    interface = max(found, key=lambda candidate: candidate.address.network.prefixlen)
    if interface.address.ip == route.gateway:
        raise RouteError(f"the gateway {route.gateway} of {route.prefix} is this router itself")
    return _Route(interface, route.gateway)


def _entry(prefix: IPv4Network, route: _Route) -> Entry:
    if route.interface is None:
        return tables.route_blackhole(prefix)
    if route.gateway is None:
        return tables.route_connected(prefix, route.interface.id)
    return tables.route_via(prefix, route.interface.id, route.gateway)
