"""Compiled policy: the form of the configuration that the rest of the controller works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from cryptography import x509

from controller.config.problems import Problem
from ike.config import (
    EncryptionAlgorithm,
    EspProposal,
    IkeProposal,
    Integrity,
    LocalAuthentication,
    Mode,
    Ppk,
    RemoteAuthentication,
    Settings,
)
from ike.types import Identity, Secret


@dataclass(frozen=True, slots=True)
class PortRange:
    """TCP, UDP or SCTP ports, both bounds inclusive."""

    low: int = 0
    high: int = 65535

    @property
    def is_any(self) -> bool:
        """Tell whether every port matches."""
        return (self.low, self.high) == (0, 65535)


ANY_PORT = PortRange()


@dataclass(frozen=True, slots=True)
class Flow:
    """The 5-tuple of an access-list line, as a packet leaves the router. Protocol 0 is any."""

    source: IPv4Network
    destination: IPv4Network
    protocol: int = 0
    source_port: PortRange = ANY_PORT
    destination_port: PortRange = ANY_PORT

    def mirrored(self) -> Flow:
        """Return the same flow as it comes in: source and destination changed over."""
        return Flow(
            self.destination,
            self.source,
            self.protocol,
            self.destination_port,
            self.source_port,
        )

    @property
    def has_ports(self) -> bool:
        """Tell whether a later fragment, which has no ports, can't be matched in full."""
        return not (self.source_port.is_any and self.destination_port.is_any)


@dataclass(frozen=True, slots=True)
class ManualSa:
    """One direction of a manually keyed SA (PM-11): ``set session-key inbound|outbound esp``."""

    spi: int
    encryption: EncryptionAlgorithm
    key_bits: int
    key: Secret  # the cipher key alone
    salt: Secret  # empty where the cipher has none
    integrity: Integrity | None = None  # None with an AEAD
    integrity_key: Secret = field(default_factory=lambda: Secret(b""))


@dataclass(frozen=True, slots=True)
class PacketType:
    """One permit line of a crypto map entry's access list, towards that entry's peer.

    `id` is 1 to 4096 and stands in the tables; `name` is what people and logs see, such as
    ``xauthmap 10 192 line 1``. A manual entry has both of `manual_in` and `manual_out`.
    """

    id: int
    name: str
    crypto_map: str
    crypto_map_id: int
    sequence: int
    access_list: str
    line: int  # 1 is the list's first
    text: str  # the access-list line, as written
    flow: Flow
    peer: IPv4Address
    local_address: IPv4Address
    interface: str
    transform_set: str
    proposals: tuple[EspProposal, ...]
    lifetime: float  # seconds
    lifetime_bytes: int = 0  # 0: no limit
    lifetime_packets: int = 0  # 0: no limit
    mode: Mode = Mode.TUNNEL
    manual_in: ManualSa | None = None
    manual_out: ManualSa | None = None
    origin: str = field(default="", compare=False)  # of the access-list line: ``r1.yaml:42``


class PolicyAction(StrEnum):
    """What is done with a packet that a rule matches."""

    PROTECT = "protect"
    BYPASS = "bypass"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One entry of `spd_out`, and mirrored of `spd_in`. The larger priority wins.

    `later_fragments`: False matches only packets that carry their ports, True only those that
    do not, None both.
    """

    crypto_map_id: int
    priority: int
    flow: Flow
    action: PolicyAction
    packet_type: int = 0
    later_fragments: bool | None = None


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface of the router. `id` is 1 to 512 and stands in the tables."""

    id: int
    name: str
    port: int
    mac_address: int  # 48 bits
    address: IPv4Interface
    mtu: int  # bytes of IP packet
    crypto_map: str | None
    crypto_map_id: int  # 0: none


@dataclass(frozen=True, slots=True)
class StaticRoute:
    """``ip route PREFIX GATEWAY``; without a gateway it is a black hole (``Null0``)."""

    prefix: IPv4Network
    gateway: IPv4Address | None


@dataclass(frozen=True, slots=True)
class IsakmpPeer:
    """How to authenticate one peer at one of our interfaces, and with which IKE proposals."""

    address: IPv4Address
    interface: str  # whose crypto map names it
    local_address: IPv4Address
    local_identity: Identity
    remote_identity: Identity
    local_authentication: LocalAuthentication
    remote_authentication: RemoteAuthentication
    proposals: tuple[IkeProposal, ...]
    lifetime: float  # seconds
    keepalive: float  # seconds of silence before a liveness check; 0: never
    reauthenticate: float = 0.0  # seconds; 0: when a certificate expires
    childless: bool = False
    mobike: bool = True
    ppk: Ppk | None = None
    origin: str = field(default="", compare=False)  # of how it authenticates: ``r1.yaml:42``


class CertificateUse(StrEnum):
    """What a certificate of a trustpoint is there for."""

    OWN = "own"
    AUTHORITY = "authority"
    INTERMEDIATE = "intermediate"


@dataclass(frozen=True, slots=True)
class TrustpointCertificate:
    """A certificate that the configuration names."""

    trustpoint: str
    use: CertificateUse
    certificate: x509.Certificate


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole configuration, compiled. Ids are the same for the same configuration.

    `warnings`: what is legal, but hardly what was meant.
    """

    hostname: str
    interfaces: tuple[Interface, ...]
    static_routes: tuple[StaticRoute, ...]
    packet_types: tuple[PacketType, ...]
    rules: tuple[PolicyRule, ...]
    peers: tuple[IsakmpPeer, ...]
    passive_mode: bool
    retry: float  # seconds
    certificates: tuple[TrustpointCertificate, ...] = ()
    ike_settings: Settings = Settings()  # noqa: RUF009  # frozen
    warnings: tuple[Problem, ...] = field(default=(), compare=False)
