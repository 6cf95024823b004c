"""Bulk copies over TCP, checked byte for byte."""

from __future__ import annotations

import sys
from ipaddress import IPv4Address
from pathlib import Path

from tests.interop.lab.daemon import Daemon
from tests.interop.lab.errors import LabError
from tests.interop.lab.namespace import Namespace
from tests.interop.lab.waiting import wait_for

_COPY_PORT = 5202


def copy(
    source: Namespace,
    target: Namespace,
    address: IPv4Address,
    *,
    size: int,
    run: Path,
    timeout: float = 60.0,
) -> None:
    """Copy `size` bytes over one TCP connection and check that all of them arrived, unchanged.

    Args:
        source: the namespace that connects and sends.
        target: the namespace that listens and receives.
        address: the target's address.
        size: bytes.
        run: where the receiver's log goes.
        timeout: seconds for the whole copy.

    Raises:
        LabError: it failed, took too long, or what arrived differs from what was sent.
    """
    script = [sys.executable, str(Path(__file__).with_name("tcp_copy.py"))]
    receiver = Daemon(target, f"copy-{target.name}", run)
    receiver.start(
        [*script, "receive", str(address), str(_COPY_PORT)],
        ready=lambda: "listening" in receiver.log,
    )
    try:
        sent = source.run(
            *script, "send", str(address), str(_COPY_PORT), str(size), timeout=timeout
        ).strip()
        wait_for(lambda: not receiver.running, "the receiver's count", timeout=timeout)
        received = receiver.log.splitlines()[-1]
    finally:
        receiver.stop()
    if sent != received:
        raise LabError(f"sent {sent}, received {received}")
