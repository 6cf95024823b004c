"""CREATE_CHILD_SA: further CHILD_SAs, and new ones for old (RFC 7296 §1.3.1, §1.3.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ike.codec.chain import find_notify, notifies
from ike.codec.nonce import Nonce
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u32
from ike.codec.registry import NotifyType, ProtocolId
from ike.config import ChildConfig, Mode, Prf
from ike.crypto import key_exchange
from ike.crypto.keys import Nonces
from ike.crypto.random import RandomBytes
from ike.exchanges.child import (
    ChildAnswer,
    ChildContext,
    ChildDraft,
    ChildOffer,
    answer_offer,
    offer_payloads,
    read_answer,
)
from ike.exchanges.key_exchange import another, value_of
from ike.exchanges.outcome import Failure, Refusal, require
from ike.types import Secret


def make_offer(
    config: ChildConfig, spi_in: int, random_bytes: RandomBytes, *, allow_transport: bool = False
) -> ChildOffer:
    """Begin a CHILD_SA, with a key exchange of its own if the configuration wants one."""
    transport = allow_transport and config.mode is Mode.TRANSPORT
    methods = [m for proposal in config.proposals for m in proposal.key_exchange]
    if not methods:
        return ChildOffer(config, spi_in, with_key_exchange=True, transport=transport)
    private = key_exchange.generate(methods[0], random_bytes)
    tried = frozenset({methods[0]})
    return ChildOffer(config, spi_in, private, tried, with_key_exchange=True, transport=transport)


def build_request(offer: ChildOffer, nonce: bytes) -> list[Payload]:
    """Build the request: SA, Ni, [KEi,] TSi, TSr."""
    security_association, *selectors = offer_payloads(offer)
    payloads: list[Payload] = [security_association, Nonce(nonce)]
    if offer.private is not None:
        payloads.append(value_of(offer.private))
    return payloads + selectors


def build_rekey(offer: ChildOffer, nonce: bytes, spi_in: int) -> list[Payload]:
    """Build the request that replaces the CHILD_SA with our inbound SPI `spi_in` (§1.3.3)."""
    rekey = Notify(NotifyType.REKEY_SA, b"", ProtocolId.ESP, u32(spi_in))
    return [rekey, *build_request(offer, nonce)]


def read_response(
    offer: ChildOffer,
    own_nonce: bytes,
    payloads: Sequence[Payload],
    prf: Prf,
    sk_d: Secret,
    random_bytes: RandomBytes,
) -> ChildDraft | ChildOffer | Failure:
    """Read the answer: an agreement, an offer with another key exchange to send, or a failure.

    Raises:
        ParseError: a payload is missing though there is no error notify.
    """
    changed = _with_method(offer, payloads, random_bytes)
    if changed is not None:
        return changed
    nonces = Nonces(own_nonce, b"")
    if not any(notify.is_error for notify in notifies(payloads)):
        nonces = Nonces(own_nonce, require(payloads, Nonce, "CREATE_CHILD_SA").data)
    return read_answer(offer, payloads, ChildContext(prf, sk_d, nonces))


def _with_method(
    offer: ChildOffer, payloads: Sequence[Payload], random_bytes: RandomBytes
) -> ChildOffer | None:
    notify = find_notify(payloads, NotifyType.INVALID_KE_PAYLOAD)
    if notify is None:
        return None
    offered = [m for proposal in offer.config.proposals for m in proposal.key_exchange]
    private = another(notify, offered, offer.tried, random_bytes)
    if private is None:
        return None
    return replace(offer, private=private, tried=offer.tried | {private.method})


def answer_request(
    children: Sequence[ChildConfig],
    payloads: Sequence[Payload],
    spi_in: int,
    own_nonce: bytes,
    prf: Prf,
    sk_d: Secret,
    random_bytes: RandomBytes,
    new_link: Callable[[], bytes],
    *,
    allow_transport: bool = False,
) -> ChildAnswer | Refusal:
    """Answer a request for a CHILD_SA; an answer's payloads are complete.

    `new_link` makes the link of a draft that key exchanges follow.

    Raises:
        ParseError: a payload is missing.
    """
    nonces = Nonces(require(payloads, Nonce, "CREATE_CHILD_SA").data, own_nonce)
    context = ChildContext(prf, sk_d, nonces, allow_transport)
    answer = answer_offer(children, payloads, spi_in, context, random_bytes, with_key_exchange=True)
    if isinstance(answer, Refusal):
        return answer
    security_association, *selectors = answer.payloads
    exchange = (answer.public,) if answer.public is not None else ()
    draft = replace(answer.draft, link=new_link())
    complete = (
        security_association,
        Nonce(own_nonce),
        *exchange,
        *selectors,
        *draft.link_payloads,
    )
    return replace(answer, draft=draft, payloads=complete)
