"""The queue between the switch and the controller: bounded, and fair."""

import asyncio

from controller.p4runtime.entities import ClearReport, PacketIn
from controller.p4runtime.enums import PuntReason
from controller.p4runtime.inputs import (
    PACKETS_PER_REASON,
    REPORTS,
    Connected,
    IdleEntries,
    InputQueue,
    Lost,
)

CONNECTED = Connected((), (), pipeline_pushed=False)


def punt(reason: PuntReason) -> PacketIn:
    return PacketIn(reason, 1, 0, 0, 0, b"frame")


async def test_inputs_come_in_their_order() -> None:
    queue = InputQueue()
    inputs = [CONNECTED, punt(PuntReason.IKE), ClearReport(1, 2, 0, 0, False), Lost("gone")]
    for item in inputs:
        assert queue.put(item)
    assert await queue.get() == CONNECTED
    assert queue.take_all() == inputs[1:]
    assert len(queue) == 0


async def test_flood_of_one_reason_leaves_room_for_the_others() -> None:
    """A flood of packets without SA must not push out IKE."""
    queue = InputQueue()
    for _ in range(50_000):
        queue.put(punt(PuntReason.NO_SA))
    assert len(queue) == PACKETS_PER_REASON
    assert queue.packets_dropped == 50_000 - PACKETS_PER_REASON
    assert queue.put(punt(PuntReason.IKE))


async def test_room_is_given_back() -> None:
    queue = InputQueue()
    for _ in range(2):
        for _ in range(PACKETS_PER_REASON):
            assert queue.put(punt(PuntReason.NO_SA))
        assert not queue.put(punt(PuntReason.NO_SA))
        queue.take_all()


async def test_reports_are_bounded() -> None:
    queue = InputQueue()
    for number in range(REPORTS + 10):
        queue.put(ClearReport(1, number, 0, 0, False))
    assert len(queue) == REPORTS
    assert queue.reports_dropped == 10


async def test_news_of_the_connection_is_never_dropped() -> None:
    queue = InputQueue()
    for _ in range(PACKETS_PER_REASON + 1):
        queue.put(punt(PuntReason.NO_SA))
    for item in (Lost("gone"), CONNECTED, IdleEntries(())):
        assert queue.put(item)
    assert queue.take_all()[-3:] == [Lost("gone"), CONNECTED, IdleEntries(())]


async def test_who_waits_is_woken() -> None:
    queue = InputQueue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put(Lost("gone"))
    assert await waiting == Lost("gone")
