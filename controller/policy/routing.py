"""Static routes, and what can be reached through which interface."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network

from controller.config.models import Config
from controller.policy import limits
from controller.policy.findings import Findings
from controller.policy.model import Interface, StaticRoute

# Itself, and its two broadcast addresses, which are black holes.
ENTRIES_PER_CONNECTED_NETWORK = 3


class Reachability:
    """The routing table as the configuration has it: which interface a packet leaves by."""

    def __init__(self) -> None:
        self._routes: dict[int, dict[int, Interface | None]] = {}
        self._by_interface: dict[int, list[tuple[int, int]]] = {}

    def add(self, prefix: IPv4Network, interface: Interface | None) -> None:
        """Add a route; without an interface it leads nowhere (``Null0``)."""
        start, length = int(prefix.network_address), prefix.prefixlen
        self._routes.setdefault(length, {})[start] = interface
        if interface is not None:
            insort(self._by_interface.setdefault(interface.id, []), (start, length))

    def interface_towards(self, address: IPv4Address, longest: int = 32) -> Interface | None:
        """Return the interface of the longest prefix of at most `longest` bits, if it has one."""
        for length in range(longest, -1, -1):
            start = int(address) >> (32 - length) << (32 - length)
            routes = self._routes.get(length, {})
            if start in routes:
                return routes[start]
        return None

    def leads_through(self, destination: IPv4Network, interface: Interface) -> bool:
        """Tell whether a part of the destination can be routed through the interface."""
        address, length = destination.network_address, destination.prefixlen
        if self.interface_towards(address, length) == interface:
            return True
        inside = self._by_interface.get(interface.id, [])
        at = bisect_left(inside, (int(address), length))
        return at < len(inside) and inside[at][0] <= int(destination.broadcast_address)


def compile_routes(
    config: Config, interfaces: Sequence[Interface], findings: Findings
) -> tuple[tuple[StaticRoute, ...], Reachability]:
    """Return the static routes, and where everything leads with the connected networks."""
    connected = Reachability()
    reachability = Reachability()
    own = {interface.address.ip: interface for interface in interfaces}
    taken: dict[IPv4Network, str] = {}
    for interface in interfaces:
        connected.add(interface.address.network, interface)
        reachability.add(interface.address.network, interface)
        taken.setdefault(interface.address.network, f"the network of {interface.name}")
    routes = []
    for index, route in enumerate(config.ip_routes):
        path = ("ip_routes", index)
        if route.prefix in taken:
            findings.error(path, f"{route.prefix} is {taken[route.prefix]}")
        taken.setdefault(route.prefix, "in the list already")
        through = None
        if route.gateway is not None:
            through = connected.interface_towards(route.gateway)
            if route.gateway in own:
                findings.error(path, f"{route.gateway} is this router's own address")
            elif through is None:
                findings.error(path, f"gateway {route.gateway} is on no connected network")
            elif not _is_host(route.gateway, through):
                findings.error(path, f"{route.gateway} is no host of {through.address.network}")
        reachability.add(route.prefix, through)
        routes.append(StaticRoute(route.prefix, route.gateway))
    entries = len(routes) + ENTRIES_PER_CONNECTED_NETWORK * len(interfaces)
    if entries > limits.ROUTES:
        findings.error(
            ("ip_routes",),
            f"{len(routes):,} routes, and {ENTRIES_PER_CONNECTED_NETWORK} for each of "
            f"{len(interfaces):,} connected networks; at most {limits.ROUTES:,} in all",
        )
    return tuple(routes), reachability


def _is_host(address: IPv4Address, interface: Interface) -> bool:
    network = interface.address.network
    return network.prefixlen >= 31 or address not in (
        network.network_address,
        network.broadcast_address,
    )
