"""``python -m fuzz all [SECONDS]`` and ``python -m fuzz reproduce TARGET FILE``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from fuzz import targets

_FOLDER = Path(__file__).parent
_CRASHES = _FOLDER / "crashes"
_CORPUS = _FOLDER / "corpus"
_MEMORY = 2048  # MiB
_HANG = 20  # seconds
_SHOWN = 4000  # characters of what a failed run has said


def main(arguments: list[str]) -> int:
    """Run the command line; give the exit code."""
    match arguments:
        case ["all", *rest] if len(rest) < 2:
            seconds = int(rest[0]) if rest else 60
            failed = [
                n for n in targets.PACKAGE if not fuzz(n, max(1, seconds // len(targets.PACKAGE)))
            ]
            return len(failed)
        case ["seeds", name]:
            write_seeds(name)
            return 0
        case ["reproduce", name, file]:
            targets.load(name).one_input(Path(file).read_bytes())
            return 0
        case _:
            print(__doc__)
            return 2


def write_seeds(name: str) -> Path:
    """Write the corpus that a target starts from; what was found before stays."""
    folder = _CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(targets.load(name).seeds()):
        (folder / f"seed-{number:04}").write_bytes(seed)
    return folder


def fuzz(name: str, seconds: int) -> bool:
    """Fuzz one target, in a process of its own; tell whether all went well."""
    _CRASHES.mkdir(exist_ok=True)
    corpus = write_seeds(name)
    known = set(_CRASHES.glob(f"{name}-*"))
    print(f"{name}: {seconds} s", end="", flush=True)
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "fuzz.run",
            name,
            str(corpus),
            f"-max_total_time={seconds}",
            f"-max_len={targets.load(name).max_length}",
            f"-artifact_prefix={_CRASHES}/{name}-",
            f"-rss_limit_mb={_MEMORY}",
            f"-timeout={_HANG}",
            "-print_final_stats=1",
            "-verbosity=0",
        ],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONPATH": str(_FOLDER.parent)},
    )
    stats = dict(re.findall(r"stat::(\w+):\s+(\d+)", ended.stdout))
    inputs = stats.get("number_of_executed_units", "0")
    print(f", {inputs} inputs, {len(list(corpus.iterdir()))} in the corpus")
    if ended.returncode:
        print(ended.stdout[-_SHOWN:])
    for crash in sorted(set(_CRASHES.glob(f"{name}-*")) - known):
        how = f"python -m fuzz reproduce {name} {crash}"
        crash.with_name(f"{crash.name}.txt").write_text(f"To see it again:\n\n    {how}\n")
        print(f"error: {name} failed; to see it again: {how}")
    return ended.returncode == 0 and int(inputs) > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
