"""The warnings of passive mode, and how often they are given (PM-7, PM-8)."""

from __future__ import annotations

from ipaddress import IPv4Address

from controller.passive.events import Message, Severity

REMINDER_INTERVAL = 600.0
"""Seconds between two reminders that passive mode is on (PM-7)."""

CLEAR_WARNING_INTERVAL = 60.0
"""Seconds between two warnings of clear traffic in one direction, at least (PM-8)."""

REMINDER = "Security warning: crypto ipsec optional is configured"
SENT = "Unencrypted traffic is sent to {} because crypto optional is configured"
RECEIVED = "Unencrypted traffic is received from {} because crypto optional is configured"
SAVE_REMINDER = "Passive mode is disabled. Enter 'write memory' to save the configuration."


class Reminder:
    """PM-7: once when passive mode is turned on, then every ten minutes."""

    def __init__(self) -> None:
        self.deadline: float | None = None

    def start(self, now: float) -> None:
        """Passive mode is on from `now`."""
        self.deadline = now

    def stop(self) -> None:
        """Passive mode is off."""
        self.deadline = None

    def advance(self, now: float) -> Message | None:
        """Return the reminder if it is due."""
        if self.deadline is None or self.deadline > now:
            return None
        self.deadline = now + REMINDER_INTERVAL
        return Message(Severity.WARNING, REMINDER)


class ClearWarning:
    """PM-8 for one direction.

    The first packet is warned of at once. Of those that follow within a minute the latest is
    kept, and warned of when the minute is over; that starts the next minute.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._last: float | None = None
        self._kept: IPv4Address | None = None

    @property
    def deadline(self) -> float | None:
        """When `advance` will have something to say; None: not before the next packet."""
        if self._kept is None or self._last is None:
            return None
        return self._last + CLEAR_WARNING_INTERVAL

    def seen(self, address: IPv4Address) -> None:
        """A clear packet went to, or came from, this address. Call `advance` next."""
        self._kept = address

    def advance(self, now: float) -> Message | None:
        """Return the warning if one is due."""
        if self._kept is None:
            return None
        if self._last is not None and now < self._last + CLEAR_WARNING_INTERVAL:
            return None
        message = Message(Severity.WARNING, self._text.format(self._kept))
        self._last = now
        self._kept = None
        return message

    def drop(self) -> None:
        """Passive mode is off: say no more of what was seen. The minute still runs."""
        self._kept = None
