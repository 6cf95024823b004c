"""``--json``: the status dataclasses as JSON.

Keys are the field names of `controller.status`, which are also those of the API; a list is under
one key that names it. Addresses are text, times are seconds, and what is not known is null.
IKE's SPIs are text of 16 hexadecimal digits, since many JSON readers keep 53 bits of a number;
ESP's are numbers. Keys are added, but never renamed or removed, within a major version.
"""

from __future__ import annotations

import dataclasses
import json
from ipaddress import IPv4Address
from typing import Any

_SPI_FIELDS = frozenset({"initiator_spi", "responder_spi"})


def as_plain(value: Any) -> Any:
    """Turn a status dataclass, or a tuple of them, into what JSON has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _field(field.name, getattr(value, field.name))
            for field in dataclasses.fields(value)
        }
    if isinstance(value, list | tuple):
        return [as_plain(item) for item in value]
    if isinstance(value, IPv4Address):
        return str(value)
    if isinstance(value, float):
        return round(value, 3)
    return value


def _field(name: str, value: Any) -> Any:
    return f"{value:016x}" if name in _SPI_FIELDS else as_plain(value)


def to_json(value: Any) -> str:
    """Write a status dataclass as a document of several lines."""
    return json.dumps(as_plain(value), indent=2)


def list_to_json(key: str, values: tuple[Any, ...]) -> str:
    """Write several, under a key."""
    return json.dumps({key: as_plain(values)}, indent=2)


def to_json_line(value: Any) -> str:
    """Write a status dataclass in one line, for streams."""
    return json.dumps(as_plain(value))
