"""Tables `route` and `neighbor`: where a packet goes next."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from controller.p4runtime.entities import Entry, MatchValue
from controller.p4runtime.tables._entry import EntryReader, make_entry
from controller.policy.model import Interface


def _prefix(prefix: IPv4Network) -> tuple[tuple[str, MatchValue | None], ...]:
    if prefix.prefixlen == 0:
        return ()
    return (("prefix", (int(prefix.network_address), prefix.prefixlen)),)


def route_connected(prefix: IPv4Network, interface_id: int) -> Entry:
    """The subnet of an interface: the destination is the next hop."""
    return make_entry(
        "route",
        _prefix(prefix),
        "connected",
        (("interface_id", interface_id),),
        label=f"route {prefix} connected, interface {interface_id}",
    )


def route_via(prefix: IPv4Network, interface_id: int, gateway: IPv4Address) -> Entry:
    """A prefix behind a gateway on an interface's subnet."""
    return make_entry(
        "route",
        _prefix(prefix),
        "via",
        (("interface_id", interface_id), ("gateway", int(gateway))),
        label=f"route {prefix} via {gateway}, interface {interface_id}",
    )


def route_blackhole(prefix: IPv4Network) -> Entry:
    """A prefix that is dropped (``Null0``)."""
    return make_entry("route", _prefix(prefix), "blackhole", label=f"route {prefix} to Null0")


def neighbor(interface: Interface, next_hop: IPv4Address, mac_address: int) -> Entry:
    """The whole rewrite towards a next hop: its MAC address, and the port and ours to leave by."""
    return make_entry(
        "neighbor",
        (("interface_id", interface.id), ("next_hop", int(next_hop))),
        "set_neighbor",
        (
            ("mac_address", mac_address),
            ("port", interface.port),
            ("source_mac_address", interface.mac_address),
        ),
        label=f"neighbor {next_hop} on {interface.name}",
    )


def parse_neighbor(entry: Entry) -> tuple[int, IPv4Address, int]:
    """Return the interface id, next hop and MAC address of a `neighbor` entry.

    Raises:
        EntryError: it is no such entry.
    """
    reader = EntryReader(entry, "neighbor", "set_neighbor")
    return (
        reader.exact("interface_id"),
        reader.address_match("next_hop"),
        reader.param("mac_address"),
    )
