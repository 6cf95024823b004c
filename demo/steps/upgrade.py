"""Step 5: R3 is upgraded, and R1 finds out at its next retry."""

from __future__ import annotations

from controller.api.client import Client
from demo import configuration
from demo.configuration import RETRY
from demo.core import Kind
from demo.network import core_address
from demo.stage import Stage
from demo.steps.encrypted import expect_as_much_esp
from demo.steps.hold_then_clear import FROM_HOST3
from demo.traffic import Flow

TITLE = "R3 is upgraded: at the next retry over to ESP, with no packet lost"

LEAD = 15.0
"""Seconds before the retry from which on R3 may be upgraded: right after host3's next packets,
so that R1's retry comes before those after. They would be held by R3 in turn: PM-2 is for all.
With the schedule of `hold_then_clear` that is ten seconds before the retry, and those after come
ten seconds after it: time enough on a slow machine."""


async def run(stage: Stage) -> None:
    """Upgrade R3 shortly before the retry, and see both directions move over."""
    network, narrator = stage.network, stage.narrator
    to_host3 = stage.flow(network.host1, network.host3)
    from_host3 = stage.flow(network.host3, network.host1)
    to_printer = stage.flow(network.host1, network.printer)
    from_printer = stage.flow(network.printer, network.host1)

    left = await _time_to_retry(stage)
    narrator.at(
        network.clock.now(),
        f"the retry is due in {left:.0f} s ({network.clock.real(left):.0f} s of yours)",
    )
    await network.sleep_until(network.clock.now() + left - LEAD)
    number = len(from_host3.sent)
    await network.until(lambda: len(from_host3.sent) > number, FROM_HOST3.period)
    asked_before = _ike_to_r3(stage)
    await network.r3.reload(configuration.r3_upgraded(network.directory))
    narrator.at(network.clock.now(), "R3 has a crypto map towards R1 now, in passive mode as well")
    narrator.say(
        "It got it between two bursts of host3: PM-2 makes R3, too, hold what has no SA yet."
    )

    await network.until(
        lambda: (
            len(to_host3.encrypted(stage.first(to_host3))) >= 10
            and len(from_host3.encrypted(stage.first(from_host3))) >= FROM_HOST3.burst
            and len(from_host3.sent) % FROM_HOST3.burst == 0
        ),
        LEAD + 2 * FROM_HOST3.period,
    )
    status = await network.r1.ask(Client.show_crypto_optional)

    stage.count()
    began = min(frame.time for frame in network.core.select(Kind.IKE, destination=core_address(3)))
    retried = _ike_to_r3(stage)[len(asked_before) :]
    stage.expect(
        bool(retried) and RETRY - 1 <= retried[0] - began <= RETRY + 1 + network.slack,
        f"PM-4: the packets themselves made R1 try again {RETRY} s after the first attempt",
        [round(time - began, 1) for time in retried],
    )
    for flow in (to_host3, from_host3):
        _expect_moved_without_loss(stage, flow)
    forgotten = [flow.tally(stage.first(flow)) for flow in (to_printer, from_printer)]
    stage.expect(
        all(tally.clear == tally.sent > 0 for tally in forgotten),
        "the printer's network is not in R3's access list: all to and from it in the clear",
        forgotten,
    )
    expect_as_much_esp(stage)
    listed = [str(destination.address) for destination in status.destinations]
    stage.expect(
        listed == [str(network.printer.address)],
        "PM-9: show crypto optional lists nothing but the printer any more",
        listed,
    )


async def _time_to_retry(stage: Stage) -> float:
    """Ask R1 how long it is until packets to host3 trigger IKE again, in seconds."""
    status = await stage.network.r1.ask(Client.show_crypto_optional)
    times = [
        packet_type.next_attempt_in
        for packet_type in status.packet_types
        if packet_type.peer == core_address(3) and packet_type.next_attempt_in is not None
    ]
    return min(times, default=0.0)


def _ike_to_r3(stage: Stage) -> list[float]:
    """Return when R1 has sent IKE to R3 in this step."""
    return [
        frame.time
        for frame in stage.seen()
        if frame.kind is Kind.IKE and frame.destination == core_address(3)
    ]


def _expect_moved_without_loss(stage: Stage, flow: Flow) -> None:
    start = stage.first(flow)
    tally, readable, encrypted = flow.tally(start), flow.clear(start), flow.encrypted(start)
    stage.expect(
        tally.dropped == 0
        and bool(readable)
        and bool(encrypted)
        and readable[-1] + 1 == encrypted[0],
        f"{flow.name}: {tally.sent} packets, {tally.dropped} lost: {tally.clear} in the clear,"
        f" then {tally.encrypted} encrypted",
        f"in the clear: {readable}; encrypted: {encrypted}",
    )
