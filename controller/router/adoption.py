"""What a new controller may carry on with of what it finds on the switch.

An SA is adopted only if the policy that it serves is the same as before: the same `spd_out`
entries lead to it, between the same two addresses, unless IKE carries it on and so knows where it
has moved to. Anything else is left to the reconciler, which removes it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import TypeVar

from controller.p4runtime import tables
from controller.p4runtime.entities import Declared, Entry
from controller.p4runtime.errors import EntryError
from controller.p4runtime.tables import SadIn, SadOut
from controller.passive.events import Decision
from controller.policy.model import PacketType, Policy
from controller.router.sa_pair import manual_keying
from controller.router.sad import SA_LIMIT

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FoundPair:
    """A pair of SAs on the switch, as it stands there."""

    packet_type: PacketType
    inbound: SadIn
    outbound: SadOut
    selectors: tuple[Entry, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Adoption:
    """What can be carried on with."""

    pairs: tuple[FoundPair, ...]
    decisions: tuple[tuple[int, Decision], ...]  # packet type id → what `no_sa` said
    destinations: tuple[tuple[int, IPv4Address], ...]
    sources: tuple[tuple[int, IPv4Address], ...]
    neighbors: tuple[tuple[int, IPv4Address, int], ...]  # interface id, next hop, MAC address


def adoptable(
    found: Iterable[Entry],
    declared: Iterable[Declared],
    policy: Policy,
    carried_on: Container[tuple[int, int]],
) -> Adoption:
    """Pick what fits the policy out of what was found.

    Args:
        found: all entries of the switch.
        declared: the baseline of this configuration.
        policy: the configuration.
        carried_on: the inbound and outbound SPIs of the pairs that IKE knows.
    """
    by_table: dict[str, list[Entry]] = defaultdict(list)
    for entry in found:
        by_table[entry.key.table].append(entry)
    unchanged = _unchanged_types(by_table["spd_out"], declared, policy)

    inbound = {sad.sa_id: sad for sad in _read(tables.parse_sad_in, by_table["sad_in"])}
    selectors: dict[int, list[Entry]] = defaultdict(list)
    for entry in by_table["sa_selectors"]:
        selectors[tables.parse_selector_sa_id(entry)].append(entry)
    pairs: dict[int, FoundPair] = {}  # by SA id: what shares one is not of our making
    for outbound in _read(tables.parse_sad_out, by_table["sad_out"]):
        sa_id = outbound.sa_id
        packet_type = unchanged.get(outbound.packet_type)
        partner = inbound.get(sa_id)
        if packet_type is None or partner is None or not selectors[sa_id]:
            continue
        if not 1 <= sa_id <= SA_LIMIT or sa_id in pairs:
            continue
        is_known = (partner.spi, outbound.spi) in carried_on
        if _is_between_the_same(packet_type, partner, outbound, is_known=is_known):
            pairs[sa_id] = FoundPair(packet_type, partner, outbound, tuple(selectors[sa_id]))
    return Adoption(
        pairs=tuple(pairs.values()),
        decisions=tuple(
            parsed
            for parsed in _read(tables.parse_no_sa, by_table["no_sa"])
            if parsed[0] in unchanged
        ),
        destinations=tuple(
            parsed
            for parsed in _read(tables.parse_clear_destination, by_table["clear_destinations"])
            if parsed[0] in unchanged
        ),
        sources=tuple(
            parsed
            for parsed in _read(tables.parse_clear_source, by_table["clear_sources"])
            if parsed[0] in unchanged
        ),
        neighbors=tuple(_read(tables.parse_neighbor, by_table["neighbor"])),
    )


def _read(parse: Callable[[Entry], T], entries: Iterable[Entry]) -> Iterator[T]:
    """Parse entries, leaving out those that no version of this controller has made."""
    for entry in entries:
        with suppress(EntryError):
            yield parse(entry)


def _unchanged_types(
    found: Iterable[Entry], declared: Iterable[Declared], policy: Policy
) -> dict[int, PacketType]:
    """Return the packet types that exactly the same rules lead to, before and now."""
    before: dict[int, set[Entry]] = defaultdict(set)
    for entry in found:
        before[_packet_type(entry)].add(entry)
    now: dict[int, set[Entry]] = defaultdict(set)
    for entity in declared:
        if isinstance(entity, Entry) and entity.key.table == "spd_out":
            now[_packet_type(entity)].add(entity)
    return {
        packet_type.id: packet_type
        for packet_type in policy.packet_types
        if before[packet_type.id] == now[packet_type.id]
    }


def _is_between_the_same(
    packet_type: PacketType, inbound: SadIn, outbound: SadOut, *, is_known: bool
) -> bool:
    if is_known and packet_type.manual_in is None:
        return inbound.anti_replay  # wherever it has moved to (RFC 4555)
    if (inbound.destination, outbound.tunnel_source, outbound.tunnel_destination) != (
        packet_type.local_address,
        packet_type.local_address,
        packet_type.peer,
    ):
        return False
    if packet_type.manual_in is None or packet_type.manual_out is None:
        return inbound.anti_replay
    return (inbound.spi, inbound.keying, outbound.spi, outbound.keying) == (
        packet_type.manual_in.spi,
        manual_keying(packet_type.manual_in),
        packet_type.manual_out.spi,
        manual_keying(packet_type.manual_out),
    )


def _packet_type(entry: Entry) -> int:
    return dict(entry.params).get("packet_type", 0)
