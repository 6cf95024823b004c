"""IKE_AUTH: both ends prove who they are, and make the first CHILD_SA (RFC 7296 §1.2, §2.15)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hmac import compare_digest

from ike.codec.authentication import Authentication
from ike.codec.chain import find, find_notify, notifies
from ike.codec.identification import IdentificationInitiator, IdentificationResponder
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.registry import AuthMethod, NotifyType, value_name
from ike.codec.security_association import SecurityAssociation
from ike.codec.traffic_selector import TrafficSelectorsInitiator, TrafficSelectorsResponder
from ike.config import PeerConfig
from ike.crypto.auth import shared_key_mic, signed_octets
from ike.crypto.keys import updated_ike_keys
from ike.events import FailureReason
from ike.exchanges.child import ChildOffer, offer_payloads
from ike.exchanges.ike_intermediate import Transcript
from ike.exchanges.ike_sa_init import InitAgreement
from ike.exchanges.outcome import Failure, Refusal, failure_from, refuse_critical, require
from ike.types import Identity, IdType, Secret


@dataclass(frozen=True, slots=True)
class AuthContext:
    """What AUTH covers: the agreement, and all messages before as they were sent.

    These are those of IKE_SA_INIT, and the transcript of IKE_INTERMEDIATE. The agreement's keys
    are those after the last exchange.
    """

    agreement: InitAgreement
    request: bytes
    response: bytes
    transcript: Transcript = Transcript()  # noqa: RUF009  # frozen

    def after_intermediate(self, request: bytes, response: bytes, shared: bytes) -> AuthContext:
        """Go on after an additional key exchange in IKE_INTERMEDIATE (RFC 9370 §2.2.2).

        Args:
            request: what AUTH covers of the request (`ike_intermediate.covered`).
            response: the same of the response.
            shared: the secret of the key exchange.
        """
        agreement = self.agreement
        suite, keys = agreement.suite, agreement.keys
        transcript = self.transcript.extended(suite.prf, keys, request, response)
        spis = agreement.initiator_spi, agreement.responder_spi
        updated = updated_ike_keys(suite, keys, shared, agreement.nonces, *spis)
        return replace(self, agreement=replace(agreement, keys=updated), transcript=transcript)

    def initiator_mic(self, identification: bytes, preshared_key: Secret) -> bytes:
        """Compute the initiator's AUTH data; `identification` is the body of IDi."""
        agreement = self.agreement
        octets = signed_octets(
            agreement.suite.prf,
            self.request,
            agreement.nonces.responder,
            agreement.keys.sk_pi,
            identification,
            self.transcript.int_auth,
        )
        return shared_key_mic(agreement.suite.prf, preshared_key, octets)

    def responder_mic(self, identification: bytes, preshared_key: Secret) -> bytes:
        """Compute the responder's AUTH data; `identification` is the body of IDr."""
        agreement = self.agreement
        octets = signed_octets(
            agreement.suite.prf,
            self.response,
            agreement.nonces.initiator,
            agreement.keys.sk_pr,
            identification,
            self.transcript.int_auth,
        )
        return shared_key_mic(agreement.suite.prf, preshared_key, octets)


@dataclass(frozen=True, slots=True)
class AuthenticatedInitiator:
    """The initiator is who it says; `payloads` begin our answer."""

    peer: PeerConfig
    payloads: tuple[Payload, ...]
    initial_contact: bool
    wants_child: bool


def build_request(
    context: AuthContext, peer: PeerConfig, child: ChildOffer, initial_contact: bool
) -> list[Payload]:
    """Build the request."""
    own = peer.local_identity
    identification = IdentificationInitiator(own.id_type, own.data)
    mic = context.initiator_mic(identification.serialize(), peer.local_authentication.key)
    expected = peer.remote_identity
    payloads: list[Payload] = [identification]
    if initial_contact:
        payloads.append(Notify(NotifyType.INITIAL_CONTACT))
    payloads += [
        IdentificationResponder(expected.id_type, expected.data),
        Authentication(AuthMethod.SHARED_KEY_MIC, mic),
    ]
    return payloads + offer_payloads(child)


def check_response(
    context: AuthContext, peer: PeerConfig, payloads: Sequence[Payload]
) -> Failure | None:
    """Check that the responder is who it has to be; None if it is.

    Raises:
        ParseError: a payload is missing.
    """
    identification = find(payloads, IdentificationResponder)
    if identification is None:
        for notify in notifies(payloads):
            if notify.is_error:
                return failure_from(
                    notify, f"our identity {peer.local_identity} and pre-shared key"
                )
    identification = require(payloads, IdentificationResponder, "IKE_AUTH")
    authentication = require(payloads, Authentication, "IKE_AUTH")
    if not same_identity(peer.remote_identity, identification.id_type, identification.data):
        return Failure(
            FailureReason.IDENTITY_MISMATCH,
            f"the peer is {_identity_text(identification.id_type, identification.data)}, "
            f"configured is {peer.remote_identity}",
            NotifyType.AUTHENTICATION_FAILED,
        )
    key = peer.remote_authentication.key
    expected = context.responder_mic(identification.serialize(), key)
    wrong = _check_mic(authentication, expected, str(peer.remote_identity))
    if wrong is None:
        return None
    return Failure(FailureReason.AUTHENTICATION_FAILED, wrong, NotifyType.AUTHENTICATION_FAILED)


def answer_request(
    context: AuthContext, peers: Sequence[PeerConfig], payloads: Sequence[Payload]
) -> AuthenticatedInitiator | Refusal:
    """Find out which of `peers` the initiator is, and check that it is.

    Raises:
        ParseError: a payload is missing.
    """
    refused = refuse_critical(payloads)
    if refused is not None:
        return refused
    initiator = require(payloads, IdentificationInitiator, "IKE_AUTH")
    asked = find(payloads, IdentificationResponder)
    known = [
        p for p in peers if same_identity(p.remote_identity, initiator.id_type, initiator.data)
    ]
    fitting = [
        p
        for p in known
        if asked is None or same_identity(p.local_identity, asked.id_type, asked.data)
    ]
    who = _identity_text(initiator.id_type, initiator.data)
    if not known:
        expected = ", ".join(str(p.remote_identity) for p in peers)
        return _refuse_identity(f"the peer is {who}, configured is {expected}")
    if not fitting and asked is not None:
        expected = ", ".join(str(p.local_identity) for p in known)
        asked_text = _identity_text(asked.id_type, asked.data)
        return _refuse_identity(f"{who} asked for {asked_text}, we are {expected}")
    peer = fitting[0]
    authentication = find(payloads, Authentication)
    if authentication is None:
        wrong: str | None = f"{who} wants EAP, configured is a pre-shared key"
    else:
        key = peer.remote_authentication.key
        mic = context.initiator_mic(initiator.serialize(), key)
        wrong = _check_mic(authentication, mic, who)
    if wrong is not None:
        return Refusal(
            Notify(NotifyType.AUTHENTICATION_FAILED), FailureReason.AUTHENTICATION_FAILED, wrong
        )
    own = peer.local_identity
    identification = IdentificationResponder(own.id_type, own.data)
    mic = context.responder_mic(identification.serialize(), peer.local_authentication.key)
    return AuthenticatedInitiator(
        peer,
        (identification, Authentication(AuthMethod.SHARED_KEY_MIC, mic)),
        find_notify(payloads, NotifyType.INITIAL_CONTACT) is not None,
        any(
            isinstance(
                p, SecurityAssociation | TrafficSelectorsInitiator | TrafficSelectorsResponder
            )
            for p in payloads
        ),
    )


def same_identity(configured: Identity, id_type: int, data: bytes) -> bool:
    """Compare an identity with the configured one; domain names don't care for case."""
    if configured.id_type != id_type:
        return False
    if configured.id_type == IdType.FQDN:
        return configured.data.lower() == data.lower()
    return configured.data == data


def _check_mic(authentication: Authentication, expected: bytes, who: str) -> str | None:
    if authentication.method != AuthMethod.SHARED_KEY_MIC:
        method = value_name(AuthMethod, authentication.method)
        return f"{who} authenticates with {method}, configured is a pre-shared key"
    if not compare_digest(authentication.data, expected):
        return f"the pre-shared key of {who} is not the configured one"
    return None


def _refuse_identity(detail: str) -> Refusal:
    return Refusal(
        Notify(NotifyType.AUTHENTICATION_FAILED), FailureReason.IDENTITY_MISMATCH, detail
    )


def _identity_text(id_type: int, data: bytes) -> str:
    """Write a peer's identity so that it can go into a log: it is not authenticated yet."""
    try:
        return str(Identity(IdType(id_type), data))[:255]
    except ValueError:
        return f"an identity of the unknown type {id_type}"
