"""Writing Python source: indented lines, and names that cannot collide or be abused.

Names in the document are a client's choice. They become identifiers only through `Namer`, and
text only through `comment`, so that none of them can become code.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterator
from contextlib import contextmanager

_INDENT = "    "
_NAME_LIMIT = 60


class Namer:
    """Hands out Python identifiers, each once."""

    def __init__(self, reserved: frozenset[str]) -> None:
        self._taken = set(reserved) | set(keyword.kwlist) | set(dir(builtins))

    def name(self, wanted: str) -> str:
        """Return a fresh identifier that resembles `wanted`."""
        base = re.sub(r"[^A-Za-z0-9_]+", "_", wanted)[:_NAME_LIMIT].strip("_") or "x"
        if base[0].isdigit():
            base = f"n{base}"
        name, number = base, 1
        while name in self._taken:
            number += 1
            name = f"{base}_{number}"
        self._taken.add(name)
        return name


class Writer:
    """Collects lines at a current depth of indentation."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._depth = 0

    def line(self, text: str) -> None:
        """Add a line."""
        self._lines.append(_INDENT * self._depth + text)

    def comment(self, text: str) -> None:
        """Add a comment; whatever is not plain ASCII text is escaped."""
        self.line("# " + ascii(text)[1:-1])

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Add a compound statement; a body that stays empty becomes `pass`, an `else` nothing."""
        self.line(head)
        start = len(self._lines)
        self._depth += 1
        yield
        if all(line.lstrip().startswith("#") for line in self._lines[start:]):
            if head == "else:":
                del self._lines[start - 1 :]
            else:
                self.line("pass")
        self._depth -= 1

    def text(self) -> str:
        """Return all lines."""
        return "\n".join(self._lines) + "\n"


def literal(value: int) -> str:
    """Write an integer: small ones in decimal, the rest in hexadecimal."""
    text = str(value) if abs(value) < 1024 else hex(value)
    return f"({text})" if value < 0 else text


def bare(source: str) -> str:
    """Leave out parentheses around a whole expression."""
    while source.startswith("(") and _closing(source) == len(source) - 1:
        source = source[1:-1]
    return source


def _closing(source: str) -> int:
    """Return the place of the parenthesis that closes the first one."""
    depth = 0
    for index, character in enumerate(source):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return index
    return -1
