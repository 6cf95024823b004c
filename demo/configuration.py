"""The configuration files of the three routers.

::

    host1 ── R1 ──┬── R2 ── host2      sites   10.N.0.0/24, the host is 10.N.0.2
                  │                    core    10.0.0.0/24, the router is 10.0.0.N
                  └── R3 ─┬ host3
                          └ printer    10.3.9.2, in a network that R3 will not protect
"""

from __future__ import annotations

from pathlib import Path

RETRY = 60
"""Seconds of ``crypto ipsec optional retry``, as in the second example of the seed."""

SITE_PORT, CORE_PORT, PRINTER_PORT = 1, 2, 3

_KEY = "example-key-of-the-demo"

_ROUTER = """\
hostname: R{number}
switch:
  address: unix:{directory}/r{number}-switch.sock
api:
  listen: [unix:{directory}/r{number}-api.sock]
interfaces:
  site: {{port: 1, ip_address: 10.{number}.0.1/24}}
"""

_CORE = """\
  core: {{port: 2, ip_address: 10.0.0.{number}/24}}
"""

_PROTECTED_CORE = """\
  core: {{port: 2, ip_address: 10.0.0.{number}/24, crypto_map: sites}}
"""

_PRINTER = """\
  printer: {port: 3, ip_address: 10.3.9.1/24}
"""

_IPSEC = f"""\
transform_sets: {{gcm: esp-gcm 256}}
isakmp:
  keys: [{{address: 10.0.0.0/24, key: {_KEY}}}]
"""

OPTIONAL = f"crypto_ipsec_optional: {{enabled: true, retry: {RETRY}}}"
"""Passive mode."""

_TWO_PEERS = """\
access_lists:
  102:
    - permit ip 10.1.0.0 0.0.0.255 10.2.0.0 0.0.0.255
  103:
    - permit ip 10.1.0.0 0.0.0.255 10.3.0.0 0.0.0.255
    - permit ip 10.1.0.0 0.0.0.255 10.3.9.0 0.0.0.255
crypto_maps:
  sites:
    20: {type: ipsec-isakmp, set_peer: 10.0.0.2, set_transform_set: gcm, match_address: 102}
    30: {type: ipsec-isakmp, set_peer: 10.0.0.3, set_transform_set: gcm, match_address: 103}
"""

_ONE_PEER = """\
access_lists:
  101:
    - permit ip 10.{number}.0.0 0.0.0.255 10.1.0.0 0.0.0.255
crypto_maps:
  sites:
    10: {{type: ipsec-isakmp, set_peer: 10.0.0.1, set_transform_set: gcm, match_address: 101}}
"""

_ROUTES = {
    1: "ip_routes: [10.2.0.0/24 10.0.0.2, 10.3.0.0/16 10.0.0.3]\n",
    2: "ip_routes: [10.1.0.0/24 10.0.0.1, 10.3.0.0/16 10.0.0.3]\n",
    3: "ip_routes: [10.1.0.0/24 10.0.0.1, 10.2.0.0/24 10.0.0.2]\n",
}


def r1(directory: Path) -> str:
    """R1: crypto maps towards both other sites, in passive mode."""
    return _router(1, directory, _PROTECTED_CORE) + _IPSEC + _TWO_PEERS + OPTIONAL + "\n"


def r2(directory: Path) -> str:
    """R2: upgraded to IPsec, and not in passive mode."""
    return _router(2, directory, _PROTECTED_CORE) + _IPSEC + _ONE_PEER.format(number=2)


def r3(directory: Path) -> str:
    """R3 before its upgrade: a router without IPsec."""
    return _router(3, directory, _CORE, _PRINTER)


def r3_upgraded(directory: Path) -> str:
    """R3 after its upgrade: the printer's network is forgotten in its access list."""
    interfaces = _router(3, directory, _PROTECTED_CORE, _PRINTER)
    return interfaces + _IPSEC + _ONE_PEER.format(number=3) + OPTIONAL + "\n"


def _router(number: int, directory: Path, core: str, more: str = "") -> str:
    interfaces = (_ROUTER + core).format(number=number, directory=directory)
    return interfaces + more + _ROUTES[number]
