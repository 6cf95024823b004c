"""Tells the story: plain lines that read well in a terminal, a pipe and a log of CI."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from controller.cli.render.text import table
from demo.core import Kind
from demo.messages import TimedMessage
from demo.report import Check, FlowCount
from ike.printable import printable

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
        self._print([("", ""), (f"{number}. {title}", "bold cyan")])

    def say(self, text: str) -> None:
        """Tell something."""
        self._print([(f"   {text}", "")])

    def at(self, time: float, text: str) -> None:
        """Tell what has just happened. `time` is in seconds of the routers' clock."""
        self.say(f"[{time:6.1f} s] {text}")

    def block(self, text: str) -> None:
        """Show a drawing."""
        self._print(_indented(text))

    def show(self, router: str, command: str, answer: str) -> None:
        """Show a command of the operator, and its answer without blank lines."""
        self._print([(f"   {router}# {command}", "bold"), *_indented(answer)])

    def messages(
        self, router: str, messages: Iterable[TimedMessage], width: int | None = MESSAGE_WIDTH
    ) -> None:
        """Show messages of a router, the longest cut off at `width` characters."""
        lines = []
        for message in messages:
            text = printable(message.text)
            if width is not None and len(text) > width:
                text = text[: width - 1] + "…"
            style = _SEVERITY_STYLES.get(message.severity, "")
            lines.append((f"     [{message.time:6.1f} s] {text}", style))
        if lines:
            self._print([(f"   {router}'s log:", "bold"), *lines])

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
        lines = table(headings, rows, right=frozenset({2, 3, 4, 5}), indent="   ")
        esp, clear, ike = core[Kind.ESP], core[Kind.CLEAR], core[Kind.IKE]
        lines.append(f"   on the core: {esp} ESP, {clear} clear, {ike} IKE")
        self._print([(line, "") for line in lines])

    def checks(self, checks: Iterable[Check]) -> None:
        """Show expectations, and whether they were met."""
        lines = []
        for check in checks:
            style = "green" if check.ok else "red"
            lines.append((f"   {'✓' if check.ok else '✗'} {check.text}", style))
            if not check.ok and check.found:
                lines.append((f"       found: {check.found}", style))
        if lines:
            self._print(lines)

    def verdict(self, ok: bool, text: str) -> None:
        """End the story."""
        self._print([("", ""), (text, "bold green" if ok else "bold red")])

    def _print(self, lines: Iterable[tuple[str, str]]) -> None:
        """Print lines with their styles; at once, since a live view is drawn anew each time."""
        text = Text("\n").join(Text(self._encodable(line), style=style) for line, style in lines)
        self.console.print(text, soft_wrap=True)

    def _encodable(self, line: str) -> str:
        if self._unicode:
            return line
        return line.translate(_ASCII).encode("ascii", "replace").decode()


def _indented(text: str) -> list[tuple[str, str]]:
    return [(f"     {line}", "") for line in text.splitlines() if line.strip()]


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
