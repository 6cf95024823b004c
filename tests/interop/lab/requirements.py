"""The tools that the lab needs, and the Debian packages that bring them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.interop.lab.errors import LabError

_CAP_NET_ADMIN = 12  # linux/capability.h
_CAP_SYS_ADMIN = 21
_SBIN = "/usr/sbin:/sbin"
_PLUGINS = Path("/usr/lib/ipsec/plugins")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that has to be there: a command on PATH, or a file."""

    what: str
    package: str

    def met(self) -> bool:
        """Tell whether it is there."""
        if self.what.startswith("/"):
            return Path(self.what).exists()
        return find(self.what) is not None


NETWORK = (
    Requirement("ip", "iproute2"),
    Requirement("ethtool", "ethtool"),
    Requirement("ping", "iputils-ping"),
    Requirement("iperf3", "iperf3"),
    Requirement("nft", "nftables"),
)
PEER = (
    Requirement("charon-systemd", "charon-systemd"),
    Requirement("swanctl", "strongswan-swanctl"),
    Requirement(f"{_PLUGINS}/libstrongswan-openssl.so", "libstrongswan-standard-plugins"),
    Requirement(f"{_PLUGINS}/libstrongswan-cmac.so", "libstrongswan-extra-plugins"),
    Requirement(f"{_PLUGINS}/libstrongswan-kernel-libipsec.so", "libcharon-extra-plugins"),
)
CAPTURE = (Requirement("tcpdump", "tcpdump"), Requirement("tshark", "tshark"))
ALL = NETWORK + PEER + CAPTURE
MININET = (
    Requirement("/usr/lib/python3/dist-packages/mininet", "mininet"),
    Requirement("ethtool", "ethtool"),
    Requirement("ping", "iputils-ping"),
    Requirement("tcpdump", "tcpdump"),
)


def find(command: str) -> str | None:
    """Return the path of a command, looked for in the sbin folders too."""
    return shutil.which(command) or shutil.which(command, path=_SBIN)


def missing(needed: tuple[Requirement, ...] = ALL) -> list[str]:
    """Say what keeps the lab from running here, one sentence each; none: it can run."""
    problems: list[str] = []
    if os.geteuid() != 0:
        problems.append("network namespaces need root: run it with sudo")
    elif not _may_administer():
        problems.append("root may not make network namespaces here (a container: --privileged)")
    packages = sorted({item.package for item in needed if not item.met()})
    if packages:
        absent = ", ".join(Path(item.what).name for item in needed if not item.met())
        problems.append(f"{absent} not found: apt-get install {' '.join(packages)}")
    if not Path("/dev/net/tun").exists():
        problems.append("/dev/net/tun does not exist: modprobe tun")
    return problems


def _may_administer() -> bool:
    status = Path("/proc/self/status").read_text()
    capabilities = int(status.partition("CapEff:")[2].split()[0], 16)
    return all(capabilities >> bit & 1 for bit in (_CAP_NET_ADMIN, _CAP_SYS_ADMIN))


def require(needed: tuple[Requirement, ...] = ALL) -> None:
    """Raise `LabError` with all that is missing, if anything is."""
    problems = missing(needed)
    if problems:
        raise LabError("; ".join(problems))
