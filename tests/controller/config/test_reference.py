"""docs/configuration.md names every key that there is."""

import re
import typing
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from controller.config.models import Config

REFERENCE = Path(__file__).parents[3] / "docs" / "configuration.md"


def keys_of(kind: object) -> Iterator[str]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield name
            yield from keys_of(field.annotation)
    for part in typing.get_args(kind):
        yield from keys_of(part)


def test_every_key_is_in_a_table() -> None:
    known = set(keys_of(Config))
    assert {"set_peer", "spi", "ca_file", "keepalive"} <= known
    rows = [line for line in REFERENCE.read_text().splitlines() if line.startswith("| ")]
    written = set(re.findall(r"`([a-z_]+)`", "".join(rows)))
    assert known - written == set()
