"""The targets by name; each is imported when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

PACKAGE = {
    "parser": "ike",
    "connection": "ike",
    "certificates": "ike",
    "config": "controller",
}
"""All targets, each with the package whose coverage atheris watches."""


@dataclass(frozen=True, slots=True)
class Target:
    """`one_input` raises if something is wrong, `seeds` gives real inputs; lengths in bytes."""

    one_input: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    max_length: int


def load(name: str) -> Target:
    """Import a target.

    Raises:
        ModuleNotFoundError: there is no target of that name.
    """
    module = importlib.import_module(f"fuzz.targets.{name}")
    return Target(module.one_input, module.seeds, module.MAX_LENGTH)
