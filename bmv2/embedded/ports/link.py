"""Two ports joined in memory.

Frames arrive while they are sent, but never inside of another arrival on the same wire: a frame
that is sent meanwhile waits for its turn. So two switches in a loop take turns, and do not call
each other ever deeper.
"""

from __future__ import annotations

from collections import deque

from bmv2.embedded.ports.port import Receive, ignore_frame

MAX_WAITING = 1024
"""The most frames that wait on one wire; more are dropped."""


class Wire:
    """Delivers frames in the order in which they were sent. May be shared by many links."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[LinkPort, bytes]] = deque()
        self._busy = False

    def carry(self, to: LinkPort, frame: bytes) -> bool:
        """Deliver a frame, or queue it while another is being delivered; False if it is dropped."""
        if len(self._waiting) >= MAX_WAITING:
            return False
        self._waiting.append((to, frame))
        if self._busy:
            return True
        self._busy = True
        try:
            while self._waiting:
                receiver, arrived = self._waiting.popleft()
                receiver.arrive(arrived)
        finally:
            self._busy = False
        return True


class LinkPort:
    """One end of a link; see `Port`."""

    def __init__(self, number: int, name: str, wire: Wire) -> None:
        self.number = number
        self.name = name
        self.on_receive: Receive = ignore_frame
        self.send_failures = 0
        self._wire = wire
        self._peer: LinkPort | None = None

    def connect(self, peer: LinkPort) -> None:
        """Join with the other end, one way."""
        self._peer = peer

    def send(self, frame: bytes) -> None:
        """Send to the other end; dropped if the link is down."""
        if self._peer is None or not self._wire.carry(self._peer, frame):
            self.send_failures += 1

    def arrive(self, frame: bytes) -> None:
        """Take a frame off the wire; one that was on its way when the port closed is lost."""
        if self._peer is not None:
            self.on_receive(frame)

    def close(self) -> None:
        """Take the link down, at both ends."""
        peer, self._peer = self._peer, None
        if peer is not None:
            peer.close()


def link(
    first: tuple[int, str], second: tuple[int, str], wire: Wire | None = None
) -> tuple[LinkPort, LinkPort]:
    """Make two ports that are joined.

    Args:
        first: Number and name of one port.
        second: Number and name of the other.
        wire: What delivers; links of one network share it, so that frames keep their order.
    """
    carrier = wire or Wire()
    one, other = LinkPort(*first, carrier), LinkPort(*second, carrier)
    one.connect(other)
    other.connect(one)
    return one, other
