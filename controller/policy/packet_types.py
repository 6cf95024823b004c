"""Packet types: the permit lines of every crypto map entry, for every interface it is bound to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from controller.config.access_list import AccessListEntry, Action, PortMatch, PortOperator
from controller.config.crypto import (
    CryptoMapEntry,
    CryptoMapType,
    SaLifetime,
)
from controller.config.models import Config
from controller.policy import limits
from controller.policy.findings import Findings
from controller.policy.manual_keys import manual_sa
from controller.policy.model import ANY_PORT, Flow, Interface, PacketType, PortRange
from ike.config import EspProposal


def flows(line: AccessListEntry) -> Iterator[Flow]:
    """Yield what a line matches: one flow, or several where its ports are no single range."""
    for source_port, destination_port in product(
        _port_ranges(line.source_port), _port_ranges(line.destination_port)
    ):
        yield Flow(line.source, line.destination, line.protocol, source_port, destination_port)


def _port_ranges(ports: PortMatch | None) -> Sequence[PortRange]:
    return [ANY_PORT] if ports is None else [PortRange(*bounds) for bounds in ports.ranges]


def numbered_entries(config: Config, access_list: str) -> Iterator[tuple[int, AccessListEntry]]:
    """Yield the permit and deny lines of an access list with their numbers, from 1."""
    for number, line in enumerate(config.access_lists[access_list], start=1):
        if isinstance(line, AccessListEntry):
            yield number, line


def compile_packet_types(
    config: Config, interfaces: Iterable[Interface], findings: Findings
) -> tuple[PacketType, ...]:
    """Return the packet types in order of interface, sequence number and line; ids from 1."""
    _check_lines(config, findings)
    packet_types: list[PacketType] = []
    bound = [interface for interface in interfaces if interface.crypto_map is not None]
    times_bound: dict[str, int] = {}
    for interface in bound:
        assert interface.crypto_map is not None
        times_bound[interface.crypto_map] = times_bound.get(interface.crypto_map, 0) + 1
    for interface in bound:
        assert interface.crypto_map is not None
        suffix = f" on {interface.name}" if times_bound[interface.crypto_map] > 1 else ""
        for sequence, entry in sorted(config.crypto_maps[interface.crypto_map].items()):
            for number, line in numbered_entries(config, entry.match_address):
                if line.action is Action.PERMIT:
                    name = (
                        f"{interface.crypto_map} {sequence} {entry.match_address} "
                        f"line {number}{suffix}"
                    )
                    packet_types.append(
                        _packet_type(
                            config,
                            interface,
                            sequence,
                            entry,
                            number,
                            line,
                            identifier=len(packet_types) + 1,
                            name=name,
                        )
                    )
    if len(packet_types) > limits.PACKET_TYPES:
        findings.error(
            ("crypto_maps",),
            f"{len(packet_types):,} packet types (permit lines, times the interfaces that they "
            f"are bound to); at most {limits.PACKET_TYPES:,}",
        )
    return tuple(packet_types)


def _packet_type(
    config: Config,
    interface: Interface,
    sequence: int,
    entry: CryptoMapEntry,
    number: int,
    line: AccessListEntry,
    *,
    identifier: int,
    name: str,
) -> PacketType:
    assert interface.crypto_map is not None
    manual = entry.set_session_key
    transforms = config.transform_sets[entry.set_transform_set[0]].transforms
    lifetime = entry.set_security_association_lifetime or SaLifetime()
    return PacketType(
        id=identifier,
        name=name,
        crypto_map=interface.crypto_map,
        crypto_map_id=interface.crypto_map_id,
        sequence=sequence,
        access_list=entry.match_address,
        line=number,
        text=line.text or str(line),
        flow=next(flows(line)),
        peer=entry.set_peer,
        local_address=interface.address.ip,
        interface=interface.name,
        transform_set=", ".join(entry.set_transform_set),
        proposals=tuple(_proposal(config, name, entry) for name in entry.set_transform_set),
        lifetime=0.0 if manual else float(lifetime.seconds),
        lifetime_bytes=1024 * lifetime.kilobytes,
        lifetime_packets=lifetime.packets,
        mode=config.transform_sets[entry.set_transform_set[0]].mode,
        manual_in=manual_sa(manual.inbound, transforms) if manual else None,
        manual_out=manual_sa(manual.outbound, transforms) if manual else None,
        origin=config.document.origin(("access_lists", entry.match_address, number - 1)),
    )


def _proposal(config: Config, name: str, entry: CryptoMapEntry) -> EspProposal:
    transform_set = config.transform_sets[name]
    transforms = transform_set.transforms
    return EspProposal(
        encryption=(transforms.encryption,),
        key_exchange=tuple(entry.set_pfs or ()),
        integrity=() if transforms.integrity is None else (transforms.integrity,),
        additional_key_exchange=tuple(map(tuple, transform_set.additional_key_exchange)),
        extended_sequence_numbers=(transform_set.esn,),
        origin=config.document.origin(("transform_sets", name)),
    )


def _check_lines(config: Config, findings: Findings) -> None:
    for name, entries in config.crypto_maps.items():
        for sequence, entry in entries.items():
            permits = 0
            for number, line in numbered_entries(config, entry.match_address):
                if line.action is not Action.PERMIT:
                    continue
                permits += 1
                operators = {
                    ports.operator for ports in (line.source_port, line.destination_port) if ports
                }
                if PortOperator.NEQ in operators:
                    findings.error(
                        ("access_lists", entry.match_address, number - 1),
                        "'neq' in a permit line can't be one traffic selector; write two lines, "
                        "with lt and with gt",
                    )
            path = ("crypto_maps", name, str(sequence), "match_address")
            if permits == 0:
                findings.warning(
                    path, f"access list {entry.match_address} permits nothing: nothing is protected"
                )
            if entry.type is CryptoMapType.MANUAL and permits > 1:
                findings.error(
                    path,
                    f"access list {entry.match_address} has {permits} permit lines, a manual entry "
                    "takes one: it has one pair of SAs",
                )
