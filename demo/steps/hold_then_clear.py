"""Step 2: a peer without IPsec. Hold for ten seconds, then forward in the clear."""

from __future__ import annotations

from controller.passive.states import HOLD_TIME
from controller.passive.warnings import RECEIVED, SENT
from demo.core import Kind
from demo.network import core_address
from demo.stage import Stage
from demo.traffic import Flow, Schedule

TITLE = "R1 to R3, which has no IPsec: held for 10 s, then in the clear"

TO_HOST3 = Schedule(period=0.5)
TO_PRINTER = Schedule(period=1, first=2.25)
FROM_HOST3 = Schedule(period=20, first=10, burst=10)
FROM_PRINTER = Schedule(period=1, first=11)

TAIL = 10  # packets to see in the clear


async def run(stage: Stage) -> None:
    """Send from both sides until R1 has sent in the clear for a while."""
    network, narrator = stage.network, stage.narrator
    began = network.clock.now()
    to_host3 = network.traffic.start(network.host1, network.host3, TO_HOST3)
    to_printer = network.traffic.start(network.host1, network.printer, TO_PRINTER)
    from_host3 = network.traffic.start(network.host3, network.host1, FROM_HOST3)
    from_printer = network.traffic.start(network.printer, network.host1, FROM_PRINTER)
    narrator.at(began, "host1 begins to send to host3 and to the printer, both behind R3")

    await network.until(lambda: bool(to_host3.delivered), HOLD_TIME)
    if to_host3.delivered:
        number, at = next(iter(to_host3.delivered.items()))
        narrator.at(at, f"packet {number} is the first one that arrives at host3")
    await network.until(
        lambda: (
            len(to_host3.delivered) >= TAIL
            and len(to_printer.delivered) >= 2
            and len(from_printer.delivered) >= 2
        ),
        TAIL * TO_HOST3.period,
    )
    # Which packet of the minute the address is from, the seed leaves open.
    addresses = (network.host3.address, network.printer.address)
    warnings = [{text.format(address) for address in addresses} for text in (SENT, RECEIVED)]
    await network.until(lambda: all(_logged(stage, texts) for texts in warnings), within=1)

    stage.count()
    asked = [frame for frame in stage.seen() if frame.kind is Kind.IKE]
    stage.expect(
        any(frame.destination == core_address(3) for frame in asked),
        "PM-2: R1 attempted IKE with R3",
    )
    for flow in (to_host3, to_printer):
        _expect_hold_then_clear(stage, flow)
    accepted = [flow.tally() for flow in (from_host3, from_printer)]
    stage.expect(
        all(tally.clear == tally.sent > 0 for tally in accepted),
        f"PM-6: meanwhile R1 accepted all {sum(tally.sent for tally in accepted)} clear packets"
        " from behind R3",
        accepted,
    )
    times = [_logged(stage, texts) for texts in warnings]
    stage.expect(
        times == [1, 1], "PM-8: R1 warned once of each direction, in the seed's words", times
    )


def _logged(stage: Stage, texts: set[str]) -> int:
    """Return how many messages R1 has logged that are one of these."""
    return sum(message.text in texts for message in stage.messages())


def _expect_hold_then_clear(stage: Stage, flow: Flow) -> None:
    readable, arrived = flow.clear(), sorted(flow.delivered)
    dropped = readable[0] if readable else len(flow.sent)
    held = flow.sent[dropped] - flow.sent[0] if readable else float("inf")
    stage.expect(
        HOLD_TIME <= held <= HOLD_TIME + flow.schedule.period + stage.network.slack,
        f"PM-2: {flow.name}: {dropped} packets dropped, all before {held:.1f} s had passed",
    )
    stage.expect(
        bool(readable) and arrived == readable == list(range(dropped, len(flow.sent))),
        f"PM-3: {flow.name}: the {len(arrived)} packets from then on went in the clear",
        f"arrived: {arrived}; in the clear: {readable}",
    )
