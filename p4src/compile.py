"""Compile the P4 program: ``python -m p4src.compile [--check]``.

Needs ``p4c-bm2-ss``, which neither Debian 12 nor PyPI has; the artefacts are therefore committed,
with a manifest that says which sources and which compiler they were made from.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from finsy.proto import p4i
from google.protobuf import text_format

from p4src.artefacts import (
    BUILD_DIR,
    JSON_PATH,
    MAIN_SOURCE,
    MANIFEST_PATH,
    P4INFO_PATH,
    SOURCE_DIR,
    sources_hash,
)


class CompileError(Exception):
    """The program cannot be compiled, or its artefacts are not what they should be."""


def find_compiler() -> str:
    """Return the path of ``p4c-bm2-ss``: ``$P4C``, or the one on the PATH.

    Raises:
        CompileError: there is none.
    """
    path = shutil.which(os.environ.get("P4C", "p4c-bm2-ss"))
    if path is None:
        raise CompileError("p4c-bm2-ss not found: build p4lang/p4c and put it on PATH, or set $P4C")
    return path


def compiler_version(compiler: str) -> str:
    """Return what the compiler says of its version, without the path of the build."""
    result = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"Version\s+(\S+)", result.stdout + result.stderr)
    return found.group(1) if found else "unknown"


def compile_program(compiler: str, target: Path) -> None:
    """Compile into the folder `target`; every warning is an error.

    Raises:
        CompileError: p4c failed or had something to say.
    """
    repository = SOURCE_DIR.parent
    p4info = target / "p4info.bin"  # the one ending that no p4c warns of
    command = [compiler, "--emit-externs", "-o", str(target / JSON_PATH.name)]
    if include := os.environ.get("P4C_INCLUDE"):
        command += ["-I", include]
    command += ["--p4runtime-files", str(p4info), str(MAIN_SOURCE.relative_to(repository))]
    result = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    if result.returncode or result.stderr.strip():
        raise CompileError(f"p4c: {result.stderr.strip()}")
    described = p4i.P4Info.FromString(p4info.read_bytes())
    p4info.unlink()
    # What some versions of p4c add, and others do not, is nothing that the controller asks for.
    for table in described.tables:
        table.ClearField("initial_default_action")
    (target / P4INFO_PATH.name).write_text(text_format.MessageToString(described))
    program = target / JSON_PATH.name
    text = program.read_text().replace(str(target) + "/", "")
    # The compiler stamps its own version and command line; the manifest keeps the first.
    document = json.loads(text)
    document["program"] = str(MAIN_SOURCE.relative_to(repository))
    program.write_text(json.dumps(document, indent=1) + "\n")


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def manifest_of(compiler: str, folder: Path) -> dict[str, str]:
    """Describe what the artefacts in `folder` were made from, and their hashes."""
    return {
        "sources_sha256": sources_hash(),
        "p4c": compiler_version(compiler),
        JSON_PATH.name: file_hash(folder / JSON_PATH.name),
        P4INFO_PATH.name: file_hash(folder / P4INFO_PATH.name),
    }


def main() -> int:
    """Compile, or with ``--check`` only compare; the exit code is 1 on failure."""
    parser = argparse.ArgumentParser(description="Compile the P4 program into p4src/build/.")
    parser.add_argument("--check", action="store_true", help="compare, change nothing")
    check: bool = parser.parse_args().check
    try:
        compiler = find_compiler()
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            compile_program(compiler, folder)
            for path in (JSON_PATH, P4INFO_PATH):
                fresh = folder / path.name
                if check and fresh.read_bytes() != path.read_bytes():
                    raise CompileError(f"{path} is not what {compiler} makes of the sources")
                if not check:
                    BUILD_DIR.mkdir(exist_ok=True)
                    shutil.copyfile(fresh, path)
            if not check:
                MANIFEST_PATH.write_text(json.dumps(manifest_of(compiler, folder), indent=2) + "\n")
    except CompileError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - a command's own output
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
