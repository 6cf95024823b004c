"""The committed artefacts are those of the committed sources."""

import hashlib
import json
import os
import shutil
import subprocess
import sys

import pytest

from p4src.artefacts import JSON_PATH, MANIFEST_PATH, P4INFO_PATH, sources_hash


def test_artefacts_were_made_from_these_sources() -> None:
    manifest = json.loads(MANIFEST_PATH.read_text())
    assert manifest["sources_sha256"] == sources_hash(), "run `make p4` and commit p4src/build/"


@pytest.mark.parametrize("path", [JSON_PATH, P4INFO_PATH], ids=lambda path: path.name)
def test_artefacts_are_unedited(path) -> None:
    manifest = json.loads(MANIFEST_PATH.read_text())
    assert manifest[path.name] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_recompiling_gives_the_same_artefacts() -> None:
    compiler = shutil.which(os.environ.get("P4C", "p4c-bm2-ss"))
    if compiler is None:
        pytest.skip("p4c-bm2-ss not found: build p4lang/p4c v1.2.3.9 and put it on PATH")
    result = subprocess.run(
        [sys.executable, "-m", "p4src.compile", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
