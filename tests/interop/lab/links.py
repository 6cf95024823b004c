"""Links between namespaces: veth pairs, a bridge, addresses and routes."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from tests.interop.lab.namespace import Namespace, ip

# Where frames are captured they must be as on a wire: checksums filled in by the sender, and no
# segment larger than the MTU.
_OFFLOADS = ("rx", "tx", "sg", "tso", "gso", "gro")


@dataclass(frozen=True, slots=True)
class Port:
    """One end of a veth pair. Interface names have at most 15 characters."""

    namespace: Namespace
    interface: str
    mac: str | None = None

    def offload_off(self) -> None:
        """Make the interface send and receive what a wire would carry."""
        settings = [word for feature in _OFFLOADS for word in (feature, "off")]
        self.namespace.run("ethtool", "-K", self.interface, *settings)

    def add_address(self, address: IPv4Interface) -> None:
        """Give the interface an address and the route to its network."""
        self.namespace.ip("address", "add", str(address), "dev", self.interface)


def connect(a: Port, b: Port, *, mtu: int, offload: bool) -> None:
    """Lay a link between two namespaces and bring both ends up.

    Args:
        a: one end.
        b: the other end.
        mtu: bytes of IP packet.
        offload: leave checksums and segmentation to the other end, as veth does by itself.
    """
    ip(
        *("link", "add", "name", a.interface, "netns", a.namespace.name, "mtu", str(mtu)),
        *(("address", a.mac) if a.mac else ()),
        *("type", "veth", "peer", "name", b.interface, "netns", b.namespace.name),
        *("mtu", str(mtu)),
        *(("address", b.mac) if b.mac else ()),
    )
    for port in (a, b):
        if not offload:
            port.offload_off()
        port.namespace.ip("link", "set", port.interface, "up")


def add_bridge(namespace: Namespace, name: str) -> None:
    """Create an Ethernet bridge and bring it up."""
    namespace.ip("link", "add", "name", name, "type", "bridge")
    namespace.ip("link", "set", name, "up")


def attach(port: Port, bridge: str) -> None:
    """Plug an interface into a bridge of the same namespace."""
    port.namespace.ip("link", "set", port.interface, "master", bridge)


def add_route(namespace: Namespace, destination: IPv4Network, via: IPv4Address) -> None:
    """Add a route to `destination` by way of a neighbour."""
    namespace.ip("route", "add", str(destination), "via", str(via))
