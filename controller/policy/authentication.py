"""How each peer and we authenticate: profiles, keys and trustpoints put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Generic, TypeVar

from controller.config.authentication import AuthenticationMethod, schemes_of
from controller.config.isakmp import IsakmpKey, IsakmpProfile
from controller.config.models import Config
from controller.config.problems import Path
from controller.config.trustpoints import Trustpoint
from controller.policy.findings import Findings
from ike.config import (
    CertificateCredential,
    LocalAuthentication,
    NullAuthentication,
    Ppk,
    PresharedKey,
    RemoteAuthentication,
    TrustedCertificate,
)
from ike.crypto.signature import can_sign, describe_key
from ike.pki import identity_matches
from ike.types import NULL_IDENTITY, Identity

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PeerAuthentication:
    """Identities and proofs of both ends; `path` is where the configuration says so."""

    local_identity: Identity
    remote_identity: Identity
    local: LocalAuthentication
    remote: RemoteAuthentication
    path: Path
    ppk: Ppk | None = None


class ByPrefix(Generic[T]):
    """Values by prefix; the longest that has an address wins."""

    def __init__(self, values: Mapping[IPv4Network, T]) -> None:
        self._values = values
        self._lengths = sorted({prefix.prefixlen for prefix in values}, reverse=True)

    def find(self, address: IPv4Address) -> T | None:
        """Return the value of the longest prefix that has an address."""
        prefixes = (IPv4Network((address, length), strict=False) for length in self._lengths)
        return next((self._values[one] for one in prefixes if one in self._values), None)


@dataclass(frozen=True, slots=True)
class _Means:
    """What the configuration has for one peer."""

    key: IsakmpKey | None
    trustpoint: Trustpoint | None
    legacy: bool


class Authenticator:
    """Finds how to authenticate with a peer; what is missing is noted once."""

    def __init__(self, config: Config, findings: Findings) -> None:
        self._config = config
        self._findings = findings
        isakmp = config.isakmp
        self._keys = ByPrefix({key.address: (n, key) for n, key in enumerate(isakmp.keys)})
        self._profiles = ByPrefix(
            {one.match_identity_address: (name, one) for name, one in isakmp.profiles.items()}
        )
        self._noted: set[tuple[Path, str]] = set()

    def of(
        self, peer: IPv4Address, local_address: IPv4Address, set_peer: Path
    ) -> PeerAuthentication | None:
        """Return how a peer and we authenticate; None, and an error noted, where we can't.

        Args:
            peer: its address.
            local_address: ours.
            set_peer: where the peer stands.
        """
        isakmp = self._config.isakmp
        name, profile = self._profiles.find(peer) or ("", None)
        number, key = self._keys.find(peer) or (0, None)
        methods = (profile and profile.authentication) or isakmp.authentication
        if key is None and AuthenticationMethod.PRE_SHARE in (methods.local, methods.remote):
            self._error(set_peer, f"isakmp.keys has no key for {peer}")
            return None
        section: Path = ("isakmp", "profiles", name) if profile else ("isakmp",)
        trustpoint = (profile and profile.ca_trust_point) or isakmp.ca_trust_point
        means = _Means(
            key,
            self._config.crypto_pki_trustpoints.get(trustpoint or ""),
            profile.legacy if profile else False,
        )
        path = (*section, "authentication")
        local = self._local(methods.local, means, path)
        remote = self._remote(methods.remote, means, path)
        if local is None or remote is None:
            return None
        own = self._own_identity(profile, local, local_address, section)
        if own is None:
            return None
        if isinstance(remote, NullAuthentication):
            self._warning(path, "whoever answers at the address is taken for the peer (RFC 7619)")
        if isinstance(local, CertificateCredential) and not identity_matches(
            local.credential.leaf, own
        ):
            self._warning(
                path, f"our certificate is not for {own}: peers that check it will refuse it"
            )
        keyed: Path = ("isakmp", "keys", number, "address") if key else path
        return PeerAuthentication(
            own,
            _identity_of_peer(profile, key, remote, peer),
            local,
            remote,
            section if profile else keyed,
            _ppk(profile),
        )

    def _local(
        self, method: AuthenticationMethod, means: _Means, path: Path
    ) -> LocalAuthentication | None:
        if method is AuthenticationMethod.NONE:
            return NullAuthentication()
        if method is AuthenticationMethod.PRE_SHARE:
            assert means.key is not None
            return PresharedKey(means.key.secret)
        if means.trustpoint is None or means.trustpoint.credential is None:
            self._error(path, f"{method} needs a 'ca_trust_point' with a 'certificate_file'")
            return None
        credential = means.trustpoint.credential
        schemes = schemes_of(method, legacy=means.legacy)
        usable = tuple(one for one in schemes if can_sign(credential.private_key, one))
        if not usable:
            what = describe_key(credential.private_key.public_key())
            self._error(path, f"{method} is not for the trustpoint's key, which is {what}")
            return None
        return CertificateCredential(credential, usable)

    def _remote(
        self, method: AuthenticationMethod, means: _Means, path: Path
    ) -> RemoteAuthentication | None:
        if method is AuthenticationMethod.NONE:
            return NullAuthentication()
        if method is AuthenticationMethod.PRE_SHARE:
            assert means.key is not None
            return PresharedKey(means.key.secret)
        if means.trustpoint is None or means.trustpoint.trust is None:
            self._error(path, f"{method} needs a 'ca_trust_point' with a 'ca_file'")
            return None
        return TrustedCertificate(means.trustpoint.trust, schemes_of(method, legacy=means.legacy))

    def _own_identity(
        self,
        profile: IsakmpProfile | None,
        local: LocalAuthentication,
        address: IPv4Address,
        section: Path,
    ) -> Identity | None:
        if isinstance(local, NullAuthentication):
            return NULL_IDENTITY
        own = profile.self_identity if profile is not None else None
        match own or self._config.isakmp.identity:
            case "address":
                return Identity.from_text(str(address))
            case "hostname":
                return Identity.from_text(self._config.hostname)
            case "dn":
                if isinstance(local, CertificateCredential):
                    return local.credential.subject
                path = (*section, "self_identity") if own else ("isakmp", "identity")
                self._error(path, "'dn' is the subject of our certificate, and there is none")
                return None
            case text:
                return Identity.from_text(text)

    def _error(self, path: Path, message: str) -> None:
        if (path, message) not in self._noted:
            self._noted.add((path, message))
            self._findings.error(path, message)

    def _warning(self, path: Path, message: str) -> None:
        self._findings.warning(path, message)


def _ppk(profile: IsakmpProfile | None) -> Ppk | None:
    if profile is None or profile.ppk is None:
        return None
    ppk = profile.ppk
    return Ppk(ppk.id.encode(), ppk.secret, required=ppk.required)


def _identity_of_peer(
    profile: IsakmpProfile | None,
    key: IsakmpKey | None,
    remote: RemoteAuthentication,
    peer: IPv4Address,
) -> Identity:
    if isinstance(remote, NullAuthentication):
        return NULL_IDENTITY
    if profile is not None and profile.identity is not None:
        return profile.identity
    if key is not None and key.identity is not None:
        return key.identity
    return Identity.from_text(str(peer))
