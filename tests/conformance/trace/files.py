"""Where traces lie, and what they were recorded with."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path

from p4src.artefacts import JSON_PATH, MANIFEST_PATH, P4INFO_PATH

TRACES = Path(__file__).parents[1] / "traces"
ANSWERS = "p4runtime"  # the folder that has answers to requests, and no traces
RECORDED_WITH = "recorded-with.json"
RERECORD = "make conformance TARGET=bmv2 RECORD=1"


def recordings(directory: Path = TRACES) -> dict[str, Path]:
    """Return all that is recorded, by folder and file: traces, and answers of P4Runtime."""
    return {f"{path.parent.name}/{path.stem}": path for path in sorted(directory.glob("*/*.jsonl"))}


def traces(directory: Path = TRACES) -> dict[str, Path]:
    """Return the traces, by name: module, test, and the parameters of the test."""
    found = recordings(directory)
    return {name: path for name, path in found.items() if not name.startswith(f"{ANSWERS}/")}


def trace_path(directory: Path, module: str, test: str, number: int) -> Path:
    """Return where the trace of the number-th switch of a test goes."""
    name = re.sub(r"[^\w.-]+", "-", test.replace("[", "-").rstrip("]"))
    suffix = f".{number}" if number else ""
    return directory / module.rpartition(".")[2].removeprefix("test_") / f"{name}{suffix}.jsonl"


def program_hashes() -> dict[str, str]:
    """Return the SHA-256 of what a switch is given of our program."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (JSON_PATH, P4INFO_PATH)
    }


def recorded_with(bmv2: str, pi: str) -> dict[str, str]:
    """Describe a recording that is made now."""
    p4c = json.loads(MANIFEST_PATH.read_text())["p4c"]
    date = datetime.now(UTC).date().isoformat()
    return {"bmv2": bmv2, "PI": pi, "p4c": p4c, **program_hashes(), "date": date}


def read_recorded_with(directory: Path = TRACES) -> dict[str, str]:
    """Read what the traces were recorded with."""
    found: dict[str, str] = json.loads((directory / RECORDED_WITH).read_text())
    return found
