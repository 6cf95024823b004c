"""What the controller shows of itself: the answers of every ``show`` command. No key material."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address


@dataclass(frozen=True, slots=True)
class ClearDestination:
    """A destination that packets are being sent to in the clear."""

    address: IPv4Address
    packet_type: str
    peer: IPv4Address
    packets: int | None = None  # None: the switch was not asked, or did not answer
    bytes: int | None = None
    since: float = 0.0  # seconds ago


@dataclass(frozen=True, slots=True)
class ClearSource:
    """A source that clear packets are being accepted from where protection was expected."""

    address: IPv4Address
    packet_type: str
    packets: int | None = None
    bytes: int | None = None
    since: float = 0.0  # seconds ago


@dataclass(frozen=True, slots=True)
class PacketTypeStatus:
    """Where one packet type stands."""

    name: str
    peer: IPv4Address
    state: str  # of the passive state machine, in lower case
    next_attempt_in: float | None  # seconds until the next packet may trigger IKE; None: n/a
    last_failure: str | None


@dataclass(frozen=True, slots=True)
class CryptoOptionalStatus:
    """``show crypto optional`` (PM-9)."""

    enabled: bool
    retry: float  # seconds
    destinations: tuple[ClearDestination, ...]
    sources: tuple[ClearSource, ...]
    packet_types: tuple[PacketTypeStatus, ...]
    unlisted_destinations: int = 0  # reports of destinations that the full list had no room for
    unlisted_sources: int = 0


@dataclass(frozen=True, slots=True)
class CryptoMapStatus:
    """One entry of ``show crypto map``."""

    name: str
    sequence: int
    kind: str  # ipsec-isakmp or ipsec-manual
    peer: IPv4Address
    transform_set: str
    transforms: tuple[str, ...]
    access_list: str
    lines: tuple[str, ...]
    interfaces: tuple[str, ...]
    lifetime: float  # seconds
    lifetime_kilobytes: int = 0  # 0: no limit
    lifetime_packets: int = 0  # 0: no limit


@dataclass(frozen=True, slots=True)
class EspSaStatus:
    """One direction of a pair of SAs."""

    spi: int
    sa_id: int
    packets: int | None
    bytes: int | None


@dataclass(frozen=True, slots=True)
class IpsecSaStatus:
    """One packet type of ``show crypto ipsec sa``; without an SA, both directions are None."""

    packet_type: str
    interface: str
    crypto_map: str
    local_ident: str  # IOS's address/mask/protocol/port
    remote_ident: str
    local_address: IPv4Address
    peer: IPv4Address
    transform: str | None
    encapsulated: bool
    inner_mtu: int | None  # bytes
    source: str  # ike, manual or adopted
    inbound: EspSaStatus | None
    outbound: EspSaStatus | None
    established_ago: float | None  # seconds
    rekey_in: float | None  # seconds
    packets_held: int | None
    packets_clear: int | None


@dataclass(frozen=True, slots=True)
class IsakmpSaStatus:
    """One row of ``show crypto isakmp sa``."""

    local: str  # address:port
    remote: str
    state: str
    role: str
    initiator_spi: int
    responder_spi: int
    suite: str
    nat_detected: bool
    established_ago: float | None  # seconds
    children: tuple[str, ...]  # names of packet types
    last_failure: str | None = None


@dataclass(frozen=True, slots=True)
class ChildSaStatus:
    """One pair of ESP SAs that an IKE SA has negotiated."""

    packet_type: str
    spi_in: int
    spi_out: int
    suite: str
    mode: str  # tunnel or transport
    established_ago: float  # seconds
    rekey_in: float | None  # seconds; None: never


@dataclass(frozen=True, slots=True)
class IsakmpSaDetail:
    """One IKE SA of ``show crypto isakmp sa detail``. What is not known yet is empty."""

    peer: IPv4Address
    local: str  # address:port
    remote: str
    state: str
    role: str
    initiator_spi: int
    responder_spi: int
    suite: str
    nat_detected: bool
    established_ago: float | None  # seconds
    rekey_in: float | None  # seconds
    local_identity: str
    remote_identity: str
    local_authentication: str  # what we prove our identity by
    remote_authentication: str  # what the peer has to prove its identity by
    features: tuple[str, ...]
    vendor_ids: tuple[str, ...]  # as the peer's implementation says
    retransmissions: int
    children: tuple[ChildSaStatus, ...]
    reauthenticate_in: float | None = None  # seconds; None: never


@dataclass(frozen=True, slots=True)
class IsakmpFailure:
    """A negotiation that failed, or several that failed the same way."""

    ago: float  # seconds since the last one
    times: int
    role: str  # ours
    reason: str
    detail: str
    packet_type: str | None = None


@dataclass(frozen=True, slots=True)
class IsakmpPeerDetail:
    """One peer of the configuration, and why negotiations with it failed, the newest first."""

    peer: IPv4Address
    local_address: IPv4Address
    local_identity: str
    remote_identity: str
    local_authentication: str
    remote_authentication: str
    lifetime: float  # seconds that an IKE SA lives
    origin: str  # where the configuration says how it authenticates, such as r1.yaml:42
    failures: tuple[IsakmpFailure, ...]


@dataclass(frozen=True, slots=True)
class IsakmpStranger:
    """An address that IKE came from, and that no peer is configured at."""

    address: IPv4Address
    failure: IsakmpFailure


@dataclass(frozen=True, slots=True)
class IsakmpDetailStatus:
    """``show crypto isakmp sa detail``."""

    sas: tuple[IsakmpSaDetail, ...]
    peers: tuple[IsakmpPeerDetail, ...]
    strangers: tuple[IsakmpStranger, ...]


@dataclass(frozen=True, slots=True)
class PkiCertificateStatus:
    """One certificate of ``show crypto pki certificates``. Dates are ISO 8601, UTC."""

    trustpoint: str
    use: str  # own, authority or intermediate
    state: str  # valid, expires soon, expired or not yet valid
    subject: str
    issuer: str
    serial_number: str  # hexadecimal
    not_before: str
    not_after: str
    expires_in: float  # seconds; negative: since
    key: str
    fingerprint: str  # SHA-256


@dataclass(frozen=True, slots=True)
class DropCount:
    """One cell of the drop counter."""

    reason: str
    packets: int
    bytes: int


@dataclass(frozen=True, slots=True)
class SwitchStatus:
    """The data plane as the controller sees it."""

    address: str
    device_id: int
    connected: bool
    is_primary: bool
    entries: int
    drops: tuple[DropCount, ...]


@dataclass(frozen=True, slots=True)
class LogMessage:
    """A line of the log. `packet_type` is the name of what it is about, if about one."""

    time: float  # seconds since 1970-01-01 UTC
    severity: str  # info, warning or error
    text: str
    packet_type: str | None = None
