"""The messages of a router, as its API tells them, with the time of its clock."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from controller.api.client import Client
from controller.api.errors import ApiError
from controller.config.scalars import Endpoint
from controller.service.clock import Clock

HISTORY = 1000


@dataclass(frozen=True, slots=True)
class TimedMessage:
    """A message, and when it came: seconds of the routers' clock."""

    time: float
    severity: str
    text: str


class MessageWatcher:
    """Follows the messages of one router in a thread, since the API's client waits for them."""

    def __init__(self, endpoint: Endpoint, clock: Clock) -> None:
        self._client = Client(endpoint)
        self._clock = clock
        self._messages: list[TimedMessage] = []
        self._thread = threading.Thread(target=self._follow, name=f"messages of {endpoint}")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()
        self._thread.join()

    def __len__(self) -> int:
        return len(self._messages)

    def since(self, index: int = 0) -> list[TimedMessage]:
        """Return the messages from this one on."""
        return self._messages[index:]

    def containing(self, part: str) -> list[TimedMessage]:
        """Return the messages that have this in them."""
        return [message for message in self._messages if part in message.text]

    def _follow(self) -> None:
        try:
            for message in self._client.watch_messages(HISTORY):
                self._messages.append(
                    TimedMessage(self._clock.now(), message.severity, message.text)
                )
        except (ApiError, ValueError):
            return  # the client is closed, or the router has stopped
