"""KE payloads: one end's value, and the other end's answer, whatever exchange carries them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ike.codec.chain import notifies
from ike.codec.errors import ParseError
from ike.codec.key_exchange import KeyExchangePayload
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u16
from ike.codec.registry import NotifyType
from ike.config import KeyExchange
from ike.crypto import key_exchange
from ike.crypto.errors import KeyExchangeError
from ike.crypto.key_exchange import PrivateValue
from ike.crypto.random import RandomBytes
from ike.events import FailureReason
from ike.exchanges.outcome import Failure, Refusal, failure_from, require
from ike.types import Secret


@dataclass(frozen=True, slots=True)
class KeyExchangeAnswer:
    """The responder's side of a key exchange."""

    payload: KeyExchangePayload
    shared: Secret


def value_of(private: PrivateValue) -> KeyExchangePayload:
    """Write our own value."""
    return KeyExchangePayload(private.method, private.public)


def another(
    notify: Notify,
    offered: Iterable[KeyExchange],
    tried: frozenset[KeyExchange],
    random_bytes: RandomBytes,
) -> PrivateValue | None:
    """Begin anew with the method that the peer's INVALID_KE_PAYLOAD asks for.

    None if we have not offered it, or have tried it: no answer makes us go round in circles.
    """
    method = key_exchange.known(int.from_bytes(notify.data, "big")) if notify.data else None
    if method is None or method not in offered or method in tried:
        return None
    return key_exchange.generate(method, random_bytes)


def answer(
    method: KeyExchange, value: KeyExchangePayload | None, random_bytes: RandomBytes
) -> KeyExchangeAnswer | Refusal:
    """Answer the initiator's value, or ask for one of the chosen method (RFC 7296 §1.2)."""
    if value is None or value.method != method:
        sent = "no value" if value is None else f"a value for key exchange method {value.method}"
        return Refusal(
            Notify(NotifyType.INVALID_KE_PAYLOAD, u16(method)),
            FailureReason.NO_PROPOSAL_CHOSEN,
            f"the peer sent {sent}, {method.name} is asked for",
        )
    try:
        response = key_exchange.respond(method, value.data, random_bytes)
    except KeyExchangeError as error:
        return Refusal(
            Notify(NotifyType.INVALID_SYNTAX),
            FailureReason.INVALID_SYNTAX,
            f"bad key exchange value: {error}",
        )
    return KeyExchangeAnswer(KeyExchangePayload(method, response.public), response.shared)


def finish(
    private: PrivateValue | None, method: KeyExchange, value: KeyExchangePayload
) -> Secret | Failure:
    """Compute the shared secret with the responder's answer.

    Args:
        private: our own half; None if we have sent no value.
        method: what the responder has chosen.
        value: its answer.
    """
    if private is None or not method == value.method == private.method:
        sent = "no value" if private is None else private.method.name
        return Failure(
            FailureReason.NO_PROPOSAL_CHOSEN,
            f"the peer chose {method.name} and answered with key exchange method {value.method} "
            f"to {sent}",
        )
    try:
        return Secret(private.finish(value.data))
    except KeyExchangeError as error:
        return Failure(FailureReason.INVALID_SYNTAX, f"bad key exchange value: {error}")


def answer_additional(
    method: KeyExchange, payloads: Sequence[Payload], random_bytes: RandomBytes
) -> KeyExchangeAnswer | Refusal:
    """Answer an additional key exchange, whose method is agreed upon (RFC 9370 §2.2.2).

    Raises:
        ParseError: there is no value, or one of another method.
    """
    value = require(payloads, KeyExchangePayload, "an additional key exchange")
    if value.method != method:
        raise ParseError("KE", 0, f"a value for method {value.method}, {method.name} is agreed")
    return answer(method, value, random_bytes)


def finish_additional(private: PrivateValue, payloads: Sequence[Payload]) -> Secret | Failure:
    """Read the answer to an additional key exchange.

    Raises:
        ParseError: there is no value though there is no error notify.
    """
    for notify in notifies(payloads):
        if notify.is_error:
            return failure_from(notify, f"the additional key exchange {private.method.name}")
    value = require(payloads, KeyExchangePayload, "the answer")
    return finish(private, private.method, value)
