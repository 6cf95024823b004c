"""Turns a control-flow graph back into nested branches, which is all that Python has.

A node's branches run up to the first node that all of them pass through (its immediate
post-dominator), where they join. The graphs that p4c makes come from structured programs, so that
this finds the original nesting. In any other acyclic graph a node that is reached from two sides
before the join is written twice, which is right but long; `MAX_COPIES` bounds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bmv2.embedded.model import PipelineError

MAX_COPIES = 16
MAX_DEPTH = 80  # of nested branches: Python itself takes 100

Node = str


def joins(graph: Mapping[Node, Sequence[Node | None]], what: str) -> dict[Node, Node | None]:
    """Return for each node where its branches join; None is the end.

    Args:
        graph: the successors of each node; None is the end.
        what: the name of the graph, for errors.

    Raises:
        PipelineError: the graph has a cycle.
    """
    order = _topological(graph, what)
    position = {node: index for index, node in enumerate(order)}
    found: dict[Node, Node | None] = {}
    for node in reversed(order):
        # The chains of joins after each successor are already known, as they lie further on.
        join: Node | None = None
        successors = list(dict.fromkeys(graph[node]))
        if None not in successors:
            candidates = [successor for successor in successors if successor is not None]
            while len(candidates) > 1:
                candidates.sort(key=position.__getitem__)
                follow = found[candidates[0]]
                if follow is None:
                    candidates = []
                    break
                candidates = list(dict.fromkeys([follow, *candidates[1:]]))
            join = candidates[0] if candidates else None
        found[node] = join
    return found


def _topological(graph: Mapping[Node, Sequence[Node | None]], what: str) -> list[Node]:
    done: dict[Node, bool] = {}  # False: being visited
    order: list[Node] = []
    for start in graph:
        stack: list[tuple[Node, int]] = [(start, 0)] if start not in done else []
        while stack:
            node, index = stack.pop()
            if index == 0:
                if done.get(node):
                    continue
                done[node] = False
            successors = graph[node]
            while index < len(successors):
                successor = successors[index]
                index += 1
                if successor is None or done.get(successor):
                    continue
                if successor in done:
                    raise PipelineError(f"{what}: loops ({successor!r}) are not supported")
                stack.append((node, index))
                stack.append((successor, 0))
                break
            else:
                done[node] = True
                order.append(node)
    order.reverse()
    return order


class Budget:
    """Bounds how much source a graph may become."""

    def __init__(self, nodes: int, what: str) -> None:
        self._left = MAX_COPIES * max(nodes, 1)
        self._what = what
        self._depth = 0

    def spend(self) -> None:
        """Account for one node; `PipelineError` when there are too many copies."""
        self._left -= 1
        if self._left < 0:
            raise PipelineError(f"{self._what}: its control flow is too tangled")

    def __enter__(self) -> None:
        """Go one branch deeper."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise PipelineError(f"{self._what}: branches are nested too deeply")

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
