"""``show switch``: the data plane and what it has dropped."""

from __future__ import annotations

from controller.cli.render.text import plural, table
from controller.status import SwitchStatus


def render(status: SwitchStatus) -> str:
    """Write the connection, and the reasons for which packets have been dropped."""
    lines = [f"Switch at {status.address}, device id {status.device_id}"]
    if not status.connected:
        lines.append("  not connected: IPsec goes on as it was, but nothing new is negotiated")
    elif not status.is_primary:
        lines.append("  connected, but another controller is primary: nothing can be written")
    else:
        lines.append("  connected, primary")
    lines.append(f"  {plural(status.entries, 'table entry', 'table entries')}")
    dropped = [drop for drop in status.drops if drop.packets]
    if dropped:
        rows = [(drop.reason, str(drop.packets), str(drop.bytes)) for drop in dropped]
        lines += ["", "Packets dropped:"]
        lines += table(("Reason", "Packets", "Bytes"), rows, right=frozenset({1, 2}))
    elif status.connected:
        lines += ["", "No packets dropped."]
    return "\n".join(lines)
