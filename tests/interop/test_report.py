"""The matrix's files: what passed, what failed, and what could not be tried."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from tests.interop.matrix.absent import ABSENT
from tests.interop.matrix.cells import By, Cell
from tests.interop.matrix.report import Report, Versions

VERSIONS = Versions(date(2026, 1, 2), "5.9.8", "1.0", "50.0", "OpenSSL 4", "3.11")


def test_every_field_says_pass_fail_or_why_not(tmp_path: Path) -> None:
    report = Report()
    report.add(Cell("ESP", "AES", By.ENGINE), passed=True)
    report.add(Cell("ESP", "AES", By.STRONGSWAN), passed=False)
    report.add(Cell("Rekeying", "both at once"), passed=True)
    report.write(tmp_path, VERSIONS)
    markdown = (tmp_path / "interop.md").read_text()
    assert "| AES | pass | FAIL |" in markdown
    assert "| both at once | pass | pass |" in markdown
    assert all(f"| {absent.cell.what} | {absent.reason} | |" in markdown for absent in ABSENT)
    document = json.loads((tmp_path / "interop.json").read_text())
    assert document["versions"]["strongSwan"] == "5.9.8"
    assert [cell["result"] for cell in document["cells"]][:4] == ["pass", "fail", "pass", "absent"]


def test_a_field_of_several_tests_fails_with_one_of_them() -> None:
    report = Report()
    shared = Cell("ESP", "AES", By.ENGINE)
    for passed in (True, False, True):
        report.add(shared, passed=passed)
    assert report.results == {shared: "FAIL"}
