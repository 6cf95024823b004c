"""A router that masquerades, and a machine behind it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from tests.interop.lab.lab import Lab
from tests.interop.lab.links import Port, add_route, attach, connect
from tests.interop.lab.namespace import Namespace
from tests.interop.lab.topology import (
    CORE,
    CORE_BRIDGE,
    CORE_NETWORK,
    MTU,
    namespace_prefix,
)
from tests.interop.lab.waiting import wait_for

PUBLIC = CORE_NETWORK[9]  # of the router that masquerades
INSIDE_NETWORK = IPv4Network("10.9.0.0/24")
INSIDE = INSIDE_NETWORK[2]  # of the machine behind it
_EVERYWHERE = IPv4Network("0.0.0.0/0")
_RULES = """
table ip nat {{
    chain postrouting {{
        type nat hook postrouting priority srcnat
        oifname "core" udp sport {{ 500, 4500 }} masquerade to :{first}-{last}
        oifname "core" masquerade
    }}
}}
"""


class MaskedSite:
    """Two namespaces of a lab: ``nat``, on the core, and ``inside``, which only it reaches."""

    def __init__(self, lab: Lab) -> None:
        prefix = namespace_prefix(lab.id)
        self.nat = Namespace(f"{prefix}nat")
        self.inside = Namespace(f"{prefix}inside")
        self._core = lab[CORE]

    def build(self) -> None:
        """Create it all; `Lab.down` removes it.

        Raises:
            LabError: something of it is there already, or a tool failed.
        """
        for namespace in (self.nat, self.inside):
            namespace.create()
        uplink, outlet = Port(self.nat, "core"), Port(self._core, "nat")
        connect(uplink, outlet, mtu=MTU, offload=False)
        attach(outlet, CORE_BRIDGE)
        downlink, host = Port(self.nat, "lan"), Port(self.inside, "eth0")
        connect(downlink, host, mtu=MTU, offload=False)
        uplink.add_address(IPv4Interface(f"{PUBLIC}/{CORE_NETWORK.prefixlen}"))
        downlink.add_address(IPv4Interface(f"{INSIDE_NETWORK[1]}/24"))
        host.add_address(IPv4Interface(f"{INSIDE}/24"))
        add_route(self.inside, _EVERYWHERE, INSIDE_NETWORK[1])
        self.nat.sysctl("net.ipv4.ip_forward=1")
        self.map_to(20000)

    def add_host(self, address: IPv4Address) -> None:
        """Give the machine inside one more address: of a host of its site."""
        self.inside.ip("address", "add", f"{address}/32", "dev", "lo")

    def map_to(self, first: int) -> None:
        """Translate source ports to a hundred from `first` on; what was mapped is forgotten."""
        rules = _RULES.format(first=first, last=first + 99)
        # conntrack drops what a masquerading interface has mapped as it goes down, in its own time.
        self.nat.ip("link", "set", "core", "down")
        wait_for(lambda: f"src={INSIDE} " not in self._tracked(), "no mapping left")
        self.nat.run("nft", "flush ruleset")
        self.nat.run("nft", rules)
        self.nat.ip("link", "set", "core", "up")

    def _tracked(self) -> str:
        return self.nat.run("cat", "/proc/net/nf_conntrack")
