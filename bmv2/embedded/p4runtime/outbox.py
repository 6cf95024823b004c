"""What waits to be sent on one stream: bounded, so that a slow client costs bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from finsy.proto import p4r

MAX_MESSAGES = 1024
"""The most messages that wait."""

MAX_BYTES = 8 * 1024 * 1024
"""The most bytes that wait."""


class Outbox:
    """The messages for one client, in order.

    When it is full the newest message is dropped and counted; the data plane never waits. A
    ``MasterArbitrationUpdate`` is never dropped: a client that lets as many of those pile up is
    not reading at all, and its stream is to end.

    Attributes:
        dropped: How many messages were dropped.
        overrun: Whether the stream is to end, because the client does not read.
    """

    def __init__(self, on_output: Callable[[], None]) -> None:
        self._on_output = on_output
        self._messages: deque[tuple[p4r.StreamMessageResponse, int]] = deque()
        self._bytes = 0
        self.dropped = 0
        self.overrun = False

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: p4r.StreamMessageResponse) -> bool:
        """Add a message; False if it was dropped."""
        size = message.ByteSize()
        is_full = len(self._messages) >= MAX_MESSAGES or self._bytes + size > MAX_BYTES
        if is_full and message.WhichOneof("update") != "arbitration":
            self.dropped += 1
            return False
        if len(self._messages) >= 2 * MAX_MESSAGES:
            self.overrun = True
            self._on_output()
            return False
        self._messages.append((message, size))
        self._bytes += size
        self._on_output()
        return True

    def pop(self) -> p4r.StreamMessageResponse | None:
        """Take the oldest message; None if there is none."""
        if not self._messages:
            return None
        message, size = self._messages.popleft()
        self._bytes -= size
        return message
