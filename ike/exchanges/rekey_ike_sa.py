"""CREATE_CHILD_SA that rekeys the IKE SA (RFC 7296 §1.3.2, §2.18)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ike.codec.chain import find_notify, notifies
from ike.codec.key_exchange import KeyExchangePayload
from ike.codec.nonce import Nonce
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u64
from ike.codec.registry import NotifyType
from ike.codec.security_association import SecurityAssociation
from ike.config import IkeProposal, Prf
from ike.crypto.keys import IkeKeys, Nonces, rekeyed_ike_keys
from ike.crypto.random import RandomBytes
from ike.crypto.suites import IkeSuite
from ike.events import FailureReason
from ike.exchanges.draft import Draft
from ike.exchanges.ike_sa_init import InitOffer, with_method
from ike.exchanges.key_exchange import answer, finish, value_of
from ike.exchanges.outcome import Failure, Refusal, failure_from, require
from ike.proposals import accept_ike, choose_ike, describe, describe_ike, offer_ike
from ike.types import Secret

_SPI_LENGTH = 8


@dataclass(frozen=True, slots=True)
class OldKeys:
    """What the new keys come from."""

    prf: Prf
    sk_d: Secret


@dataclass(frozen=True, slots=True)
class RekeyAgreement:
    """What both ends have after the exchange."""

    suite: IkeSuite
    keys: IkeKeys
    nonces: Nonces
    initiator_spi: int
    responder_spi: int


@dataclass(frozen=True, slots=True)
class IkeSaTerms:
    """What both ends have agreed upon, and what the keys come from; the rest of an agreement."""

    old: OldKeys
    suite: IkeSuite
    nonces: Nonces
    initiator_spi: int
    responder_spi: int


@dataclass(frozen=True, slots=True)
class IkeSaDraft(Draft):
    """An IKE SA whose keys wait for additional key exchanges, or are there."""

    terms: IkeSaTerms = field(kw_only=True)

    @property
    def lowest_nonce(self) -> bytes:
        """What simultaneous rekeys are compared by (RFC 7296 §2.8.2)."""
        return self.terms.nonces.lowest

    def agreement(self) -> RekeyAgreement:
        """Give the agreement, once no key exchange is missing."""
        terms = self.terms
        agreed = terms.suite, self.secrets, terms.nonces, terms.initiator_spi, terms.responder_spi
        keys = rekeyed_ike_keys(terms.old.prf, terms.old.sk_d, *agreed)
        return RekeyAgreement(
            terms.suite, keys, terms.nonces, terms.initiator_spi, terms.responder_spi
        )


def build_request(offer: InitOffer) -> list[Payload]:
    """Build the request: SA, Ni, KEi."""
    return [
        offer_ike(offer.proposals, u64(offer.spi)),
        Nonce(offer.nonce),
        value_of(offer.private),
    ]


def read_response(
    offer: InitOffer, payloads: Sequence[Payload], old: OldKeys, random_bytes: RandomBytes
) -> IkeSaDraft | InitOffer | Failure:
    """Read the answer: agreement, another offer to send, or a failure.

    Raises:
        ParseError: a payload is missing though there is no error notify.
    """
    wrong_method = find_notify(payloads, NotifyType.INVALID_KE_PAYLOAD)
    if wrong_method is not None:
        return with_method(offer, wrong_method, random_bytes)
    for notify in notifies(payloads):
        if notify.is_error:
            return failure_from(notify, f"rekeying with {describe_ike(offer.proposals)}")
    chosen = require(payloads, SecurityAssociation, "CREATE_CHILD_SA")
    exchange = require(payloads, KeyExchangePayload, "CREATE_CHILD_SA")
    nonce = require(payloads, Nonce, "CREATE_CHILD_SA")
    accepted = accept_ike(offer.proposals, chosen)
    if accepted is None:
        detail = f"the peer chose {describe(chosen)} out of {describe_ike(offer.proposals)}"
        return Failure(FailureReason.NO_PROPOSAL_CHOSEN, detail)
    suite, proposal = accepted
    spi = int.from_bytes(proposal.spi, "big")
    if len(proposal.spi) != _SPI_LENGTH or not spi:
        return Failure(FailureReason.INVALID_SYNTAX, "the peer's new IKE SPI is none")
    shared = finish(offer.private, suite.key_exchange, exchange)
    if isinstance(shared, Failure):
        return shared
    terms = IkeSaTerms(old, suite, Nonces(offer.nonce, nonce.data), offer.spi, spi)
    return IkeSaDraft(suite.additional, (shared,), terms=terms).linked(payloads)


def answer_request(
    proposals: Sequence[IkeProposal],
    payloads: Sequence[Payload],
    spi: int,
    own_nonce: bytes,
    old: OldKeys,
    random_bytes: RandomBytes,
    new_link: Callable[[], bytes],
) -> tuple[IkeSaDraft, list[Payload]] | Refusal:
    """Answer the peer's rekey with our SPI `spi`; the answer's payloads come second.

    `new_link` makes the link of a draft that key exchanges follow.

    Raises:
        ParseError: a payload is missing.
    """
    offered = require(payloads, SecurityAssociation, "CREATE_CHILD_SA")
    nonce = require(payloads, Nonce, "CREATE_CHILD_SA")
    exchange = require(payloads, KeyExchangePayload, "CREATE_CHILD_SA")
    choice = choose_ike(proposals, offered, exchange.method, u64(spi))
    peer_spi = offered.proposals[0].spi
    if choice is None or len(peer_spi) != _SPI_LENGTH or not any(peer_spi):
        return Refusal(
            Notify(NotifyType.NO_PROPOSAL_CHOSEN),
            FailureReason.NO_PROPOSAL_CHOSEN,
            f"the peer proposed {describe(offered)}, acceptable is {describe_ike(proposals)}",
        )
    answered = answer(choice.suite.key_exchange, exchange, random_bytes)
    if isinstance(answered, Refusal):
        return answered
    suite, initiator_spi = choice.suite, int.from_bytes(peer_spi, "big")
    terms = IkeSaTerms(old, suite, Nonces(nonce.data, own_nonce), initiator_spi, spi)
    secrets = (answered.shared,)
    draft = IkeSaDraft(suite.additional, secrets, new_link(), terms=terms)
    return draft, [
        SecurityAssociation((choice.proposal,)),
        Nonce(own_nonce),
        answered.payload,
        *draft.link_payloads,
    ]
