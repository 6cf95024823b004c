"""Proving who we are, and checking who the peer is, by the methods that are configured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from ike.authentication.certificates import (
    Presented,
    present,
    show_certificate,
    validate,
)
from ike.authentication.context import AuthContext
from ike.authentication.identity import identity_of, show_identity
from ike.authentication.shared_key import check_key, check_nothing, prove_by_key, prove_nothing
from ike.authentication.signature import (
    SIGNATURE_METHODS,
    check_signature,
    choose_scheme,
    make_signature,
)
from ike.authentication.verdict import Authenticated, Rejected, Verdict, unproven
from ike.codec.authentication import Authentication
from ike.codec.chain import find
from ike.codec.identification import IdentificationInitiator, IdentificationResponder
from ike.codec.payload import Payload
from ike.codec.registry import AuthMethod, value_name
from ike.config import (
    CertificateCredential,
    LocalAuthentication,
    NullAuthentication,
    PresharedKey,
    RemoteAuthentication,
)
from ike.crypto.errors import SignatureError
from ike.events import Role

Identification = IdentificationInitiator | IdentificationResponder


def prove(
    context: AuthContext,
    signer: Role,
    identification: Identification,
    config: LocalAuthentication,
) -> tuple[list[Payload], Authentication]:
    """Prove that we are who `identification` says; the certificates for that, and AUTH.

    Raises:
        SignatureError: there is an `obstacle_to_proof`.
    """
    body = identification.serialize()
    match config:
        case PresharedKey():
            return [], prove_by_key(context, signer, body, config)
        case NullAuthentication():
            return [], prove_nothing(context, signer, body)
        case CertificateCredential():
            octets = context.octets(signer, body)
            authentication = make_signature(config, context.peer_hashes, octets)
            return [*present(config, with_ocsp=context.wants_ocsp)], authentication


def obstacle_to_proof(config: LocalAuthentication, context: AuthContext) -> str | None:
    """Say why we can't prove to this peer who we are; None if we can."""
    if isinstance(config, CertificateCredential):
        try:
            choose_scheme(config, context.peer_hashes)
        except SignatureError as error:
            return f"we cannot sign: {error}"
    return None


def check(
    context: AuthContext,
    signer: Role,
    identification: Identification,
    payloads: Sequence[Payload],
    config: RemoteAuthentication,
    at: datetime | None,
) -> Verdict:
    """Check that the peer is who it says.

    Args:
        context: what it signs.
        signer: which end it is.
        identification: who it says it is; the caller knows that this is whom we expect.
        payloads: its message.
        config: how it is to prove it.
        at: the time by the calendar, aware; None where no peer has a certificate.
    """
    who = partial(show_identity, identification.id_type, identification.data)
    body = identification.serialize()
    authentication = find(payloads, Authentication)
    if authentication is None:
        return unproven(f"{who()} wants EAP, configured is {expected(config)}")
    if not accepts(config, authentication.method):
        method = value_name(AuthMethod, authentication.method)
        return unproven(f"{who()} authenticates by {method}, configured is {expected(config)}")
    match config:
        case PresharedKey():
            return check_key(context, signer, body, authentication, config, who)
        case NullAuthentication():
            return check_nothing(context, signer, body, authentication)
    identity = identity_of(identification.id_type, identification.data)
    assert identity is not None, "the caller knows it"
    assert at is not None, "an endpoint with such a peer has a calendar"
    leaf = validate(config.trust, Presented.of(payloads), identity, at)
    if isinstance(leaf, Rejected):
        return leaf
    try:
        octets = context.octets(signer, body)
        check_signature(config, leaf.public_key(), authentication, octets)
    except SignatureError as error:
        return unproven(f"the signature of {who()} is refused: {error}")
    return Authenticated(leaf.not_valid_after_utc)


def accepts(config: RemoteAuthentication, method: int) -> bool:
    """Tell whether a peer that is configured so may use an authentication method."""
    match config:
        case PresharedKey():
            return method == AuthMethod.SHARED_KEY_MIC
        case NullAuthentication():
            return method == AuthMethod.NULL
    return method in SIGNATURE_METHODS


def expected(config: RemoteAuthentication) -> str:
    """Say how a peer has to prove who it is."""
    match config:
        case PresharedKey():
            return "a pre-shared key"
        case NullAuthentication():
            return "no authentication"
    return "a certificate"


def presented(config: LocalAuthentication) -> str:
    """Say what we prove who we are by, for when the peer does not believe it."""
    match config:
        case PresharedKey():
            return "pre-shared key"
        case NullAuthentication():
            return "NULL authentication"
    return f"certificate {show_certificate(config.credential.leaf)}"
