"""YAML with positions: text in; mappings, lists and texts out, each with its line and column.

Scalars stay as they are written, and the models give them their types: so a pre-shared key that
looks like a number, an access list called 0192 or a MAC address that YAML 1.1 would read as a
number to base 60 all stay what they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePath

import yaml

from controller.config.problems import ConfigError, Path, Position, Problem, field_name

MAX_DEPTH = 32
MAX_VALUES = 200_000  # with every alias replaced by what it stands for

_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
# The scanner quotes what it stumbled over, which can be a part of a key.
_QUOTED_TEXT = re.compile(r"'(?!<)[^']{2,}'|\"[^\"]{2,}\"")


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file.

    `data` is made of dict, list, str and None. `values` has the position of every value,
    `keys` that of the key before it; `inline` are the values whose text is in the file as it is,
    so that a column inside the text is a column of the file. `problems` are those that leave the
    rest worth reading, such as a key that stands there twice.
    """

    file: str
    data: object = None
    values: dict[Path, Position] = field(default_factory=dict)
    keys: dict[Path, Position] = field(default_factory=dict)
    inline: set[Path] = field(default_factory=set)
    problems: tuple[Problem, ...] = ()

    def problem(
        self, path: Path, message: str, *, at_key: bool = False, offset: int = 0
    ) -> Problem:
        """Place a message at the nearest known value.

        Args:
            path: where; parts that are not in the file are cut off the position, and so is an
                index into a list that was written as a single value off the field's name.
            message: what is wrong, and what was expected.
            at_key: point at the key, not at its value.
            offset: characters into the value's text.
        """
        known = path
        while known and known not in self.values:
            known = known[:-1]
        if known != path or at_key:
            position = self.keys.get(known) or self.values.get(known, Position())
        else:
            position = self.values.get(known, Position())
            if offset and path in self.inline:
                position = Position(position.line, position.column + offset)
        named = path
        while len(named) > len(known) and isinstance(named[-1], int) and self.values:
            named = named[:-1]
        return Problem(self.file, position.line, position.column, field_name(named), message)

    def origin(self, path: Path) -> str:
        """Return the file's name and the line of the nearest known value; "" if there is none."""
        line = self.problem(path, "").line
        return f"{PurePath(self.file).name}:{line}" if line else ""


@dataclass(slots=True)
class _Node:
    """A value of the file; an alias is the same node in a second place."""

    data: object  # str, None, a list of nodes, or a dict of (key position, node) by key
    position: Position
    inline: bool = False
    size: int = 1  # values in all, itself included
    height: int = 0  # levels below it


class _Builder:
    """Nodes from the events of PyYAML's parser, which does not recurse. One use only."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.SafeLoader)
        self._anchors: dict[str, _Node | None] = {}  # None: not complete yet
        self.problems: list[Problem] = []

    def fail(self, position: Position, path: Path, message: str) -> ConfigError:
        """Return the error that ends the parse, with what was found before."""
        self.report(position, path, message)
        return ConfigError(self.problems)

    def report(self, position: Position, path: Path, message: str) -> None:
        self.problems.append(
            Problem(self._file, position.line, position.column, field_name(path), message)
        )

    def document(self) -> _Node | None:
        """Return the root, or None for an empty file.

        Raises:
            ConfigError: what can't be read further.
        """
        root: _Node | None = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self.fail(_position(event), (), "a second YAML document; one is allowed")
            elif isinstance(event, yaml.NodeEvent):
                root = self._node(event, (), 0)
        return root

    def _node(self, event: yaml.NodeEvent, path: Path, depth: int) -> _Node:
        position = _position(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path, depth)
        if depth > MAX_DEPTH:
            raise self.fail(position, path[:8], f"nested deeper than {MAX_DEPTH} levels")
        if getattr(event, "tag", None) is not None:
            self.report(position, path, "YAML tags are not supported; quote a text that has a '!'")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            node = _scalar(event, position)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(position, path, depth)
        else:
            node = self._mapping(position, path, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: yaml.AliasEvent, path: Path, depth: int) -> _Node:
        # Unnamed on purpose: a key that starts with an asterisk ends here.
        if event.anchor not in self._anchors:
            raise self.fail(
                _position(event), path, "alias without an anchor; quote a text that starts with '*'"
            )
        target = self._anchors[event.anchor]
        if target is None:
            raise self.fail(_position(event), path, "alias inside of what it stands for")
        if depth + target.height > MAX_DEPTH:
            raise self.fail(_position(event), path, f"nested deeper than {MAX_DEPTH} levels")
        return target

    def _sequence(self, position: Position, path: Path, depth: int) -> _Node:
        items: list[_Node] = []
        sequence = _Node(items, position)
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            assert isinstance(event, yaml.NodeEvent)
            item = self._node(event, (*path, len(items)), depth + 1)
            items.append(item)
            self._grow(sequence, item, path)
        return sequence

    def _mapping(self, position: Position, path: Path, depth: int) -> _Node:
        items: dict[str, tuple[Position, _Node]] = {}
        mapping = _Node(items, position)
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key_position = _position(event)
            if not isinstance(event, yaml.ScalarEvent) or event.anchor or event.tag:
                raise self.fail(key_position, path, "a key has to be plain text")
            key: str = event.value
            value_event = next(self._events)
            assert isinstance(value_event, yaml.NodeEvent)
            value = self._node(value_event, (*path, key), depth + 1)
            if key in items:
                first = items[key][0].line
                self.report(key_position, (*path, key), f"stands here twice; first in line {first}")
            items[key] = (key_position, value)
            self._grow(mapping, value, path)
        return mapping

    def _grow(self, node: _Node, child: _Node, path: Path) -> None:
        node.size += child.size
        node.height = max(node.height, child.height + 1)
        if node.size > MAX_VALUES:
            raise self.fail(child.position, path, f"more than {MAX_VALUES:,} values")


def _position(event: yaml.Event) -> Position:
    mark = event.start_mark
    assert mark is not None
    return Position(mark.line + 1, mark.column + 1)


def _scalar(event: yaml.ScalarEvent, position: Position) -> _Node:
    if event.style is None and event.value in _NULLS:
        return _Node(None, position)
    assert event.start_mark is not None
    assert event.end_mark is not None
    quotes = 0 if event.style is None else 1
    width = event.end_mark.index - event.start_mark.index
    inline = event.style in (None, "'", '"') and width == len(event.value) + 2 * quotes
    return _Node(event.value, Position(position.line, position.column + quotes), inline)


def _place(node: _Node, path: Path, document: Document) -> object:
    """Turn nodes into plain data, and write down where each one stands."""
    document.values[path] = node.position
    if node.inline:
        document.inline.add(path)
    if isinstance(node.data, dict):
        data: dict[str, object] = {}
        for key, (key_position, value) in node.data.items():
            document.keys[(*path, key)] = key_position
            data[key] = _place(value, (*path, key), document)
        return data
    if isinstance(node.data, list):
        return [_place(item, (*path, index), document) for index, item in enumerate(node.data)]
    return node.data


def parse_document(text: str, file: str) -> Document:
    """Parse YAML.

    Args:
        text: one YAML document; an empty one is an empty mapping.
        file: what to call it in problems.

    Raises:
        ConfigError: not YAML, or not of the kind that is read here: keys that are not plain text,
            more than one document, too deep, or too large when aliases are expanded.
    """
    builder = _Builder(file, text)
    try:
        root = builder.document()
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Position(before.count("\n") + 1, len(before) - before.rfind("\n"))
        code = ord(text[error.position])
        raise builder.fail(place, (), f"character U+{code:04X} is not allowed in YAML") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Position(mark.line + 1, mark.column + 1) if mark else Position()
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        reason = _QUOTED_TEXT.sub("a text", reason)
        raise builder.fail(place, (), f"not valid YAML: {reason}") from None
    empty = Document(file, {}, problems=tuple(builder.problems))
    if root is None or root.data is None:
        return empty
    return replace(empty, data=_place(root, (), empty))
