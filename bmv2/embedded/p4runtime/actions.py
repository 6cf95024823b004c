"""Actions of table entries: ``p4.v1.TableAction`` to names and numbers, and back (§9.1.2)."""

from __future__ import annotations

from finsy.proto import p4r

from bmv2.embedded.p4runtime.bytestring import decode, encode
from bmv2.embedded.p4runtime.codes import Code
from bmv2.embedded.p4runtime.errors import P4RuntimeError, invalid
from bmv2.embedded.p4runtime.schema import ActionSchema, Schema, Scope, TableSchema


def decode_action(
    schema: Schema, table: TableSchema, message: p4r.TableAction, *, is_default: bool
) -> tuple[str, tuple[int, ...]]:
    """Read an action and its parameters, in the program's order.

    Raises:
        P4RuntimeError: INVALID_ARGUMENT if the table has no such action, or the parameters are not
            exactly the action's, each fitting its width; PERMISSION_DENIED if the action's scope
            does not allow it here.
    """
    if message.WhichOneof("type") != "action":
        raise invalid(f"{table.name}: takes an action, and has no action profile")
    action_id = message.action.action_id
    if action_id not in schema.actions:
        raise invalid(f"there is no action with id {action_id:#x}")
    action = table.actions.get(action_id)
    if action is None:
        raise invalid(f"{table.name}: has no action {schema.actions[action_id].name}")
    scope = table.scopes[action_id]
    if is_default and scope is Scope.TABLE_ONLY:
        raise P4RuntimeError(
            Code.PERMISSION_DENIED, f"{table.name}: {action.name} may not be its default action"
        )
    if not is_default and scope is Scope.DEFAULT_ONLY:
        raise P4RuntimeError(
            Code.PERMISSION_DENIED, f"{table.name}: {action.name} may only be its default action"
        )
    return action.name, _decode_params(action, message.action)


def encode_action(
    schema: Schema, table: TableSchema, name: str, params: tuple[int, ...], message: p4r.Action
) -> None:
    """Fill in an action; one that P4Info does not declare leaves the message empty."""
    action_id = table.action_ids.get(name)
    if action_id is None:
        return
    message.action_id = action_id
    for param, value in zip(schema.actions[action_id].params, params, strict=True):
        message.params.add(param_id=param.id, value=encode(value))


def _decode_params(action: ActionSchema, message: p4r.Action) -> tuple[int, ...]:
    if len(message.params) != len(action.params):
        raise invalid(
            f"{action.name}: takes {len(action.params)} parameters, not {len(message.params)}"
        )
    values: list[int | None] = [None] * len(action.params)
    for param in message.params:
        place = action.param_places.get(param.param_id)
        if place is None:
            raise invalid(f"{action.name}: has no parameter {param.param_id}")
        if values[place] is not None:
            raise invalid(f"{action.name}: parameter {param.param_id} is given twice")
        info = action.params[place]
        values[place] = decode(param.value, info.bitwidth, f"{action.name}.{info.name}")
    # As many as declared, all known, none twice: none is missing.
    return tuple(value for value in values if value is not None)
