"""Reads what `swanctl --pretty` prints: sections, keys and lists of a vici message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from tests.interop.lab.errors import LabError

Section: TypeAlias = "dict[str, str | list[str] | Section]"


def parse_messages(text: str, event: str) -> list[Section]:
    """Return the messages of one kind of event, in the order in which they were printed.

    Raises:
        LabError: the text does not have swanctl's form.
    """
    lines = iter([line.strip() for line in text.splitlines() if line.strip()])
    messages: list[Section] = []
    for line in lines:
        if not line.endswith("{"):
            raise LabError(f"swanctl printed {line!r} where a message should begin")
        message = _section(lines)
        if line == f"{event} event {{":
            messages.append(message)
    return messages


def _section(lines: Iterator[str]) -> Section:
    section: Section = {}
    for line in lines:
        if line == "}":
            return section
        if line.endswith(" {"):
            section[line.removesuffix(" {")] = _section(lines)
        elif line.endswith(" = ["):
            section[line.removesuffix(" = [")] = _list(lines)
        else:
            key, separator, value = line.partition(" = ")
            if not separator:
                raise LabError(f"swanctl printed {line!r} inside a section")
            section[key] = value
    raise LabError("swanctl's output ends inside a section")


def _list(lines: Iterator[str]) -> list[str]:
    items: list[str] = []
    for line in lines:
        if line == "]":
            return items
        items.append(line)
    raise LabError("swanctl's output ends inside a list")
