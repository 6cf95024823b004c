"""AUTH by a key that both ends have: a pre-shared one, or with RFC 7619 SK_p itself."""

from __future__ import annotations

from collections.abc import Callable
from hmac import compare_digest

from ike.authentication.context import AuthContext
from ike.authentication.verdict import Authenticated, Verdict, unproven
from ike.codec.authentication import Authentication
from ike.codec.registry import AuthMethod
from ike.config import PresharedKey
from ike.events import Role


def prove_by_key(
    context: AuthContext, signer: Role, identification: bytes, config: PresharedKey
) -> Authentication:
    """Prove that we have the key."""
    mic = context.mic(signer, identification, config.key)
    return Authentication(AuthMethod.SHARED_KEY_MIC, mic)


def check_key(
    context: AuthContext,
    signer: Role,
    identification: bytes,
    authentication: Authentication,
    config: PresharedKey,
    who: Callable[[], str],
) -> Verdict:
    """Check that the peer has the key; the method is the right one. `who` says whose it is."""
    mic = context.mic(signer, identification, config.key)
    if compare_digest(authentication.data, mic):
        return Authenticated()
    return unproven(f"the pre-shared key of {who()} is not the configured one")


def prove_nothing(context: AuthContext, signer: Role, identification: bytes) -> Authentication:
    """Prove that IKE_SA_INIT was ours, and nothing about who we are (RFC 7619 §2.1)."""
    mic = context.mic(signer, identification, context.sk_p(signer))
    return Authentication(AuthMethod.NULL, mic)


def check_nothing(
    context: AuthContext, signer: Role, identification: bytes, authentication: Authentication
) -> Verdict:
    """Check that the sender is the one that IKE_SA_INIT was with, whoever that is."""
    mic = context.mic(signer, identification, context.sk_p(signer))
    if compare_digest(authentication.data, mic):
        return Authenticated()
    return unproven("the NULL authentication is not by the peer that IKE_SA_INIT was with")
