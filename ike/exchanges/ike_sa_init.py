"""IKE_SA_INIT: algorithms, nonces and a key exchange, nothing authenticated (RFC 7296 §1.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ike.codec.chain import find_notify, notifies
from ike.codec.errors import ParseError
from ike.codec.key_exchange import KeyExchangePayload
from ike.codec.message import Message
from ike.codec.nonce import Nonce
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.registry import NotifyType
from ike.codec.security_association import SecurityAssociation
from ike.config import IkeProposal, KeyExchange, PeerConfig
from ike.crypto import key_exchange
from ike.crypto.key_exchange import PrivateValue
from ike.crypto.keys import IkeKeys, Nonces, ike_keys
from ike.crypto.random import RandomBytes
from ike.crypto.suites import IkeSuite
from ike.events import FailureReason
from ike.exchanges import nat_detection
from ike.exchanges.key_exchange import another, answer, finish, value_of
from ike.exchanges.nat_detection import NatStatus
from ike.exchanges.outcome import (
    Failure,
    Refusal,
    failure_from,
    refuse_critical,
    refuse_malformed,
    require,
)
from ike.proposals import accept_ike, choose_ike, describe, describe_ike, offer_ike
from ike.types import UdpAddress

MAX_COOKIE = 64  # bytes (RFC 7296 §2.6)
MAX_COOKIES = 5  # in a row, before we stop playing along


@dataclass(frozen=True, slots=True)
class InitOffer:
    """What the initiator keeps until the answer comes."""

    spi: int
    nonce: bytes
    proposals: tuple[IkeProposal, ...]
    private: PrivateValue
    tried: frozenset[KeyExchange]
    cookie: bytes = b""
    cookies: int = 0


@dataclass(frozen=True, slots=True)
class InitAgreement:
    """What both ends have after IKE_SA_INIT."""

    suite: IkeSuite
    keys: IkeKeys
    nonces: Nonces
    initiator_spi: int
    responder_spi: int
    nat: NatStatus
    fragmentation: bool
    childless: bool = False


@dataclass(frozen=True, slots=True)
class InitAnswer:
    """The responder's side of an agreement: `peers` are those whose configuration it fits."""

    agreement: InitAgreement
    peers: tuple[PeerConfig, ...]
    payloads: tuple[Payload, ...]


def make_offer(
    spi: int, nonce: bytes, proposals: tuple[IkeProposal, ...], random_bytes: RandomBytes
) -> InitOffer:
    """Begin: the first method of the first proposal is the guess."""
    method = proposals[0].key_exchange[0]
    private = key_exchange.generate(method, random_bytes)
    return InitOffer(spi, nonce, proposals, private, frozenset({method}))


def build_request(offer: InitOffer, local: UdpAddress, remote: UdpAddress) -> list[Payload]:
    """Build the request; the cookie, if there is one, goes first (§2.6)."""
    payloads: list[Payload] = []
    if offer.cookie:
        payloads.append(Notify(NotifyType.COOKIE, offer.cookie))
    payloads += [
        offer_ike(offer.proposals),
        value_of(offer.private),
        Nonce(offer.nonce),
    ]
    payloads += nat_detection.announce(offer.spi, 0, local, remote)
    payloads.append(Notify(NotifyType.IKEV2_FRAGMENTATION_SUPPORTED))
    if any(proposal.additional_key_exchange for proposal in offer.proposals):
        payloads.append(Notify(NotifyType.INTERMEDIATE_EXCHANGE_SUPPORTED))
    return payloads


def read_response(
    offer: InitOffer,
    response: Message,
    local: UdpAddress,
    remote: UdpAddress,
    random_bytes: RandomBytes,
) -> InitAgreement | InitOffer | Failure:
    """Read the answer to `offer`: agreement, or a changed offer to send, or a failure.

    A failure here comes from an unauthenticated message: it is a hint and no more (§2.21.1).
    """
    payloads = response.payloads
    try:
        cookie = find_notify(payloads, NotifyType.COOKIE)
        if cookie is not None:
            return _with_cookie(offer, cookie)
        wrong_method = find_notify(payloads, NotifyType.INVALID_KE_PAYLOAD)
        if wrong_method is not None:
            return with_method(offer, wrong_method, random_bytes)
        for notify in notifies(payloads):
            if notify.is_error:
                return failure_from(notify, f"the proposals {describe_ike(offer.proposals)}")
        return _agree(offer, response, local, remote)
    except ParseError as error:
        return Failure(FailureReason.INVALID_SYNTAX, f"malformed IKE_SA_INIT response: {error}")


def _with_cookie(offer: InitOffer, cookie: Notify) -> InitOffer | Failure:
    if not 0 < len(cookie.data) <= MAX_COOKIE or offer.cookies == MAX_COOKIES:
        return Failure(FailureReason.REFUSED, "the peer asks for cookies without end")
    return replace(offer, cookie=cookie.data, cookies=offer.cookies + 1)


def with_method(offer: InitOffer, notify: Notify, random_bytes: RandomBytes) -> InitOffer | Failure:
    """Change the offer as the peer's INVALID_KE_PAYLOAD asks for, or fail."""
    offered = [m for proposal in offer.proposals for m in proposal.key_exchange]
    private = another(notify, offered, offer.tried, random_bytes)
    if private is None:
        return failure_from(notify, f"the key exchange methods {[m.name for m in offered]}")
    return replace(offer, private=private, tried=offer.tried | {private.method})


def _agree(
    offer: InitOffer, response: Message, local: UdpAddress, remote: UdpAddress
) -> InitAgreement | Failure:
    payloads = response.payloads
    security_association = require(payloads, SecurityAssociation, "IKE_SA_INIT")
    exchange = require(payloads, KeyExchangePayload, "IKE_SA_INIT")
    nonce = require(payloads, Nonce, "IKE_SA_INIT")
    spi = response.header.responder_spi
    if not spi:
        return Failure(FailureReason.INVALID_SYNTAX, "the peer's IKE SPI is zero")
    accepted = accept_ike(offer.proposals, security_association)
    if accepted is None:
        return Failure(
            FailureReason.NO_PROPOSAL_CHOSEN,
            f"the peer chose {describe(security_association)} out of "
            f"{describe_ike(offer.proposals)}",
        )
    suite, _ = accepted
    if suite.additional and not _has_intermediate(payloads):
        return Failure(
            FailureReason.INVALID_SYNTAX,
            f"the peer chose {suite} and does not announce IKE_INTERMEDIATE",
        )
    shared = finish(offer.private, suite.key_exchange, exchange)
    if isinstance(shared, Failure):
        return shared
    nonces = Nonces(offer.nonce, nonce.data)
    return InitAgreement(
        suite,
        ike_keys(suite, shared, nonces, offer.spi, spi),
        nonces,
        offer.spi,
        spi,
        nat_detection.detect(payloads, offer.spi, spi, local, remote),
        _can_fragment(payloads),
        find_notify(payloads, NotifyType.CHILDLESS_IKEV2_SUPPORTED) is not None,
    )


def _can_fragment(payloads: Sequence[Payload]) -> bool:
    return find_notify(payloads, NotifyType.IKEV2_FRAGMENTATION_SUPPORTED) is not None


def _has_intermediate(payloads: Sequence[Payload]) -> bool:
    return find_notify(payloads, NotifyType.INTERMEDIATE_EXCHANGE_SUPPORTED) is not None


def answer_request(
    request: Message,
    peers: Sequence[PeerConfig],
    spi: int,
    own_nonce: bytes,
    local: UdpAddress,
    remote: UdpAddress,
    random_bytes: RandomBytes,
) -> InitAnswer | Refusal:
    """Answer an initiator.

    Args:
        request: its message.
        peers: whose address it comes from, in order of preference.
        spi: ours.
        own_nonce: ours.
        local: where it was received.
        remote: where it came from.
        random_bytes: for the key exchange.
    """
    payloads = request.payloads
    try:
        offered = require(payloads, SecurityAssociation, "IKE_SA_INIT")
        exchange = require(payloads, KeyExchangePayload, "IKE_SA_INIT")
        nonce = require(payloads, Nonce, "IKE_SA_INIT")
    except ParseError as error:
        return refuse_malformed(error)
    refused = refuse_critical(payloads)
    if refused is not None:
        return refused
    intermediate = _has_intermediate(payloads)
    choices = [
        (
            peer,
            choose_ike(peer.proposals, offered, exchange.method, with_additional=intermediate),
        )
        for peer in peers
    ]
    choice = next((c for _, c in choices if c is not None), None)
    if choice is None:
        return Refusal(
            Notify(NotifyType.NO_PROPOSAL_CHOSEN),
            FailureReason.NO_PROPOSAL_CHOSEN,
            f"the peer proposed {describe(offered)}, acceptable is "
            f"{describe_ike(peers[0].proposals)}",
        )
    answered = answer(choice.suite.key_exchange, exchange, random_bytes)
    if isinstance(answered, Refusal):
        return answered
    initiator_spi = request.header.initiator_spi
    nonces = Nonces(nonce.data, own_nonce)
    agreement = InitAgreement(
        choice.suite,
        ike_keys(choice.suite, answered.shared, nonces, initiator_spi, spi),
        nonces,
        initiator_spi,
        spi,
        nat_detection.detect(payloads, initiator_spi, 0, local, remote),
        _can_fragment(payloads),
    )
    response: tuple[Payload, ...] = (
        SecurityAssociation((choice.proposal,)),
        answered.payload,
        Nonce(own_nonce),
        *nat_detection.announce(initiator_spi, spi, local, remote),
    )
    response += (Notify(NotifyType.CHILDLESS_IKEV2_SUPPORTED),)
    if agreement.fragmentation:
        response += (Notify(NotifyType.IKEV2_FRAGMENTATION_SUPPORTED),)
    if intermediate:
        response += (Notify(NotifyType.INTERMEDIATE_EXCHANGE_SUPPORTED),)
    fitting = tuple(p for p, c in choices if c is not None and c.suite == choice.suite)
    return InitAnswer(agreement, fitting, response)
