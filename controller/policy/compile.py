"""Compile a configuration to the policy that the rest of the controller works with."""

from __future__ import annotations

from collections.abc import Iterable

from controller.config.models import Config
from controller.policy.certificates import compile_certificates
from controller.policy.findings import Findings
from controller.policy.ike_settings import ike_settings
from controller.policy.interfaces import compile_interfaces
from controller.policy.manual_keys import check_manual_keys
from controller.policy.model import Interface, PacketType, Policy
from controller.policy.packet_types import compile_packet_types
from controller.policy.peers import compile_peers
from controller.policy.routing import Reachability, compile_routes
from controller.policy.rules import compile_rules


def compile_policy(config: Config) -> Policy:
    """Compile a configuration that `controller.config.loader` has read.

    Returns:
        The policy, with the warnings of the configuration and of the compilation.

    Raises:
        ConfigError: with everything that contradicts itself or exceeds the pipeline's tables.
    """
    findings = Findings(config)
    interfaces = compile_interfaces(config, findings)
    static_routes, reachability = compile_routes(config, interfaces, findings)
    packet_types = compile_packet_types(config, interfaces, findings)
    rules = compile_rules(config, packet_types, findings)
    peers = compile_peers(config, packet_types, findings)
    check_manual_keys(config, interfaces, findings)
    _check_use(config, interfaces, findings)
    _check_paths(packet_types, interfaces, reachability, findings)
    findings.raise_errors()
    return Policy(
        hostname=config.hostname,
        interfaces=interfaces,
        static_routes=static_routes,
        packet_types=packet_types,
        rules=rules,
        peers=peers,
        passive_mode=config.crypto_ipsec_optional.enabled,
        retry=float(config.crypto_ipsec_optional.retry),
        certificates=compile_certificates(config),
        ike_settings=ike_settings(config.isakmp),
        warnings=findings.warnings,
    )


def _check_use(config: Config, interfaces: Iterable[Interface], findings: Findings) -> None:
    bound = {interface.crypto_map for interface in interfaces}
    for name, entries in config.crypto_maps.items():
        if name not in bound:
            findings.warning(("crypto_maps", name), "bound to no interface: protects nothing")
        elif not entries:
            findings.warning(("crypto_maps", name), "has no entries: protects nothing")
    tls = config.api.tls
    for index, endpoint in enumerate(config.api.listen):
        if (tls is None or tls.ca_file is None) and not endpoint.is_unix:
            findings.warning(
                ("api", "listen", index),
                "every user of this machine can control the router here: no client certificates "
                "('api.tls' with 'ca_file')",
            )


def _check_paths(
    packet_types: Iterable[PacketType],
    interfaces: Iterable[Interface],
    reachability: Reachability,
    findings: Findings,
) -> None:
    """Check that peers can be reached, and that traffic can come to the crypto map at all."""
    by_name = {interface.name: interface for interface in interfaces}
    own = {interface.address.ip: interface.name for interface in interfaces}
    for packet_type in packet_types:
        interface = by_name[packet_type.interface]
        path = ("crypto_maps", packet_type.crypto_map, str(packet_type.sequence), "set_peer")
        towards = reachability.interface_towards(packet_type.peer)
        if packet_type.peer in own:
            findings.error(
                path, f"{packet_type.peer} is this router's own address ({own[packet_type.peer]})"
            )
        elif towards is None:
            findings.error(path, f"no route to {packet_type.peer}")
        elif towards != interface:
            findings.warning(
                path,
                f"{packet_type.peer} is reached through {towards.name}, but the crypto map is "
                f"bound to {interface.name}",
            )
        if not reachability.leads_through(packet_type.flow.destination, interface):
            findings.warning(
                ("access_lists", packet_type.access_list, packet_type.line - 1),
                f"no route to {packet_type.flow.destination} leads through {interface.name}, "
                f"where crypto map {packet_type.crypto_map} is bound: never protected",
            )
