"""What is wrong with a configuration, and where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass

Path = tuple[str | int, ...]
"""Where a value stands: mapping keys, and indexes of lists from 0."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the file. Lines and columns count from 1; 0 is unknown."""

    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """One error or warning. `field` is empty where no field can be named, as in broken YAML.

    Never holds the value of a key: everything here may be shown and logged.
    """

    file: str
    line: int
    column: int
    field: str
    message: str

    def __str__(self) -> str:
        place = self.file
        if self.line:
            place += f":{self.line}"
            if self.column:
                place += f":{self.column}"
        return ": ".join(part for part in (place, self.field, self.message) if part)

    def as_dict(self) -> dict[str, str | int]:
        """Return what ``--json`` prints."""
        return asdict(self)


class ConfigError(Exception):
    """A configuration that can't be used. `problems` has at least one, in order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(
            sorted(dict.fromkeys(problems), key=lambda problem: (problem.line, problem.column))
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))


def field_name(path: Path) -> str:
    """Write a path as people do: ``access_lists.192[0]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` or nothing. Hyphens, as IOS has them, are no obstacle."""
    close = difflib.get_close_matches(word[:64].replace("-", "_"), tuple(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""
