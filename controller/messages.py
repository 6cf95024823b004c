"""The controller's messages, kept for a while and handed to whoever watches."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from controller.status import LogMessage

HISTORY_SIZE = 1000
"""Messages kept for those who ask later."""

QUEUE_SIZE = 1000
"""Messages that may wait for one watcher."""


@dataclass(eq=False, slots=True)
class _Watcher:
    waiting: deque[LogMessage]
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    dropped: int = 0


class MessageLog:
    """A bounded history, and watchers with a bounded queue each.

    A watcher too slow for its queue loses the oldest messages, and is told how many: nobody who
    watches can hold up the controller or take its memory.
    """

    def __init__(self, history: int = HISTORY_SIZE, queue: int = QUEUE_SIZE) -> None:
        self._history: deque[LogMessage] = deque(maxlen=history)
        self._queue = queue
        self._watchers: set[_Watcher] = set()

    def publish(self, message: LogMessage) -> None:
        """Add a message. Never blocks."""
        self._history.append(message)
        for watcher in self._watchers:
            if len(watcher.waiting) >= self._queue:
                watcher.waiting.popleft()
                watcher.dropped += 1
            watcher.waiting.append(message)
            watcher.arrived.set()

    async def watch(self, history: int = 0) -> AsyncIterator[LogMessage]:
        """Yield at most `history` of the latest messages, and then each as it comes."""
        recent = list(self._history)[-history:] if history > 0 else []
        watcher = _Watcher(deque(recent[-self._queue :]))
        self._watchers.add(watcher)
        try:
            while True:
                while watcher.waiting:
                    message = watcher.waiting.popleft()
                    if watcher.dropped:
                        text = f"{watcher.dropped} messages are missing here: the watcher is slow"
                        watcher.dropped = 0
                        yield LogMessage(message.time, "warning", text)
                    yield message
                watcher.arrived.clear()
                await watcher.arrived.wait()
        finally:
            self._watchers.discard(watcher)
