"""Tells the story: plain lines that read well in a terminal, a pipe and a log of CI."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from controller.cli.render.text import table
from controller.printable import printable
from demo.core import Kind
from demo.messages import TimedMessage
from demo.report import Check, FlowCount

MESSAGE_WIDTH = 100
"""Characters of a router's message that are shown; the seed's are all shorter."""

_SEVERITY_STYLES = {"warning": "yellow", "error": "red"}


class Narrator:
    """Writes to a console; with another encoding than UTF-8, in ASCII."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._unicode = console.encoding.lower().replace("-", "") == "utf8"

    def step(self, number: int, title: str) -> None:
        """Begin a step."""
        self._line("")
        self._line(f"{number}. {title}", "bold cyan")

    def say(self, text: str) -> None:
        """Tell something."""
        self._line(f"   {text}")

    def at(self, time: float, text: str) -> None:
        """Tell what has just happened. `time` is in seconds of the routers' clock."""
        self._line(f"   [{time:6.1f} s] {text}")

    def block(self, text: str, style: str = "") -> None:
        """Show a drawing, a part of a file or an answer, without its blank lines."""
        for line in text.splitlines():
            if line.strip():
                self._line(f"     {line}", style)

    def show(self, router: str, command: str, answer: str) -> None:
        """Show a command of the operator, and its answer."""
        self._line(f"   {router}# {command}", "bold")
        self.block(answer)

    def messages(
        self, router: str, messages: Iterable[TimedMessage], width: int | None = MESSAGE_WIDTH
    ) -> None:
        """Show messages of a router, the longest cut off at `width` characters."""
        lines = list(messages)
        if lines:
            self._line(f"   {router}'s log:", "bold")
        for message in lines:
            text = printable(message.text)
            if width is not None and len(text) > width:
                text = text[: width - 1] + "…"
            style = _SEVERITY_STYLES.get(message.severity, "")
            self._line(f"     [{message.time:6.1f} s] {text}", style)

    def counts(self, flows: Iterable[FlowCount], core: dict[Kind, int]) -> None:
        """Show what became of the packets of a step."""
        rows = [
            (
                flow.name,
                flow.destination,
                str(flow.tally.sent),
                str(flow.tally.dropped),
                str(flow.tally.clear),
                str(flow.tally.encrypted),
            )
            for flow in flows
        ]
        if not rows:
            return
        headings = ("packets", "to", "sent", "dropped", "clear", "encrypted")
        for line in table(headings, rows, right=frozenset({2, 3, 4, 5}), indent="   "):
            self._line(line)
        self._line(
            f"   on the core: {core[Kind.ESP]} ESP, {core[Kind.CLEAR]} clear, {core[Kind.IKE]} IKE"
        )

    def check(self, check: Check) -> None:
        """Show an expectation, and whether it was met."""
        self._line(f"   {'✓' if check.ok else '✗'} {check.text}", "green" if check.ok else "red")
        if not check.ok and check.found:
            self._line(f"       found: {check.found}", "red")

    def verdict(self, ok: bool, text: str) -> None:
        """End the story."""
        self._line("")
        self._line(text, "bold green" if ok else "bold red")

    def _line(self, text: str, style: str = "") -> None:
        if not self._unicode:
            text = text.translate(_ASCII).encode("ascii", "replace").decode()
        self.console.print(Text(text, style=style), soft_wrap=True)


_ASCII = str.maketrans(
    {
        "✓": "ok",
        "✗": "FAILED",
        "→": "->",
        "…": "...",
        "─": "-",
        "│": "|",
        "┬": "+",
        "├": "+",
        "└": "+",
        "═": "=",
    }
)
