"""Table `sa_selectors`: what an SA may carry inwards (RFC 4301 §5.2 step 4)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, summarize_address_range

from controller.p4runtime.entities import Entry, MatchValue
from controller.p4runtime.errors import SelectorError
from controller.p4runtime.tables._entry import (
    ALL_PORTS,
    EntryReader,
    make_entry,
    network_match,
    ports_match,
    protocol_match,
)
from ike.types import TrafficSelector

ENTRIES_PER_SA = 256
"""The most entries that one SA may take of a table of 16,384."""

_PROTOCOLS_WITH_PORTS = (6, 17, 132)  # TCP, UDP, SCTP: the ones that `parser.p4` looks into
_PRIORITY = 1  # every entry accepts, so it doesn't matter which of two is hit


def sa_selectors(
    sa_id: int,
    local: tuple[TrafficSelector, ...],
    remote: tuple[TrafficSelector, ...],
    name: str = "",
) -> tuple[Entry, ...]:
    """Return the entries that accept what an SA's selectors allow.

    Inwards: the source matches a `remote` selector and the destination a `local` one. Address
    ranges become the prefixes that cover them exactly. Later fragments, which have no ports, are
    matched by addresses and protocol only.

    Raises:
        SelectorError: the ranges need more than `ENTRIES_PER_SA` entries, a port range is given
            for a protocol that the pipeline finds no ports in, a selector is of IPv6, or nothing at
            all would match.
    """
    entries: dict[object, Entry] = {}
    for source in remote:
        for destination in local:
            if source.protocol and destination.protocol and source.protocol != destination.protocol:
                continue
            for entry in _pair_entries(sa_id, source, destination, name):
                entries.setdefault(entry.key, entry)
                if len(entries) > ENTRIES_PER_SA:
                    raise SelectorError(
                        f"the selectors of SA {sa_id} need more than {ENTRIES_PER_SA} entries"
                    )
    if not entries:
        raise SelectorError(f"the selectors of SA {sa_id} match nothing")
    return tuple(entries.values())


def parse_selector_sa_id(entry: Entry) -> int:
    """Return the id of the SA that a `sa_selectors` entry belongs to.

    Raises:
        EntryError: it is no such entry.
    """
    return EntryReader(entry, "sa_selectors", "accept_").exact("sa_id")


def _pair_entries(
    sa_id: int, source: TrafficSelector, destination: TrafficSelector, name: str
) -> Iterator[Entry]:
    protocol = source.protocol or destination.protocol
    source_ports = _ports(source)
    destination_ports = _ports(destination)
    with_ports = not (source_ports == ALL_PORTS and destination_ports == ALL_PORTS)
    if with_ports and protocol not in _PROTOCOLS_WITH_PORTS:
        raise SelectorError(f"selectors with ports, but of protocol {protocol}: {source}")
    for source_network in _networks(source):
        for destination_network in _networks(destination):
            addresses: tuple[tuple[str, MatchValue | None], ...] = (
                ("sa_id", sa_id),
                ("source", network_match(source_network)),
                ("destination", network_match(destination_network)),
                ("protocol", protocol_match(protocol)),
            )
            label = f"selectors of {name or f'SA {sa_id}'}: {source} to {destination}"
            if not with_ports:
                yield make_entry(
                    "sa_selectors", addresses, "accept_", priority=_PRIORITY, label=label
                )
                continue
            ports = (
                ("source_port", ports_match(*source_ports)),
                ("destination_port", ports_match(*destination_ports)),
                ("later_fragment", (0, 1)),
            )
            for match in ((*addresses, *ports), (*addresses, ("later_fragment", (1, 1)))):
                yield make_entry("sa_selectors", match, "accept_", priority=_PRIORITY, label=label)


def _ports(selector: TrafficSelector) -> tuple[int, int]:
    if selector.start_port > selector.end_port:  # OPAQUE, RFC 7296 §3.13.1
        raise SelectorError(f"opaque ports are not supported: {selector}")
    return selector.start_port, selector.end_port


def _networks(selector: TrafficSelector) -> Iterator[IPv4Network]:
    start, end = selector.start_address, selector.end_address
    if not isinstance(start, IPv4Address) or not isinstance(end, IPv4Address):
        raise SelectorError(f"the data plane protects IPv4 alone: {selector}")
    if start > end:
        raise SelectorError(f"the addresses run backwards: {selector}")
    return summarize_address_range(start, end)
