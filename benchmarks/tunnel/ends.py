"""What can stand at the end of a tunnel, besides our router: the trivial program, and nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from benchmarks.plain_forwarding.entries import PROGRAM, PlainRouter
from benchmarks.process import switch_process
from tests.conformance.client import NO_WIRE, P4RuntimeSwitch
from tests.interop.lab.lab import Lab
from tests.interop.lab.namespace import Namespace
from tests.interop.lab.router_config import PORTS
from tests.interop.lab.topology import CORE, HOST, LAN, SITE_A, Site

_IKE_BY_ANOTHER_PORT = """
table bridge nat {{
    chain forward {{
        type filter hook forward priority 0
        iifname "{router}" udp sport 500 udp sport set 1500
        oifname "{router}" udp dport 1500 udp dport set 500
    }}
}}
"""


@contextmanager
def standing_lab(name: str, p4_sites: Sequence[Site] = (SITE_A,)) -> Iterator[Lab]:
    """Build a lab, and take it down in the end."""
    lab = Lab(name)
    lab.down()
    lab.up(p4_sites)
    try:
        yield lab
    finally:
        lab.down()


@contextmanager
def plain_routers(lab: Lab, target: str, ours: Sequence[Site], other: Site) -> Iterator[None]:
    """Let the trivial program route between site A and another.

    It answers no ARP, so everybody is told of its MAC addresses.

    Args:
        lab: one whose P4 sites are `ours`.
        target: which switch runs it.
        ours: where it runs: at site A, or at both.
        other: the other site.
    """
    with ExitStack() as stack:
        for near, far in ((SITE_A, other), (other, SITE_A)):
            if near not in ours:
                _tell(lab[near.router], CORE, str(far.core_address), far.core_mac)
                continue
            folder = lab.run / f"plain-{near.router}"
            folder.mkdir()
            ports = [f"{port}={name}" for name, port in PORTS.items()]
            on = stack.enter_context(switch_process(target, folder, ports, lab[near.router]))
            switch = P4RuntimeSwitch(on.address, NO_WIRE, program=PROGRAM)
            stack.callback(switch.close)
            router = PlainRouter(switch)
            host_mac = _mac(lab[near.host], HOST)
            router.add_route(near.network, PORTS[LAN], near.lan_mac, host_mac)
            next_hop = far.core_mac if far in ours else _mac(lab[far.router], CORE)
            router.add_route(far.network, PORTS[CORE], near.core_mac, next_hop)
            _tell(lab[near.host], HOST, str(near.lan_address), near.lan_mac)
        yield


def pretend_nat(lab: Lab) -> None:
    """Let IKE from site A come from another port, so that both ends take it for behind a NAT.

    They float to UDP 4500 then (RFC 7296 §2.23), which nothing is done to: what is measured
    afterwards is ESP in UDP, and no translation.
    """
    lab[CORE].run("nft", _IKE_BY_ANOTHER_PORT.format(router=SITE_A.router))


def forget_neighbors(lab: Lab) -> None:
    """Let all machines find out anew who has which MAC address."""
    for namespace in lab.network.machines.values():
        namespace.ip("neigh", "flush", "all", "nud", "permanent")
        namespace.ip("neigh", "flush", "all")


def _mac(namespace: Namespace, interface: str) -> str:
    return namespace.run("cat", f"/sys/class/net/{interface}/address").strip()


def _tell(namespace: Namespace, interface: str, address: str, mac: str) -> None:
    namespace.ip("neigh", "replace", address, "lladdr", mac, "dev", interface)
