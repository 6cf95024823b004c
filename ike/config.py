"""What the engine is to do: peers, proposals, policies. Built by the controller.

Each `origin` says where the caller was told so, such as ``r1.yaml:42``, and is cited where a
negotiation fails because of it: in a peer, how it and we authenticate. It changes nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from ipaddress import IPv4Address

from ike.pki import Credential, TrustStore
from ike.types import Identity, Secret, TrafficSelector


class EncryptionAlgorithm(IntEnum):
    """Transform type 1 (IANA "IKEv2 Transform Type 1"). NULL is for CHILD_SAs alone."""

    TRIPLE_DES = 3
    NULL = 11
    AES_CBC = 12
    AES_CTR = 13
    AES_CCM_8 = 14
    AES_CCM_12 = 15
    AES_CCM_16 = 16
    AES_GCM_8 = 18
    AES_GCM_12 = 19
    AES_GCM_16 = 20
    CHACHA20_POLY1305 = 28


class Prf(IntEnum):
    """Transform type 2."""

    HMAC_SHA1 = 2
    AES128_XCBC = 4
    HMAC_SHA2_256 = 5
    HMAC_SHA2_384 = 6
    HMAC_SHA2_512 = 7
    AES128_CMAC = 8


class Integrity(IntEnum):
    """Transform type 3; for ciphers that are no AEAD."""

    HMAC_SHA1_96 = 2
    AES_XCBC_96 = 5
    AES_CMAC_96 = 8
    HMAC_SHA2_256_128 = 12
    HMAC_SHA2_384_192 = 13
    HMAC_SHA2_512_256 = 14


class KeyExchange(IntEnum):
    """Transform type 4, and 6 to 12 (RFC 9370). `cryptography` has no ML-KEM-512."""

    MODP1024 = 2
    MODP1536 = 5
    MODP2048 = 14
    MODP3072 = 15
    MODP4096 = 16
    MODP6144 = 17
    MODP8192 = 18
    SECP256R1 = 19
    SECP384R1 = 20
    SECP521R1 = 21
    CURVE25519 = 31
    CURVE448 = 32
    ML_KEM_768 = 36
    ML_KEM_1024 = 37


MAX_SELF_DESCRIPTION = 128
"""Bytes of a Vendor ID or version of ours: IKE_SA_INIT has to fit into a packet."""

MAX_WINDOW = 64
"""Requests in flight; each costs the memory of an answer (RFC 7296 §2.3)."""

_LEGACY = (
    EncryptionAlgorithm.TRIPLE_DES,
    Prf.HMAC_SHA1,
    Integrity.HMAC_SHA1_96,
    KeyExchange.MODP1024,
    KeyExchange.MODP1536,
)


def is_legacy(algorithm: EncryptionAlgorithm | Prf | Integrity | KeyExchange) -> bool:
    """Tell what is too weak for anything but the routers that a migration starts from.

    RFC 8247, RFC 8221.
    """
    # By identity: numbers of different transform types are equal.
    return any(algorithm is known for known in _LEGACY)


AdditionalKeyExchange = tuple[tuple[KeyExchange | None, ...], ...]
"""ADDKE1 to ADDKE7 (RFC 9370), each in order of preference; with None it may be skipped."""

MAX_ADDITIONAL = 7


def _check_additional(additional: AdditionalKeyExchange, key_exchange: tuple[object, ...]) -> None:
    if len(additional) > MAX_ADDITIONAL:
        raise ValueError(f"{len(additional)} additional key exchanges, {MAX_ADDITIONAL} at most")
    if not all(additional):
        raise ValueError("an additional key exchange without a method")
    if additional and not key_exchange:
        raise ValueError("additional key exchanges without a first one")


class SignatureScheme(StrEnum):
    """How a private key signs; what an AlgorithmIdentifier of RFC 7427 names.

    `RSA_PKCS1_SHA1` is what RFC 7296 §3.8 has for peers without RFC 7427. It is legacy: used and
    accepted only where it is named.
    """

    ED448 = "ed448"
    ED25519 = "ed25519"
    ECDSA_SHA2_512 = "ecdsa-sha512"
    ECDSA_SHA2_384 = "ecdsa-sha384"
    ECDSA_SHA2_256 = "ecdsa-sha256"
    RSA_PSS_SHA2_512 = "rsa-pss-sha512"
    RSA_PSS_SHA2_384 = "rsa-pss-sha384"
    RSA_PSS_SHA2_256 = "rsa-pss-sha256"
    RSA_PKCS1_SHA2_512 = "rsa-pkcs1-sha512"
    RSA_PKCS1_SHA2_384 = "rsa-pkcs1-sha384"
    RSA_PKCS1_SHA2_256 = "rsa-pkcs1-sha256"
    RSA_PKCS1_SHA1 = "rsa-pkcs1-sha1"


@dataclass(frozen=True, slots=True)
class IkeProposal:
    """One way to protect an IKE SA; each tuple in order of preference. Key lengths in bits.

    `integrity` goes with the ciphers that are no AEAD. No method is used twice in one IKE SA:
    what `key_exchange` and the `additional_key_exchange` have in common is chosen once.

    Raises:
        ValueError: there are too many additional key exchanges, or one without a method.
    """

    encryption: tuple[tuple[EncryptionAlgorithm, int], ...] = (
        (EncryptionAlgorithm.AES_GCM_16, 256),
        (EncryptionAlgorithm.AES_GCM_16, 128),
    )
    prf: tuple[Prf, ...] = (Prf.HMAC_SHA2_256, Prf.HMAC_SHA2_384, Prf.HMAC_SHA2_512)
    key_exchange: tuple[KeyExchange, ...] = (KeyExchange.CURVE25519, KeyExchange.SECP256R1)
    integrity: tuple[Integrity, ...] = ()
    additional_key_exchange: AdditionalKeyExchange = ()
    origin: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        _check_additional(self.additional_key_exchange, self.key_exchange)


@dataclass(frozen=True, slots=True)
class EspProposal:
    """One way to protect a CHILD_SA; in order of preference. Key lengths in bits.

    `key_exchange` is for perfect forward secrecy where a CREATE_CHILD_SA makes the CHILD_SA; empty
    asks for none, and takes what the peer asks for if it is known and no legacy. `integrity` goes
    with the ciphers that are no AEAD. `extended_sequence_numbers` are of 64 bits (RFC 4304).

    Raises:
        ValueError: there are too many additional key exchanges, one without a method, or no first
            one; or nothing is said of sequence numbers.
    """

    encryption: tuple[tuple[EncryptionAlgorithm, int], ...] = (
        (EncryptionAlgorithm.AES_GCM_16, 256),
        (EncryptionAlgorithm.AES_GCM_16, 128),
    )
    key_exchange: tuple[KeyExchange, ...] = ()
    integrity: tuple[Integrity, ...] = ()
    additional_key_exchange: AdditionalKeyExchange = ()
    extended_sequence_numbers: tuple[bool, ...] = (False,)
    origin: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        _check_additional(self.additional_key_exchange, self.key_exchange)
        if not self.extended_sequence_numbers:
            raise ValueError("neither sequence numbers of 32 bits nor of 64")


class Mode(StrEnum):
    """How ESP wraps packets (RFC 4301 §3.3)."""

    TUNNEL = "tunnel"
    TRANSPORT = "transport"


@dataclass(frozen=True, slots=True)
class ChildConfig:
    """What one pair of CHILD_SAs protects: a packet type. `name` is the caller's, and unique.

    Transport mode is for packets between the peers' own addresses alone, and never goes through a
    NAT. Where the peer doesn't want it, or a NAT is found, it is tunnel mode, or nothing with
    `mode_required`.
    """

    name: str
    local_selectors: tuple[TrafficSelector, ...]
    remote_selectors: tuple[TrafficSelector, ...]
    proposals: tuple[EspProposal, ...] = (EspProposal(),)
    lifetime: float = 3600.0  # seconds until the CHILD_SA is rekeyed, before jitter; 0: never
    mode: Mode = Mode.TUNNEL
    mode_required: bool = False
    lifetime_bytes: int = 0  # the same in bytes, by `Endpoint.note_usage`; 0: no limit
    lifetime_packets: int = 0  # the same in packets; 0: as many as there are sequence numbers
    origin: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class PresharedKey:
    """Proof by a key that both ends have (RFC 7296 §2.15)."""

    key: Secret


@dataclass(frozen=True, slots=True)
class CertificateCredential:
    """Proof by a certificate of ours and its private key.

    `schemes`: what we may sign by, best first; () is all that the key can and that is no legacy.
    `ocsp`: OCSP responses about our certificates, DER, for the peers that ask for them (RFC 4806).
    """

    credential: Credential
    schemes: tuple[SignatureScheme, ...] = ()
    ocsp: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class TrustedCertificate:
    """Proof by a certificate of the peer's that leads up to an authority which we trust.

    `schemes`: what the peer may sign by; () is all that is no legacy.
    """

    trust: TrustStore
    schemes: tuple[SignatureScheme, ...] = ()


@dataclass(frozen=True, slots=True)
class NullAuthentication:
    """No proof at all (RFC 7619): a peer is whoever answers at its address."""


LocalAuthentication = PresharedKey | CertificateCredential | NullAuthentication
RemoteAuthentication = PresharedKey | TrustedCertificate | NullAuthentication


MAX_PPK_ID = 1024  # bytes


class PpkIdType(IntEnum):
    """What a PPK_ID is (RFC 8784 §5.1)."""

    OPAQUE = 1
    FIXED = 2


@dataclass(frozen=True, slots=True)
class Ppk:
    """A postquantum preshared key (RFC 8784), which both ends know by the name `ppk_id`.

    What was recorded is safe from a quantum computer as long as nobody has the key, which ought to
    have 32 random bytes or more. Without `required`, the IKE SA is made without it too.

    Raises:
        ValueError: name or key is empty, or the name is too long.
    """

    ppk_id: bytes
    key: Secret
    required: bool = False
    id_type: PpkIdType = PpkIdType.FIXED

    def __post_init__(self) -> None:
        if not 1 <= len(self.ppk_id) <= MAX_PPK_ID:
            raise ValueError(f"a PPK's name has 1 to {MAX_PPK_ID} bytes")
        if not self.key:
            raise ValueError("a PPK without a key")

    def __str__(self) -> str:
        return f"the PPK {self.ppk_id[:64].decode('ascii', 'backslashreplace')!r}"


@dataclass(frozen=True, slots=True)
class PeerConfig:
    """One peer, reached at one address. `name` is the caller's, and unique.

    `local_authentication` is how we prove who we are, `remote_authentication` how the peer has to;
    the two need not be the same method (RFC 7296 §2.15). With `NullAuthentication` the peer's
    identity is not looked at, and `NULL_IDENTITY` is for an end
    that tells none.

    After `reauthenticate` seconds, and before a certificate of the peer's expires, both ends prove
    who they are again, with a new IKE SA that takes the place of the old one (RFC 4478).
    """

    name: str
    local_address: IPv4Address
    remote_address: IPv4Address
    local_identity: Identity
    remote_identity: Identity
    local_authentication: LocalAuthentication
    remote_authentication: RemoteAuthentication
    children: tuple[ChildConfig, ...]
    proposals: tuple[IkeProposal, ...] = (IkeProposal(),)
    lifetime: float = 86400.0  # seconds until the IKE SA is rekeyed, before jitter; 0: never
    liveness_interval: float = 10.0  # seconds of silence before a liveness check; 0: never
    mobike: bool = True  # the IKE SA may move to other addresses (RFC 4555)
    childless: bool = False  # make the IKE SA without a CHILD_SA first, if the peer can (RFC 6023)
    reauthenticate: float = 0.0  # seconds, before jitter; 0: when a certificate expires
    ppk: Ppk | None = None
    origin: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Retransmission:
    """When a request is sent again, and when it is given up (RFC 7296 §2.4). In seconds."""

    first: float = 0.5
    factor: float = 1.8
    maximum: float = 8.0
    tries: int = 7  # in all, the first one included


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for the whole engine.

    Raises:
        ValueError: the window is none, or what we say that we are is too long.
    """

    retransmission: Retransmission = field(default_factory=Retransmission)
    fragment_size: int = 1232  # bytes of a message from which on it goes in fragments; 0: never
    nat_keepalive: float = 20.0  # seconds without a message to a peer before a NAT; 0: never
    qcd_secret: Secret | None = None  # for RFC 6290; must outlive us: kept by the caller
    half_open_limit: int = 1024  # half-open IKE SAs as responder, in all
    half_open_limit_per_address: int = 16
    cookie_threshold: int = 32  # half-open IKE SAs from which on a COOKIE is asked for
    half_open_lifetime: float = 30.0  # seconds that a responder waits for the next exchange
    followup_lifetime: float = 30.0  # seconds that it waits for each IKE_FOLLOWUP_KE
    cookie_secret_lifetime: float = 120.0  # seconds
    children_per_ike_sa: int = 256
    rekey_jitter: float = 0.1  # part of a lifetime by which a rekey comes early, at random
    rekey_margin: float = 0.1  # part of a lifetime that an SA lives on when rekeying fails
    retry_interval: float = 5.0  # seconds, on average, until a TEMPORARY_FAILURE is tried again
    replaced_grace: float = 30.0  # seconds that the peer has to delete an SA that it has rekeyed
    ike_sas_per_peer: int = 8  # the oldest is deleted when there are more
    duplicate_grace: float = 5.0  # seconds that the peer has to delete its redundant SA
    vendor_id: bytes = b""  # what peers are told that we are; empty: nothing (RFC 7296 §3.12)
    application_version: str = ""  # for peers that ask; empty: nothing (RFC 7296 §3.15.1)
    window: int = 8  # requests in flight that the peer may have, and that we have at most

    def __post_init__(self) -> None:
        if not 1 <= self.window <= MAX_WINDOW:
            raise ValueError(f"a window of {self.window} requests, 1 to {MAX_WINDOW} can be")
        if max(len(self.vendor_id), len(self.application_version.encode())) > MAX_SELF_DESCRIPTION:
            raise ValueError(f"we tell what we are in {MAX_SELF_DESCRIPTION} bytes at most")
