"""What one run found, as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from benchmarks.report.machine import Machine

R = TypeVar("R")


@dataclass(frozen=True)
class Document:
    """One run.

    Attributes:
        machine: Where, and when.
        results: What each benchmark has written, by its name.
        skipped: Why others could not be run, by their names.
    """

    machine: Machine
    results: Mapping[str, Any]
    skipped: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Document:
        """Read what `as_json` has written."""
        found = json.loads(text)
        return cls(Machine(**found["machine"]), found["results"], found["skipped"])

    def as_json(self) -> str:
        """Write it."""
        return json.dumps(asdict(self), indent=2) + "\n"

    def rows(self, name: str, make: Callable[..., R]) -> list[R]:
        """Return the rows of a benchmark that has nothing else; none if it was not run."""
        return [make(**row) for row in self.results.get(name, ())]
