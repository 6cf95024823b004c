"""What passive mode wants of the data plane, as entries."""

from __future__ import annotations

from ipaddress import IPv4Address

from controller.p4runtime import tables
from controller.p4runtime.desired import DesiredState
from controller.p4runtime.entities import Entry
from controller.passive.events import Decide, Decision, Forget, Remember, SwitchPassiveMode

CLEAR_ADDRESS_IDLE = 300.0
"""Seconds without a clear packet after which a destination or source is forgotten."""

DataPlaneEffect = Decide | Remember | Forget | SwitchPassiveMode


def carry_out(effect: DataPlaneEffect, desired: DesiredState, name: str) -> None:
    """Declare or withdraw the entry that an effect is about.

    Args:
        effect: of the passive state machine.
        desired: what the switch should hold.
        name: of the packet type, for messages.
    """
    match effect:
        case Decide(packet_type, None):
            desired.withdraw(tables.no_sa(packet_type, Decision.HOLD).key)
        case Decide(packet_type, decision):
            assert decision is not None
            desired.declare(tables.no_sa(packet_type, decision, name))
        case Remember(packet_type, address, outbound):
            desired.declare(_clear_address(packet_type, address, outbound))
        case Forget(packet_type, address, outbound):
            desired.withdraw(_clear_address(packet_type, address, outbound).key)
        case SwitchPassiveMode(enabled):
            desired.declare(tables.passive_mode(enabled))


def _clear_address(packet_type: int, address: IPv4Address, outbound: bool) -> Entry:
    make = tables.clear_destination if outbound else tables.clear_source
    return make(packet_type, address, idle_timeout=CLEAR_ADDRESS_IDLE)
