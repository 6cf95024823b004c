"""Gives one target to atheris: ``python -m fuzz.run TARGET [libFuzzer's arguments]``."""

from __future__ import annotations

import sys

import atheris

from fuzz import targets


def main() -> None:
    """Fuzz until libFuzzer's arguments say stop."""
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=[targets.PACKAGE[name]]):
        target = targets.load(name)
    atheris.Setup(sys.argv, target.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
