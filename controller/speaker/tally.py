"""Packets that the controller itself has dropped."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Frames and their bytes, counted like those that the pipeline drops."""

    packets: int = 0
    octets: int = 0

    def count(self, frame: bytes) -> None:
        """Add a frame."""
        self.packets += 1
        self.octets += len(frame)
