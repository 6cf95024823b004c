"""Messages kept and handed on: bounded, whoever watches."""

from __future__ import annotations

from controller.messages import MessageLog
from controller.status import LogMessage


def line(number: int) -> LogMessage:
    return LogMessage(float(number), "info", f"line {number}")


async def test_history_is_bounded_and_its_latest_part_is_given() -> None:
    log = MessageLog(history=3, queue=10)
    for number in range(5):
        log.publish(line(number))
    watcher = log.watch(history=2)
    assert [await anext(watcher), await anext(watcher)] == [line(3), line(4)]
    log.publish(line(5))
    assert await anext(watcher) == line(5)
    await watcher.aclose()  # type: ignore[attr-defined]  # an async generator


async def test_without_history_only_new_messages_come() -> None:
    log = MessageLog()
    log.publish(line(1))
    watcher = log.watch()
    pending = anext(watcher)
    import asyncio

    task = asyncio.ensure_future(pending)
    await asyncio.sleep(0)
    log.publish(line(2))
    assert await task == line(2)


async def test_slow_watcher_loses_the_oldest_and_is_told_how_many() -> None:
    log = MessageLog(history=100, queue=3)
    log.publish(line(0))
    watcher = log.watch(history=1)
    assert await anext(watcher) == line(0)
    for number in range(1, 8):
        log.publish(line(number))
    got = [await anext(watcher) for _ in range(4)]
    assert "4 messages are missing" in got[0].text
    assert got[1:] == [line(5), line(6), line(7)]


async def test_watcher_that_leaves_is_forgotten_and_others_go_on() -> None:
    log = MessageLog()
    log.publish(line(0))
    first, second = log.watch(1), log.watch(1)
    await anext(first)
    await anext(second)
    await first.aclose()  # type: ignore[attr-defined]  # an async generator
    log.publish(line(1))
    assert await anext(second) == line(1)
