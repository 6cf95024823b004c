"""A port as the switch sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Receive = Callable[[bytes], None]
"""Takes a frame that came in, without its frame check sequence."""

MAX_FRAMES_PER_WAKE = 64
"""How many frames a port takes in at once, before others have their turn."""


class PortError(Exception):
    """A port cannot be opened; the message says which, and what to do."""


class Port(Protocol):
    """Takes whole Ethernet frames in and out, without their frame check sequence.

    Attributes:
        number: The port's number in the P4 program.
        name: What it is called on this machine.
        on_receive: Called with each frame that comes in.
        send_failures: Frames that could not be sent: dropped, as on a full wire.
    """

    number: int
    name: str
    on_receive: Receive
    send_failures: int

    def send(self, frame: bytes) -> None:
        """Send a frame, or count it as failed; never waits."""

    def close(self) -> None:
        """Stop; a second time does nothing."""


def ignore_frame(frame: bytes) -> None:
    """What a port does with frames until somebody wants them."""
