"""Whether a peer can authenticate, and be authenticated, as it is configured."""

from __future__ import annotations

from ike.authentication.signature import usable_schemes
from ike.config import (
    CertificateCredential,
    NullAuthentication,
    PeerConfig,
    PresharedKey,
    TrustedCertificate,
)
from ike.crypto.errors import SignatureError
from ike.crypto.signature import can_sign, describe_key, strong_key
from ike.types import NULL_IDENTITY


def check_authentication(config: PeerConfig, *, has_calendar: bool) -> None:
    """Check a peer's configuration.

    Raises:
        ValueError: it cannot work, and why.
    """
    what = f"peer {config.name}"
    local, remote = config.local_authentication, config.remote_authentication
    for method, identity in (
        (local, config.local_identity),
        (remote, config.remote_identity),
    ):
        if isinstance(method, PresharedKey) and not method.key:
            raise ValueError(f"{what} has an empty pre-shared key")
        if identity == NULL_IDENTITY and not isinstance(method, NullAuthentication):
            raise ValueError(f"{what}: without an identity there is nothing to authenticate")
    if isinstance(remote, TrustedCertificate) and not has_calendar:
        raise ValueError(f"{what} has a certificate to be checked, and there is no calendar")
    if isinstance(local, CertificateCredential):
        _check_credential(what, local)
    if config.reauthenticate < 0:
        raise ValueError(f"{what} authenticates again before it has authenticated")


def _check_credential(what: str, local: CertificateCredential) -> None:
    key = local.credential.private_key
    try:
        public = strong_key(key.public_key())
    except SignatureError as error:
        raise ValueError(f"{what}: our certificate has {error}") from None
    unfit = [s for s in usable_schemes(local) if not can_sign(key, s)]
    if unfit:
        raise ValueError(f"{what}: {', '.join(unfit)} is not for a key of {describe_key(public)}")
