"""Tables `ingress_interface`, `egress_interface` and `local_address`: the router's own ends."""

from __future__ import annotations

from ipaddress import IPv4Address

from controller.p4runtime.entities import Entry
from controller.p4runtime.tables._entry import make_entry
from controller.policy.model import Interface


def ingress_interface(interface: Interface) -> Entry:
    """An interface as the way in: port → id, MAC address and crypto map."""
    return make_entry(
        "ingress_interface",
        (("port", interface.port),),
        "set_ingress_interface",
        (
            ("interface_id", interface.id),
            ("mac_address", interface.mac_address),
            ("crypto_map", interface.crypto_map_id),
        ),
        label=f"interface {interface.name}, in",
    )


def egress_interface(interface: Interface) -> Entry:
    """An interface as the way out: id → port, MTU and crypto map."""
    return make_entry(
        "egress_interface",
        (("interface_id", interface.id),),
        "set_egress_interface",
        (
            ("port", interface.port),
            ("mtu", interface.mtu),
            ("crypto_map", interface.crypto_map_id),
        ),
        label=f"interface {interface.name}, out",
    )


def local_address(address: IPv4Address) -> Entry:
    """An address of this router."""
    return make_entry(
        "local_address", (("address", int(address)),), "local", label=f"local address {address}"
    )
