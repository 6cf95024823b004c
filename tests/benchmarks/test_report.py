"""The report says what a run has found, and nothing that it has not."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmarks.report.document import Document
from benchmarks.report.files import write
from benchmarks.report.goal import comparisons
from benchmarks.report.machine import Machine
from benchmarks.report.markdown import as_markdown
from benchmarks.report.summary import BEGIN, END, in_readme
from benchmarks.suite import SUITE, Benchmark, run_suite
from benchmarks.switch import Measurement
from benchmarks.tunnel.traffic import Measurement as Traffic
from tests.interop.lab.errors import LabError

DOCS = Path(__file__).parents[2] / "docs"
VERSIONS = {"bmv2": "1.15", "p4c": "1.2", "strongSwan": "5.9", "Python": "3.11"}
MACHINE = Machine("2026-01-02", "A Processor", 2, 0.1, "Linux 6", VERSIONS)


AGAIN = "run `python -m benchmarks.report docs/performance.json --readme README.md`"


def document(esp_rate: int) -> Document:
    rows = [
        Measurement("bmv2", "plain forwarding", 64, 1000, 10.0, 0.01),
        Measurement("bmv2", "clear", 64, 800, 15.0, 0.01),
        Measurement("bmv2", "ESP out", 64, esp_rate, 20.0, 0.01),
        Measurement("embedded", "clear", 64, 500, 30.0, 0.01),
    ]
    traffic = [
        Traffic("bmv2", "bmv2", "plain forwarding", 100, 90, 1000, 0.5),
        Traffic("bmv2", "bmv2", "clear", 80, 70, 800, 0.5),
        Traffic("bmv2", "bmv2", "ESP", 70, 50, 500, 0.5),
        Traffic("bmv2", "bmv2", "ESP in UDP", 40, 45, 400, 0.5),
        Traffic("bmv2", "Linux kernel", "clear", 60, 50, 400, 0.5),
    ]
    results = {
        "switch": [asdict(row) for row in rows],
        "tunnel": {"traffic": [asdict(row) for row in traffic], "moments": []},
    }
    return Document(MACHINE, results, {"charon_handshake": "no charon here"})


def unwrapped(document: Document) -> str:
    return " ".join(as_markdown(document).split())


def test_goal_counts_what_reaches_it() -> None:
    found = {row.what: round(row.of_plain, 2) for row in comparisons(document(esp_rate=600))}
    assert found == {
        "ESP, two routers: Mbit/s forth": 0.7,
        "ESP, two routers: Mbit/s back": 0.56,
        "ESP, two routers: packets/s": 0.5,
        "ESP in UDP, two routers: Mbit/s forth": 0.4,
        "ESP in UDP, two routers: Mbit/s back": 0.5,
        "ESP in UDP, two routers: packets/s": 0.4,
        "ESP out, one switch, 64 bytes: packets/s": 0.6,
    }
    assert "Of the 7 comparisons of this run, 2 reach that." in unwrapped(document(600))
    assert "Of the 7 comparisons of this run, 1 reaches that." in unwrapped(document(599))


def test_tables_hold_the_rows_of_the_run() -> None:
    text = as_markdown(document(600))
    assert "- 2026-01-02: 2 cores of A Processor, Linux 6; load in the minute before" in text
    assert "not quiet" not in text
    busy = Document(replace(MACHINE, load=1.5), {}, {})
    assert "The machine was not quiet" in as_markdown(busy)
    assert "bmv2 1.15, p4c 1.2" in text
    assert "| ESP out | 600 | 60 % | 75 % | 20.0 | 50 % | 1 % |" in text
    assert "| clear | 500 |  | 100 % | 30.0 |  | 1 % |" in text
    assert "| bmv2 | Linux kernel | clear | 60 | 50 | 400 | 0.50 |" in text


def test_what_was_not_measured_has_no_section_and_a_reason() -> None:
    text = as_markdown(document(600))
    assert "- charon_handshake: no charon here" in text
    assert "charon as each other's peer" not in text
    assert "Table writes" not in text
    assert "## ESP on bmv2" not in as_markdown(Document(MACHINE, {}, {}))


def test_report_is_made_of_its_json(tmp_path: Path) -> None:
    write(document(600), tmp_path)
    read = Document.parse((tmp_path / "performance.json").read_text())
    assert read == document(600)
    assert (tmp_path / "performance.md").read_text() == as_markdown(read)


def test_readme_gets_the_summary_and_keeps_the_rest(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write(document(600), tmp_path, readme)
    text = readme.read_text()
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    assert "| ESP out | 600 |  |" in text
    assert "| bmv2 and bmv2 | 100, 90 | 80, 70 | 70, 50 | 40, 45 |" in text
    assert in_readme(text, document(600)) == text


def test_readme_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no lines"):
        in_readme("nothing here", document(600))


def test_committed_report_is_made_of_its_json() -> None:
    document = Document.parse((DOCS / "performance.json").read_text())
    text = (DOCS / "performance.md").read_text()
    readme = (DOCS.parent / "README.md").read_text()
    assert text == as_markdown(document), AGAIN
    assert readme == in_readme(readme, document), AGAIN
    assert set(document.results) | set(document.skipped) == {item.name for item in SUITE}


def test_suite_runs_what_it_can(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise AssertionError

    def break_down() -> None:
        raise LabError("nothing answers")

    suite = (
        Benchmark("zero", break_down, str, print),
        Benchmark("one", lambda: [1, 2], json.dumps, print),
        Benchmark("two", fail, str, print, lambda: "no root"),
    )
    found = run_suite(suite)
    assert found.results == {"one": [1, 2]}
    assert found.skipped == {"zero": "failed: nothing answers", "two": "no root"}
    assert found.machine.cores > 0
    assert found.machine.versions["Python"]
    assert "[1, 2]" in capsys.readouterr().out
