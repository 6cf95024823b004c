"""From live IKE SAs to records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ike.child_sa import ChildSa, Making
from ike.connection import Connection
from ike.environment import Environment
from ike.peer_table import PeerTable
from ike.state import fingerprint
from ike.state.records import (
    ChildRecord,
    ConnectionRecord,
    MakingRecord,
    RenewalRecord,
    StateRecord,
)


def take(
    env: Environment,
    peers: PeerTable,
    connections: Iterable[Connection],
    linger_until: Mapping[int, float],
    wall_time: float | None,
    now: float,
) -> StateRecord:
    """Describe all established IKE SAs.

    Args:
        env: what they share.
        peers: the configured ones.
        connections: all IKE SAs that are or were established.
        linger_until: until when closed ones repeat their last answers, by our SPIs.
        wall_time: seconds since 1970, if known.
        now: the time.
    """
    salt = env.random_bytes(fingerprint.SALT_LENGTH)
    makings: dict[Making, int] = {}
    known = {c.channel.own_spi: c for c in connections}
    records = [
        _connection(c, known, makings, linger_until.get(spi), now) for spi, c in known.items()
    ]
    return StateRecord(
        wall_time,
        salt,
        env.next_sequence(),
        tuple(MakingRecord(m.role, m.lowest_nonce, m.began, m.ended) for m in makings),
        tuple(
            fingerprint.describe(
                peer.config,
                salt,
                tuple(c.channel.own_spi for c in peer.connections),
                peer.snapshot_attempts(),
            )
            for peer in peers
        ),
        tuple(records),
    )


def _connection(
    connection: Connection,
    known: Mapping[int, Connection],
    makings: dict[Making, int],
    linger_until: float | None,
    now: float,
) -> ConnectionRecord:
    return ConnectionRecord(
        connection.peer.name,
        connection.channel.snapshot(now),
        connection.suite,
        connection.keys,
        connection.lowest_nonce,
        connection.nat,
        connection.began,
        connection.sequence,
        now - connection.established_at,
        connection.initial_contact,
        connection.has_ppk,
        connection.is_full,
        connection.is_redundant,
        connection.ended_by,
        connection.state,
        tuple(_child(child, makings, now) for child in connection.children.values()),
        connection.tasks.snapshot(now),
        connection.followups.snapshot(now),
        _spi(connection.heir, known),
        _spi(connection.claims, known),
        _relative(connection.rekey_at, now),
        _relative(connection.expire_at, now),
        connection.expire_reason,
        RenewalRecord(
            connection.renewal.number,
            connection.renewal.is_ours,
            _relative(connection.renewal.begin_at, now),
            _relative(connection.renewal.ends_at, now),
            connection.renewal.is_due,
        ),
        now - connection.heard_esp_at,
        connection.peer_token,
        connection.mobility,
        connection.deleted_early.snapshot(),
        _relative(linger_until, now),
    )


def _spi(connection: Connection | None, known: Mapping[int, Connection]) -> int | None:
    """Name an IKE SA that another one refers to, unless it is gone."""
    if connection is None or known.get(connection.channel.own_spi) is not connection:
        return None
    return connection.channel.own_spi


def _child(child: ChildSa, makings: dict[Making, int], now: float) -> ChildRecord:
    return ChildRecord(
        child.config,
        child.spi_in,
        child.spi_out,
        child.suite,
        child.local_selectors,
        child.remote_selectors,
        makings.setdefault(child.making, len(makings)),
        makings.setdefault(child.origin, len(makings)),
        now - child.established_at,
        child.more_selectors,
        child.mode,
        _relative(child.rekey_at, now),
        _relative(child.expire_at, now),
        child.expire_reason,
        child.state,
        child.tfc_padding,
        child.volume,
    )


def _relative(when: float | None, now: float) -> float | None:
    return None if when is None else when - now
