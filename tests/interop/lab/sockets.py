"""Whether a process listens by now, without disturbing it with a connection."""

from __future__ import annotations

from pathlib import Path

from tests.interop.lab.namespace import Namespace

_LISTEN = "0A"  # TCP_LISTEN in /proc/net/tcp


def listens_on_tcp(namespace: Namespace, port: int) -> bool:
    """Tell whether anything in the namespace listens on a TCP port."""
    for pid in namespace.pids():
        for table in ("tcp", "tcp6"):
            try:
                rows = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
            except OSError:  # the process has just ended
                continue
            for row in rows:
                local, state = row.split()[1], row.split()[3]
                if state == _LISTEN and int(local.rpartition(":")[2], 16) == port:
                    return True
    return False
