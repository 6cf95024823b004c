"""What the conformance tests ask of a switch, whichever it is."""

from __future__ import annotations

from typing import Protocol

from finsy.proto import p4i, p4r

Frames = list[tuple[int, bytes]]
"""Ports and frames."""

CPU_PORT = 510


class Switch(Protocol):
    """A switch that runs our program, and the P4Runtime client that is its primary."""

    p4info: p4i.P4Info

    def load(self) -> None:
        """Push the program, so that no entry and no register is left; digests on."""

    def write(self, kind: int, entity: p4r.Entity) -> None:
        """Write one update."""

    def read(self, entity: p4r.Entity) -> list[p4r.Entity]:
        """Read what one entity asks for."""

    def send(self, port: int, frame: bytes) -> Frames:
        """Send a frame in by a port, and return what came out, once all is processed."""

    def packet_out(self, packet: p4r.PacketOut) -> Frames:
        """Send a packet out, and return what came out, once all is processed."""

    def take_messages(self, *, last: bool = False) -> list[p4r.StreamMessageResponse]:
        """Return packet-ins and digests, which are acknowledged.

        Args:
            last: Wait longer: nobody asks again.
        """

    def wait(self, nanoseconds: int) -> None:
        """Let time pass."""
