"""What the configuration alone says that the switch should hold: no SA, no passive mode."""

from __future__ import annotations

from collections.abc import Iterator

from controller.p4runtime import tables
from controller.p4runtime.entities import Declared
from controller.policy.model import Policy
from controller.speaker.routes import RouteTable


def baseline(policy: Policy, routes: RouteTable) -> Iterator[Declared]:
    """Yield interfaces, routes, policy and meter rates."""
    for interface in policy.interfaces:
        yield tables.ingress_interface(interface)
        yield tables.egress_interface(interface)
        yield tables.local_address(interface.address.ip)
    yield from routes.entries()
    names = {packet_type.id: packet_type.name for packet_type in policy.packet_types}
    for rule in policy.rules:
        name = names.get(rule.packet_type, "")
        yield tables.spd_out(rule, name)
        yield tables.spd_in(rule, name)
    yield from tables.punt_meters()
    yield from tables.ike_meters()
    yield from tables.report_meters()
    yield from tables.no_sa_meters(names)
