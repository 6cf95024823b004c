"""Values of declared types as JSON, and back, strictly.

What a value is written as follows from the declared type alone, so that a record is described by
its dataclass and nothing else. Reading accepts exactly what writing gives: every field present,
none besides, every number and length within bounds.

==================  ===================================================
type                JSON
==================  ===================================================
bool, int, str      the same; integers of at most 64 bits
float               a finite number
bytes, Secret       hexadecimal digits
enumeration         its value if it is a number, else its name
address             text
tuple, frozenset    array, a frozenset sorted
dataclass           object with a member for every field
X | None            null, or X
other unions        ``[name of the type, X]``
PrivateValue        ``{"method": ..., "secret": ...}``
==================  ===================================================
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Callable
from enum import Enum, IntEnum
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from typing import Any, TypeVar

from cryptography.hazmat.primitives.hashes import SHA256, Hash

from ike.config import KeyExchange
from ike.crypto import key_exchange
from ike.crypto.errors import KeyExchangeError
from ike.crypto.key_exchange import PrivateValue
from ike.state.errors import StateError
from ike.types import Secret

Json = Any  # what `json` takes and gives
T = TypeVar("T")

_MAX_ITEMS = 1 << 20
_MAX_TEXT = 1 << 22  # characters of a string or of hexadecimal digits
_INTEGERS = range(1 << 64)


def dumps(value: object, kind: object) -> bytes:
    """Write a value of the declared type `kind`.

    Raises:
        TypeError: the value is not of that type, or the type can't be written: a bug.
    """
    return json.dumps(_codec(kind).encode(value), separators=(",", ":")).encode()


def loads(data: bytes, kind: type[T]) -> T:
    """Read a value of the declared type `kind`.

    Raises:
        StateError: the data is anything but what `dumps` gives for that type.
    """
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        raise StateError("the state is no JSON") from None
    declared: Any = kind
    value: T = _codec(declared).decode(tree, kind.__name__)
    return value


def schema(kind: object) -> bytes:
    """Digest what a declared type is written as: 8 bytes, others for every change of a field."""
    lines: dict[str, str] = {}
    _describe(kind, lines)
    digest = Hash(SHA256())
    digest.update("\n".join(f"{name}: {fields}" for name, fields in lines.items()).encode())
    return digest.finalize()[:8]


def _describe(kind: Any, lines: dict[str, str]) -> str:
    """Name a type, and describe the dataclasses in it, each once."""
    arguments = typing.get_args(kind)
    if arguments:
        inner = ", ".join("..." if a is Ellipsis else _describe(a, lines) for a in arguments)
        origin = typing.get_origin(kind)
        name = "union" if origin is types.UnionType else origin.__name__
        return f"{name}[{inner}]"
    name = str(kind.__name__)
    if dataclasses.is_dataclass(kind) and name not in lines:
        lines[name] = ""
        hints = typing.get_type_hints(kind)
        fields = [f"{name} {_describe(hints[name], lines)}" for name in _names(kind)]
        lines[name] = ", ".join(fields)
    return name


def _names(kind: Any) -> tuple[str, ...]:
    """Name the fields of a dataclass, without those that are notes for people."""
    return tuple(field.name for field in dataclasses.fields(kind) if field.compare)


@dataclasses.dataclass(frozen=True, slots=True)
class _Codec:
    """How to write and to read one type; `decode` takes the place in the tree, for errors."""

    encode: Callable[[Any], Json]
    decode: Callable[[Json, str], Any]


@cache
def _codec(kind: Any) -> _Codec:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return _union(arguments)
    if origin in (tuple, frozenset):
        return _sequence(origin, arguments)
    if kind is PrivateValue:
        return _private_value()
    if kind in _PLAIN:
        return _plain(kind)
    if isinstance(kind, type):
        if issubclass(kind, Enum):
            return _enumeration(kind)
        if kind in (IPv4Address, IPv6Address):
            return _text(kind, str, kind)
        if kind is Secret:
            return _text(kind, lambda s: s.reveal().hex(), lambda t: Secret(bytes.fromhex(t)))
        if kind is bytes:
            return _text(kind, bytes.hex, bytes.fromhex)
        if dataclasses.is_dataclass(kind):
            return _record(kind)
    raise TypeError(f"no way to write a {kind}")


_PLAIN: tuple[type, ...] = (bool, int, float, str, types.NoneType)


def _fail(where: str, expected: str) -> StateError:
    return StateError(f"the state is malformed: {where} is not {expected}")


def _plain(kind: type) -> _Codec:
    def is_good(value: object) -> bool:
        if kind is float:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            return number and math.isfinite(typing.cast("float", value))
        if type(value) is not kind and not (kind in (int, str) and isinstance(value, kind)):
            return False
        if isinstance(value, bool):
            return kind is bool
        if isinstance(value, int):
            return value in _INTEGERS
        return not isinstance(value, str) or len(value) <= _MAX_TEXT

    def encode(value: object) -> Json:
        if not is_good(value):
            raise TypeError(f"{value!r} is no {kind.__name__}")
        return value

    def decode(tree: Json, where: str) -> Any:
        if not is_good(tree):
            raise _fail(where, f"a {kind.__name__}")
        return float(tree) if kind is float else tree

    return _Codec(encode, decode)


def _text(kind: type, write: Callable[[Any], str], read: Callable[[str], Any]) -> _Codec:
    def encode(value: object) -> Json:
        if not isinstance(value, kind):
            raise TypeError(f"{type(value).__name__} is no {kind.__name__}")
        return write(value)

    def decode(tree: Json, where: str) -> Any:
        if not isinstance(tree, str) or len(tree) > _MAX_TEXT:
            raise _fail(where, f"a {kind.__name__}")
        try:
            value = read(tree)
        except ValueError:
            raise _fail(where, f"a {kind.__name__}") from None
        if write(value) != tree:
            raise _fail(where, f"a {kind.__name__} in its only form")
        return value

    return _Codec(encode, decode)


def _enumeration(kind: type[Enum]) -> _Codec:
    by_value = issubclass(kind, IntEnum)
    members: dict[Json, Enum] = {(m.value if by_value else m.name): m for m in kind}

    def encode(value: Enum) -> Json:
        if not isinstance(value, kind):
            raise TypeError(f"{value!r} is no {kind.__name__}")
        return value.value if by_value else value.name

    def decode(tree: Json, where: str) -> Any:
        if type(tree) is not (int if by_value else str) or tree not in members:
            raise _fail(where, f"a {kind.__name__}")
        return members[tree]

    return _Codec(encode, decode)


def _sequence(origin: Any, arguments: tuple[Any, ...]) -> _Codec:
    if origin is tuple and arguments[-1] is not Ellipsis:
        return _fixed(tuple(_codec(argument) for argument in arguments))
    item = _codec(arguments[0])

    def encode(value: Any) -> Json:
        if not isinstance(value, origin):
            raise TypeError(f"{type(value).__name__} is no {origin.__name__}")
        return [item.encode(i) for i in (sorted(value) if origin is frozenset else value)]

    def decode(tree: Json, where: str) -> Any:
        if not isinstance(tree, list) or len(tree) > _MAX_ITEMS:
            raise _fail(where, "a list")
        return origin(item.decode(i, f"{where}[{n}]") for n, i in enumerate(tree))

    return _Codec(encode, decode)


def _fixed(items: tuple[_Codec, ...]) -> _Codec:
    def encode(value: Any) -> Json:
        return [item.encode(i) for item, i in zip(items, value, strict=True)]

    def decode(tree: Json, where: str) -> Any:
        if not isinstance(tree, list) or len(tree) != len(items):
            raise _fail(where, f"a list of {len(items)}")
        pairs = zip(items, tree, strict=True)
        return tuple(item.decode(i, f"{where}[{n}]") for n, (item, i) in enumerate(pairs))

    return _Codec(encode, decode)


def _union(arguments: tuple[Any, ...]) -> _Codec:
    kinds = [a for a in arguments if a is not types.NoneType]
    optional = len(kinds) < len(arguments)
    if len(kinds) == 1:
        only = _codec(kinds[0])
        return _Codec(
            lambda value: None if value is None else only.encode(value),
            lambda tree, where: None if tree is None else only.decode(tree, where),
        )
    by_name = {kind.__name__: (kind, _codec(kind)) for kind in kinds}

    def encode(value: object) -> Json:
        if value is None and optional:
            return None
        for name, (kind, codec) in by_name.items():
            if type(value) is kind:
                return [name, codec.encode(value)]
        raise TypeError(f"{type(value).__name__} is none of {', '.join(by_name)}")

    def decode(tree: Json, where: str) -> Any:
        if tree is None and optional:
            return None
        if not isinstance(tree, list) or len(tree) != 2 or not isinstance(tree[0], str):
            raise _fail(where, f"one of {', '.join(by_name)}")
        if tree[0] not in by_name:
            raise _fail(where, f"one of {', '.join(by_name)}")
        return by_name[tree[0]][1].decode(tree[1], where)

    return _Codec(encode, decode)


def _record(kind: Any) -> _Codec:
    hints = typing.get_type_hints(kind)
    names = _names(kind)

    @cache
    def codecs() -> dict[str, _Codec]:
        return {name: _codec(hints[name]) for name in names}

    def encode(value: object) -> Json:
        if type(value) is not kind:
            raise TypeError(f"{type(value).__name__} is no {kind.__name__}")
        return {name: codec.encode(getattr(value, name)) for name, codec in codecs().items()}

    def decode(tree: Json, where: str) -> Any:
        if not isinstance(tree, dict) or tree.keys() != set(names):
            raise _fail(where, f"a {kind.__name__} with the fields {', '.join(names)}")
        fields = {n: c.decode(tree[n], f"{where}.{n}") for n, c in codecs().items()}
        try:
            return kind(**fields)
        except ValueError as error:
            raise _fail(where, f"a {kind.__name__}: {error}") from None

    return _Codec(encode, decode)


def _private_value() -> _Codec:
    method_codec, secret_codec = _codec(KeyExchange), _codec(Secret)

    def encode(value: PrivateValue) -> Json:
        return {
            "method": method_codec.encode(value.method),
            "secret": secret_codec.encode(value.secret),
        }

    def decode(tree: Json, where: str) -> Any:
        if not isinstance(tree, dict) or tree.keys() != {"method", "secret"}:
            raise _fail(where, "a private value")
        method = method_codec.decode(tree["method"], where)
        try:
            return key_exchange.restore(method, secret_codec.decode(tree["secret"], where))
        except KeyExchangeError:
            raise _fail(where, f"a private value of {method.name}") from None

    return _Codec(encode, decode)
