"""Counts how often each branch of a compiled P4 program is taken.

The bmv2 JSON is changed, not the switch: on each branch something is put that adds 1 to a cell of
a counter, so any switch that runs the JSON measures. Branches are:

- of a condition: true and false;
- of a table: each of its actions; hit and miss, unless it goes on by action;
- of a parser state: each transition, and a packet that ends too early or fails a ``verify``.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

COUNTER = "coverage"

Json = dict[str, Any]


@dataclass(frozen=True)
class Branch:
    """A branch and how to tell that it was taken.

    Attributes:
        name: Where it is in the sources, and which it is.
        cell: The cell that counts it.
        but_for: The cell that counts when the branch was not taken after all; None: there is none.
    """

    name: str
    cell: int
    but_for: int | None = None

    def taken(self, cells: Mapping[int, int]) -> bool:
        """Tell it from what the cells hold."""
        return cells[self.cell] > (0 if self.but_for is None else cells[self.but_for])


def instrument(config: bytes) -> tuple[bytes, list[Branch]]:
    """Return the changed program, and its branches in the order of the program."""
    return _Instrumentation(json.loads(config)).finish()


class _Instrumentation:
    def __init__(self, document: Json) -> None:
        self._document = document
        self._branches: list[Branch] = []
        self._cells = 0
        self._names: Counter[str] = Counter()
        self._actions = {action["id"]: action for action in document["actions"]}
        self._new_actions: list[Json] = []
        for parser in document["parsers"]:
            self._parser(parser)
        for pipeline in document["pipelines"]:
            self._pipeline(pipeline)

    def finish(self) -> tuple[bytes, list[Branch]]:
        arrays = self._document["counter_arrays"]
        number = 1 + max((array["id"] for array in arrays), default=0)
        arrays.append({"name": COUNTER, "id": number, "is_direct": False, "size": self._cells})
        self._document["actions"] += self._new_actions
        return json.dumps(self._document).encode(), self._branches

    def _branch(self, place: str, which: str, but_for: int | None = None) -> int:
        """Add a branch, whose name no other has; return its cell."""
        cell = self._cell()
        name = f"{place}: {which}"
        self._names[name] += 1
        if self._names[name] > 1:
            name += f" ({self._names[name]})"
        self._branches.append(Branch(name, cell, but_for))
        return cell

    def _cell(self) -> int:
        self._cells += 1
        return self._cells - 1

    def _add_action(self, action: Json) -> int:
        number = max([*self._actions, *(new["id"] for new in self._new_actions)]) + 1
        self._new_actions.append(action | {"id": number})
        return number

    def _parser(self, parser: Json) -> None:
        more: list[Json] = []
        for state in parser["parse_states"]:
            place = f"parser {state['name']}"
            # Counted at the end of the state; a packet that gets there did not fail.
            if any(_can_fail(operation) for operation in state["parser_ops"]):
                end = self._cell()
                start = self._branch(place, "too short", but_for=end)
                state["parser_ops"].insert(0, _in_parser(start))
                state["parser_ops"].append(_in_parser(end))
            for transition in state["transitions"]:
                which = _describe_transition(transition)
                name = f"{state['name']}_{len(more)}_counted"
                following = {"type": "default", "value": None, "mask": None}
                more.append(
                    {
                        "name": name,
                        "id": len(parser["parse_states"]) + len(more),
                        "parser_ops": [_in_parser(self._branch(place, which))],
                        "transitions": [following | {"next_state": transition["next_state"]}],
                        "transition_key": [],
                    }
                )
                transition["next_state"] = name
        parser["parse_states"] += more

    def _pipeline(self, pipeline: Json) -> None:
        calls = pipeline.setdefault("action_calls", [])
        for conditional in pipeline["conditionals"]:
            place = f"{_place(conditional)} if {_fragment(conditional)}"
            for key, which in (("true_next", "true"), ("false_next", "false")):
                conditional[key] = self._call(calls, self._branch(place, which), conditional[key])
        for table in pipeline["tables"]:
            # A table without a key that has one action is how p4c writes plain statements.
            if table["key"] or len(table["action_ids"]) > 1:
                self._table(table, calls)

    def _table(self, table: Json, calls: list[Json]) -> None:
        place = f"{_place(table)} {table['name'].rpartition('.')[2]}"
        followers = table["next_tables"]
        nodes = set(followers.values())
        if len(nodes) == 1:
            (node,) = nodes
            followers = {"__HIT__": node, "__MISS__": node}
        # Where it goes on by action, only the actions are branches.
        if table["key"] and "__HIT__" in followers:
            table["next_tables"] = {
                key: self._call(calls, self._branch(place, which), followers[key])
                for key, which in (("__HIT__", "hit"), ("__MISS__", "miss"))
            }
        copies: dict[int, int] = {}
        for number in table["action_ids"]:
            action = copy.deepcopy(self._actions[number])
            cell = self._branch(place, action["name"].rpartition(".")[2])
            # At the end, where the targets of jumps stay right.
            action["primitives"].append(_count(cell))
            copies[number] = self._add_action(action)
        table["action_ids"] = list(copies.values())
        table["default_entry"]["action_id"] = copies[table["default_entry"]["action_id"]]
        for entry in table.get("entries", []):
            entry["action_entry"]["action_id"] = copies[entry["action_entry"]["action_id"]]

    def _call(self, calls: list[Json], cell: int, following: str | None) -> str:
        """Add a node that counts and goes on."""
        name = f"{COUNTER}_{cell}"
        action = {"name": name, "runtime_data": [], "primitives": [_count(cell)]}
        number = self._add_action(action)
        calls.append({"name": name, "id": cell, "action_id": number, "next_node": following})
        return name


def _count(cell: int) -> Json:
    parameters = [
        {"type": "counter_array", "value": COUNTER},
        {"type": "hexstr", "value": hex(cell)},
    ]
    return {"op": "count", "parameters": parameters}


def _in_parser(cell: int) -> Json:
    return {"op": "primitive", "parameters": [_count(cell)]}


def _can_fail(operation: Json) -> bool:
    return operation["op"] in ("extract", "verify", "advance") or any(
        isinstance(parameter, dict) and parameter.get("type") == "lookahead"
        for parameter in operation["parameters"]
    )


def _describe_transition(transition: Json) -> str:
    following = transition["next_state"] or "accept"
    if transition["type"] == "default":
        return f"default → {following}"
    mask = f" &&& {transition['mask']}" if transition["mask"] else ""
    return f"{transition['value']}{mask} → {following}"


def _place(item: Json) -> str:
    source = item["source_info"]
    return f"{source['filename'].rpartition('/')[2]}:{source['line']}"


def _fragment(item: Json) -> str:
    return " ".join(item["source_info"]["source_fragment"].split())
