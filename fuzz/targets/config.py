"""The configuration's loader: a configuration, or an error that names the line."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from controller.config.loader import parse_config
from controller.config.problems import ConfigError

MAX_LENGTH = 4096
_EXAMPLES = Path(__file__).parents[2] / "examples"


def one_input(data: bytes) -> None:
    """Load a configuration."""
    with suppress(ConfigError):
        parse_config(data.decode("utf-8", "replace"))


def seeds() -> list[bytes]:
    """Give the examples."""
    return [path.read_bytes() for path in sorted(_EXAMPLES.glob("*.yaml"))]
