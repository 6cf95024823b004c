"""Run the steps, and tell whether everything was as expected."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console

from demo.live import live_view
from demo.narrator import Narrator
from demo.network import Network, running_network
from demo.report import Report
from demo.stage import Stage, Step
from demo.steps import STEPS

DEFAULT_SPEED = 5.0
"""Seconds of the routers in one of the machine's: fast to watch, and slow enough for a busy CI."""


async def run(
    console: Console, *, speed: float = DEFAULT_SPEED, steps: Sequence[Step] = STEPS
) -> Report:
    """Run the demo.

    Args:
        console: where the story goes.
        speed: seconds of the routers in one of the machine's.
        steps: what is shown and checked.

    Returns:
        What was found, also where it isn't what was expected.

    Raises:
        TimeoutError: a router isn't ready in time.
    """
    narrator = Narrator(console)
    report = Report(speed)
    started = time.monotonic()
    narrator.say("Starting three switches and their controllers ...")
    async with running_network(speed) as network, live_view(console, network):
        try:
            await _run_steps(Stage(network, narrator), steps, report)
        except Exception:
            _show_everything(network, narrator)
            raise
        if not report.ok:
            _show_everything(network, narrator)
        report.messages = network.r1.log.since()
    _conclude(narrator, report, time.monotonic() - started)
    return report


async def _run_steps(stage: Stage, steps: Sequence[Step], report: Report) -> None:
    for number, step in enumerate(steps, 1):
        report.steps.append(stage.begin(number, step.title))
        await step.run(stage)
        stage.tell()
        stage.end()


def _show_everything(network: Network, narrator: Narrator) -> None:
    narrator.say("")
    narrator.say("Something is not as expected. Everything that R1 has logged:")
    narrator.messages("R1", network.r1.log.since(), width=None)


def _conclude(narrator: Narrator, report: Report, seconds: float) -> None:
    checks = list(report.checks)
    wrong = sum(not check.ok for check in checks)
    if report.ok:
        text = f"All {len(checks)} checks passed, in {seconds:.0f} s."
    else:
        text = f"{wrong} of {len(checks)} checks failed, in {seconds:.0f} s."
    narrator.verdict(report.ok, text)
