"""Negotiating a CHILD_SA: what IKE_AUTH and CREATE_CHILD_SA have in common (RFC 7296 §1.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ike.codec.chain import find, find_notify, notifies
from ike.codec.key_exchange import KeyExchangePayload
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u32
from ike.codec.registry import NotifyType
from ike.codec.security_association import SecurityAssociation
from ike.codec.traffic_selector import TrafficSelectorsInitiator, TrafficSelectorsResponder
from ike.config import ChildConfig, KeyExchange, Mode, Prf
from ike.crypto.key_exchange import PrivateValue
from ike.crypto.keys import ChildKeys, Nonces, child_keys
from ike.crypto.random import RandomBytes
from ike.crypto.suites import EspSuite
from ike.events import FailureReason, Role
from ike.exchanges.draft import Draft
from ike.exchanges.key_exchange import answer, finish
from ike.exchanges.outcome import Failure, Refusal, failure_from, require
from ike.origins import cite
from ike.proposals import accept_esp, choose_esp, describe, describe_esp, offer_esp
from ike.selectors import Selectors, best_match, inside, paired
from ike.selectors import describe as describe_selectors
from ike.types import Secret


@dataclass(frozen=True, slots=True)
class ChildOffer:
    """What the initiator of a CHILD_SA keeps until the answer comes.

    `private` is None without a key exchange of its own, always so in IKE_AUTH. `tried` are the
    methods that a public value was sent of.
    """

    config: ChildConfig
    spi_in: int
    private: PrivateValue | None = None
    tried: frozenset[KeyExchange] = frozenset()
    with_key_exchange: bool = False
    transport: bool = False


@dataclass(frozen=True, slots=True)
class ChildAgreement:
    """A pair of ESP SAs, seen from this end.

    `more_selectors`: the responder would take others of the initiator's selectors in CHILD_SAs of
    their own (ADDITIONAL_TS_POSSIBLE). `tfc_padding`: the peer takes packets with padding against
    traffic analysis (ESP_TFC_PADDING_NOT_SUPPORTED, §1.3.1); we take them always.
    """

    config: ChildConfig
    role: Role
    spi_in: int
    spi_out: int
    suite: EspSuite
    keys: ChildKeys
    local: Selectors
    remote: Selectors
    nonces: Nonces
    more_selectors: bool = False
    mode: Mode = Mode.TUNNEL
    tfc_padding: bool = True


@dataclass(frozen=True, slots=True)
class ChildContext:
    """What the IKE SA brings to a CHILD_SA: to its keys, and whether transport mode can be."""

    prf: Prf
    sk_d: Secret
    nonces: Nonces
    transport: bool = False


@dataclass(frozen=True, slots=True)
class ChildTerms:
    """What both ends have agreed upon, but for the keys; the rest of a `ChildAgreement`."""

    config: ChildConfig
    role: Role
    spi_in: int
    spi_out: int
    suite: EspSuite
    local: Selectors
    remote: Selectors
    context: ChildContext
    more_selectors: bool
    mode: Mode
    tfc_padding: bool


@dataclass(frozen=True, slots=True)
class ChildDraft(Draft):
    """A CHILD_SA whose keys wait for additional key exchanges, or are there."""

    terms: ChildTerms = field(kw_only=True)

    @property
    def lowest_nonce(self) -> bytes:
        """What simultaneous rekeys are compared by (RFC 7296 §2.8.1)."""
        return self.terms.context.nonces.lowest

    def agreement(self) -> ChildAgreement:
        """Give the agreement, once no key exchange is missing."""
        terms, context = self.terms, self.terms.context
        return ChildAgreement(
            terms.config,
            terms.role,
            terms.spi_in,
            terms.spi_out,
            terms.suite,
            child_keys(context.prf, context.sk_d, terms.suite, context.nonces, self.secrets),
            terms.local,
            terms.remote,
            context.nonces,
            terms.more_selectors,
            terms.mode,
            terms.tfc_padding,
        )


@dataclass(frozen=True, slots=True)
class ChildAnswer:
    """The responder's side of an agreement; see `Draft` where key exchanges are to follow."""

    draft: ChildDraft
    payloads: tuple[Payload, ...]
    public: KeyExchangePayload | None = None


def offer_payloads(offer: ChildOffer) -> list[Payload]:
    """Build SA, TSi and TSr of the request, and what is asked for besides."""
    config = offer.config
    payloads: list[Payload] = [
        offer_esp(config.proposals, u32(offer.spi_in), offer.with_key_exchange),
        TrafficSelectorsInitiator(config.local_selectors),
        TrafficSelectorsResponder(config.remote_selectors),
    ]
    if offer.transport:
        payloads.append(Notify(NotifyType.USE_TRANSPORT_MODE))
    return payloads


def read_answer(
    offer: ChildOffer, payloads: Sequence[Payload], context: ChildContext
) -> ChildDraft | Failure:
    """Read the responder's answer.

    Raises:
        ParseError: a payload is missing though there is no error notify.
    """
    for notify in notifies(payloads):
        if notify.is_error:
            return failure_from(notify, _presented(offer.config))
    security_association = require(payloads, SecurityAssociation, "the answer")
    initiator = require(payloads, TrafficSelectorsInitiator, "the answer")
    responder = require(payloads, TrafficSelectorsResponder, "the answer")
    config = offer.config
    accepted = accept_esp(config.proposals, security_association, offer.with_key_exchange)
    if accepted is None:
        return Failure(
            FailureReason.NO_PROPOSAL_CHOSEN,
            f"the peer chose {describe(security_association)} out of "
            f"{describe_esp(config.proposals)}",
        )
    suite, spi_out = accepted
    local, remote = initiator.ranges, responder.ranges
    whole = len(local) == len(initiator.selectors) and len(remote) == len(responder.selectors)
    if not (
        whole
        and inside(local, config.local_selectors)
        and inside(remote, config.remote_selectors)
        and paired(local, remote) == (local, remote)
    ):
        return Failure(
            FailureReason.TS_UNACCEPTABLE,
            f"the peer answered with {describe_selectors(local, remote)}, which is not inside "
            f"{_selectors(config)}",
        )
    transport = find_notify(payloads, NotifyType.USE_TRANSPORT_MODE) is not None
    if transport and not offer.transport:
        return Failure(FailureReason.REFUSED, "the peer answered with transport mode out of turn")
    mode = Mode.TRANSPORT if transport else Mode.TUNNEL
    if config.mode_required and mode is not config.mode:
        why = "the peer chose" if offer.transport else "the NAT or new address allows no more than"
        return Failure(FailureReason.REFUSED, f"{why} {mode} mode, {config.mode} mode is required")
    shared: tuple[Secret, ...] = ()
    if suite.key_exchange is not None:
        value = require(payloads, KeyExchangePayload, "the answer")
        finished = finish(offer.private, suite.key_exchange, value)
        if isinstance(finished, Failure):
            return finished
        shared = (finished,)
    terms = ChildTerms(
        config,
        Role.INITIATOR,
        offer.spi_in,
        spi_out,
        suite,
        local,
        remote,
        context,
        find_notify(payloads, NotifyType.ADDITIONAL_TS_POSSIBLE) is not None,
        mode,
        _takes_padding(payloads),
    )
    return ChildDraft(suite.additional, shared, terms=terms).linked(payloads)


def answer_offer(
    children: Sequence[ChildConfig],
    payloads: Sequence[Payload],
    spi_in: int,
    context: ChildContext,
    random_bytes: RandomBytes,
    with_key_exchange: bool,
) -> ChildAnswer | Refusal:
    """Answer the initiator of a CHILD_SA.

    Args:
        children: those that it may be, in order of configuration.
        payloads: the request's.
        spi_in: our inbound SPI.
        context: keys and nonces.
        random_bytes: for a key exchange.
        with_key_exchange: whether this exchange can have one.

    Raises:
        ParseError: a payload is missing.
    """
    offered = require(payloads, SecurityAssociation, "the request")
    initiator = require(payloads, TrafficSelectorsInitiator, "the request")
    responder = require(payloads, TrafficSelectorsResponder, "the request")
    match = best_match(children, responder.ranges, initiator.ranges)
    if match is None:
        ours = "; ".join(_selectors(c) for c in children)
        return Refusal(
            Notify(NotifyType.TS_UNACCEPTABLE),
            FailureReason.TS_UNACCEPTABLE,
            f"the peer proposed {describe_selectors(responder.ranges, initiator.ranges)}, "
            f"configured is {ours or 'nothing'}",
        )
    config = match.child
    value = find(payloads, KeyExchangePayload) if with_key_exchange else None
    method = value.method if value else None
    chosen = choose_esp(config.proposals, offered, u32(spi_in), method, with_key_exchange)
    if chosen is None:
        return Refusal(
            Notify(NotifyType.NO_PROPOSAL_CHOSEN),
            FailureReason.NO_PROPOSAL_CHOSEN,
            f"the peer proposed {describe(offered)}, acceptable is "
            f"{describe_esp(config.proposals)}",
        )
    asked = find_notify(payloads, NotifyType.USE_TRANSPORT_MODE) is not None
    transport = asked and context.transport and config.mode is Mode.TRANSPORT
    mode = Mode.TRANSPORT if transport else Mode.TUNNEL
    if config.mode_required and mode is not config.mode:
        why = "the NAT or new address allows no more" if asked else "that is what the peer proposed"
        return Refusal(
            Notify(NotifyType.NO_PROPOSAL_CHOSEN),
            FailureReason.REFUSED,
            f"it would be {mode} mode, {why}; {config.mode} mode is required",
        )
    choice, spi_out = chosen
    shared: tuple[Secret, ...] = ()
    public = None
    wanted = choice.suite.key_exchange
    if wanted is not None:
        answered = answer(wanted, value, random_bytes)
        if isinstance(answered, Refusal):
            return answered
        shared, public = (answered.shared,), answered.payload
    terms = ChildTerms(
        config,
        Role.RESPONDER,
        spi_in,
        spi_out,
        choice.suite,
        match.local,
        match.remote,
        context,
        match.others_fit,
        mode,
        _takes_padding(payloads),
    )
    draft = ChildDraft(choice.suite.additional, shared, terms=terms)
    response: tuple[Payload, ...] = (
        SecurityAssociation((choice.proposal,)),
        TrafficSelectorsInitiator(match.remote),
        TrafficSelectorsResponder(match.local),
    )
    if transport:
        response += (Notify(NotifyType.USE_TRANSPORT_MODE),)
    if match.others_fit:
        response += (Notify(NotifyType.ADDITIONAL_TS_POSSIBLE),)
    return ChildAnswer(draft, response, public)


def _takes_padding(payloads: Sequence[Payload]) -> bool:
    return find_notify(payloads, NotifyType.ESP_TFC_PADDING_NOT_SUPPORTED) is None


def _presented(config: ChildConfig) -> str:
    return f"{_selectors(config)} with {describe_esp(config.proposals)}"


def _selectors(config: ChildConfig) -> str:
    selectors = describe_selectors(config.local_selectors, config.remote_selectors)
    return cite(selectors, config.origin)
