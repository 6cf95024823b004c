"""The matrix as files: JSON for programs, Markdown for people."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path

from cryptography.hazmat.backends.openssl import backend

from tests.interop.matrix.absent import ABSENT
from tests.interop.matrix.cells import By, Cell

PASS, FAIL, ABSENT_RESULT = "pass", "FAIL", "absent"


@dataclass(frozen=True, slots=True)
class Versions:
    """What met, and when."""

    on: date
    strongswan: str
    package: str
    cryptography: str
    openssl: str
    python: str

    @classmethod
    def of_this_machine(cls, strongswan: str) -> Versions:
        """Ask all that can be asked without a daemon."""
        return cls(
            on=datetime.now(UTC).date(),
            strongswan=strongswan,
            package=version("p4-passive-ipsec"),
            cryptography=version("cryptography"),
            openssl=backend.openssl_version_text(),
            python=platform.python_version(),
        )


@dataclass(slots=True)
class Report:
    """What came of each cell. A cell that several tests share passes if all of them do."""

    results: dict[Cell, str] = field(default_factory=dict)
    strongswan: str = ""  # its version

    def add(self, cell: Cell, passed: bool) -> None:
        """Take the outcome of one test."""
        if passed:
            self.results.setdefault(cell, PASS)
        else:
            self.results[cell] = FAIL

    def write(self, directory: Path, versions: Versions) -> None:
        """Write ``interop.json`` and ``interop.md``."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "interop.json").write_text(as_json(self.results, versions))
        (directory / "interop.md").write_text(as_markdown(self.results, versions))


def as_json(results: Mapping[Cell, str], versions: Versions) -> str:
    """Return the text of ``interop.json``."""
    cells = [
        {"area": cell.area, "what": cell.what, "by": cell.by, "result": result.lower()}
        for cell, result in results.items()
    ] + [
        {
            "area": absent.cell.area,
            "what": absent.cell.what,
            "by": absent.cell.by,
            "result": ABSENT_RESULT,
            "reason": absent.reason,
        }
        for absent in ABSENT
    ]
    document = {
        "date": versions.on.isoformat(),
        "versions": {
            "strongSwan": versions.strongswan,
            "p4-passive-ipsec": versions.package,
            "cryptography": versions.cryptography,
            "OpenSSL": versions.openssl,
            "Python": versions.python,
        },
        "cells": cells,
    }
    return json.dumps(document, indent=2) + "\n"


def as_markdown(results: Mapping[Cell, str], versions: Versions) -> str:
    """Return the text of ``interop.md``."""
    failed = sum(result == FAIL for result in results.values())
    lines = [
        "# Interoperability",
        "The IKE engine (`ike/`) against strongSwan, on real sockets and with real ESP. Each field",
        "is a test in `tests/interop/matrix/`. `make interop-report` writes this file.",
        "",
        f"- {versions.on}: {len(results)} fields, {len(results) - failed} pass, {failed} fail",
        f"- strongSwan {versions.strongswan} (Debian; charon-systemd, kernel-libipsec)",
        f"- p4-passive-ipsec {versions.package}, cryptography {versions.cryptography},"
        f" {versions.openssl}, Python {versions.python}",
        "",
        "The columns say who begins the exchange, or the change, that the row is about.",
    ]
    for area in dict.fromkeys(
        [*(cell.area for cell in results), *(absent.cell.area for absent in ABSENT)]
    ):
        lines += ["", f"## {area}", "", "| | engine | strongSwan |", "|---|---|---|"]
        lines += _rows(area, results)
    return "\n".join(lines) + "\n"


def _rows(area: str, results: Mapping[Cell, str]) -> Iterable[str]:
    for what in dict.fromkeys(cell.what for cell in results if cell.area == area):
        both = results.get(Cell(area, what))
        fields = (results.get(Cell(area, what, by), both or "-") for by in By)
        yield f"| {what} | {' | '.join(fields)} |"
    for absent in ABSENT:
        if absent.cell.area == area:
            yield f"| {absent.cell.what} | {absent.reason} | |"
