"""The topology: four sites around an IP core.

::

    h1 ── r1 ──┐            ┌── r3 ── h3     r1, r2  P4 routers in passive mode
               ├── core ────┤                r3      a P4 router, still without IPsec
    h2 ── r2 ──┘            └── r4 ── h4     r4      a Linux router, which will never have it

The core is an Ethernet bridge: what it carries is what an eavesdropper sees.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mininet.net import Mininet
from mininet.node import Host, Switch
from mininet.topo import Topo

from bmv2.topology.nodes import LinuxRouter, P4Router
from bmv2.topology.sites import CORE, PREFIX, SITES, Site, configuration


class Core(Switch):  # type: ignore[misc]  # Mininet has no types
    """A bridge of the kernel in a namespace of its own: nothing to install."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options | {"inNamespace": True, "dpid": "ff"})

    def start(self, controllers: Any) -> None:
        """Plug all interfaces into the bridge."""
        self.cmd("ip link add name bridge type bridge && ip link set bridge up")
        for interface in self.intfNames():
            if interface != "lo":
                self.cmd(f"ip link set {interface} master bridge up")


class Migration(Topo):  # type: ignore[misc]  # Mininet has no types
    """See the module."""

    def build(self, directory: Path, target: str = "embedded") -> None:
        """Lay it out.

        Args:
            directory: where the routers' files and logs go.
            target: the switch of the P4 routers, `embedded` or `bmv2`.
        """
        self.addSwitch(CORE, cls=Core)
        for site in SITES:
            self._add_router(site, directory / site.router, target)
            self.addHost(
                site.host,
                ip=f"{site.host_address}/{PREFIX}",
                mac=site.host_mac,
                defaultRoute=f"via {site.gateway}",
            )
            inside, outside = site.macs
            self.addLink(site.host, site.router, port2=1, addr2=inside)
            self.addLink(site.router, CORE, port1=2, addr1=outside)

    def _add_router(self, site: Site, directory: Path, target: str) -> None:
        if not site.has_p4_router:
            self.addHost(site.router, cls=LinuxRouter, ip=None)
            return
        text = configuration(site, ipsec=site.number != 3, socket=str(directory / "api.sock"))
        self.addSwitch(
            site.router,
            cls=P4Router,
            config=text,
            directory=directory,
            target=target,
            dpid=f"{site.number:x}",
        )


def prepare(net: Mininet) -> None:
    """Give Linux routers their addresses, and let nobody leave checksums to a network card.

    What a veth pair passes on is what is inside ESP, and there nobody can mend a checksum.
    """
    for site in SITES:
        router = net[site.router]
        if isinstance(router, LinuxRouter):
            router.setIP(site.gateway, PREFIX, intf=f"{site.router}-eth1")
            router.setIP(site.core_address, PREFIX, intf=f"{site.router}-eth2")
            for other in SITES:
                if other is not site:
                    router.cmd(f"ip route add {other.network} via {other.core_address}")
    for node in net.values():
        for interface in node.intfNames():
            if interface != "lo":
                node.cmd(f"ethtool -K {interface} rx off tx off sg off tso off gso off gro off")


def make_network(directory: Path, target: str) -> Mininet:
    """Return the network, not started."""
    topology = Migration(directory=directory, target=target)
    return Mininet(topo=topology, controller=None, host=Host, waitConnected=False)
