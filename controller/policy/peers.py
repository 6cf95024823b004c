"""Peers: how to authenticate each, and with which proposals."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address

from controller.config.isakmp import DEFAULT_IKE_LIFETIME, IsakmpPolicy
from controller.config.models import Config
from controller.policy.authentication import Authenticator
from controller.policy.findings import Findings
from controller.policy.model import IsakmpPeer, PacketType
from ike.config import IkeProposal


def compile_peers(
    config: Config, packet_types: Iterable[PacketType], findings: Findings
) -> tuple[IsakmpPeer, ...]:
    """Return one peer for each pair of peer and local address that IKE is spoken between."""
    policies = sorted(config.isakmp.policies.items())
    proposals = tuple(_proposal(config, *numbered) for numbered in policies) or (IkeProposal(),)
    lifetime = min((policy.lifetime for _, policy in policies), default=DEFAULT_IKE_LIFETIME)
    authenticator = Authenticator(config, findings)
    peers: dict[tuple[IPv4Address, IPv4Address], IsakmpPeer] = {}
    for packet_type in packet_types:
        ends = (packet_type.peer, packet_type.local_address)
        if packet_type.manual_in is not None or ends in peers:
            continue
        set_peer = ("crypto_maps", packet_type.crypto_map, str(packet_type.sequence), "set_peer")
        found = authenticator.of(*ends, set_peer)
        if found is None:
            continue
        peers[ends] = IsakmpPeer(
            address=packet_type.peer,
            interface=packet_type.interface,
            local_address=packet_type.local_address,
            local_identity=found.local_identity,
            remote_identity=found.remote_identity,
            local_authentication=found.local,
            remote_authentication=found.remote,
            proposals=proposals,
            lifetime=float(lifetime),
            keepalive=float(config.isakmp.keepalive),
            reauthenticate=float(config.isakmp.reauthentication),
            childless=config.isakmp.childless,
            mobike=config.isakmp.mobike,
            ppk=found.ppk,
            origin=config.document.origin(found.path),
        )
    return tuple(peers.values())


def _proposal(config: Config, number: int, policy: IsakmpPolicy) -> IkeProposal:
    return IkeProposal(
        encryption=tuple(policy.encryption),
        prf=policy.prfs,
        key_exchange=tuple(policy.group),
        integrity=policy.integrity_algorithms,
        additional_key_exchange=tuple(map(tuple, policy.additional_key_exchange)),
        origin=config.document.origin(("isakmp", "policies", str(number))),
    )
