"""One StreamChannel, without gRPC."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from finsy.proto import p4r

from bmv2.embedded.p4runtime.outbox import Outbox


class SessionHost(Protocol):
    """What a session needs of the server."""

    def receive(self, session: StreamSession, message: p4r.StreamMessageRequest) -> None:
        """Take a message of a session's client."""

    def leave(self, session: StreamSession) -> None:
        """Take the end of a session."""


class StreamSession:
    """The server's end of one stream.

    Attributes:
        outbox: What waits to be sent to the client.
        closed: Whether the stream has ended.
    """

    def __init__(self, host: SessionHost, on_output: Callable[[], None]) -> None:
        self._host = host
        self.outbox = Outbox(on_output)
        self.closed = False

    def receive(self, message: p4r.StreamMessageRequest) -> None:
        """Take a message of the client; answers are in the outbox.

        Raises:
            P4RuntimeError: The stream ends with this status; the session is closed.
        """
        self._host.receive(self, message)

    def drain(self) -> list[p4r.StreamMessageResponse]:
        """Take all that waits to be sent."""
        messages: list[p4r.StreamMessageResponse] = []
        while (message := self.outbox.pop()) is not None:
            messages.append(message)
        return messages

    def close(self) -> None:
        """End the stream; a backup is told if the primary is gone. A second time does nothing."""
        if not self.closed:
            self.closed = True
            self._host.leave(self)
