"""Step 1: what there is."""

from __future__ import annotations

from controller.api.client import Client
from controller.passive.warnings import REMINDER
from demo import configuration
from demo.stage import Stage
from p4src import JSON_PATH

TITLE = "The network"

DRAWING = """\
host1 ── R1 ──┬── R2 ── host2         R1: crypto map towards R2 and R3, passive mode
              │                       R2: upgraded to IPsec
              └── R3 ──┬── host3      R3: no IPsec yet
                       └── printer"""


async def run(stage: Stage) -> None:
    """Draw the network, and see that all of it runs."""
    network, narrator = stage.network, stage.narrator
    narrator.block(DRAWING)
    narrator.say(
        f"Each router: an embedded switch that runs {JSON_PATH.name}, and a controller of its own,"
    )
    narrator.say(f"over P4Runtime. R1 has {configuration.OPTIONAL}.")
    pace = "as fast as yours" if network.speed == 1 else f"{network.speed:g} times as fast as yours"
    narrator.say(f"All times are seconds of the routers, which pass {pace}.")
    reminded = await network.until(lambda: bool(network.r1.log.containing(REMINDER)), 1)
    connected = [
        router.name
        for router in (network.r1, network.r2, network.r3)
        if (await router.ask(Client.show_switch)).connected
    ]
    stage.count()
    stage.expect(
        connected == ["R1", "R2", "R3"],
        "all three switches run, each with its controller",
        connected,
    )
    stage.expect(reminded, f"R1 warned: {REMINDER} (PM-7)")
