"""Tables `clear_destinations` and `clear_sources`: addresses that were reported already."""

from __future__ import annotations

from ipaddress import IPv4Address

from controller.p4runtime.entities import Entry
from controller.p4runtime.tables._entry import EntryReader, make_entry

KEY_ALONE = ""
"""The action of an entry in an idle-timeout notification, which has none (bmv2 sends the key)."""

# An idle notification has the key alone (P4Runtime §16.4), so no action as well.
_DESTINATION_ACTIONS = ("no_sa.known", "")
_SOURCE_ACTIONS = ("spd_in.known", "")


def clear_destination(packet_type: int, address: IPv4Address, idle_timeout: float) -> Entry:
    """A destination that the controller knows to get clear packets. `idle_timeout` in seconds."""
    return make_entry(
        "clear_destinations",
        (("packet_type", packet_type), ("destination", int(address))),
        "no_sa.known",
        idle_timeout=idle_timeout,
        label=f"clear destination {address} of packet type {packet_type}",
    )


def parse_clear_destination(entry: Entry) -> tuple[int, IPv4Address]:
    """Return the packet type and the destination.

    Raises:
        EntryError: it is no such entry.
    """
    reader = EntryReader(entry, "clear_destinations", "no_sa.known", KEY_ALONE)
    return reader.exact("packet_type"), reader.address_match("destination")


def clear_source(packet_type: int, address: IPv4Address, idle_timeout: float) -> Entry:
    """A source that the controller knows to send clear packets. `idle_timeout` in seconds."""
    return make_entry(
        "clear_sources",
        (("packet_type", packet_type), ("source", int(address))),
        "spd_in.known",
        idle_timeout=idle_timeout,
        label=f"clear source {address} of packet type {packet_type}",
    )


def parse_clear_source(entry: Entry) -> tuple[int, IPv4Address]:
    """Return the packet type and the source.

    Raises:
        EntryError: it is no such entry.
    """
    reader = EntryReader(entry, "clear_sources", "spd_in.known", KEY_ALONE)
    return reader.exact("packet_type"), reader.address_match("source")
