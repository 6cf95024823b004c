"""IKE_AUTH: both ends prove who they are, and make the first CHILD_SA (RFC 7296 §1.2, §2.15)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ike.authentication import certificates, ppk
from ike.authentication.context import AuthContext
from ike.authentication.identity import same_identity, show_identity
from ike.authentication.proof import accepts, check, obstacle_to_proof, presented, prove
from ike.authentication.verdict import Authenticated, Rejected, unproven
from ike.codec.authentication import Authentication
from ike.codec.chain import find, find_notify, notifies
from ike.codec.identification import IdentificationInitiator, IdentificationResponder
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.registry import AuthMethod, NotifyType
from ike.codec.security_association import SecurityAssociation
from ike.codec.traffic_selector import TrafficSelectorsInitiator, TrafficSelectorsResponder
from ike.config import NullAuthentication, PeerConfig
from ike.events import FailureReason, Role
from ike.exchanges.child import ChildOffer, offer_payloads
from ike.exchanges.outcome import Failure, Refusal, failure_from, refuse_critical, require
from ike.origins import cite
from ike.types import IdType

_OF_A_CHILD = (SecurityAssociation, TrafficSelectorsInitiator, TrafficSelectorsResponder)


@dataclass(frozen=True, slots=True)
class AuthenticatedResponder:
    """The responder is who it has to be; `context` has the keys."""

    context: AuthContext
    verdict: Authenticated


@dataclass(frozen=True, slots=True)
class AuthenticatedInitiator:
    """The initiator is who it says; `payloads` begin our answer, `context` has the keys."""

    peer: PeerConfig
    context: AuthContext
    verdict: Authenticated
    payloads: tuple[Payload, ...]
    initial_contact: bool
    wants_child: bool


def build_request(
    context: AuthContext, peer: PeerConfig, child: ChildOffer | None, initial_contact: bool
) -> list[Payload]:
    """Build the request; there is no `obstacle_to_proof`.

    Without a `child` it asks for an IKE SA alone (RFC 6023).
    """
    own = peer.local_identity
    identification = IdentificationInitiator(own.id_type, own.data)
    own_context = ppk.own_context(context, peer)
    chain, authentication = prove(
        own_context, Role.INITIATOR, identification, peer.local_authentication
    )
    payloads: list[Payload] = [identification, *chain, *certificates.request((peer,))]
    if initial_contact:
        payloads.append(Notify(NotifyType.INITIAL_CONTACT))
    expected = peer.remote_identity
    if expected.id_type is not IdType.NULL:
        payloads.append(IdentificationResponder(expected.id_type, expected.data))
    payloads.append(authentication)
    if own_context.ppk_is_mixed and peer.ppk is not None:
        without = None
        if not peer.ppk.required:
            config = peer.local_authentication
            _, without = prove(context, Role.INITIATOR, identification, config)
        payloads += ppk.claim(peer.ppk, without)
    return [*payloads, *(offer_payloads(child) if child is not None else ())]


def check_response(
    context: AuthContext, peer: PeerConfig, payloads: Sequence[Payload], at: datetime | None
) -> AuthenticatedResponder | Failure:
    """Check that the responder is who it has to be.

    Raises:
        ParseError: a payload is missing.
    """
    identification = find(payloads, IdentificationResponder)
    if identification is None:
        for notify in notifies(payloads):
            if notify.is_error:
                means = presented(peer.local_authentication)
                proof = cite(f"our identity {peer.local_identity} and {means}", peer.origin)
                return failure_from(notify, proof)
    identification = require(payloads, IdentificationResponder, "IKE_AUTH")
    require(payloads, Authentication, "IKE_AUTH")
    config = peer.remote_authentication
    if not isinstance(config, NullAuthentication) and not same_identity(
        peer.remote_identity, identification.id_type, identification.data
    ):
        return Failure(
            FailureReason.IDENTITY_MISMATCH,
            f"the peer is {show_identity(identification.id_type, identification.data)}, "
            f"configured is {cite(str(peer.remote_identity), peer.origin)}",
            NotifyType.AUTHENTICATION_FAILED,
        )
    accepted = ppk.accepted_by_responder(context, peer, payloads)
    if isinstance(accepted, Rejected):
        return _fail(accepted, peer.origin)
    verdict = check(accepted, Role.RESPONDER, identification, payloads, config, at)
    if isinstance(verdict, Rejected):
        return _fail(verdict, peer.origin)
    return AuthenticatedResponder(accepted, verdict)


def answer_request(
    context: AuthContext,
    peers: Sequence[PeerConfig],
    payloads: Sequence[Payload],
    at: datetime | None,
) -> AuthenticatedInitiator | Refusal:
    """Find out which of `peers` the initiator is, and check that it is.

    The initiator is told the same whatever is wrong: who it is not, and what it does not prove.

    Raises:
        ParseError: a payload is missing.
    """
    refused = refuse_critical(payloads)
    if refused is not None:
        return refused
    initiator = require(payloads, IdentificationInitiator, "IKE_AUTH")
    peer = _choose(peers, initiator, payloads)
    if isinstance(peer, Refusal):
        return peer
    if certificates.asks_for_ocsp(payloads):
        context = replace(context, wants_ocsp=True)
    chosen = ppk.choose(context, peer, payloads)
    if isinstance(chosen, Rejected):
        return _refuse(chosen, peer.origin)
    context, proof = chosen
    verdict = check(context, Role.INITIATOR, initiator, proof, peer.remote_authentication, at)
    if isinstance(verdict, Rejected):
        return _refuse(verdict, peer.origin)
    own = peer.local_identity
    identification = IdentificationResponder(own.id_type, own.data)
    obstacle = obstacle_to_proof(peer.local_authentication, context)
    if obstacle is not None:
        return _refuse(unproven(obstacle), peer.origin)
    chain, authentication = prove(
        context, Role.RESPONDER, identification, peer.local_authentication
    )
    return AuthenticatedInitiator(
        peer,
        context,
        verdict,
        (identification, *chain, authentication, *ppk.confirm(context)),
        find_notify(payloads, NotifyType.INITIAL_CONTACT) is not None,
        any(isinstance(p, _OF_A_CHILD) for p in payloads),
    )


def _choose(
    peers: Sequence[PeerConfig], initiator: IdentificationInitiator, payloads: Sequence[Payload]
) -> PeerConfig | Refusal:
    """Find the peer by its identity, one without authentication by its address alone."""
    authentication = find(payloads, Authentication)
    method = authentication.method if authentication is not None else None
    anonymous = [p for p in peers if isinstance(p.remote_authentication, NullAuthentication)]
    known = [
        p
        for p in peers
        if not isinstance(p.remote_authentication, NullAuthentication)
        and same_identity(p.remote_identity, initiator.id_type, initiator.data)
    ]
    if anonymous and (method == AuthMethod.NULL or not known):
        known = anonymous
    if not known:
        who = show_identity(initiator.id_type, initiator.data)
        expected = ", ".join(cite(str(p.remote_identity), p.origin) for p in peers)
        return _refuse_identity(f"the peer is {who}, configured is {expected}")
    asked = find(payloads, IdentificationResponder)
    fitting = [
        p
        for p in known
        if asked is None or same_identity(p.local_identity, asked.id_type, asked.data)
    ]
    if not fitting and asked is not None:
        expected = ", ".join(cite(str(p.local_identity), p.origin) for p in known)
        who = show_identity(initiator.id_type, initiator.data)
        asked_text = show_identity(asked.id_type, asked.data)
        return _refuse_identity(f"{who} asked for {asked_text}, we are {expected}")
    by_method = (
        p for p in fitting if method is not None and accepts(p.remote_authentication, method)
    )
    return next(by_method, fitting[0])


def _refuse_identity(detail: str) -> Refusal:
    return _refuse(Rejected(FailureReason.IDENTITY_MISMATCH, detail))


def _refuse(rejected: Rejected, origin: str = "") -> Refusal:
    detail = cite(rejected.detail, origin)
    return Refusal(Notify(NotifyType.AUTHENTICATION_FAILED), rejected.reason, detail)


def _fail(rejected: Rejected, origin: str) -> Failure:
    detail = cite(rejected.detail, origin)
    return Failure(rejected.reason, detail, NotifyType.AUTHENTICATION_FAILED)
