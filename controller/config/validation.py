"""From pydantic's errors to problems an operator can act on."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from controller.config.access_list import AccessListError
from controller.config.document import Document
from controller.config.problems import Path, Problem, did_you_mean


def _is_model(kind: object) -> typing.TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _fields_at(model: type[BaseModel], path: Path) -> Mapping[str, FieldInfo]:
    """Return the keys that the model has at a path, or nothing where that is no model."""
    kind: object = model
    for part in path:
        if _is_model(kind):
            field = kind.model_fields.get(str(part))
            kind = field.annotation if field else None
        else:
            kind = next(iter(typing.get_args(kind)[-1:]), None)
        while True:
            origin = typing.get_origin(kind)
            if origin is typing.Annotated:
                kind = typing.get_args(kind)[0]
            elif origin in (typing.Union, types.UnionType):
                kind = next(arm for arm in typing.get_args(kind) if arm is not type(None))
            else:
                break
    return kind.model_fields if _is_model(kind) else {}


def _message(error: ErrorDetails, model: type[BaseModel], path: Path) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "value_error":
            return str(context["error"])
        case "missing":
            field = _fields_at(model, path[:-1]).get(str(path[-1]))
            return f"is required: {(field and field.description) or 'a mapping (KEY: VALUE)'}"
        case "extra_forbidden":
            known = _fields_at(model, path[:-1])
            hint = did_you_mean(str(path[-1]), known)
            return f"unknown key{hint} (known: {', '.join(known)})"
        case "model_type" | "dict_type" | "model_attributes_type":
            return "expected a mapping (KEY: VALUE)"
        case "list_type":
            return "expected a list"
        case "too_short":
            return f"expected at least {context['min_length']}"
        case "too_long":
            return f"expected at most {context['max_length']:,}"
    return error["msg"]


def problems_of(
    error: ValidationError, model: type[BaseModel], document: Document
) -> list[Problem]:
    """Return every error of a validation, placed in the file. No input values are repeated.

    Args:
        error: what pydantic raised.
        model: what was validated.
        document: what it was validated from.
    """
    problems = []
    for details in error.errors(include_url=False, include_input=False):
        path = details["loc"]
        at_key = details["type"] == "extra_forbidden"
        if path and path[-1] == "[key]":
            path, at_key = path[:-1], True
        cause = details.get("ctx", {}).get("error")
        offset = cause.column - 1 if isinstance(cause, AccessListError) else 0
        message = _message(details, model, path)
        problems.append(document.problem(path, message, at_key=at_key, offset=offset))
    return problems
