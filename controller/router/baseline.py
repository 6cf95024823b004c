"""What the configuration alone says that the switch should hold: no SA, no passive mode."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from controller.p4runtime import tables
from controller.p4runtime.desired import DesiredState
from controller.p4runtime.entities import Declared, Entry
from controller.policy.model import Policy
from controller.speaker.routes import RouteTable


class Baseline:
    """The part of the desired state that follows the configuration."""

    def __init__(self, desired: DesiredState) -> None:
        self._desired = desired
        self._declared: dict[object, Declared] = {}

    @property
    def entities(self) -> Collection[Declared]:
        """What is declared of it."""
        return self._declared.values()

    def declare(self, policy: Policy, routes: RouteTable) -> None:
        """Go over to a configuration."""
        new = {_identity(entity): entity for entity in baseline(policy, routes)}
        for identity, entity in self._declared.items():
            if identity not in new and isinstance(entity, Entry):
                self._desired.withdraw(entity.key)
        for entity in new.values():
            self._desired.declare(entity)
        self._declared = new


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


def _identity(entity: Declared) -> object:
    return entity.key if isinstance(entity, Entry) else (entity.meter, entity.index)
