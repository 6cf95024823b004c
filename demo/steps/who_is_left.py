"""Step 4: which nodes are still to be upgraded."""

from __future__ import annotations

from controller.api.client import Client
from controller.cli.render import crypto_optional
from demo.stage import Stage
from demo.steps.encrypted import expect_as_much_esp

TITLE = "Who is still to be upgraded?"


async def run(stage: Stage) -> None:
    """Ask R1."""
    network = stage.network
    status = await network.r1.ask(Client.show_crypto_optional)
    text = crypto_optional.render(status)
    stage.narrator.show("R1", "show crypto optional", text)

    stage.count()
    stage.expect(
        text.splitlines()[0] == crypto_optional.ENABLED, f"PM-9: {crypto_optional.ENABLED}"
    )
    listed = {destination.address for destination in status.destinations}
    stage.expect(
        listed == {network.host3.address, network.printer.address},
        "PM-9: both hosts behind R3 are listed, and nothing behind R2",
        sorted(map(str, listed)),
    )
    stage.expect(
        {source.address for source in status.sources} == listed,
        "PM-6: and so are the sources that R1 accepts in the clear",
        status.sources,
    )
    expect_as_much_esp(stage)
