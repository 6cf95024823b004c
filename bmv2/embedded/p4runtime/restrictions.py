"""``@entry_restriction``: what a table says a legal entry is (p4-constraints).

Comparisons of one exact key field with one constant, joined by ``&&``, are enforced. bmv2 enforces
none, so a program may carry others: they are reported once, when the pipeline is set.
"""

from __future__ import annotations

import logging
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bmv2.embedded.model import MatchKey

_log = logging.getLogger(__name__)

_ANNOTATION = re.compile(r"@entry_restriction\((.*)\)", re.DOTALL)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_COMPARISON = re.compile(r"([A-Za-z_][\w.]*)\s*(==|!=|<=|>=|<|>)\s*(0[xX][0-9a-fA-F]+|\d+)")
_OPERATORS: Mapping[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


@dataclass(frozen=True, slots=True)
class Restriction:
    """One comparison that each entry of a table must satisfy.

    Attributes:
        text: The comparison as the P4 source has it.
        field: The place of the key field in the key.
    """

    text: str
    field: int
    compare: Callable[[int, int], bool]
    constant: int

    def allows(self, match: MatchKey) -> bool:
        """Whether an entry with this key is legal."""
        return self.compare(match[self.field][0], self.constant)


def parse(annotations: Iterable[str], exact_fields: Mapping[str, int]) -> tuple[Restriction, ...]:
    """Find the restrictions among the annotations of a table.

    Args:
        annotations: The annotations of the table's P4Info preamble.
        exact_fields: The names of the key fields that match exactly, and their place in the key.
    """
    restrictions: list[Restriction] = []
    for annotation in annotations:
        found = _ANNOTATION.fullmatch(annotation.strip())
        if found is None:
            continue
        expression = "".join(part.group(1) for part in _STRING.finditer(found.group(1)))
        for term in expression.split("&&"):
            text = term.strip().rstrip(";").strip()
            restriction = _parse_comparison(text, exact_fields)
            if restriction is None:
                _log.info("@entry_restriction %r is not enforced", text)
            else:
                restrictions.append(restriction)
    return tuple(restrictions)


def _parse_comparison(text: str, exact_fields: Mapping[str, int]) -> Restriction | None:
    found = _COMPARISON.fullmatch(text)
    if found is None or found.group(1) not in exact_fields:
        return None
    name, symbol, constant = found.groups()
    return Restriction(text, exact_fields[name], _OPERATORS[symbol], int(constant, 0))
