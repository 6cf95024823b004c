"""The switch as the process that users run: ``p4ipsec switch ...``."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.interop.lab.errors import LabError
from tests.interop.lab.namespace import Namespace
from tests.interop.lab.router import p4ipsec
from tests.interop.lab.waiting import wait_for

_SECONDS_TO_START = 60.0
_SECONDS_TO_STOP = 10.0
_LOG_TAIL = 2000  # characters of the log that an error quotes


@dataclass(frozen=True)
class SwitchProcess:
    """A switch that runs.

    Attributes:
        pid: Its process, of which bmv2 is a child.
        address: Where it serves P4Runtime.
    """

    pid: int
    address: str


@contextmanager
def switch_process(
    target: str, folder: Path, ports: Sequence[str] = (), namespace: Namespace | None = None
) -> Iterator[SwitchProcess]:
    """Start a switch that has no program yet.

    Args:
        target: Which one, as ``p4ipsec switch`` names them.
        folder: Where its socket and its log go.
        ports: Each as ``NUMBER=INTERFACE``.
        namespace: Where it runs; None: here.

    Raises:
        LabError: it did not come up; with the end of its log.
    """
    path, log_path = folder / "p4runtime.sock", folder / "switch.log"
    words = [word for port in ports for word in ("--port", port)]
    command = p4ipsec("switch", target, *words, "--grpc-address", f"unix:{path}")
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command if namespace is None else namespace.command(*command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(
            lambda: _accepts(path) or process.poll() is not None,
            f"the {target} switch",
            timeout=_SECONDS_TO_START,
        )
        if process.poll() is not None:
            said = log_path.read_text(errors="replace").strip()[-_LOG_TAIL:]
            raise LabError(f"the {target} switch ended ({process.returncode}): {said}")
        yield SwitchProcess(process.pid, f"unix:{path}")
    finally:
        process.terminate()
        try:
            process.wait(_SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
