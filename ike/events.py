"""What the engine reports. Times are the caller's; SPIs are integers; keys are secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address

from ike.config import EncryptionAlgorithm, Integrity, Mode
from ike.types import Identity, Secret, TrafficSelector, UdpAddress


class Role(StrEnum):
    """Who sent the first message of the exchange that made the SA."""

    INITIATOR = "initiator"
    RESPONDER = "responder"


class FailureReason(StrEnum):
    """Why an attempt failed."""

    NO_ANSWER = "no answer"
    NO_PROPOSAL_CHOSEN = "no proposal chosen"
    AUTHENTICATION_FAILED = "authentication failed"
    IDENTITY_MISMATCH = "identity mismatch"
    CERTIFICATE_EXPIRED = "certificate expired"
    CERTIFICATE_REVOKED = "certificate revoked"
    CERTIFICATE_INVALID = "certificate invalid"
    TS_UNACCEPTABLE = "traffic selectors unacceptable"
    INVALID_SYNTAX = "invalid message"
    REFUSED = "refused by the peer"
    UNKNOWN_PEER = "not a configured peer"
    CANCELLED = "cancelled"


class DeletionReason(StrEnum):
    """Why an SA is gone."""

    PEER = "deleted by the peer"
    LOCAL = "deleted locally"
    LIVENESS = "the peer is not answering"
    CRASHED = "the peer has lost its state"
    UNREACHABLE = "the peer does not follow us to our new address"
    EXPIRED = "lifetime expired"
    REPLACED = "replaced by a rekeyed SA"
    REAUTHENTICATED = "replaced by a newly authenticated IKE SA"
    INITIAL_CONTACT = "the peer started afresh"
    DUPLICATE = "redundant after simultaneous initiation"
    RECONFIGURED = "no longer configured"
    PROTOCOL_ERROR = "a message could not be understood"


@dataclass(frozen=True, slots=True)
class IkeSaEstablished:
    """Both peers are authenticated."""

    peer: str
    role: Role
    initiator_spi: int
    responder_spi: int
    local: UdpAddress
    remote: UdpAddress
    remote_identity: Identity
    nat_detected: bool


@dataclass(frozen=True, slots=True)
class IkeSaClosed:
    """An established IKE SA is gone.

    Its CHILD_SAs have had their own `ChildSaDeleted` before, or, with REPLACED, live on under the
    IKE SA that it was rekeyed to.
    """

    peer: str
    initiator_spi: int
    responder_spi: int
    reason: DeletionReason


@dataclass(frozen=True, slots=True)
class ChildSaOffered:
    """As initiator we have offered an inbound SPI: the peer may send ESP by it from now on.

    It may do so as soon as it has sent its answer, and so before we know the keys. The offer ends
    with the `ChildSaEstablished` of this `spi_in`, or with `ChildSaOfferEnded`.
    """

    child: str
    peer: str
    spi_in: int
    local: UdpAddress


@dataclass(frozen=True, slots=True)
class ChildSaOfferEnded:
    """What was offered has not come to be: by this `spi_in` nothing will be received."""

    child: str
    peer: str
    spi_in: int


@dataclass(frozen=True, slots=True)
class ChildSaEstablished:
    """A pair of ESP SAs is ready in both directions.

    Keys hold the cipher key alone, salts what follows it (4 bytes with AES-GCM: RFC 4106 §4).
    `integrity` is None with an AEAD, and its keys are empty then. `*_in` is what the peer sends
    and we receive. `encapsulated`: ESP goes in UDP between `local` and `remote` (RFC 3948).
    `replaces`: the inbound SPI of the SA that this one was rekeyed from; that one's
    `ChildSaDeleted` follows when the peer has agreed to its end. With the role RESPONDER, the old
    one is for sending until then, or until ESP comes in by the new one: before, the peer may not
    be ready to receive by it (RFC 7296 §2.8). With `extended_sequence_numbers` they have 64 bits
    in both directions (RFC 4304).
    """

    child: str
    peer: str
    role: Role
    spi_in: int
    spi_out: int
    encryption: EncryptionAlgorithm
    key_bits: int
    key_in: Secret
    salt_in: Secret
    key_out: Secret
    salt_out: Secret
    local_selectors: tuple[TrafficSelector, ...]
    remote_selectors: tuple[TrafficSelector, ...]
    local: UdpAddress
    remote: UdpAddress
    encapsulated: bool
    lifetime: float  # seconds until the engine rekeys it; 0: never
    replaces: int | None = None
    integrity: Integrity | None = None
    integrity_key_in: Secret = field(default_factory=lambda: Secret(b""))
    integrity_key_out: Secret = field(default_factory=lambda: Secret(b""))
    mode: Mode = Mode.TUNNEL
    extended_sequence_numbers: bool = False


@dataclass(frozen=True, slots=True)
class ChildSaDeleted:
    """A pair of ESP SAs must not be used any more.

    Another pair for the same `child` may live on, older or newer: then that is the one to use.
    """

    child: str
    peer: str
    spi_in: int
    spi_out: int
    reason: DeletionReason


@dataclass(frozen=True, slots=True)
class PeerMoved:
    """ESP goes between other addresses, or in another form.

    The peer has moved, or a NAT has (RFC 7296 §2.23); or we have, and the peer knows (RFC 4555).
    """

    peer: str
    children: tuple[int, ...]  # inbound SPIs
    remote: UdpAddress
    local: UdpAddress
    encapsulated: bool


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """What `Endpoint.initiate` began came to nothing, and has left nothing behind.

    `child` is "" for what `Endpoint.connect` began.
    `detail` is one sentence for an operator: what was proposed or presented, what was expected.
    """

    child: str
    peer: str
    reason: FailureReason
    detail: str


@dataclass(frozen=True, slots=True)
class ReauthenticationFailed:
    """The peer and we have not proven again who we are; it is tried again.

    The IKE SA lives on until its authentication ends: then it is closed with EXPIRED.
    """

    peer: str
    reason: FailureReason
    detail: str


@dataclass(frozen=True, slots=True)
class PeerRefused:
    """As responder we turned a peer away, or threw a message away; rate-limit what is logged.

    `peer` is "" where the sender is nobody that we know.
    """

    peer: str
    remote: IPv4Address
    reason: FailureReason
    detail: str


Event = (
    IkeSaEstablished
    | IkeSaClosed
    | ChildSaOffered
    | ChildSaOfferEnded
    | ChildSaEstablished
    | ChildSaDeleted
    | PeerMoved
    | AttemptFailed
    | ReauthenticationFailed
    | PeerRefused
)
