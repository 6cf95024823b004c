"""All cases, in groups; each runs on a switch that has just begun."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from tests.conformance.p4runtime.cases import arbitration, entries, pipelines, resources, streams
from tests.conformance.p4runtime.client import Answer
from tests.conformance.p4runtime.world import World
from tests.conformance.trace.files import ANSWERS, TRACES

Group = Callable[[World, Callable[[str, Answer], None]], None]

FOLDER = ANSWERS


def _groups(module: ModuleType) -> dict[str, Group]:
    """Functions that take `world` and `case`, in the order of the module."""
    name = module.__name__.rpartition(".")[2]
    return {
        f"{name}-{function.__name__}": function
        for function in vars(module).values()
        if inspect.isfunction(function) and [*inspect.signature(function).parameters] == _TAKES
    }


_TAKES = ["world", "case"]
GROUPS: dict[str, Group] = {
    name: group
    for module in (pipelines, arbitration, entries, resources, streams)
    for name, group in _groups(module).items()
}


def answers(group: Group, world: World) -> dict[str, Answer]:
    """Return what a switch answers, by case."""
    found: dict[str, Answer] = {}

    def case(name: str, answer: Answer) -> None:
        assert name not in found, name
        found[name] = json.loads(json.dumps(answer))

    group(world, case)
    return found


def path(group: str, directory: Path = TRACES) -> Path:
    """Return where the answers of a group are."""
    return directory / FOLDER / f"{group}.jsonl"


def write(found: dict[str, Answer], file: Path) -> None:
    """Write answers, a line a case."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps({"case": name, "answer": answer}) for name, answer in found.items())
    file.write_text("".join(f"{line}\n" for line in lines))


def read(file: Path) -> dict[str, Answer]:
    """Read what `write` wrote."""
    lines = map(json.loads, file.read_text().splitlines())
    return {line["case"]: line["answer"] for line in lines}
