"""Actions: their parameters, and their bodies with bmv2's jumps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bmv2.embedded.datapath.codegen.context import Context
from bmv2.embedded.datapath.codegen.document import Item
from bmv2.embedded.datapath.codegen.expressions import Data
from bmv2.embedded.datapath.codegen.layout import MAX_FIELD_BITS
from bmv2.embedded.datapath.codegen.primitives import write_primitive
from bmv2.embedded.model import ActionInfo, ActionParam

_JUMPS = {"_jump": 1, "_jump_if_zero": 2}  # parameters, of which the last is the target


@dataclass(frozen=True, slots=True)
class Action:
    """An action of the document. `variables` hold its parameters in the generated function."""

    info: ActionInfo
    variables: tuple[str, ...]
    primitives: tuple[Item, ...]

    @property
    def exits(self) -> bool:
        """Whether it may end its pipeline."""
        return any(primitive["op"].text() == "exit" for primitive in self.primitives)

    def params(self) -> list[Data]:
        """Return the parameters as expressions, for a body in which they are variables."""
        pairs = zip(self.variables, self.info.params, strict=True)
        return [Data(variable, param.bitwidth) for variable, param in pairs]


def load_actions(context: Context, document: Item) -> dict[int, Action]:
    """Return the actions by id."""
    actions: dict[int, Action] = {}
    for item in document.list("actions"):
        name, number = item["name"].text(), item["id"].integer()
        if number in actions:
            raise item.error("an action of this id exists already")
        params = tuple(
            ActionParam(param["name"].text(), param["bitwidth"].integer(1, MAX_FIELD_BITS))
            for param in item.list("runtime_data")
        )
        actions[number] = Action(
            ActionInfo(name, params),
            tuple(context.variable(f"arg_{param.name}") for param in params),
            tuple(item.list("primitives")),
        )
    return actions


def write_body(context: Context, action: Action, params: Sequence[Data]) -> None:
    """Write the primitives of an action, given the values of its parameters."""
    writer = context.writer
    primitives = action.primitives
    starts = _block_starts(context, primitives)
    if starts == [0]:
        for primitive in primitives:
            write_primitive(context, primitive, params)
        return
    # All jumps go forward: a block runs unless a jump over it is under way.
    writer.line("skip_to = 0")
    for start, end in zip(starts, [*starts[1:], len(primitives)], strict=True):
        with writer.block(f"if skip_to <= {start}:"):
            for primitive in primitives[start:end]:
                if primitive["op"].text() in _JUMPS:
                    _write_jump(context, primitive, params)
                else:
                    write_primitive(context, primitive, params)


def _block_starts(context: Context, primitives: Sequence[Item]) -> list[int]:
    starts = {0}
    for index, primitive in enumerate(primitives):
        if primitive["op"].text() in _JUMPS:
            target = _target(context, primitive)
            if not index < target <= len(primitives):
                raise primitive.error("only jumps forward are supported")
            starts |= {index + 1, target}
    return sorted(start for start in starts if start < max(len(primitives), 1))


def _target(context: Context, primitive: Item) -> int:
    parameters = primitive.list("parameters")
    if len(parameters) != _JUMPS[primitive["op"].text()]:
        raise primitive.error(f"takes {_JUMPS[primitive['op'].text()]} parameters")
    target = context.expressions.data(parameters[-1]).constant
    if target is None:
        raise primitive.error("the target of a jump must be a constant")
    return target


def _write_jump(context: Context, primitive: Item, params: Sequence[Data]) -> None:
    target = _target(context, primitive)
    if primitive["op"].text() == "_jump":
        context.writer.line(f"skip_to = {target}")
        return
    condition = context.expressions.data(primitive["parameters"][0], params)
    with context.writer.block(f"if not {condition.source}:"):
        context.writer.line(f"skip_to = {target}")
