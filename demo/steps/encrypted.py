"""Step 3: a peer with IPsec. IKE, then ESP, and never in the clear."""

from __future__ import annotations

from controller.api.client import Client
from controller.cli.render import ipsec_sa, isakmp_sa
from controller.passive.states import HOLD_TIME
from demo.core import Kind
from demo.network import core_address
from demo.stage import Stage
from demo.traffic import Schedule

TITLE = "R1 to R2, which has IPsec: ESP"

TO_HOST2 = Schedule(period=0.5)
FROM_HOST2 = Schedule(period=0.5, first=1)

ENOUGH = 8  # packets each way

_LEFT_OUT = ("crypto endpt", "plaintext mtu", "current", "conn id", "sa timing", "Status")
"""Lines of ``show crypto ipsec sa`` that the story does without."""


async def run(stage: Stage) -> None:
    """Send both ways, and show the SAs."""
    network, narrator = stage.network, stage.narrator
    to_host2 = network.traffic.start(network.host1, network.host2, TO_HOST2)
    # Once there are SAs: an answer is not what starts IKE here.
    await network.until(lambda: bool(to_host2.delivered), HOLD_TIME)
    from_host2 = network.traffic.start(network.host2, network.host1, FROM_HOST2)
    await network.until(
        lambda: len(to_host2.delivered) >= ENOUGH and len(from_host2.delivered) >= ENOUGH,
        ENOUGH * TO_HOST2.period + FROM_HOST2.first,
    )
    ike_sas = await network.r1.ask(Client.show_crypto_isakmp_sa)
    with_r2 = tuple(sa for sa in ike_sas if sa.remote.startswith(f"{core_address(2)}:"))
    sas = await network.r1.ask(Client.show_crypto_ipsec_sa)
    protected = tuple(sa for sa in sas if sa.outbound is not None)
    narrator.show("R1", "show crypto isakmp sa", isakmp_sa.render(with_r2))
    narrator.show("R1", "show crypto ipsec sa  (shortened)", _shortened(ipsec_sa.render(protected)))

    stage.count()
    arrived = to_host2.encrypted()
    first = arrived[0] if arrived else len(to_host2.sent)
    waited = to_host2.sent[first] - to_host2.sent[0] if arrived else float("inf")
    stage.expect(
        waited < HOLD_TIME and arrived == list(range(first, len(to_host2.sent))),
        f"PM-2: {to_host2.name}: {first} dropped while IKE was under way, then all encrypted",
        to_host2.tally(),
    )
    stage.expect(
        from_host2.tally().encrypted == len(from_host2.sent) > 0,
        f"{from_host2.name}: all encrypted from the first one on",
        from_host2.tally(),
    )
    readable = len(to_host2.readable) + len(from_host2.readable)
    stage.expect(readable == 0, "none of them could be read on the core", readable)
    expect_as_much_esp(stage)
    stage.expect(
        [sa.peer for sa in protected] == [core_address(2)] and len(with_r2) == 1,
        "R1 has one IKE SA and one pair of ESP SAs with R2, and none else",
        f"{len(with_r2)} and {len(protected)}",
    )


def expect_as_much_esp(stage: Stage) -> None:
    """Check that the core has seen as many ESP packets as have arrived encrypted."""
    encrypted = sum(flow.tally.encrypted for flow in stage.report.flows)
    esp = stage.report.core[Kind.ESP]
    stage.expect(
        esp == encrypted,
        f"the tap on the core saw as many ESP packets as arrived encrypted: {encrypted}",
        esp,
    )


def _shortened(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(line for line in lines if not any(part in line for part in _LEFT_OUT))
