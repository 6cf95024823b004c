"""Paragraphs and tables of Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

_WIDTH = 100  # characters


def paragraph(*parts: str, indent: str = "") -> list[str]:
    """Return the lines of a paragraph; `indent` is that of all lines but the first."""
    return textwrap.wrap(
        " ".join(parts),
        _WIDTH,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def opening(heading: str, *parts: str) -> Iterator[str]:
    """Yield how a section begins: its heading, and a paragraph of what it is about."""
    yield heading
    yield ""
    yield from paragraph(*parts)
    yield ""


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> Iterator[str]:
    """Yield the lines of a table; its first `texts` columns are text, the others numbers."""
    rules = ("---" if index < texts else "---:" for index in range(len(headings)))
    yield _line(headings)
    yield f"|{'|'.join(rules)}|"
    for row in rows:
        yield _line(row)


def _line(fields: Sequence[str]) -> str:
    return f"| {' | '.join(fields)} |"


def percent(share: float | None) -> str:
    """Return a share, 0 to 1, for people; None: nothing."""
    return "" if share is None else f"{share:.0%}".replace("%", " %")
