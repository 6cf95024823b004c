"""Which sites there are, their addresses, and what their routers are configured to do."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

KEY = secrets.token_hex(16)
"""Pre-shared by all routers of this network, and new for every network."""

RETRY = 20
"""Seconds from one IKE attempt to the next while packets go in the clear (PM-4); 300 by default."""


@dataclass(frozen=True)
class Site:
    """A site: 10.N.0.0/24 behind a router that is 192.0.2.N on the core."""

    number: int
    has_p4_router: bool = True

    @property
    def router(self) -> str:
        """The router's name."""
        return f"r{self.number}"

    @property
    def host(self) -> str:
        """The host's name."""
        return f"h{self.number}"

    @property
    def network(self) -> str:
        """The network behind the router."""
        return f"10.{self.number}.0.0/24"

    @property
    def host_address(self) -> str:
        """The host's address."""
        return f"10.{self.number}.0.2"

    @property
    def gateway(self) -> str:
        """The router's address at the host's side."""
        return f"10.{self.number}.0.1"

    @property
    def core_address(self) -> str:
        """The router's address on the core."""
        return f"192.0.2.{self.number}"

    @property
    def macs(self) -> tuple[str, str]:
        """The router's Ethernet addresses: at the host's side, and on the core."""
        return f"02:00:00:00:{self.number:02x}:01", f"02:00:00:00:{self.number:02x}:02"

    @property
    def host_mac(self) -> str:
        """The host's Ethernet address."""
        return f"02:00:00:00:{self.number:02x}:99"


SITES = (Site(1), Site(2), Site(3), Site(4, has_p4_router=False))
"""r1 and r2 do IPsec from the start, r3 once it is upgraded, and r4 will never."""

PREFIX = 24
CORE = "core"


def configuration(site: Site, *, ipsec: bool, socket: str) -> str:
    """Write the file for `p4ipsec run`.

    Args:
        site: whose router it is for.
        ipsec: whether the router protects what it sends to the other sites.
        socket: the path of the controller's gRPC API.
    """
    others = [other for other in SITES if other is not site]
    inside, outside = site.macs
    crypto_map = "\n    crypto_map: sites" if ipsec else ""
    text = f"""\
hostname: {site.router}
switch: {{address: "127.0.0.1:9559"}}
api: {{listen: ["unix:{socket}"]}}
interfaces:
  inside:
    port: 1
    ip_address: {site.gateway}/{PREFIX}
    mac_address: "{inside}"
  outside:
    port: 2
    ip_address: {site.core_address}/{PREFIX}
    mac_address: "{outside}"{crypto_map}
ip_routes:
"""
    text += _lines("  - ", (f"{other.network} {other.core_address}" for other in others))
    return text + _crypto(site, others) if ipsec else text


def _crypto(site: Site, others: Iterable[Site]) -> str:
    lists = "".join(
        f"  {100 + other.number}: [permit ip {site.network} {other.network}]\n" for other in others
    )
    entries = "".join(
        f"""\
    {10 * other.number}:
      type: ipsec-isakmp
      set_peer: {other.core_address}
      set_transform_set: strong
      match_address: {100 + other.number}
"""
        for other in others
    )
    return (
        f"access_lists:\n{lists}"
        f"transform_sets: {{strong: esp-gcm 256}}\n"
        f"crypto_maps:\n  sites:\n{entries}"
        f"crypto_ipsec_optional: {{enabled: true, retry: {RETRY}}}\n"
        f'isakmp: {{keepalive: 5, keys: [{{address: 192.0.2.0/24, key: "{KEY}"}}]}}\n'
    )


def _lines(start: str, texts: Iterable[str]) -> str:
    return "".join(f"{start}{text}\n" for text in texts)
