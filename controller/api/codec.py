"""The dataclasses of `controller.status` as messages, and back.

A message has the fields of its dataclass, by name: nested dataclasses are messages, tuples are
repeated, addresses are text, and what can be None is optional.
"""

from __future__ import annotations

import dataclasses
import types
from functools import cache
from ipaddress import IPv4Address
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from google.protobuf.message import Message

T = TypeVar("T")
M = TypeVar("M", bound=Message)


@cache
def _fields(kind: Any) -> tuple[tuple[str, Any, bool], ...]:
    """Return name, type and whether None is allowed, of each field of a dataclass."""
    hints = get_type_hints(kind)
    fields = []
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        optional = get_origin(hint) in (Union, types.UnionType)
        if optional:
            (hint,) = (arg for arg in get_args(hint) if arg is not types.NoneType)
        fields.append((field.name, hint, optional))
    return tuple(fields)


def to_message(value: object, kind: type[M]) -> M:
    """Write a dataclass into a new message of this kind.

    Raises:
        ValueError: a value is out of the range of its field.
    """
    message = kind()
    _fill(value, message)
    return message


def _fill(value: object, message: Message) -> None:
    kind: Any = type(value)
    for name, hint, _ in _fields(kind):
        item = getattr(value, name)
        if item is None:
            continue
        if get_origin(hint) is tuple:
            repeated = getattr(message, name)
            for element in item:
                if dataclasses.is_dataclass(element):
                    _fill(element, repeated.add())
                else:
                    repeated.append(_scalar(element))
        elif dataclasses.is_dataclass(hint):
            nested = getattr(message, name)
            nested.SetInParent()
            _fill(item, nested)
        else:
            setattr(message, name, _scalar(item))


def _scalar(value: object) -> object:
    return str(value) if isinstance(value, IPv4Address) else value


def from_message(message: Message, kind: type[T]) -> T:
    """Read a dataclass from a message.

    Raises:
        ValueError: an address isn't one.
    """
    values: dict[str, Any] = {}
    hashable: Any = kind
    for name, hint, optional in _fields(hashable):
        item = getattr(message, name)
        if optional and not message.HasField(name):
            values[name] = None
        elif get_origin(hint) is tuple:
            element = get_args(hint)[0]
            values[name] = tuple(_read(each, element) for each in item)
        else:
            values[name] = _read(item, hint)
    return kind(**values)


def _read(item: Any, hint: Any) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_message(item, hint)
    return IPv4Address(item) if hint is IPv4Address else item
