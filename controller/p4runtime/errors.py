"""What can go wrong between the controller and a switch."""

from __future__ import annotations


class P4RuntimeError(Exception):
    """Anything that this package raises."""


class EntryError(P4RuntimeError, ValueError):
    """A value can't stand in a table entry, or an entry of the switch isn't one of ours."""


class SelectorError(EntryError):
    """Traffic selectors that the table `sa_selectors` can't hold."""


class SwitchUnavailableError(P4RuntimeError):
    """There is no switch to talk to, or another controller is its primary.

    `code` is the gRPC code's name.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message


class ChannelClosedError(P4RuntimeError):
    """The channel was closed from this side."""
