"""All IKE SAs of one router, out of this process and into another."""

from __future__ import annotations

from ike.environment import Environment
from ike.peer_table import PeerTable
from ike.sa_table import SaTable
from ike.settlement import Settlement
from ike.state import snapshot
from ike.state.report import ImportReport
from ike.state.restore import restore
from ike.state.transfer import pack, unpack
from ike.types import Secret


def hand_over(env: Environment, peers: PeerTable, sas: SaTable, key: Secret, now: float) -> bytes:
    """Export the established IKE SAs. See `Endpoint.export_state`.

    Raises:
        ValueError: the key does not have 32 bytes.
    """
    record = snapshot.take(env, peers, sas.connections(), sas.linger_until, _wall_time(env), now)
    return pack(record, key, env.random_bytes)


def take_over(
    blob: bytes,
    key: Secret,
    env: Environment,
    peers: PeerTable,
    sas: SaTable,
    settlement: Settlement,
    now: float,
) -> ImportReport:
    """Carry on what another process has exported. See `Endpoint.import_state`.

    Raises:
        ValueError: the key does not have 32 bytes.
        StateError: the blob can't be used: its subclasses tell why. Nothing is changed.
    """
    record = unpack(blob, key)
    restored = restore(record, env, peers, sas, sas.by_child, _wall_time(env), now)
    env.reserve_ike_spis(restored.ike_spis)
    env.reserve_esp_spis(restored.esp_spis)
    sas.take_over(restored.connections, restored.linger_until)
    for adoption in restored.adoptions:
        adoption.peer.adopt(adoption.connections, adoption.attempts, now)
        settlement.settle_peer(adoption.peer, now)
    for connection in restored.connections.values():
        settlement.settle(connection, now)
    return restored.report


def _wall_time(env: Environment) -> float | None:
    """Return the time by the calendar, in seconds since 1970, if somebody knows it."""
    calendar = env.calendar()
    return None if calendar is None else calendar.timestamp()
