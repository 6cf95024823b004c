"""A packet type's flow as IKE's traffic selectors (RFC 7296 §3.13.1), and as IOS idents."""

from __future__ import annotations

from ipaddress import IPv4Network

from controller.policy.model import Flow, PortRange
from ike.types import TrafficSelector


def flow_selectors(
    flow: Flow,
) -> tuple[tuple[TrafficSelector, ...], tuple[TrafficSelector, ...]]:
    """Return the local and the remote selectors of an outbound flow."""
    return (
        (_selector(flow.source, flow.protocol, flow.source_port),),
        (_selector(flow.destination, flow.protocol, flow.destination_port),),
    )


def idents(flow: Flow) -> tuple[str, str]:
    """Return IOS's local and remote ident: ``address/mask/protocol/port``, 0 for any."""
    return (
        _ident(flow.source, flow.protocol, flow.source_port),
        _ident(flow.destination, flow.protocol, flow.destination_port),
    )


def _selector(network: IPv4Network, protocol: int, ports: PortRange) -> TrafficSelector:
    return TrafficSelector(
        start_address=network.network_address,
        end_address=network.broadcast_address,
        protocol=protocol,
        start_port=ports.low,
        end_port=ports.high,
    )


def _ident(network: IPv4Network, protocol: int, ports: PortRange) -> str:
    if ports.is_any:
        port = "0"
    elif ports.low == ports.high:
        port = str(ports.low)
    else:
        port = f"{ports.low}-{ports.high}"
    return f"{network.network_address}/{network.netmask}/{protocol}/{port}"
