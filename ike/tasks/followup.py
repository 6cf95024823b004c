"""IKE_FOLLOWUP_KE: the additional key exchanges of a task, one by one (RFC 9370 §2.2.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from ike.codec.payload import Payload
from ike.codec.registry import ExchangeType
from ike.crypto import key_exchange
from ike.crypto.random import RandomBytes
from ike.exchanges.draft import Draft
from ike.exchanges.key_exchange import finish_additional, value_of
from ike.exchanges.outcome import Failure
from ike.tasks.base import Request

D = TypeVar("D", bound=Draft)


def begin(draft: D, random_bytes: RandomBytes) -> D:
    """Begin the next key exchange of a draft."""
    return replace(draft, private=key_exchange.generate(draft.methods[0], random_bytes))


def request(draft: Draft) -> Request:
    """Make the request for it."""
    assert draft.private is not None
    payloads = (value_of(draft.private), *draft.link_payloads)
    return Request(ExchangeType.IKE_FOLLOWUP_KE, payloads)


def read(draft: D, payloads: Sequence[Payload]) -> D | Failure:
    """Read the answer.

    Raises:
        ParseError: a payload is missing though there is no error notify.
    """
    assert draft.private is not None
    shared = finish_additional(draft.private, payloads)
    if isinstance(shared, Failure):
        return shared
    return draft.after(shared).linked(payloads)
