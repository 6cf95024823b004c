"""Expressions of the document as Python source, with the arithmetic of bmv2.

bmv2 computes with integers of any size and cuts a value to its width only where it is stored in a
field. p4c therefore writes the masks that P4's fixed widths need into the expressions. The bounds
of each value are tracked here, so that a mask which cannot change anything is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bmv2.embedded.datapath.codegen.document import Item
from bmv2.embedded.datapath.codegen.layout import MAX_FIELD_BITS, VALIDITY, Field, Header, Layout
from bmv2.embedded.datapath.codegen.source import literal


@dataclass(frozen=True, slots=True)
class Data:
    """A number. `bits`: it lies within 0 and 2**bits - 1; None: it may be anything."""

    source: str
    bits: int | None
    constant: int | None = None


@dataclass(frozen=True, slots=True)
class Bool:
    """A condition: Python source that is true or false, not necessarily a `bool`."""

    source: str


Value = Data | Bool | Header

_COMPARISONS = frozenset(("==", "!=", ">", "<", ">=", "<="))
_ARITHMETIC = frozenset(("+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^"))


def shift_left(value: int, distance: int) -> int:
    """Shift as bmv2 does, for distances that no field is wide enough to show.

    The result is stored in a field, which keeps its low bits: beyond `MAX_FIELD_BITS` they are 0.
    """
    return value << distance if 0 <= distance < MAX_FIELD_BITS else 0


def shift_right(value: int, distance: int) -> int:
    """Shift to the right; a distance that is not positive leaves the value alone."""
    return value >> distance if distance > 0 else value


def constant(value: int) -> Data:
    """Return a constant as an expression."""
    return Data(literal(value), value.bit_length() if value >= 0 else None, value)


def stored(field: Field, data: Data) -> str:
    """Return source for the value that a field has after `data` was stored in it."""
    if field.signed:
        half = 1 << (field.bits - 1)
        if data.constant is not None:
            return literal(((data.constant & field.mask) ^ half) - half)
        if data.bits is not None and data.bits < field.bits:
            return data.source
        return f"((({data.source}) & {literal(field.mask)}) ^ {literal(half)}) - {literal(half)}"
    if data.constant is not None:
        return literal(data.constant & field.mask)
    if data.bits is not None and data.bits <= field.bits:
        return data.source
    return f"{data.source} & {literal(field.mask)}"


def unsigned(field: Field) -> str:
    """Return source for the bits of a field as a number that is not negative."""
    return f"({field.variable} & {literal(field.mask)})" if field.signed else field.variable


class Expressions:
    """Translates expressions; `params` are the run-time parameters of the enclosing action."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def data(self, item: Item, params: Sequence[Data] = ()) -> Data:
        """Translate an expression that must be a number."""
        value = self.value(item, params)
        if not isinstance(value, Data):
            raise item.error("expected a number")
        return value

    def condition(self, item: Item, params: Sequence[Data] = ()) -> str:
        """Translate an expression that must be a condition."""
        value = self.value(item, params)
        if not isinstance(value, Bool):
            raise item.error("expected a condition")
        return value.source

    def target(self, item: Item) -> Field:
        """Return the field that an argument names as the place of a result."""
        while item.kind() == "expression":
            item = item["value"]
        if item.kind() != "field":
            raise item.error("expected a field")
        return self._layout.field(item["value"])

    def value(self, item: Item, params: Sequence[Data] = ()) -> Value:
        """Translate a type-value object."""
        kind, value = item.kind(), item["value"]
        if kind == "expression":
            # An action's argument wraps its expression once more.
            if value.get("op") is None:
                return self.value(value, params)
            return self._operation(value, params)
        if kind == "field":
            return self._field(value)
        if kind == "hexstr":
            return constant(value.hexadecimal())
        if kind == "bool":
            return Bool("True" if value.boolean() else "False")
        if kind == "header":
            return self._layout.header(value)
        if kind in ("local", "runtime_data"):
            if not params:
                raise item.error("no run-time parameters here")
            return params[value.integer(0, len(params) - 1)]
        raise item.error(f"operands of type {kind!r} are not supported")

    def _field(self, names: Item) -> Data:
        if names[1].text() == VALIDITY:
            validity = self._layout.header(names[0]).validity
            return constant(1) if validity is None else Data(validity, 1)
        field = self._layout.field(names)
        return Data(field.variable, None if field.signed else field.bits)

    def _operation(self, item: Item, params: Sequence[Data]) -> Value:
        op = item["op"].text()
        if op == "?":
            return self._choice(item, params)
        right = self.value(item["right"], params)
        left_item = item.get("left")
        if left_item is None:
            return _unary(item, op, right)
        left = self.value(left_item, params)
        if op in ("and", "or") and isinstance(left, Bool) and isinstance(right, Bool):
            return Bool(f"({left.source} {op} {right.source})")
        if isinstance(left, Data) and isinstance(right, Data):
            return _binary(item, op, left, right)
        if op in ("==", "!="):
            if isinstance(left, Bool) and isinstance(right, Bool):
                return Bool(f"(bool({left.source}) {op} bool({right.source}))")
            if isinstance(left, Header) and isinstance(right, Header):
                same = _same_header(item, left, right)
                return Bool(same if op == "==" else f"(not {same})")
        raise item.error(f"operation {op!r} is not supported on these operands")

    def _choice(self, item: Item, params: Sequence[Data]) -> Value:
        condition = self.condition(item["cond"], params)
        left, right = self.value(item["left"], params), self.value(item["right"], params)
        if isinstance(left, Data) and isinstance(right, Data):
            bits = None
            if left.bits is not None and right.bits is not None:
                bits = max(left.bits, right.bits)
            return Data(f"({left.source} if {condition} else {right.source})", bits)
        if isinstance(left, Bool) and isinstance(right, Bool):
            return Bool(f"({left.source} if {condition} else {right.source})")
        raise item.error("both branches must be numbers, or both conditions")


def _unary(item: Item, op: str, right: Value) -> Value:
    if isinstance(right, Header) and op == "valid":
        return Bool("True" if right.validity is None else right.validity)
    if isinstance(right, Bool):
        if op == "not":
            return Bool(f"(not {right.source})")
        if op == "b2d":
            if right.source in ("True", "False"):
                return constant(int(right.source == "True"))
            return Data(f"(1 if {right.source} else 0)", 1)
    if isinstance(right, Data):
        if op == "d2b":
            return Bool(right.source)
        if op == "~":
            if right.constant is not None:
                return constant(~right.constant)
            return Data(f"(~{right.source})", None)
        if op in ("+", "-"):
            return _binary(item, op, constant(0), right)
    raise item.error(f"operation {op!r} is not supported on this operand")


def _binary(item: Item, op: str, left: Data, right: Data) -> Value:
    if op in _COMPARISONS:
        return Bool(f"({left.source} {op} {right.source})")
    if op in ("two_comp_mod", "usat_cast", "sat_cast"):
        return _cast(item, op, left, right)
    if op not in _ARITHMETIC:
        raise item.error(f"operation {op!r} is not supported")
    if op in ("/", "%"):
        if right.constant is None or right.constant <= 0:
            raise item.error("the divisor must be a positive constant")
        op = "//" if op == "/" else op
    if op in ("<<", ">>"):
        return _shift(item, op, left, right)
    if op == "&":
        return _masked(left, right)
    if left.constant is not None and right.constant is not None:
        return constant(_FOLD[op](left.constant, right.constant))
    return Data(f"({left.source} {op} {right.source})", _result_bits(op, left.bits, right.bits))


_FOLD = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
}


def _result_bits(op: str, left: int | None, right: int | None) -> int | None:
    if op == "-" or left is None or right is None:
        return None
    if op == "+":
        return max(left, right) + 1
    if op == "*":
        return left + right
    if op == "//":
        return left
    if op == "%":
        return min(left, right)
    return max(left, right)


def _masked(left: Data, right: Data) -> Data:
    if left.constant is not None and right.constant is not None:
        return constant(left.constant & right.constant)
    for value, mask in ((left, right), (right, left)):
        ones = mask.constant
        if (
            ones is not None
            and value.bits is not None
            and ones == (1 << ones.bit_length()) - 1
            and ones.bit_length() >= value.bits
        ):
            return value
    known = [bits for bits in (left.bits, right.bits) if bits is not None]
    return Data(f"({left.source} & {right.source})", min(known) if known else None)


def _shift(item: Item, op: str, left: Data, right: Data) -> Data:
    distance = right.constant
    if distance is not None:
        if not 0 <= distance < MAX_FIELD_BITS:
            raise item.error(f"shift distance {distance} is not within 0..{MAX_FIELD_BITS - 1}")
        if left.constant is not None:
            return constant(left.constant << distance if op == "<<" else left.constant >> distance)
        bits = left.bits
        if bits is not None:
            bits = bits + distance if op == "<<" else max(bits - distance, 0)
        return Data(f"({left.source} {op} {distance})", bits)
    if op == "<<":
        return Data(f"shift_left({left.source}, {right.source})", None)
    if right.bits is None:
        return Data(f"shift_right({left.source}, {right.source})", left.bits)
    return Data(f"({left.source} >> {right.source})", left.bits)


def _cast(item: Item, op: str, value: Data, width: Data) -> Data:
    if width.constant is None or not 1 <= width.constant <= MAX_FIELD_BITS:
        raise item.error(f"the width of {op} must be a constant")
    bits = width.constant
    half = 1 << (bits - 1)
    if op == "usat_cast":
        return Data(f"min(max({value.source}, 0), {literal((1 << bits) - 1)})", bits)
    if op == "sat_cast":
        return Data(f"min(max({value.source}, {literal(-half)}), {literal(half - 1)})", None)
    mask = literal((1 << bits) - 1)
    return Data(f"((({value.source} + {literal(half)}) & {mask}) - {literal(half)})", None)


def _same_header(item: Item, left: Header, right: Header) -> str:
    if left.type_name != right.type_name:
        raise item.error("headers of different types are never equal")
    parts = [header.validity for header in (left, right) if header.validity is not None]
    pairs = zip(left.fields, right.fields, strict=True)
    parts += [f"{mine.variable} == {other.variable}" for mine, other in pairs]
    return f"({' and '.join(parts)})"
