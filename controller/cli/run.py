"""``p4ipsec run -c FILE``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from controller.api.errors import ListenError
from controller.cli.check import say_problems
from controller.cli.output import fail
from controller.cli.render.text import plural
from controller.config.problems import ConfigError
from controller.logging import LogFormat, LogLevel, configure_logging

LogFormatOption = Annotated[LogFormat, typer.Option("--log-format", help="How log lines look.")]
LogLevelOption = Annotated[LogLevel, typer.Option("--log-level", help="The least to log.")]


def run(
    config: Annotated[
        Path, typer.Option("--config", "-c", metavar="FILE", help="The configuration file.")
    ],
    log_format: LogFormatOption = LogFormat.TEXT,
    log_level: LogLevelOption = LogLevel.INFO,
    leave_sas: Annotated[
        bool,
        typer.Option(
            "--leave-sas", help="At the end, leave the SAs at the peers and on the switch."
        ),
    ] = False,
) -> None:
    """Run the controller in the foreground, until SIGTERM or SIGINT."""
    # Brings in P4Runtime and IKE, which the other commands do without.
    from controller.service.run import run as run_controller

    configure_logging(log_format, log_level)
    try:
        code = asyncio.run(run_controller(config, leave_sas=leave_sas))
    except ConfigError as error:
        say_problems(error)
        fail(f"{config}: {plural(len(error.problems), 'error')}")
    except (ListenError, OSError) as error:
        fail(str(error))
    raise typer.Exit(code)
