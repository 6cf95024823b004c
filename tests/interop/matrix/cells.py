"""The cells of the matrix, as pytest parameters: each is a test, and a field of a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import pytest


class By(StrEnum):
    """Who begins: the exchange, or the change, that a cell is about."""

    ENGINE = "engine"
    STRONGSWAN = "strongSwan"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `value` is what the test takes."""

    what: str
    value: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A field of the table. `by` None: there is no choice of who begins."""

    area: str
    what: str
    by: By | None = None


def cell(area: str, what: str, by: By | None = None) -> pytest.MarkDecorator:
    """Mark a test as one `Cell`."""
    return pytest.mark.cell(Cell(area, what, by))


def both_ways(area: str, what: str) -> pytest.MarkDecorator:
    """Parametrize a test with who begins."""
    return pytest.mark.parametrize(
        "by", [pytest.param(by, marks=cell(area, what, by), id=by.value) for by in By]
    )


def table(area: str, rows: Iterable[Row]) -> pytest.MarkDecorator:
    """Parametrize a test with rows and with who begins."""
    return pytest.mark.parametrize(
        ("value", "by"),
        [
            pytest.param(row.value, by, marks=cell(area, row.what, by), id=f"{row.value}-{by}")
            for row in rows
            for by in By
        ],
    )
