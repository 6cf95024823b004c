"""Tables `spd_out` and `spd_in`: a crypto map's lines, and the same lines for what comes in."""

from __future__ import annotations

from controller.p4runtime.entities import Entry
from controller.p4runtime.tables._entry import (
    make_entry,
    network_match,
    ports_match,
    protocol_match,
)
from controller.policy.model import Flow, PolicyAction, PolicyRule

_ACTIONS_OUT = {
    PolicyAction.PROTECT: "protect",
    PolicyAction.BYPASS: "spd_out.bypass",
    PolicyAction.DISCARD: "spd_out.discard",
}
_ACTIONS_IN = {
    PolicyAction.PROTECT: "expect_protection",
    PolicyAction.BYPASS: "spd_in.bypass",
    PolicyAction.DISCARD: "spd_in.discard",
}


def spd_out(rule: PolicyRule, name: str = "") -> Entry:
    """A rule for what goes out. `name`: how the operator knows it, for messages."""
    return _spd_entry("spd_out", _ACTIONS_OUT[rule.action], rule, rule.flow, name)


def spd_in(rule: PolicyRule, name: str = "") -> Entry:
    """The same rule for what comes in: its flow mirrored."""
    return _spd_entry("spd_in", _ACTIONS_IN[rule.action], rule, rule.flow.mirrored(), name)


def _spd_entry(table: str, action: str, rule: PolicyRule, flow: Flow, name: str) -> Entry:
    # A later fragment has no ports to look at: the pipeline takes them to be 0.
    with_ports = rule.later_fragments is not True
    source_port = flow.source_port if with_ports else None
    destination_port = flow.destination_port if with_ports else None
    protects = rule.action is PolicyAction.PROTECT
    what = name or f"crypto map {rule.crypto_map_id} priority {rule.priority}"
    direction = "out" if table == "spd_out" else "in"
    return make_entry(
        table,
        (
            ("crypto_map", rule.crypto_map_id),
            ("source", network_match(flow.source)),
            ("destination", network_match(flow.destination)),
            ("protocol", protocol_match(flow.protocol)),
            (
                "source_port",
                ports_match(source_port.low, source_port.high) if source_port else None,
            ),
            (
                "destination_port",
                ports_match(destination_port.low, destination_port.high)
                if destination_port
                else None,
            ),
            (
                "later_fragment",
                None if rule.later_fragments is None else (int(rule.later_fragments), 1),
            ),
        ),
        action,
        (("packet_type", rule.packet_type),) if protects else (),
        priority=rule.priority,
        label=f"policy {rule.action}, {direction}: {what}, {flow.source} to {flow.destination}",
    )
