"""How an exchange can fail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from ike.codec.chain import find, unsupported_critical
from ike.codec.errors import ParseError
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u8
from ike.codec.registry import NotifyType
from ike.events import FailureReason

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Refusal:
    """We refuse: what the peer is told, and what an operator is told."""

    notify: Notify
    reason: FailureReason
    detail: str


@dataclass(frozen=True, slots=True)
class Failure:
    """The exchange that we began has failed; `notify_type` is the peer's, 0 where it sent none."""

    reason: FailureReason
    detail: str
    notify_type: int = 0


def require(payloads: Iterable[Payload], kind: type[P], exchange: str) -> P:
    """Return the payload of a kind.

    Raises:
        ParseError: there is none.
    """
    payload = find(payloads, kind)
    if payload is None:
        raise ParseError(kind.__name__, 0, f"missing in {exchange}")
    return payload


def refuse_critical(payloads: Iterable[Payload]) -> Refusal | None:
    """Refuse a request with a critical payload that we don't know (RFC 7296 §2.5)."""
    unknown = unsupported_critical(payloads)
    if unknown is None:
        return None
    return Refusal(
        Notify(NotifyType.UNSUPPORTED_CRITICAL_PAYLOAD, u8(unknown.payload_type)),
        FailureReason.INVALID_SYNTAX,
        f"the peer sent a critical payload of the unknown type {unknown.payload_type}",
    )


def refuse_malformed(error: ParseError) -> Refusal:
    """Refuse what cannot be read."""
    return Refusal(
        Notify(NotifyType.INVALID_SYNTAX), FailureReason.INVALID_SYNTAX, f"malformed: {error}"
    )


_REASONS: dict[int, FailureReason] = {
    NotifyType.NO_PROPOSAL_CHOSEN: FailureReason.NO_PROPOSAL_CHOSEN,
    NotifyType.INVALID_KE_PAYLOAD: FailureReason.NO_PROPOSAL_CHOSEN,
    NotifyType.AUTHENTICATION_FAILED: FailureReason.AUTHENTICATION_FAILED,
    NotifyType.TS_UNACCEPTABLE: FailureReason.TS_UNACCEPTABLE,
    NotifyType.SINGLE_PAIR_REQUIRED: FailureReason.TS_UNACCEPTABLE,
    NotifyType.INVALID_SYNTAX: FailureReason.INVALID_SYNTAX,
    NotifyType.UNSUPPORTED_CRITICAL_PAYLOAD: FailureReason.INVALID_SYNTAX,
}


def failure_from(notify: Notify, presented: str) -> Failure:
    """Make a failure out of the peer's error notify; `presented` is what we sent."""
    reason = _REASONS.get(notify.notify_type, FailureReason.REFUSED)
    return Failure(reason, f"the peer answered {notify.name} to {presented}", notify.notify_type)
