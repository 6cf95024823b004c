"""A pair of SAs, one each way, and how it is made: by IKE, by the configuration, or found.

A pair belongs to one packet type, and both directions share one SA id.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import IPv4Address

from controller.p4runtime.capabilities import ESP_ENCRYPTION
from controller.p4runtime.entities import Entry
from controller.p4runtime.enums import EspAlgorithm
from controller.p4runtime.tables import SEQUENCE_LIMIT_32, SadIn, SadOut
from controller.policy.model import PacketType
from controller.speaker.routes import RouteTable
from ike.config import EncryptionAlgorithm
from ike.events import ChildSaEstablished
from ike.types import UdpAddress

_IPV4_HEADER, _UDP_HEADER, _ESP_HEADER, _GCM_IV, _GCM_ICV, _ESP_TRAILER = 20, 8, 8, 8, 16, 2


class SaSource(StrEnum):
    """Where an SA comes from (PM-11), or that it was found on the switch at our start."""

    IKE = "ike"
    MANUAL = "manual"
    ADOPTED = "adopted"


class SaError(Exception):
    """An SA that can't be used here. The text is for the operator."""


class NoRouteToPeerError(SaError):
    """The tunnel's far end is not reachable: the SA has no way out."""


class SaTableFullError(SaError):
    """All SA ids are taken."""


class UnusableSelectorsError(SaError):
    """The switch can't check these traffic selectors."""


def inner_mtu(mtu: int, *, encapsulated: bool) -> int:
    """Return the bytes of the largest inner packet that fits a link once it is wrapped.

    Tunnel mode with AES-GCM-16: IV 8 bytes, ICV 16, padding to 4 (RFC 4303 §2.4, RFC 4106 §3).

    Args:
        mtu: bytes of IP packet that the link takes.
        encapsulated: whether ESP goes in UDP (RFC 3948).
    """
    room = mtu - _IPV4_HEADER - _ESP_HEADER - _GCM_IV - _GCM_ICV
    if encapsulated:
        room -= _UDP_HEADER
    return max(0, room // 4 * 4 - _ESP_TRAILER)


@dataclass(slots=True, eq=False)
class SaPair:
    """One SA each way. Times are seconds of the injected clock."""

    packet_type: PacketType
    source: SaSource
    inbound: SadIn
    outbound: SadOut
    established_at: float
    encapsulated: bool
    rekey_at: float | None = None
    selectors: tuple[Entry, ...] = ()  # of `sa_selectors`
    activate_at: float | None = None  # when to start sending on it; None: done or not wanted
    expires_at: float | None = None  # when to stop accepting it; None: not replaced
    packets_in: int = 0  # as the counters said last

    @property
    def sa_id(self) -> int:
        """The id of both directions in the data plane."""
        return self.inbound.sa_id

    @property
    def name(self) -> str:
        """What people and logs see."""
        return f"{self.packet_type.name} with {self.packet_type.peer}"


@dataclass(frozen=True, slots=True)
class Tunnel:
    """The way to a tunnel's far end."""

    interface_id: int
    gateway: IPv4Address
    inner_mtu: int  # bytes of the largest inner packet


class PairMaker:
    """Makes pairs; the SA database keeps them.

    Args:
        routes: the ways to the tunnels' far ends.
        random_bytes: cryptographically secure random bytes.
    """

    def __init__(self, routes: RouteTable, random_bytes: Callable[[int], bytes]) -> None:
        self._routes = routes
        self._random_bytes = random_bytes

    def tunnel(self, remote: UdpAddress, *, encapsulated: bool) -> Tunnel:
        """Find the way to the far end of a tunnel.

        Raises:
            NoRouteToPeerError: there is none.
        """
        hop = self._routes.next_hop(remote.address)
        if hop is None:
            raise NoRouteToPeerError(f"no route to {remote.address}")
        interface, gateway = hop
        return Tunnel(interface.id, gateway, inner_mtu(interface.mtu, encapsulated=encapsulated))

    def negotiated(
        self, event: ChildSaEstablished, packet_type: PacketType, sa_id: int, now: float
    ) -> SaPair:
        """Make the pair that IKE has negotiated.

        Raises:
            NoRouteToPeerError: the peer is not reachable.
        """
        way = self.tunnel(event.remote, encapsulated=event.encapsulated)
        generation = self._new_generation()
        algorithm = ESP_ENCRYPTION[event.encryption, event.key_bits]
        return SaPair(
            packet_type=packet_type,
            source=SaSource.IKE,
            inbound=SadIn(
                destination=event.local.address,
                spi=event.spi_in,
                sa_id=sa_id,
                generation=generation,
                algorithm=algorithm,
                key=event.key_in,
                salt=event.salt_in,
                anti_replay=True,
            ),
            outbound=SadOut(
                packet_type=packet_type.id,
                sa_id=sa_id,
                generation=generation,
                spi=event.spi_out,
                algorithm=algorithm,
                key=event.key_out,
                salt=event.salt_out,
                sequence_limit=SEQUENCE_LIMIT_32,
                tunnel_source=event.local.address,
                tunnel_destination=event.remote.address,
                udp_destination_port=event.remote.port if event.encapsulated else 0,
                interface_id=way.interface_id,
                gateway=way.gateway,
                inner_mtu=way.inner_mtu,
            ),
            established_at=now,
            encapsulated=event.encapsulated,
            rekey_at=now + event.lifetime if event.lifetime else None,
        )

    def manual(self, packet_type: PacketType, sa_id: int, generation: int, now: float) -> SaPair:
        """Make the pair that the configuration gives for a packet type (PM-11).

        Raises:
            NoRouteToPeerError: the peer is not reachable.
        """
        assert packet_type.manual_in is not None
        assert packet_type.manual_out is not None
        way = self.tunnel(UdpAddress(packet_type.peer, 0), encapsulated=False)
        return SaPair(
            packet_type=packet_type,
            source=SaSource.MANUAL,
            inbound=SadIn(
                destination=packet_type.local_address,
                spi=packet_type.manual_in.spi,
                sa_id=sa_id,
                generation=generation,
                algorithm=_aes_gcm(len(packet_type.manual_in.key)),
                key=packet_type.manual_in.key,
                salt=packet_type.manual_in.salt,
                anti_replay=False,
            ),
            outbound=SadOut(
                packet_type=packet_type.id,
                sa_id=sa_id,
                generation=generation,
                spi=packet_type.manual_out.spi,
                algorithm=_aes_gcm(len(packet_type.manual_out.key)),
                key=packet_type.manual_out.key,
                salt=packet_type.manual_out.salt,
                sequence_limit=SEQUENCE_LIMIT_32,
                tunnel_source=packet_type.local_address,
                tunnel_destination=packet_type.peer,
                udp_destination_port=0,
                interface_id=way.interface_id,
                gateway=way.gateway,
                inner_mtu=way.inner_mtu,
            ),
            established_at=now,
            encapsulated=False,
        )

    def redirect(self, pair: SaPair, remote: UdpAddress) -> None:
        """Send to another address or port of the peer (RFC 7296 §2.23).

        Raises:
            NoRouteToPeerError: the new address is not reachable; the pair stays as it was.
        """
        way = self.tunnel(remote, encapsulated=pair.encapsulated)
        pair.outbound = replace(
            pair.outbound,
            tunnel_destination=remote.address,
            udp_destination_port=remote.port if pair.encapsulated else 0,
            interface_id=way.interface_id,
            gateway=way.gateway,
            inner_mtu=way.inner_mtu,
        )

    def _new_generation(self) -> int:
        # The registers of an id that was never used hold generation 0.
        return int.from_bytes(self._random_bytes(4), "big") or 1


def found(
    packet_type: PacketType,
    inbound: SadIn,
    outbound: SadOut,
    selectors: tuple[Entry, ...],
    now: float,
) -> SaPair:
    """Make a pair of what was found on the switch, exactly as it stands there."""
    manual = packet_type.manual_in is not None
    pair = SaPair(
        packet_type=packet_type,
        source=SaSource.MANUAL if manual else SaSource.ADOPTED,
        inbound=inbound,
        outbound=outbound,
        established_at=now,
        encapsulated=outbound.udp_destination_port != 0,
    )
    name = f"selectors of the inbound SA {inbound.spi:#010x} of {pair.name}"
    pair.selectors = tuple(replace(entry, label=name) for entry in selectors)
    return pair


def _aes_gcm(key_length: int) -> EspAlgorithm:
    return ESP_ENCRYPTION[EncryptionAlgorithm.AES_GCM_16, 8 * key_length]
