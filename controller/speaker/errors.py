"""Why a packet could not be read."""

from __future__ import annotations


class PacketError(ValueError):
    """A malformed packet: which layer, at which byte of that layer, and why."""

    def __init__(self, layer: str, offset: int, reason: str) -> None:
        super().__init__(f"{layer} at byte {offset}: {reason}")
        self.layer = layer
        self.offset = offset
        self.reason = reason
