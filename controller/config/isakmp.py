"""The section ``isakmp``: proposals, keys, identity and liveness of IKE."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from controller.config.algorithms import (
    PRF_OF_INTEGRITY,
    AdditionalKeyExchange,
    IkeEncryption,
    IkeGroup,
    IkeIntegrity,
    IkePrf,
    algorithm_text,
)
from controller.config.authentication import BY_PRESHARED_KEY, Authentication
from controller.config.key_material import PresharedKey, PresharedKeyFile
from controller.config.scalars import (
    Boolean,
    Name,
    OneOrMore,
    PeerIdentity,
    Prefix,
    integer,
    number,
    shown,
    text,
)
from controller.config.section import Section, exactly_one
from ike.config import MAX_PPK_ID, MAX_WINDOW, Integrity, Prf
from ike.crypto.encryption import is_aead
from ike.types import Secret

DEFAULT_IKE_LIFETIME = 86400  # seconds, as on IOS

IkeLifetime = Annotated[int, integer(60, 86400, "seconds")]
Keepalive = Annotated[int, integer(0, 3600, "seconds (0: never)")]
Reauthentication = Annotated[int, integer(0, 31_536_000, "seconds (0: never)")]
RetransmitSeconds = Annotated[float, number(0.1, 60, "seconds")]
RetransmitBase = Annotated[float, number(1, 10)]
RetransmitLimit = Annotated[float, number(0.1, 300, "seconds")]
RetransmitTries = Annotated[int, integer(1, 30)]
HalfOpen = Annotated[int, integer(1, 40_000, "half-open IKE SAs")]
Window = Annotated[int, integer(1, MAX_WINDOW, "requests")]
OwnIdentity = Annotated[str, BeforeValidator(text)]
PolicyNumber = Annotated[int, integer(1, 10000)]


def _fragmentation(value: object) -> int:
    """Read bytes of a message; 0 turns fragmentation off. RFC 7383 §2.5.1: 576 always passes."""
    word = text(value)
    if word != "0" and not (word.isascii() and word.isdecimal() and 256 <= int(word[:9]) <= 9000):
        raise ValueError(f"expected 256 to 9000 bytes, or 0 for never, not {shown(word)}")
    return int(word)


def _ppk_id(value: object) -> str:
    word = text(value)
    if not 1 <= len(word.encode()) <= MAX_PPK_ID:
        raise ValueError(f"expected 1 to {MAX_PPK_ID} bytes")
    return word


def _long_enough(secret: Secret) -> Secret:
    """Refuse what can be guessed: who knows it can end IKE SAs (RFC 6290 §9.1)."""
    if len(secret) < 16:
        raise ValueError(f"expected a secret of 16 bytes or more; the file has {len(secret)}")
    return secret


CrashDetectionFile = Annotated[PresharedKeyFile, AfterValidator(_long_enough)]
PpkId = Annotated[str, BeforeValidator(_ppk_id)]


class IsakmpPolicy(Section):
    """One IKE proposal; alternatives within it in order of preference.

    ``hash`` is IOS's older word for integrity and PRF in one.
    """

    encryption: OneOrMore[IkeEncryption] = Field(description="such as aes-gcm 256")
    integrity: OneOrMore[IkeIntegrity] | None = None
    prf: OneOrMore[IkePrf] | None = None
    hash: OneOrMore[IkeIntegrity] | None = None
    group: OneOrMore[IkeGroup] = Field(description="such as 19")
    additional_key_exchange: AdditionalKeyExchange = Field(default_factory=list)
    lifetime: IkeLifetime = DEFAULT_IKE_LIFETIME
    legacy: Boolean = False

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.hash is not None and (self.integrity is not None or self.prf is not None):
            raise ValueError("'hash' stands for 'integrity' and 'prf': expected one or the other")
        if self.hash is None and self.integrity is None:
            if self.prf is None:
                raise ValueError("expected 'prf' (or 'hash'), such as sha256")
            other = next((one for one in self.encryption if not is_aead(one[0])), None)
            if other is not None:
                raise ValueError(
                    f"expected 'integrity' (or 'hash'), such as sha256, because of "
                    f"{algorithm_text(other)}"
                )
        return self

    @property
    def integrity_algorithms(self) -> tuple[Integrity, ...]:
        """Those that go with ciphers that are no AEAD; empty if all are."""
        if all(is_aead(algorithm) for algorithm, _ in self.encryption):
            return ()
        return tuple(self.integrity or self.hash or ())

    @property
    def prfs(self) -> tuple[Prf, ...]:
        """Without any configured, those of the same hashes as integrity, as on IOS."""
        if self.prf is not None:
            return tuple(self.prf)
        return tuple(PRF_OF_INTEGRITY[one] for one in self.hash or self.integrity or ())


class _WithKey(Section):
    """A key, in the configuration or in a file of its own."""

    key: PresharedKey | None = None
    key_file: PresharedKeyFile | None = None

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        exactly_one(self, "key", "key_file")
        return self

    @property
    def secret(self) -> Secret:
        """The key, wherever it came from."""
        secret = self.key_file if self.key is None else self.key
        assert secret is not None
        return secret


class IsakmpKey(_WithKey):
    """``crypto isakmp key KEY address A.B.C.D [MASK]``; the longest prefix wins."""

    address: Prefix
    identity: PeerIdentity | None = None


class Retransmit(Section):
    """When a request goes out again: after `seconds`, then `base` times that, up to `limit`."""

    seconds: RetransmitSeconds = 0.5
    base: RetransmitBase = 1.8
    limit: RetransmitLimit = 8.0
    tries: RetransmitTries = 7


class PpkSection(_WithKey):
    """``ppk manual id ID key KEY [required]``: a postquantum preshared key (RFC 8784)."""

    id: PpkId = Field(description="the name that both ends know the key by")
    required: Boolean = False


class IsakmpProfile(Section):
    """``crypto isakmp profile NAME``: what differs for some peers; the longest prefix wins."""

    match_identity_address: Prefix
    authentication: Authentication | None = None
    ca_trust_point: Name | None = None
    self_identity: OwnIdentity | None = None
    identity: PeerIdentity | None = None
    ppk: PpkSection | None = None
    legacy: Boolean = False


class Isakmp(Section):
    """IKE: proposals by priority (1 is the highest), keys, identity and liveness."""

    policies: dict[PolicyNumber, IsakmpPolicy] = Field(default_factory=dict, max_length=32)
    keys: list[IsakmpKey] = Field(default_factory=list, max_length=4096)
    profiles: dict[Name, IsakmpProfile] = Field(default_factory=dict, max_length=4096)
    authentication: Authentication = BY_PRESHARED_KEY
    ca_trust_point: Name | None = None
    identity: OwnIdentity = "address"
    keepalive: Keepalive = 10
    nat_keepalive: Keepalive = 20
    reauthentication: Reauthentication = 0
    childless: Boolean = False
    mobike: Boolean = True
    retransmit: Retransmit = Field(default_factory=Retransmit)
    fragmentation: Annotated[int, BeforeValidator(_fragmentation)] = 1232
    cookie_challenge: HalfOpen = 32
    limit_max_in_negotiation_sa: HalfOpen = 1024
    window: Window = 8
    crash_detection_file: CrashDetectionFile | None = None
