"""Our router's configuration file for the lab."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import yaml

from tests.interop.lab.key_tables import KeyTables
from tests.interop.lab.scenario import PRESHARED_KEY
from tests.interop.lab.topology import (
    CORE,
    CORE_NETWORK,
    LAN,
    SITE_A,
    SITE_B,
    SITE_C,
    Site,
)

CRYPTO_MAP = "labmap"
PORTS = {LAN: 1, CORE: 2}  # interface name to port number of the switch
_SEQUENCES = {SITE_A: 5, SITE_B: 10, SITE_C: 20}


@dataclass(frozen=True, slots=True)
class RouterConfig:
    """What differs between one use of the lab and another. Times in seconds."""

    site: Site = SITE_A
    protects: bool = True  # False: no crypto map is bound
    passive_mode: bool = True
    retry: int = 20
    keepalive: int = 5
    esp_lifetime: int = 3600
    transforms: tuple[str, ...] = ("esp-gcm 256", "esp-gcm 128")
    state_file: Path | None = None  # where IKE SAs are kept
    core_address: IPv4Address | None = None  # towards the core; None: the site's

    def text(self, *, switch: str, api_socket: Path, keys: KeyTables | None) -> str:
        """Return the file's text.

        Args:
            switch: the P4Runtime target, ``HOST:PORT``.
            api_socket: where the controller's gRPC API listens.
            keys: where to log keys to for Wireshark; None: nowhere.
        """
        config: dict[str, Any] = {
            "hostname": self.site.router,
            "switch": {"address": switch},
            "api": {"listen": [f"unix:{api_socket}"]},
            "interfaces": {
                LAN: {
                    "port": PORTS[LAN],
                    "ip_address": str(self.site.lan_interface),
                    "mac_address": self.site.lan_mac,
                },
                CORE: {
                    "port": PORTS[CORE],
                    "ip_address": self._core_interface,
                    "mac_address": self.site.core_mac,
                    **({"crypto_map": CRYPTO_MAP} if self.protects else {}),
                },
            },
            "ip_routes": [f"{site.network} {site.core_address}" for site in self._sequences],
            "access_lists": {
                str(sequence): [_permit(self.site, site)]
                for site, sequence in self._sequences.items()
            },
            "transform_sets": {
                f"set{number}": transform for number, transform in enumerate(self.transforms, 1)
            },
            "crypto_maps": {
                CRYPTO_MAP: {
                    sequence: self._entry(site, sequence)
                    for site, sequence in self._sequences.items()
                }
            },
            "crypto_ipsec_optional": {"enabled": self.passive_mode, "retry": self.retry},
            "isakmp": {
                "keys": [
                    {"address": str(site.core_address), "key": PRESHARED_KEY}
                    for site in self._sequences
                ],
                "keepalive": self.keepalive,
            },
        }
        if self.state_file is not None:
            config["controller"] = {"state_file": str(self.state_file)}
        if keys is not None:
            config["debug"] = {
                "ike_keylog_file": str(keys.ike),
                "esp_keylog_file": str(keys.esp),
            }
        return yaml.safe_dump(config, sort_keys=False)

    @property
    def _core_interface(self) -> str:
        if self.core_address is None:
            return str(self.site.core_interface)
        return f"{self.core_address}/{CORE_NETWORK.prefixlen}"

    @property
    def _sequences(self) -> dict[Site, int]:
        """Where the entry of each peer stands in the crypto map."""
        return {site: number for site, number in _SEQUENCES.items() if site is not self.site}

    def _entry(self, site: Site, sequence: int) -> dict[str, Any]:
        return {
            "type": "ipsec-isakmp",
            "set_peer": str(site.core_address),
            "set_transform_set": [f"set{n}" for n in range(1, len(self.transforms) + 1)],
            "match_address": str(sequence),
            "set_security_association_lifetime": self.esp_lifetime,
        }


def _permit(near: Site, far: Site) -> str:
    def wildcard(site: Site) -> str:
        return f"{site.network.network_address} {site.network.hostmask}"

    return f"permit ip {wildcard(near)} {wildcard(far)}"
