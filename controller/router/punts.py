"""Punted packets: what each reason asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address

from controller.p4runtime import tables
from controller.p4runtime.entities import Declared, EntryKey, PacketIn, PacketOut
from controller.p4runtime.enums import PuntReason
from controller.passive.events import PacketWithoutSa
from controller.policy.model import Interface, Policy
from controller.router.early_esp import EarlyEsp
from controller.router.sad import SecurityAssociationDatabase
from controller.speaker import icmp, ike_transport
from controller.speaker.errors import PacketError
from controller.speaker.ethernet import EthernetFrame
from controller.speaker.ipv4 import Ipv4Packet
from controller.speaker.neighbors import (
    AddNeighbor,
    NeighborCache,
    NeighborEffect,
    RemoveNeighbor,
    Unreachable,
)
from controller.speaker.routes import RouteTable
from controller.speaker.tally import Tally
from controller.speaker.token_bucket import TokenBucket
from ike.discards import Discard
from ike.types import Datagram

ICMP_ERROR_RATE, ICMP_ERROR_BURST = 100, 50
"""ICMP errors a second in all (RFC 1812 §4.3.2.8)."""


@dataclass(slots=True)
class PuntResult:
    """What follows from a punted packet; most parts are empty."""

    declare: list[Declared] = field(default_factory=list)
    withdraw: list[EntryKey] = field(default_factory=list)
    send: list[PacketOut] = field(default_factory=list)
    datagram: Datagram | None = None
    event: PacketWithoutSa | None = None


class Punts:
    """Answers ARP and ICMP, finds neighbors, and hands on what is for IKE and passive mode."""

    def __init__(
        self,
        policy: Policy,
        routes: RouteTable,
        sad: SecurityAssociationDatabase,
        early: EarlyEsp,
    ) -> None:
        self._routes = routes
        self._sad = sad
        self._early = early
        self._interfaces = {interface.id: interface for interface in policy.interfaces}
        self._neighbors = NeighborCache(policy.interfaces)
        self._icmp_errors = TokenBucket(ICMP_ERROR_RATE, ICMP_ERROR_BURST)
        self._malformed = Tally()
        self._local_unanswered = Tally()
        self._ike = {reason: Tally() for reason in Discard}

    def handle(self, packet: PacketIn, now: float) -> PuntResult:
        """Take a punted packet; one that is malformed is counted, and that is all."""
        result = PuntResult()
        try:
            self._handle(packet, result, now)
        except PacketError:
            self._malformed.count(packet.frame)
            return PuntResult()
        return result

    def adopt_neighbor(
        self, interface_id: int, next_hop: IPv4Address, mac_address: int, now: float
    ) -> PuntResult:
        """Carry on with a neighbor that was found on the switch."""
        result = PuntResult()
        self._carry_out(
            self._neighbors.adopt(interface_id, next_hop, mac_address, now), result, now
        )
        return result

    def set_policy(self, policy: Policy, now: float) -> PuntResult:
        """Go over to another configuration."""
        self._interfaces = {interface.id: interface for interface in policy.interfaces}
        result = PuntResult()
        self._carry_out(self._neighbors.set_interfaces(policy.interfaces), result, now)
        return result

    def advance(self, now: float) -> PuntResult:
        """Ask for neighbors again, or give them up."""
        result = PuntResult()
        self._carry_out(self._neighbors.advance(now), result, now)
        return result

    def next_deadline(self) -> float | None:
        """Return when `advance` has something to do, in seconds."""
        return self._neighbors.next_deadline()

    def count_discarded(self, reason: Discard, frame: bytes) -> None:
        """Count a frame with a message that the IKE engine has thrown away."""
        self._ike[reason].count(frame)

    def drops(self) -> dict[str, Tally]:
        """Return what the controller itself has dropped, by reason."""
        return {
            "early_esp": self._early.dropped,
            "no_neighbor": self._neighbors.dropped,
            "malformed_punt": self._malformed,
            "local_unanswered": self._local_unanswered,
            **{reason.value: tally for reason, tally in self._ike.items()},
        }

    # --- inside ---------------------------------------------------------------------------

    def _handle(self, packet: PacketIn, result: PuntResult, now: float) -> None:
        match packet.reason:
            case PuntReason.ARP:
                effects = self._neighbors.receive(packet.interface_id, packet.frame, now)
                self._carry_out(effects, result, now)
            case PuntReason.IKE:
                result.datagram = ike_transport.decode(packet.frame)
            case PuntReason.LOCAL:
                reply = icmp.echo_reply(packet.frame)
                if reply is not None:
                    result.send.append(reply)
                else:
                    self._local_unanswered.count(packet.frame)
            case PuntReason.NO_SA:
                result.event = PacketWithoutSa(packet.packet_type)
            case PuntReason.NEIGHBOR:
                effects = self._neighbors.resolve(
                    packet.interface_id, IPv4Address(packet.next_hop), packet.frame, now
                )
                self._carry_out(effects, result, now)
            case PuntReason.EARLY_ESP:
                result.send += self._early.receive(packet.frame, now)
            case PuntReason.TTL_EXPIRED:
                self._report(packet.frame, result, now, None, packet.interface_id)
            case PuntReason.TOO_BIG:
                self._report(packet.frame, result, now, self._mtu_of(packet), packet.interface_id)

    def _report(
        self, frame: bytes, result: PuntResult, now: float, mtu: int | None, interface_id: int
    ) -> None:
        """Send an ICMP error about a packet: it is too big for `mtu`, or its time is over."""
        interface = self._interfaces.get(interface_id)
        if interface is None:
            return
        interfaces = self._interfaces.values()
        source = interface.address.ip
        error = (
            icmp.time_exceeded(frame, source, interfaces)
            if mtu is None
            else icmp.fragmentation_needed(frame, source, mtu, interfaces)
        )
        if error is not None and self._icmp_errors.allow(now):
            result.send.append(error)

    def _mtu_of(self, packet: PacketIn) -> int:
        """Return the bytes that the packet should have fitted: its SA's, or its interface's."""
        if packet.packet_type:
            pair = self._sad.sending(packet.packet_type)
            if pair is not None:
                return pair.outbound.inner_mtu
        destination = Ipv4Packet.parse(EthernetFrame.parse(packet.frame).payload).destination
        hop = self._routes.next_hop(destination)
        return hop[0].mtu if hop is not None else icmp.MIN_MTU

    def _carry_out(self, effects: list[NeighborEffect], result: PuntResult, now: float) -> None:
        for effect in effects:
            match effect:
                case AddNeighbor(interface, next_hop, mac_address):
                    result.declare.append(tables.neighbor(interface, next_hop, mac_address))
                case RemoveNeighbor(interface, next_hop):
                    result.withdraw.append(tables.neighbor(interface, next_hop, 0).key)
                case Unreachable(interface, _, frames):
                    self._tell_unreachable(interface, frames, result, now)
                case PacketOut():
                    result.send.append(effect)

    def _tell_unreachable(
        self, interface: Interface, frames: tuple[bytes, ...], result: PuntResult, now: float
    ) -> None:
        for frame in frames:
            try:
                source = self._towards(frame) or interface.address.ip
                error = icmp.host_unreachable(frame, source, self._interfaces.values())
            except PacketError:
                continue  # it is counted as dropped already
            if error is not None and self._icmp_errors.allow(now):
                result.send.append(error)

    def _towards(self, frame: bytes) -> IPv4Address | None:
        """Return our address on the way back to a packet's sender (RFC 1812 §4.3.2.4)."""
        sender = Ipv4Packet.parse(EthernetFrame.parse(frame).payload).source
        hop = self._routes.next_hop(sender)
        return hop[0].address.ip if hop is not None else None
