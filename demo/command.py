"""The command: options, output, signals and exit codes."""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import signal
import sys
import traceback
from collections.abc import Coroutine, Sequence
from enum import IntEnum
from typing import Any, TypeVar

from rich.console import Console

from controller.logging import configure_logging
from demo.app import DEFAULT_SPEED, run
from demo.stage import Step
from demo.steps import STEPS

MAX_SPEED = 20.0

T = TypeVar("T")


class ExitCode(IntEnum):
    """What the shell is told. 2 is that of wrong arguments."""

    OK = 0
    FAILED = 1
    INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None, steps: Sequence[Step] = STEPS) -> int:
    """Run the demo as the options say, and return the exit code."""
    options = _parser().parse_args(arguments)
    speed = 1.0 if options.real_time else options.speed
    log = io.StringIO()
    configure_logging(stream=log)
    console = Console(highlight=False, quiet=options.json)
    try:
        report = _run_until_interrupted(run(console, speed=speed, steps=steps))
        if options.json:
            print(json.dumps(report.as_plain(), indent=2))
        sys.stdout.flush()
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("interrupted", file=sys.stderr)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left. Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except Exception:
        print("The routers' log:", log.getvalue(), sep="\n", file=sys.stderr)
        traceback.print_exc()
        return ExitCode.FAILED
    return ExitCode.OK if report.ok else ExitCode.FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description=(
            "Three routers in one process, on embedded switches: IPsec passive mode from the first"
            " held packet to the end of the migration. Needs no root. Every step checks itself."
        ),
        epilog="Exit codes: 0 all as expected, 1 something differs, 2 wrong arguments, 130 ctrl-c.",
    )
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument(
        "--speed",
        type=_speed,
        default=DEFAULT_SPEED,
        metavar="N",
        help=f"let the routers' clock run N times as fast, 1 to {MAX_SPEED:g}"
        " (default: %(default)g)",
    )
    pace.add_argument(
        "--real-time",
        action="store_true",
        help="let it run as fast as yours: a true 10 s hold and a true retry, in 90 s",
    )
    parser.add_argument("--json", action="store_true", help="print nothing but the result, as JSON")
    return parser


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 1 <= speed <= MAX_SPEED:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and {MAX_SPEED:g}")
    return speed


def _run_until_interrupted(work: Coroutine[Any, Any, T]) -> T:
    """Run it; SIGTERM ends it as cleanly as ctrl-c does."""

    async def supervised() -> T:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    return asyncio.run(supervised())
