"""How commands print and fail."""

from __future__ import annotations

from enum import IntEnum
from typing import NoReturn

import typer
from rich.console import Console
from rich.text import Text

from ike.printable import printable


class ExitCode(IntEnum):
    """What the shell is told. 2 is that of wrong arguments."""

    FAILED = 1
    NOT_RUNNING = 3


def emit(text: str) -> None:
    """Print to standard output, as it is but for control characters within lines."""
    typer.echo("\n".join(printable(line) for line in text.split("\n")))


def say_error(sentence: str) -> None:
    """Print an error to standard error, in red on a terminal."""
    _say("error", "bold red", sentence)


def say_warning(sentence: str) -> None:
    """Print a warning to standard error, in yellow on a terminal."""
    _say("warning", "bold yellow", sentence)


def fail(sentence: str, code: ExitCode = ExitCode.FAILED) -> NoReturn:
    """Print an error to standard error, and end."""
    say_error(sentence)
    raise typer.Exit(code)


def _say(kind: str, style: str, sentence: str) -> None:
    # Made anew, since standard error can be another one by now.
    console = Console(stderr=True, soft_wrap=True)
    console.print(Text(f"{kind}: ", style=style) + Text(printable(sentence), style="default"))
