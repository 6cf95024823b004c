"""Peers: how to authenticate each, and with which proposals."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network

from controller.config.isakmp import DEFAULT_IKE_LIFETIME, IsakmpKey, IsakmpPolicy
from controller.config.models import Config
from controller.policy.findings import Findings
from controller.policy.model import IsakmpPeer, PacketType
from ike.config import IkeProposal
from ike.types import Identity


def compile_peers(
    config: Config, packet_types: Iterable[PacketType], findings: Findings
) -> tuple[IsakmpPeer, ...]:
    """Return one peer for each pair of peer and local address that IKE is spoken between."""
    policies = sorted(config.isakmp.policies.items())
    proposals = tuple(_proposal(config, *numbered) for numbered in policies) or (IkeProposal(),)
    lifetime = min((policy.lifetime for _, policy in policies), default=DEFAULT_IKE_LIFETIME)
    keys = _Keys(config.isakmp.keys)
    peers: dict[tuple[IPv4Address, IPv4Address], IsakmpPeer] = {}
    missing: set[tuple[str, int]] = set()
    for packet_type in packet_types:
        ends = (packet_type.peer, packet_type.local_address)
        if packet_type.manual_in is not None or ends in peers:
            continue
        key = keys.for_peer(packet_type.peer)
        if key is None:
            entry = (packet_type.crypto_map, packet_type.sequence)
            if entry not in missing:
                missing.add(entry)
                findings.error(
                    ("crypto_maps", packet_type.crypto_map, str(packet_type.sequence), "set_peer"),
                    f"isakmp.keys has no key for {packet_type.peer}",
                )
            continue
        peers[ends] = IsakmpPeer(
            address=packet_type.peer,
            local_address=packet_type.local_address,
            local_identity=_local_identity(config, packet_type.local_address),
            remote_identity=key.identity or Identity.from_text(str(packet_type.peer)),
            preshared_key=key.secret,
            proposals=proposals,
            lifetime=float(lifetime),
            keepalive=float(config.isakmp.keepalive),
            origin=config.document.origin(
                ("isakmp", "keys", config.isakmp.keys.index(key), "address")
            ),
        )
    return tuple(peers.values())


def _proposal(config: Config, number: int, policy: IsakmpPolicy) -> IkeProposal:
    return IkeProposal(
        encryption=tuple(policy.encryption),
        prf=policy.prfs,
        key_exchange=tuple(policy.group),
        integrity=policy.integrity_algorithms,
        origin=config.document.origin(("isakmp", "policies", str(number))),
    )


class _Keys:
    """Pre-shared keys by prefix; the longest wins."""

    def __init__(self, keys: Iterable[IsakmpKey]) -> None:
        self._by_prefix = {key.address: key for key in keys}
        self._lengths = sorted({prefix.prefixlen for prefix in self._by_prefix}, reverse=True)

    def for_peer(self, peer: IPv4Address) -> IsakmpKey | None:
        prefixes = (IPv4Network((peer, length), strict=False) for length in self._lengths)
        return next((self._by_prefix[one] for one in prefixes if one in self._by_prefix), None)


def _local_identity(config: Config, address: IPv4Address) -> Identity:
    match config.isakmp.identity:
        case "address":
            return Identity.from_text(str(address))
        case "hostname":
            return Identity.from_text(config.hostname)
        case text:
            return Identity.from_text(text)
