"""Compiled policy as the IKE engine takes it."""

from __future__ import annotations

from collections.abc import Iterator

from controller.policy.model import IsakmpPeer, PacketType, Policy
from controller.router.selectors import flow_selectors
from ike.config import ChildConfig, PeerConfig


def peer_name(peer: IsakmpPeer) -> str:
    """Return the engine's name of a peer: it stays the same when our address changes."""
    return f"{peer.address} on {peer.interface}"


def peer_configs(policy: Policy) -> Iterator[PeerConfig]:
    """Yield each peer with the packet types that IKE negotiates towards it."""
    for peer in policy.peers:
        yield PeerConfig(
            name=peer_name(peer),
            local_address=peer.local_address,
            remote_address=peer.address,
            local_identity=peer.local_identity,
            remote_identity=peer.remote_identity,
            local_authentication=peer.local_authentication,
            remote_authentication=peer.remote_authentication,
            proposals=peer.proposals,
            lifetime=peer.lifetime,
            liveness_interval=peer.keepalive,
            reauthenticate=peer.reauthenticate,
            childless=peer.childless,
            mobike=peer.mobike,
            ppk=peer.ppk,
            origin=peer.origin,
            children=tuple(
                _child(packet_type)
                for packet_type in policy.packet_types
                if packet_type.peer == peer.address
                and packet_type.interface == peer.interface
                and packet_type.manual_in is None
            ),
        )


def _child(packet_type: PacketType) -> ChildConfig:
    local, remote = flow_selectors(packet_type.flow)
    return ChildConfig(
        name=packet_type.name,
        local_selectors=local,
        remote_selectors=remote,
        proposals=packet_type.proposals,
        lifetime=packet_type.lifetime,
        lifetime_bytes=packet_type.lifetime_bytes,
        lifetime_packets=packet_type.lifetime_packets,
        mode=packet_type.mode,
        origin=packet_type.origin,
    )
