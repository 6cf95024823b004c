"""What the router wants done, in this order: entries are in place before packets rely on them."""

from __future__ import annotations

from dataclasses import dataclass

from controller.p4runtime.entities import PacketOut, Update


@dataclass(frozen=True, slots=True)
class Write:
    """Write these updates to the switch, as one batch."""

    updates: tuple[Update, ...]


@dataclass(frozen=True, slots=True)
class Send:
    """Send this packet-out."""

    packet: PacketOut


Output = Write | Send
