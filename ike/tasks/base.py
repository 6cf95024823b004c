"""What all tasks have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ike.codec.payload import Payload
from ike.codec.registry import ExchangeType
from ike.state.records import TaskRecord

if TYPE_CHECKING:
    from ike.connection import Connection


class Request(NamedTuple):
    """What a task sends."""

    exchange_type: ExchangeType
    payloads: Sequence[Payload]


class Task(Protocol):
    """One exchange that we begin."""

    @property
    def packet_types(self) -> frozenset[str]:
        """The names of the `ChildConfig`s that it is about."""

    @property
    def goes_alone(self) -> bool:
        """Whether no other task may be under way meanwhile (RFC 7296 §2.25)."""

    def begin(self, connection: Connection, now: float) -> Request | None:
        """Make the request; None if there is nothing to be done any more."""

    def finish(self, connection: Connection, payloads: Sequence[Payload], now: float) -> None:
        """Take the answer.

        Raises:
            ParseError: a payload is missing.
        """

    def abandon(self, connection: Connection) -> None:
        """Give back what the task holds: there will be no answer."""

    def snapshot(self) -> TaskRecord:
        """Describe it for another process (`ike.state`)."""
