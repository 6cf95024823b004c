"""Step 6: passive mode is turned off. From then on: encrypted, or dropped."""

from __future__ import annotations

from controller.api.client import Client
from controller.cli.render import crypto_optional
from controller.config.loader import parse_config
from controller.passive.warnings import SAVE_REMINDER
from demo.core import Kind
from demo.stage import Stage
from demo.steps.encrypted import expect_as_much_esp
from demo.steps.hold_then_clear import FROM_HOST3

TITLE = "Passive mode is turned off: encrypted or dropped"

ENOUGH = 8  # packets each way that are dropped


async def run(stage: Stage) -> None:
    """Turn it off, save the configuration, and see what still gets through."""
    network, narrator = stage.network, stage.narrator
    to_printer = stage.flow(network.host1, network.printer)
    from_printer = stage.flow(network.printer, network.host1)
    from_host3 = stage.flow(network.host3, network.host1)

    told = await network.r1.ask(lambda client: client.set_crypto_optional(enabled=False))
    # What was sent while the call was under way belongs to the time before.
    stage.count_from_here()
    narrator.show("R1", "no crypto ipsec optional", "\n".join(told))
    saved = await network.r1.ask(Client.write_memory)
    narrator.show("R1", "write memory", f"[OK] {saved}")
    await network.until(
        lambda: (
            len(to_printer.sent) - stage.first(to_printer) >= ENOUGH
            and len(from_printer.sent) - stage.first(from_printer) >= ENOUGH
            and len(from_host3.sent) > stage.first(from_host3)
            and len(from_host3.sent) % FROM_HOST3.burst == 0
        ),
        FROM_HOST3.period + ENOUGH,
    )
    status = await network.r1.ask(Client.show_crypto_optional)
    shown = crypto_optional.render(status)
    narrator.show("R1", "show crypto optional", shown)

    stage.count()
    protected = [
        stage.flow(source, destination)
        for source, destination in (
            (network.host1, network.host2),
            (network.host2, network.host1),
            (network.host1, network.host3),
            (network.host3, network.host1),
        )
    ]
    tallies = [flow.tally(stage.first(flow)) for flow in protected]
    stage.expect(
        all(tally.encrypted == tally.sent > 0 for tally in tallies),
        f"all {sum(tally.sent for tally in tallies)} packets to and from host2 and host3"
        " arrived encrypted",
        tallies,
    )
    for flow, how in (
        (to_printer, "no SA"),
        (from_printer, "clear, but protection is expected"),
    ):
        tally = flow.tally(stage.first(flow))
        stage.expect(
            tally.dropped == tally.sent > 0,
            f"PM-1: {flow.name}: all {tally.sent} dropped ({how})",
            tally,
        )
    leaked = [
        frame
        for frame in stage.seen()
        if frame.kind is Kind.CLEAR and frame.source == network.host1.address
    ]
    stage.expect(not leaked, "PM-10: from then on R1 sent nothing in the clear", leaked)
    expect_as_much_esp(stage)
    stage.expect(list(told) == [SAVE_REMINDER], "PM-10: R1 gave the reminder", told)
    enabled = parse_config(network.r1.file).crypto_ipsec_optional.enabled
    stage.expect(not enabled, "and write memory saved it in R1's file", enabled)
    stage.expect(shown == crypto_optional.DISABLED, f"PM-9: {crypto_optional.DISABLED}", shown)
