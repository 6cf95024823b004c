"""The rules of `spd_out` and `spd_in`: crypto maps, flattened, with priorities."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from controller.config.access_list import AccessListEntry, Action
from controller.config.models import Config
from controller.policy import limits
from controller.policy.box import Box
from controller.policy.findings import Findings
from controller.policy.flatten import FlatRule, Line, TooManyRulesError, flatten
from controller.policy.model import ANY_PORT, Flow, PacketType, PolicyAction, PolicyRule
from controller.policy.packet_types import flows, numbered_entries

LineReference = tuple[int, int]
"""Sequence number of the crypto map entry, number of the line."""


def boxes(line: AccessListEntry) -> tuple[Box, ...]:
    """Return the packets that a line matches, fragments considered.

    A later fragment has no ports. As on IOS, a permit line with ports takes those that match it
    in all else, because they may belong to what it protects; a deny line with ports leaves them
    to the lines after it, because they may not belong to what it excepts.
    """
    matched = list(flows(line))
    if not any(flow.has_ports for flow in matched):
        return tuple(Box.of(flow) for flow in matched)
    with_ports = [Box.of(flow, later_fragment=False) for flow in matched]
    if line.action is Action.DENY:
        return tuple(with_ports)
    portless = replace(matched[0], source_port=ANY_PORT, destination_port=ANY_PORT)
    return (*with_ports, Box.of(portless, later_fragment=True))


def compile_rules(
    config: Config, packet_types: Iterable[PacketType], findings: Findings
) -> tuple[PolicyRule, ...]:
    """Return the rules of every bound crypto map; within one, priorities go from n down to 1."""
    bindings: dict[tuple[str, int], dict[LineReference, int]] = {}
    for packet_type in packet_types:
        binding = bindings.setdefault((packet_type.crypto_map, packet_type.crypto_map_id), {})
        binding[packet_type.sequence, packet_type.line] = packet_type.id
    flattened: dict[str, tuple[FlatRule[LineReference], ...]] = {}
    rules: list[PolicyRule] = []
    for (crypto_map, crypto_map_id), ids in bindings.items():
        if crypto_map not in flattened:
            try:
                flattened[crypto_map] = flatten(_entries(config, crypto_map), limits.RULES)
            except TooManyRulesError as error:
                findings.error(("crypto_maps", crypto_map), str(error))
                return ()
            _warn_of_unreachable(crypto_map, ids, flattened[crypto_map], config, findings)
        rules += _prioritised(crypto_map_id, flattened[crypto_map], ids)
    if len(rules) > limits.RULES:
        findings.error(
            ("crypto_maps",),
            f"all crypto maps need {len(rules):,} table entries; at most {limits.RULES:,}",
        )
    return tuple(rules)


def _entries(config: Config, crypto_map: str) -> list[list[Line[LineReference]]]:
    return [
        [
            Line(boxes(line), (sequence, number) if line.action is Action.PERMIT else None)
            for number, line in numbered_entries(config, entry.match_address)
        ]
        for sequence, entry in sorted(config.crypto_maps[crypto_map].items())
    ]


def _prioritised(
    crypto_map_id: int, flat: tuple[FlatRule[LineReference], ...], ids: dict[LineReference, int]
) -> Iterable[PolicyRule]:
    for index, rule in enumerate(flat):
        flow: Flow = rule.box.flow()
        yield PolicyRule(
            crypto_map_id=crypto_map_id,
            priority=len(flat) - index,
            flow=flow,
            action=PolicyAction.BYPASS if rule.target is None else PolicyAction.PROTECT,
            packet_type=0 if rule.target is None else ids[rule.target],
            later_fragments=rule.box.later_fragment,
        )


def _warn_of_unreachable(
    crypto_map: str,
    ids: dict[LineReference, int],
    flat: tuple[FlatRule[LineReference], ...],
    config: Config,
    findings: Findings,
) -> None:
    reached = {rule.target for rule in flat}
    for sequence, number in ids:
        if (sequence, number) not in reached:
            access_list = config.crypto_maps[crypto_map][sequence].match_address
            findings.warning(
                ("access_lists", access_list, number - 1),
                f"never matches in crypto map {crypto_map} {sequence}: lines before it take all "
                "of its traffic",
            )
