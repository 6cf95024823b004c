"""Where and when a run was made, and with which versions."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from cryptography.hazmat.backends.openssl import backend

from bmv2.simple_switch import SimpleSwitchError, find_installation
from p4src.artefacts import MANIFEST_PATH
from tests.interop.lab.requirements import find

ABSENT = "not installed"


@dataclass(frozen=True)
class Machine:
    """One machine at one time.

    Attributes:
        date: As YYYY-MM-DD, in UTC.
        cpu: The processor's own name.
        cores: How many of it.
        load: Processes that ran or waited in the minute before, on average.
        kernel: Of which system, and its release.
        versions: By the name of the program.
    """

    date: str
    cpu: str
    cores: int
    load: float
    kernel: str
    versions: dict[str, str]

    @classmethod
    def this_one(cls) -> Machine:
        """Look at this machine, now."""
        return cls(
            date=datetime.now(UTC).date().isoformat(),
            cpu=_cpu(),
            cores=os.cpu_count() or 1,
            load=round(os.getloadavg()[0], 2),
            kernel=f"{platform.system()} {platform.release()}",
            versions={
                "p4-passive-ipsec": version("p4-passive-ipsec"),
                "p4c": json.loads(MANIFEST_PATH.read_text())["p4c"],
                "bmv2": _bmv2(),
                "strongSwan": _of("swanctl", r"strongSwan (\S+)"),
                "iperf3": _of("iperf3", r"iperf ([\d.]+)"),
                "Python": platform.python_version(),
                "cryptography": version("cryptography"),
                "OpenSSL": backend.openssl_version_text().removeprefix("OpenSSL "),
                "grpcio": version("grpcio"),
            },
        )


def _cpu() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def _bmv2() -> str:
    try:
        return find_installation().version
    except SimpleSwitchError:
        return ABSENT


def _of(command: str, pattern: str) -> str:
    path = find(command)
    if path is None:
        return ABSENT
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    found = re.search(pattern, done.stdout + done.stderr)
    return found[1] if found else "unknown"
