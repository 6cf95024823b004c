"""From an exported state to IKE SAs that live on."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from ike.connection import Connection
from ike.environment import Environment
from ike.events import Role
from ike.peer import Peer
from ike.peer_table import PeerTable
from ike.state import fingerprint
from ike.state.builder import Builder
from ike.state.errors import StateError
from ike.state.records import AttemptRecord, ConnectionRecord, StateRecord
from ike.state.report import CarriedOn, ImportedChild, ImportReport, NotCarriedOn
from ike.states import State


@dataclass(frozen=True, slots=True)
class Adoption:
    """What one peer gets: its usable IKE SAs in order, and the attempts that they carry."""

    peer: Peer
    connections: tuple[Connection, ...]
    attempts: tuple[AttemptRecord, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """IKE SAs made again, which nobody knows yet.

    Attributes:
        report: which they are, and which could not be made.
        connections: all, by our SPIs.
        linger_until: until when closed ones repeat their last answers, by our SPIs.
        adoptions: peer by peer.
        ike_spis: those of ours that are in use or on offer.
        esp_spis: likewise, inbound.
    """

    report: ImportReport
    connections: dict[int, Connection]
    linger_until: dict[int, float]
    adoptions: tuple[Adoption, ...]
    ike_spis: set[int]
    esp_spis: set[int]


def restore(
    record: StateRecord,
    env: Environment,
    peers: PeerTable,
    used_ike_spis: Container[int],
    used_esp_spis: Container[int],
    wall_time: float | None,
    now: float,
) -> Restored:
    """Make all IKE SAs again whose peers are configured as they were.

    Args:
        record: what was exported.
        env: what all IKE SAs share.
        peers: the configured ones.
        used_ike_spis: our SPIs of IKE SAs that are there already.
        used_esp_spis: inbound SPIs of CHILD_SAs that are there already.
        wall_time: seconds since 1970, if known.
        now: the time.
    """
    elapsed = 0.0
    if wall_time is not None and record.wall_time is not None:
        elapsed = max(0.0, wall_time - record.wall_time)
    at = now - elapsed
    refused = _refused_peers(record, peers)
    builder = Builder(record, env, at)
    carried: list[ConnectionRecord] = []
    dropped: list[NotCarriedOn] = []
    for one in record.connections:
        reason = refused.get(one.peer, "its peer is not part of the state")
        if not reason:
            reason = _build(builder, one, peers, used_ike_spis, used_esp_spis)
        if reason and one.state is not State.CLOSED:
            channel = one.channel
            spis = channel.initiator_spi, channel.responder_spi
            dropped.append(NotCarriedOn(one.peer, *spis, reason, _children(one, elapsed)))
        elif not reason:
            carried.append(one)
    builder.link()
    made = builder.connections
    report = ImportReport(
        tuple(
            CarriedOn(made[_own_spi(one)].info(), _children(one, elapsed))
            for one in carried
            if one.state is not State.CLOSED
        ),
        tuple(dropped),
        elapsed,
    )
    linger_until = {
        _own_spi(one): at + one.linger_in for one in carried if one.linger_in is not None
    }
    adoptions = tuple(
        Adoption(
            peers[peer.name],
            tuple(made[spi] for spi in peer.connections if spi in made),
            peer.attempts,
        )
        for peer in record.peers
        if not refused[peer.name]
    )
    return Restored(report, made, linger_until, adoptions, builder.ike_spis, builder.esp_spis)


def _refused_peers(record: StateRecord, peers: PeerTable) -> dict[str, str]:
    """Tell why a peer's IKE SAs can't be carried on; "" if they can."""
    reasons = {}
    for one in record.peers:
        peer = peers.get(one.name)
        if peer is None:
            reasons[one.name] = "no peer of that name is configured any more"
        else:
            reasons[one.name] = fingerprint.difference(one, peer.config, record.salt) or ""
    return reasons


def _build(
    builder: Builder,
    record: ConnectionRecord,
    peers: PeerTable,
    used_ike_spis: Container[int],
    used_esp_spis: Container[int],
) -> str:
    """Make one IKE SA; tell why it can't be made, "" if it can."""
    spi = _own_spi(record)
    in_use = spi in used_ike_spis or spi in builder.connections
    if in_use or any(child.spi_in in used_esp_spis for child in record.children):
        return "its SPI is in use: it has been imported before"
    try:
        builder.add(record, peers[record.peer])
    except StateError as error:
        return str(error)
    return ""


def _own_spi(record: ConnectionRecord) -> int:
    channel = record.channel
    own_is_first = channel.role is Role.INITIATOR
    return channel.initiator_spi if own_is_first else channel.responder_spi


def _children(record: ConnectionRecord, elapsed: float) -> tuple[ImportedChild, ...]:
    return tuple(
        ImportedChild(
            child.config.name,
            record.peer,
            child.spi_in,
            child.spi_out,
            child.suite.encryption,
            child.suite.key_bits,
            child.suite.integrity,
            child.local_selectors,
            child.remote_selectors,
            max(child.rekey_in - elapsed, 0.0) if child.rekey_in is not None else 0.0,
            child.state.is_live,
            child.mode,
        )
        for child in record.children
    )
