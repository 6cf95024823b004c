"""Interfaces: their ids, MAC addresses and crypto maps."""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise

from controller.config.models import Config
from controller.policy import limits
from controller.policy.findings import Findings
from controller.policy.model import Interface


def derived_mac_address(hostname: str, name: str) -> int:
    """Return a MAC address of 48 bits that is the same for the same names.

    Unicast and locally administered (IEEE 802 §8.4): the second digit is 2, 6, a or e.
    """
    digest = sha256(f"{hostname}\0{name}".encode()).digest()
    return int.from_bytes(digest[:6]) & ~(1 << 40) | 1 << 41


def compile_interfaces(config: Config, findings: Findings) -> tuple[Interface, ...]:
    """Return the interfaces in order of the file.

    A crypto map that is bound to several interfaces counts as one for each, as on IOS, which
    makes SAs of its own for each: the local address differs.
    """
    interfaces = []
    ports: dict[int, str] = {}
    bound = 0
    for index, (name, section) in enumerate(config.interfaces.items()):
        if section.port in ports:
            findings.error(
                ("interfaces", name, "port"), f"port {section.port} is {ports[section.port]}'s"
            )
        ports.setdefault(section.port, name)
        bound += section.crypto_map is not None
        interfaces.append(
            Interface(
                id=index + 1,
                name=name,
                port=section.port,
                mac_address=derived_mac_address(config.hostname, name)
                if section.mac_address is None
                else section.mac_address,
                address=section.ip_address,
                mtu=section.mtu,
                crypto_map=section.crypto_map,
                crypto_map_id=bound if section.crypto_map is not None else 0,
            )
        )
    if len(interfaces) > limits.INTERFACES:
        findings.error(
            ("interfaces",), f"{len(interfaces)} interfaces; at most {limits.INTERFACES}"
        )
    _check_subnets(interfaces, findings)
    return tuple(interfaces)


def _check_subnets(interfaces: list[Interface], findings: Findings) -> None:
    # In order of address, networks that overlap are neighbors, or one has all between.
    in_order = sorted(interfaces, key=lambda interface: interface.address.network)
    widest = in_order[0] if in_order else None
    for _, interface in pairwise(in_order):
        assert widest is not None
        if interface.address.network.overlaps(widest.address.network):
            later, earlier = sorted((interface, widest), key=lambda one: -one.id)
            findings.error(
                ("interfaces", later.name, "ip_address"),
                f"{later.address.network} overlaps with {earlier.address.network} of "
                f"{earlier.name}",
            )
        else:
            widest = interface
