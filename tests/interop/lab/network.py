"""Builds the topology out of namespaces, links, addresses and routes."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv4Network

from tests.interop.lab.links import Port, add_bridge, add_route, attach, connect
from tests.interop.lab.namespace import Namespace
from tests.interop.lab.target import fills_in_checksums
from tests.interop.lab.topology import (
    CORE,
    CORE_BRIDGE,
    HOST,
    LAN,
    MACHINES,
    MTU,
    SITE_A,
    SITES,
    Site,
    namespace_prefix,
)

_EVERYWHERE = IPv4Network("0.0.0.0/0")


class Network:
    """The lab's namespaces, by the name of the machine that each stands for."""

    def __init__(self, lab_id: str) -> None:
        prefix = namespace_prefix(lab_id)
        self.machines = {name: Namespace(prefix + name) for name in MACHINES}

    def __getitem__(self, machine: str) -> Namespace:
        return self.machines[machine]

    def build(self, p4_sites: Collection[Site] = (SITE_A,)) -> None:
        """Create it all. Machines forward and answer; the ports of a P4 router are bare.

        Args:
            p4_sites: the sites whose router is a P4 switch.

        Raises:
            LabError: something of it is there already, or a tool failed.
        """
        for namespace in self.machines.values():
            namespace.create()
        add_bridge(self[CORE], CORE_BRIDGE)
        for site in SITES:
            self._cable(site, is_p4=site in p4_sites)
        for site in SITES:
            if site not in p4_sites:
                self.make_linux_router(site)

    def make_linux_router(self, site: Site) -> None:
        """Let the kernel of a site's router forward, with routes to every other site.

        A P4 router is left bare by `build`: the switch has its ports. Call this for its site to put
        a Linux router in the switch's place.
        """
        namespace = self[site.router]
        Port(namespace, LAN).add_address(site.lan_interface)
        Port(namespace, CORE).add_address(site.core_interface)
        for other in SITES:
            if other is not site:
                add_route(namespace, other.network, other.core_address)
        namespace.sysctl("net.ipv4.ip_forward=1")

    def _cable(self, site: Site, *, is_p4: bool) -> None:
        router, host, core = self[site.router], self[site.host], self[CORE]
        lan = Port(router, LAN, site.lan_mac if is_p4 else None)
        uplink = Port(router, CORE, site.core_mac if is_p4 else None)
        outlet = Port(core, site.router)
        connect(Port(host, HOST), lan, mtu=MTU, offload=fills_in_checksums() or not is_p4)
        connect(uplink, outlet, mtu=MTU, offload=False)
        attach(outlet, CORE_BRIDGE)
        Port(host, HOST).add_address(site.host_interface)
        add_route(host, _EVERYWHERE, site.lan_address)
