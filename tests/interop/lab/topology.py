"""What the lab looks like: sites, routers and their addresses. Nothing here touches the machine.

::

    host-a ── router ──┐            ┌── gateway ── host-b
    10.1.0.2  (P4)     │    core    │  (strongSwan)  10.2.0.2
                       ├────────────┤
                192.0.2.0/24        └── legacy ─── host-c
                                       (no IPsec)    10.3.0.2
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from tests.interop.lab.errors import LabError

CORE_NETWORK = IPv4Network("192.0.2.0/24")
CORE = "core"  # the namespace of the core network, and the interface of every router to it
CORE_BRIDGE = "br0"
LAN = "lan"  # a router's interface to its site
HOST = "eth0"  # a host's interface

# Bytes of IP packet, on every link: a host's full packet does not fit into a tunnel, so routers
# have to say "too big" (RFC 1191), as in a real network.
MTU = 1500


@dataclass(frozen=True, slots=True)
class Site:
    """A network of hosts behind one router."""

    router: str
    host: str
    network: IPv4Network
    core_address: IPv4Address

    @property
    def lan_address(self) -> IPv4Address:
        """The router's address towards the site."""
        return self.network[1]

    @property
    def host_address(self) -> IPv4Address:
        """The host's address."""
        return self.network[2]

    @property
    def lan_interface(self) -> IPv4Interface:
        """The router's address towards the site, with the network's prefix length."""
        return IPv4Interface(f"{self.lan_address}/{self.network.prefixlen}")

    @property
    def host_interface(self) -> IPv4Interface:
        """The host's address, with the network's prefix length."""
        return IPv4Interface(f"{self.host_address}/{self.network.prefixlen}")

    # The ports of a switch have no address in the kernel: these are its own, written in its
    # configuration, so they are fixed.

    @property
    def core_mac(self) -> str:
        """The MAC address of our router's port to the core, where the site has one of ours."""
        return f"02:00:00:00:{self.network.network_address.packed[1]:02x}:01"

    @property
    def lan_mac(self) -> str:
        """The MAC address of our router's port to the site."""
        return f"02:00:00:00:{self.network.network_address.packed[1]:02x}:02"

    @property
    def core_interface(self) -> IPv4Interface:
        """The router's address on the core, with the core's prefix length."""
        return IPv4Interface(f"{self.core_address}/{CORE_NETWORK.prefixlen}")


SITE_A = Site("router", "host-a", IPv4Network("10.1.0.0/24"), CORE_NETWORK[1])
SITE_B = Site("gateway", "host-b", IPv4Network("10.2.0.0/24"), CORE_NETWORK[2])
SITE_C = Site("legacy", "host-c", IPv4Network("10.3.0.0/24"), CORE_NETWORK[3])
SITES = (SITE_A, SITE_B, SITE_C)

MACHINES = (CORE, *(name for site in SITES for name in (site.router, site.host)))

_LAB_ID = re.compile(r"[a-z0-9]{1,12}")
_PREFIX = "p4l-"


def namespace_prefix(lab_id: str) -> str:
    """Return what the names of a lab's namespaces start with.

    Raises:
        LabError: the id is not 1 to 12 small letters and digits. A dash in it would make one
            lab's names start with another's.
    """
    if not _LAB_ID.fullmatch(lab_id):
        raise LabError(f"{lab_id!r}: a lab's id is 1 to 12 of a-z and 0-9")
    return f"{_PREFIX}{lab_id}-"


def lab_id_of(namespace: str) -> str | None:
    """Return the id of the lab that a namespace belongs to, None if it is no lab's."""
    match = re.fullmatch(f"{_PREFIX}({_LAB_ID.pattern})-.+", namespace)
    return match[1] if match else None
