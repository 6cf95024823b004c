"""Captures what goes over an interface into a pcap file."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.interop.lab.daemon import Daemon
from tests.interop.lab.namespace import Namespace
from tests.interop.lab.requirements import find
from tests.interop.lab.waiting import wait_for

_BUFFER_KIB = 32768


class Capture:
    """A tcpdump on one interface, as a context manager; `pcap` is whole once it is left."""

    def __init__(self, namespace: Namespace, interface: str, pcap: Path) -> None:
        self.interface = interface
        self.pcap = pcap
        self._daemon = Daemon(namespace, f"tcpdump-{pcap.stem}", pcap.parent)

    def __enter__(self) -> Capture:
        self._daemon.start(
            [
                *(find("tcpdump") or "tcpdump", "-i", self.interface, "-w", str(self.pcap)),
                # Nothing waits in a buffer, and root keeps the right to write into the lab.
                *("-n", "-U", "--immediate-mode", "-B", str(_BUFFER_KIB), "-s", "0", "-Z", "root"),
            ],
            ready=lambda: "listening on" in self._daemon.log,
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self._daemon.running:
            self._daemon.send_signal(signal.SIGINT)
            wait_for(lambda: not self._daemon.running, "tcpdump ended")
        self._daemon.stop()
