"""Real messages for the corpora: two endpoints establish, rekey and delete, in memory."""

from __future__ import annotations

from functools import cache

from model.schedule import Schedule, Weather
from model.world import World
from mutation.chain import serialize
from mutation.tampering import Keys

_FAIR = Weather(0.0, 0.0, 0.0, 0.011)
_WITH_PFS = 8


@cache
def record() -> list[tuple[bytes, int, bytes]]:
    """Give packets, each with the type of its first payload and its payloads in the clear."""
    keys = Keys()
    world = World(Schedule(1, _FAIR, False, _WITH_PFS, False, ()), secrets_log=keys.log)
    left, network = world.node("left").endpoint, world.network
    left.initiate("left-one", network.now)
    network.run(1.0)
    left.initiate("left-two", network.now)
    network.run(1.0)
    for spi_in in tuple(world.ledger.live["left"]):
        left.rekey_child(spi_in, network.now)
    network.run(1.0)
    left.rekey_peer("right", network.now)
    network.run(12.0)
    left.delete_peer("right", network.now)
    network.run(1.0)
    found = []
    for datagram in network.sent:
        opened = keys.open(datagram.payload)
        if opened is not None:
            found.append((datagram.payload, *serialize(opened.chain)))
    return found
