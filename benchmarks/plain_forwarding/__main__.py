"""Compile the trivial router program; needs ``p4c-bm2-ss``, or ``$P4C``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from finsy.proto import p4i
from google.protobuf import text_format

from benchmarks.plain_forwarding import JSON_PATH, MANIFEST_PATH, P4INFO_PATH, SOURCE_PATH
from p4src.compile import CompileError, compiler_version, file_hash, find_compiler


def main() -> int:
    """Write the artefacts and what they were made from; the exit code is 1 on failure."""
    try:
        compiler = find_compiler()
        program, p4info = _compile(compiler)
    except CompileError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    JSON_PATH.write_text(program)
    P4INFO_PATH.write_text(p4info)
    manifest = {
        "p4c": compiler_version(compiler),
        **{path.name: file_hash(path) for path in (SOURCE_PATH, JSON_PATH, P4INFO_PATH)},
    }
    MANIFEST_PATH.write_text(json.dumps(manifest, indent=2) + "\n")
    return 0


def _compile(compiler: str) -> tuple[str, str]:
    """Return the program and its P4Info, without the traces of where they were made."""
    with tempfile.TemporaryDirectory() as name:
        program, p4info = Path(name) / JSON_PATH.name, Path(name) / "p4info.bin"
        command = [compiler, "--p4runtime-files", str(p4info), "-o", str(program)]
        if include := os.environ.get("P4C_INCLUDE"):
            command += ["-I", include]
        done = subprocess.run(
            [*command, SOURCE_PATH.name],
            cwd=SOURCE_PATH.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or done.stderr.strip():
            raise CompileError(f"p4c: {done.stderr.strip()}")
        document = json.loads(program.read_text())
        described = p4i.P4Info.FromString(p4info.read_bytes())
    document["program"] = SOURCE_PATH.name
    for table in described.tables:
        table.ClearField("initial_default_action")  # not every p4c says it
    return json.dumps(document, indent=1) + "\n", text_format.MessageToString(described)


if __name__ == "__main__":
    sys.exit(main())
