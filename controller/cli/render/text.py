"""Columns and times, as IOS writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

UNKNOWN = "n/a"
"""For what the switch didn't say."""


def duration(seconds: float) -> str:
    """Write a time as IOS does: ``hh:mm:ss`` for a day, ``1d02h`` for a week, then ``2w3d``."""
    whole = max(0, int(seconds))
    days, rest = divmod(whole, 86_400)
    if days >= 7:
        return f"{days // 7}w{days % 7}d"
    if days:
        return f"{days}d{rest // 3600:02}h"
    return f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"


def count(number: int | None) -> str:
    """Write a counter."""
    return UNKNOWN if number is None else str(number)


def plural(number: int, one: str, many: str | None = None) -> str:
    """Write a number with its noun: ``1 peer``, ``2 peers``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: frozenset[int] = frozenset(),
    indent: str = "  ",
) -> list[str]:
    """Lay out rows under headings; columns in `right` end flush. Returns lines."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return [
        (
            indent
            + "  ".join(
                cell.rjust(width) if column in right else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
        ).rstrip()
        for line in lines
    ]
