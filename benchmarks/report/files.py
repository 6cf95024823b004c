"""The report's files."""

from __future__ import annotations

from pathlib import Path

from benchmarks.report.document import Document
from benchmarks.report.markdown import as_markdown
from benchmarks.report.summary import in_readme


def write(document: Document, directory: Path, readme: Path | None = None) -> None:
    """Write ``performance.json`` and ``performance.md``, and the summary into a README.

    Raises:
        ValueError: the README has no place for it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "performance.json").write_text(document.as_json())
    (directory / "performance.md").write_text(as_markdown(document))
    if readme is not None:
        readme.write_text(in_readme(readme.read_text(), document))
