"""How the ends of an IKE SA prove who they are, in IOS's words (RFC 7296 §2.15)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from controller.config.scalars import shown, text
from controller.config.section import Section
from ike.config import SignatureScheme


class AuthenticationMethod(StrEnum):
    """``authentication METHOD``. NONE is NULL authentication (RFC 7619), which IOS has not."""

    PRE_SHARE = "pre-share"
    RSA_SIG = "rsa-sig"
    ECDSA_SIG = "ecdsa-sig"
    EDDSA_SIG = "eddsa-sig"
    SIGNATURE = "signature"
    NONE = "none"

    @property
    def is_signature(self) -> bool:
        """Whether it needs a certificate."""
        return self not in (AuthenticationMethod.PRE_SHARE, AuthenticationMethod.NONE)


_PREFIXES = {
    AuthenticationMethod.RSA_SIG: ("rsa",),
    AuthenticationMethod.ECDSA_SIG: ("ecdsa",),
    AuthenticationMethod.EDDSA_SIG: ("ed",),
    AuthenticationMethod.SIGNATURE: ("rsa", "ecdsa", "ed"),
}


def schemes_of(method: AuthenticationMethod, *, legacy: bool) -> tuple[SignatureScheme, ...]:
    """Return the signature schemes of a method, best first; SHA-1 with `legacy` only.

    ECDSA's scheme names begin with "ec", so that "ed" is Ed25519 and Ed448 alone.
    """
    return tuple(
        scheme
        for scheme in SignatureScheme
        if scheme.value.startswith(_PREFIXES[method])
        and (legacy or scheme is not SignatureScheme.RSA_PKCS1_SHA1)
    )


def _method(value: object) -> AuthenticationMethod:
    word = text(value).lower()
    if word == "null":
        return AuthenticationMethod.NONE
    try:
        return AuthenticationMethod(word)
    except ValueError:
        known = ", ".join(AuthenticationMethod)
        raise ValueError(f"expected one of {known}; not {shown(word)}") from None


Method = Annotated[
    AuthenticationMethod,
    BeforeValidator(_method),
    Field(description="such as pre-share or rsa-sig"),
]


class AuthenticationSection(Section):
    """``authentication local METHOD`` and ``authentication remote METHOD``."""

    local: Method
    remote: Method


def _both(value: object) -> Any:
    """Take one method for both directions."""
    if isinstance(value, dict | AuthenticationSection):
        return value
    method = _method(value)
    return AuthenticationSection(local=method, remote=method)


Authentication = Annotated[AuthenticationSection, BeforeValidator(_both)]
BY_PRESHARED_KEY = AuthenticationSection(
    local=AuthenticationMethod.PRE_SHARE, remote=AuthenticationMethod.PRE_SHARE
)
