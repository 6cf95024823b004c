"""A pair of SAs, one each way, and how it is made: by IKE, by the configuration, or found.

A pair belongs to one packet type, and both directions share one SA id.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import IPv4Address

from controller.p4runtime.entities import Entry
from controller.p4runtime.tables import (
    SEQUENCE_LIMIT_32,
    SEQUENCE_LIMIT_64,
    Keying,
    SadIn,
    SadOut,
)
from controller.policy.model import ManualSa, PacketType
from controller.speaker.routes import RouteTable
from ike.crypto.suites import EspSuite
from ike.events import ChildSaEstablished
from ike.types import UdpAddress

_IPV4_HEADER, _UDP_HEADER, _ESP_HEADER, _ESP_TRAILER, _ESP_ALIGNMENT = 20, 8, 8, 2, 4


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


def inner_mtu(mtu: int, suite: EspSuite, *, encapsulated: bool) -> int:
    """Return the bytes of the largest inner packet that fits a link once it is wrapped.

    In tunnel mode: header, IV, ICV, and padding to the cipher's block or 4 (RFC 4303 §2.4).

    Args:
        mtu: bytes of IP packet that the link takes.
        suite: the algorithms.
        encapsulated: whether ESP goes in UDP (RFC 3948).
    """
    cipher, integrity = suite.encryption_spec, suite.integrity_spec
    room = mtu - _IPV4_HEADER - _ESP_HEADER - cipher.iv_length - cipher.icv_length
    if integrity is not None:
        room -= integrity.icv_length
    if encapsulated:
        room -= _UDP_HEADER
    block = max(_ESP_ALIGNMENT, cipher.block_length)
    return max(0, room // block * block - _ESP_TRAILER)


@dataclass(slots=True, eq=False, weakref_slot=True)
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

    def relocate(self, local: IPv4Address) -> None:
        """End at another address of ours."""
        self.inbound = replace(self.inbound, destination=local)
        self.outbound = replace(self.outbound, tunnel_source=local)


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

    def tunnel(self, remote: UdpAddress, suite: EspSuite, *, encapsulated: bool) -> Tunnel:
        """Find the way to the far end of a tunnel.

        Raises:
            NoRouteToPeerError: there is none.
        """
        hop = self._routes.next_hop(remote.address)
        if hop is None:
            raise NoRouteToPeerError(f"no route to {remote.address}")
        interface, gateway = hop
        mtu = inner_mtu(interface.mtu, suite, encapsulated=encapsulated)
        return Tunnel(interface.id, gateway, mtu)

    def negotiated(
        self, event: ChildSaEstablished, packet_type: PacketType, sa_id: int, now: float
    ) -> SaPair:
        """Make the pair that IKE has negotiated.

        Raises:
            NoRouteToPeerError: the peer is not reachable.
        """
        keying_in, keying_out = _negotiated_keying(event)
        pair = self._make(
            packet_type,
            SaSource.IKE,
            sa_id,
            self._new_generation(),
            (event.local.address, event.remote),
            (event.spi_in, keying_in),
            (event.spi_out, keying_out),
            now,
            encapsulated=event.encapsulated,
        )
        pair.rekey_at = now + event.lifetime if event.lifetime else None
        return pair

    def manual(self, packet_type: PacketType, sa_id: int, generation: int, now: float) -> SaPair:
        """Make the pair that the configuration gives for a packet type (PM-11).

        Raises:
            NoRouteToPeerError: the peer is not reachable.
        """
        inbound, outbound = packet_type.manual_in, packet_type.manual_out
        assert inbound is not None
        assert outbound is not None
        return self._make(
            packet_type,
            SaSource.MANUAL,
            sa_id,
            generation,
            (packet_type.local_address, UdpAddress(packet_type.peer, 0)),
            (inbound.spi, manual_keying(inbound)),
            (outbound.spi, manual_keying(outbound)),
            now,
            encapsulated=False,
        )

    def _make(
        self,
        packet_type: PacketType,
        source: SaSource,
        sa_id: int,
        generation: int,
        ends: tuple[IPv4Address, UdpAddress],
        inbound: tuple[int, Keying],
        outbound: tuple[int, Keying],
        now: float,
        *,
        encapsulated: bool,
    ) -> SaPair:
        """Make a pair: `ends` are ours and the peer's, a direction is an SPI and its keys."""
        (local, remote), (spi_in, keying_in), (spi_out, keying_out) = ends, inbound, outbound
        way = self.tunnel(remote, keying_out.suite, encapsulated=encapsulated)
        return SaPair(
            packet_type=packet_type,
            source=source,
            inbound=SadIn(
                destination=local,
                spi=spi_in,
                sa_id=sa_id,
                generation=generation,
                keying=keying_in,
                # The sender of a manual SA may start to count again (RFC 4303 §3.3.3).
                anti_replay=source is not SaSource.MANUAL,
            ),
            outbound=SadOut(
                packet_type=packet_type.id,
                sa_id=sa_id,
                generation=generation,
                spi=spi_out,
                keying=keying_out,
                sequence_limit=(
                    SEQUENCE_LIMIT_64 if keying_out.extended_sequence_numbers else SEQUENCE_LIMIT_32
                ),
                tunnel_source=local,
                tunnel_destination=remote.address,
                udp_destination_port=remote.port if encapsulated else 0,
                interface_id=way.interface_id,
                gateway=way.gateway,
                inner_mtu=way.inner_mtu,
            ),
            established_at=now,
            encapsulated=encapsulated,
        )

    def redirect(self, pair: SaPair, remote: UdpAddress, *, encapsulated: bool) -> None:
        """Send to another address or port of the peer, in UDP or not (RFC 7296 §2.23, RFC 4555).

        Raises:
            NoRouteToPeerError: the new address is not reachable; the pair stays as it was.
        """
        suite = pair.outbound.keying.suite
        way = self.tunnel(remote, suite, encapsulated=encapsulated)
        pair.encapsulated = encapsulated
        pair.outbound = replace(
            pair.outbound,
            tunnel_destination=remote.address,
            udp_destination_port=remote.port if encapsulated else 0,
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
    *,
    carried_on: bool,
) -> SaPair:
    """Make a pair of what was found on the switch, exactly as it stands there.

    `carried_on`: IKE knows it.
    """
    source = SaSource.IKE if carried_on else SaSource.ADOPTED
    pair = SaPair(
        packet_type=packet_type,
        source=source if packet_type.manual_in is None else SaSource.MANUAL,
        inbound=inbound,
        outbound=outbound,
        established_at=now,
        encapsulated=outbound.udp_destination_port != 0,
    )
    name = f"selectors of the inbound SA {inbound.spi:#010x} of {pair.name}"
    pair.selectors = tuple(replace(entry, label=name) for entry in selectors)
    return pair


def manual_keying(sa: ManualSa) -> Keying:
    """Return what protects a manually keyed SA."""
    return Keying(sa.encryption, sa.key_bits, sa.key, sa.salt, sa.integrity, sa.integrity_key)


def _negotiated_keying(event: ChildSaEstablished) -> tuple[Keying, Keying]:
    """Return what protects the inbound SA, and the outbound one."""
    halves = (
        (event.key_in, event.salt_in, event.integrity_key_in),
        (event.key_out, event.salt_out, event.integrity_key_out),
    )
    inbound, outbound = (
        Keying(
            event.encryption,
            event.key_bits,
            key,
            salt,
            event.integrity,
            integrity_key,
            event.extended_sequence_numbers,
        )
        for key, salt, integrity_key in halves
    )
    return inbound, outbound
