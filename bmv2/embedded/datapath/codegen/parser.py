"""The parser as nested Python branches.

It is written as the body of a loop that runs once, so that an error anywhere in it is a `break`:
as in bmv2, what was extracted so far stays, and the packet goes on to ingress with
`parser_error` set.
"""

from __future__ import annotations

from bmv2.embedded.datapath.codegen.context import Context
from bmv2.embedded.datapath.codegen.document import Item
from bmv2.embedded.datapath.codegen.expressions import Data, constant, stored, unsigned
from bmv2.embedded.datapath.codegen.layout import MAX_FIELD_BITS, VALIDITY
from bmv2.embedded.datapath.codegen.primitives import write_primitive
from bmv2.embedded.datapath.codegen.source import bare, literal
from bmv2.embedded.datapath.codegen.structure import Budget, joins
from bmv2.embedded.model import PipelineError


def write_parser(context: Context, parser: Item) -> None:
    """Write the statements that extract headers and set `at`, `parser_error` and `payload`."""
    _ParserWriter(context, parser).write()


class _ParserWriter:
    def __init__(self, context: Context, parser: Item) -> None:
        self._context = context
        self._writer = context.writer
        self._states = {state["name"].text(): state for state in parser["parse_states"]}
        self._start = self._state_name(parser["init_state"])
        self._budget = Budget(len(self._states), parser.path)
        graph = {
            name: [self._next(transition) for transition in state.list("transitions")] or [None]
            for name, state in self._states.items()
        }
        for name, state in self._states.items():
            if not any(_is_default(item) for item in state.list("transitions")):
                graph[name].append(None)
        self._joins = joins(graph, parser.path)

    def write(self) -> None:
        with self._writer.block("while True:"):
            self._write_region(self._start, None)
            self._writer.line("break")
        self._writer.line("payload = frame[at:]")

    def _state_name(self, item: Item) -> str:
        if item.text() not in self._states:
            raise item.error(f"unknown parser state {item.text()!r}")
        return item.text()

    def _next(self, transition: Item) -> str | None:
        item = transition.get("next_state")
        return None if item is None else self._state_name(item)

    def _write_region(self, state: str | None, stop: str | None) -> None:
        while state is not None and state != stop:
            self._write_state(state)
            state = self._joins[state]

    def _write_state(self, name: str) -> None:
        self._budget.spend()
        state = self._states[name]
        self._writer.comment(f"state {name}")
        for operation in state.list("parser_ops"):
            self._write_operation(operation)
        join = self._joins[name]
        keys = [self._key(item) for item in state.list("transition_key")]
        word = "if"
        default: str | None = None
        for transition in state.list("transitions"):
            following = self._next(transition)
            if _is_default(transition):
                default = following
                break
            condition = _condition(transition, keys)
            with self._writer.block(f"{word} {condition}:"), self._budget:
                self._write_region(following, join)
            word = "elif"
        if word == "if":
            self._write_region(default, join)
        elif default is not None and default != join:
            with self._writer.block("else:"), self._budget:
                self._write_region(default, join)

    def _key(self, item: Item) -> tuple[str, int]:
        """Return source and width of one part of a transition key."""
        if item.kind() == "lookahead":
            return self._write_lookahead(item["value"]).source, item["value"][1].integer(1)
        if item.kind() != "field":
            raise item.error(f"transition keys of type {item.kind()!r} are not supported")
        if item["value"][1].text() == VALIDITY:
            return self._context.expressions.data(item).source, 1
        field = self._context.layout.field(item["value"])
        return unsigned(field), field.bits

    def _fail_unless(self, octets: str) -> None:
        """Write the check that so many bytes are left."""
        with self._writer.block(f"if length - at < {octets}:"):
            self._fail("PacketTooShort")

    def _fail(self, error: str) -> None:
        code = self._context.resources.errors.get(error)
        if code is None:
            raise PipelineError(f"errors: {error} is missing")
        self._writer.line(f"parser_error = {code}")
        self._writer.line("break")

    def _write_lookahead(self, item: Item) -> Data:
        offset, bits = item[0].integer(0, MAX_FIELD_BITS), item[1].integer(1, MAX_FIELD_BITS)
        first, last = offset // 8, (offset + bits + 7) // 8
        self._fail_unless(str(last))
        start = f"at + {first}" if first else "at"
        octets = f"int.from_bytes(frame[{start}:at + {last}], 'big')"
        below = last * 8 - offset - bits
        source = f"({octets} >> {below})" if below else octets
        if offset % 8:
            source = f"({source} & {literal((1 << bits) - 1)})"
        return Data(source, bits)

    def _write_operation(self, item: Item) -> None:
        op, parameters = item["op"].text(), item["parameters"]
        expressions = self._context.expressions
        if op == "extract":
            self._write_extract(parameters[0])
        elif op == "set":
            field = expressions.target(parameters[0])
            source = parameters[1]
            if source.kind() == "lookahead":
                data = self._write_lookahead(source["value"])
            else:
                data = expressions.data(source)
            self._writer.line(f"{field.variable} = {bare(stored(field, data))}")
        elif op == "verify":
            with self._writer.block(f"if not {expressions.condition(parameters[0])}:"):
                if isinstance(parameters[1].value, int):
                    code = constant(parameters[1].integer())
                else:
                    code = expressions.data(parameters[1])
                self._writer.line(f"parser_error = {code.source}")
                self._writer.line("break")
        elif op == "advance":
            self._write_advance(expressions.data(parameters[0]))
        elif op == "primitive":
            write_primitive(self._context, parameters[0], ())
        else:
            raise item.error(f"parser operation {op!r} is not supported")

    def _write_extract(self, item: Item) -> None:
        if item.kind() != "regular":
            raise item.error(f"extraction to a {item.kind()!r} is not supported")
        header = self._context.layout.header(item["value"])
        if header.validity is None:
            raise item.error("metadata cannot be extracted")
        self._fail_unless(str(header.octets))
        self._context.unpack(header)
        self._writer.line(f"{header.validity} = 1")
        self._writer.line(f"at += {header.octets}")

    def _write_advance(self, distance: Data) -> None:
        if distance.constant is not None:
            octets = str(distance.constant >> 3)
            if distance.constant % 8 or distance.constant < 0:
                self._fail("ParserInvalidArgument")
        else:
            self._writer.line(f"bits = {distance.source}")
            with self._writer.block("if bits & 7 or bits < 0:"):
                self._fail("ParserInvalidArgument")
            octets = "(bits >> 3)"
        self._fail_unless(octets)
        self._writer.line(f"at += {octets}")


def _is_default(transition: Item) -> bool:
    """Tell the default transition, also as older compilers write it: by its value."""
    kind, value = transition.get("type"), transition.get("value")
    if kind is None:
        return value is not None and value.value == "default"
    return kind.text() == "default"


def _condition(transition: Item, keys: list[tuple[str, int]]) -> str:
    """Return source for the comparison of a transition with the key.

    Value and mask are the concatenation of all parts, each padded to whole bytes.
    """
    kind = transition.get("type")
    if kind is not None and kind.text() != "hexstr":
        raise transition.error(f"transitions of type {kind.text()!r} are not supported")
    left = sum((bits + 7) // 8 * 8 for _, bits in keys)
    value = transition["value"].hexadecimal()
    mask_item = transition.get("mask")
    mask = (1 << left) - 1 if mask_item is None else mask_item.hexadecimal()
    if not 0 <= value < 1 << left or not 0 <= mask < 1 << left:
        raise transition.error("the value or mask is wider than the key")
    terms = []
    for source, bits in keys:
        padded = (bits + 7) // 8 * 8
        left -= padded
        ones = (1 << padded) - 1
        part, part_mask = value >> left & ones, mask >> left & ones
        if part_mask & ((1 << bits) - 1) == (1 << bits) - 1:
            terms.append(f"{source} == {literal(part & part_mask)}")
        elif part_mask:
            terms.append(f"{source} & {literal(part_mask)} == {literal(part & part_mask)}")
    return " and ".join(terms) or "True"
