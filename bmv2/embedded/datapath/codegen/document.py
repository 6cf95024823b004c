"""Read access to the bmv2 JSON document, in which every error names its place.

The document comes from a P4Runtime client, so nothing in it is taken for granted: each value is
asked for by the type that is expected of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from bmv2.embedded.model import PipelineError

SUPPORTED_MAJOR_VERSION = 2
_HEX_LIMIT = 4096  # digits


@dataclass(slots=True, eq=False)
class Item:
    """A value of the document and the path that leads to it."""

    value: object
    path: str

    def error(self, message: str) -> PipelineError:
        """Return an error about this place, with the line of the P4 source where it is known."""
        where = self.path
        if isinstance(self.value, dict):
            source = self.value.get("source_info")
            if isinstance(source, dict) and isinstance(source.get("line"), int):
                where += f" ({source.get('filename')}:{source['line']})"
        return PipelineError(f"{where}: {message}" if where else message)

    def __getitem__(self, key: str | int) -> Item:
        """Return a member of an object or array; `PipelineError` where there is none."""
        found = self.get(key)
        if found is None:
            raise self.error(f"{key!r} is missing")
        return found

    def get(self, key: str | int) -> Item | None:
        """Return a member, or None where it is missing or null."""
        value: object = None
        if isinstance(key, str):
            if not isinstance(self.value, dict):
                raise self.error("expected an object")
            value = self.value.get(key)
            path = f"{self.path}.{key}" if self.path else key
        else:
            if not isinstance(self.value, list):
                raise self.error("expected an array")
            if 0 <= key < len(self.value):
                value = self.value[key]
            path = f"{self.path}[{key}]"
        return None if value is None else Item(value, path)

    def __iter__(self) -> Iterator[Item]:
        """Iterate over an array; objects with a name are known by it in error messages."""
        if not isinstance(self.value, list):
            raise self.error("expected an array")
        for index, value in enumerate(self.value):
            name = value.get("name") if isinstance(value, dict) else None
            label = f'"{name}"' if isinstance(name, str) else str(index)
            yield Item(value, f"{self.path}[{label}]")

    def list(self, key: str) -> list[Item]:
        """Return the members of an array by its key; empty where it is missing."""
        found = self.get(key)
        return [] if found is None else list(found)

    def text(self) -> str:
        """Return a string."""
        if not isinstance(self.value, str):
            raise self.error("expected a string")
        return self.value

    def integer(self, low: int = 0, high: int = 2**31 - 1) -> int:
        """Return an integer within bounds, both inclusive."""
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise self.error("expected an integer")
        if not low <= self.value <= high:
            raise self.error(f"{self.value} is not within {low}..{high}")
        return self.value

    def boolean(self) -> bool:
        """Return a boolean."""
        if not isinstance(self.value, bool):
            raise self.error("expected a boolean")
        return self.value

    def flag(self, key: str) -> bool:
        """Return a boolean by its key; False where it is missing."""
        found = self.get(key)
        return False if found is None else found.boolean()

    def hexadecimal(self) -> int:
        """Return the value of a hexstr, which may be negative."""
        text = self.text()
        if len(text) > _HEX_LIMIT:
            raise self.error(f"longer than {_HEX_LIMIT} digits")
        try:
            return int(text, 16)
        except ValueError:
            raise self.error("expected a hexadecimal number") from None

    def kind(self) -> str:
        """Return the `type` of a type-value object."""
        return self["type"].text()

    def refuse_members(self, key: str) -> None:
        """Raise where an array that this switch has no implementation for is not empty."""
        for member in self.list(key):
            raise member.error(f"{key} are not supported")


def load(config: bytes) -> Item:
    """Parse a document and check the version of its format.

    Raises:
        PipelineError: it is not JSON, not an object, or of another major version.
    """
    try:
        document = Item(json.loads(config), "")
    except (ValueError, RecursionError) as error:
        raise PipelineError(f"not bmv2 JSON: {error}") from error
    if not isinstance(document.value, dict):
        raise PipelineError("not bmv2 JSON: expected an object")
    meta = document.get("__meta__")
    version = meta.get("version") if meta is not None else None
    if version is not None:
        major = version[0].integer()
        if major != SUPPORTED_MAJOR_VERSION:
            raise version.error(f"format version {major}, expected {SUPPORTED_MAJOR_VERSION}")
    return document
