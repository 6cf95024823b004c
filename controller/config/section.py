"""What every section of the configuration has in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """A mapping with fixed keys. A key without a value is a key that is left out."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _without_empty_keys(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {
            key: value
            for key, value in data.items()
            if value is not None or key not in cls.model_fields
        }


def at_most_one(section: BaseModel, first: str, second: str) -> None:
    """Check that not both of two fields are given.

    Raises:
        ValueError: both are.
    """
    if getattr(section, first) is not None and getattr(section, second) is not None:
        raise ValueError(f"expected either '{first}' or '{second}', not both")


def exactly_one(section: BaseModel, first: str, second: str) -> None:
    """Check that one of two fields is given.

    Raises:
        ValueError: both are, or none.
    """
    given = [name for name in (first, second) if getattr(section, name) is not None]
    if len(given) != 1:
        raise ValueError(
            f"expected either '{first}' or '{second}'" + (", not both" if given else "")
        )
