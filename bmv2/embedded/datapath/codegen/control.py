"""Pipelines: tables, conditions and direct action calls as nested Python branches."""

from __future__ import annotations

from collections.abc import Mapping

from bmv2.embedded.datapath.codegen.actions import Action, write_body
from bmv2.embedded.datapath.codegen.context import Context
from bmv2.embedded.datapath.codegen.document import Item
from bmv2.embedded.datapath.codegen.expressions import constant
from bmv2.embedded.datapath.codegen.source import bare
from bmv2.embedded.datapath.codegen.structure import Budget, joins
from bmv2.embedded.datapath.codegen.table_source import TableSource, load_table
from bmv2.embedded.datapath.tables import Table


class PipelineWriter:
    """Writes one pipeline. It ends early by `break`, hence is the body of a loop that runs once."""

    def __init__(self, context: Context, pipeline: Item, actions: Mapping[int, Action]) -> None:
        self._context = context
        self._writer = context.writer
        self._what = pipeline.path
        for profile in pipeline.list("action_profiles"):
            raise profile.error("action profiles are not supported")
        self._actions = actions
        self._tables = {
            item["name"].text(): load_table(context, item, actions)
            for item in pipeline.list("tables")
        }
        self._conditionals = {item["name"].text(): item for item in pipeline.list("conditionals")}
        self._calls = {item["name"].text(): item for item in pipeline.list("action_calls")}
        self._first = self._follower(pipeline, "init_table")
        graph = self._graph(pipeline)
        self._joins = joins(graph, self._what)
        self._budget = Budget(len(graph), self._what)

    def _graph(self, pipeline: Item) -> dict[str, list[str | None]]:
        """Return the nodes with what can follow each; `PipelineError` where a name is wrong."""
        graph: dict[str, list[str | None]] = {}
        for name, source in self._tables.items():
            graph[name] = source.followers()
        for name, item in self._conditionals.items():
            graph[name] = [self._follower(item, key) for key in ("true_next", "false_next")]
        for name, item in self._calls.items():
            graph[name] = [self._follower(item, "next_node")]
        nodes = sum(len(pipeline.list(key)) for key in ("tables", "conditionals", "action_calls"))
        if len(graph) != nodes:
            raise pipeline.error("two of its nodes have one name")
        for name, followers in (("init_table", [self._first]), *graph.items()):
            for follower in followers:
                if follower is not None and follower not in graph:
                    raise pipeline.error(f"{name!r} is followed by {follower!r}, which is unknown")
        return graph

    @property
    def tables(self) -> dict[str, Table]:
        """The runtime tables, by name."""
        return {name: source.table for name, source in self._tables.items()}

    def write(self) -> None:
        """Write all of it."""
        with self._writer.block("while True:"):
            self._write_region(self._first, None)
            self._writer.line("break")

    def _follower(self, item: Item, key: str) -> str | None:
        found = item.get(key)
        return None if found is None else found.text()

    def _write_region(self, node: str | None, stop: str | None) -> None:
        while node is not None and node != stop:
            self._budget.spend()
            join = self._joins[node]
            if node in self._tables:
                self._write_table(self._tables[node], join)
            elif node in self._conditionals:
                self._write_conditional(self._conditionals[node], join)
            else:
                self._write_call(self._calls[node])
            node = join

    def _write_branch(self, node: str | None, stop: str | None) -> None:
        with self._budget:
            self._write_region(node, stop)

    def _write_conditional(self, item: Item, join: str | None) -> None:
        word = "if"
        while True:
            condition = bare(self._context.expressions.condition(item["expression"]))
            if_true, if_false = (self._follower(item, key) for key in ("true_next", "false_next"))
            if if_true == join and if_false != join:
                negated = condition if condition.isidentifier() else f"({condition})"
                condition, if_true, if_false = f"not {negated}", if_false, if_true
            with self._writer.block(f"{word} {condition}:"):
                self._write_branch(if_true, join)
            chained = self._conditionals.get(if_false) if if_false is not None else None
            if if_false is None or chained is None or self._joins[if_false] != join:
                break
            self._budget.spend()
            item, word = chained, "elif"
        if if_false != join:
            with self._writer.block("else:"):
                self._write_branch(if_false, join)

    def _write_call(self, item: Item) -> None:
        action = self._actions.get(item["action_id"].integer())
        if action is None or action.info.params:
            raise item.error("unknown action, or one with parameters")
        self._write_action(action, None)

    def _write_table(self, source: TableSource, join: str | None) -> None:
        writer, table = self._writer, source.table
        if source.key is None:
            if not source.constant_default:
                writer.comment(f"table {table.name}")
                writer.line(f"action, args = {self._object(table)}.miss")
            self._write_miss(source, join)
            return
        writer.comment(f"table {table.name}")
        lookup = self._context.bind(f"lookup_{table.name.rsplit('.', 1)[-1]}", table.lookup)
        writer.line(f"entry = {lookup}({source.key})")
        if source.constant_default:
            with writer.block("if entry is not None:"):
                self._write_hit(source)
                if any(action.primitives for action in source.actions.values()):
                    writer.line("action, args = entry.action, entry.params")
                self._write_dispatch(source, join, hit=True)
            with writer.block("else:"):
                self._write_miss(source, join)
            return
        with writer.block("if entry is None:"):
            writer.line(f"action, args = {self._object(table)}.miss")
        with writer.block("else:"):
            self._write_hit(source)
            writer.line("action, args = entry.action, entry.params")
        if not source.by_hit:
            self._write_dispatch(source, join, hit=True)
            return
        hit = self._context.variable(f"hit_{table.name.rsplit('.', 1)[-1]}")
        writer.line(f"{hit} = entry is not None")
        self._write_dispatch(source, None, hit=None)
        with writer.block(f"if {hit}:"):
            self._write_branch(source.next_hit, join)
        with writer.block("else:"):
            self._write_branch(source.next_miss, join)

    def _object(self, table: Table) -> str:
        return self._context.bind(f"table_{table.name.rsplit('.', 1)[-1]}", table)

    def _write_hit(self, source: TableSource) -> None:
        """Write what each hit leaves in its entry."""
        writer, table = self._writer, source.table
        if table.support_timeout:
            writer.line("entry.last_hit_ns = now")
        if table.has_counter:
            writer.line("cell = entry.counter")
            writer.line("cell.packets += 1")
            writer.line("cell.bytes += length")
        if source.meter_target is not None and table.meters is not None:
            execute = self._context.bind(f"meter_{table.name}", table.meters.execute)
            target = source.meter_target.variable
            writer.line(f"{target} = {execute}(entry, entry.meter, length, now)")

    def _write_miss(self, source: TableSource, join: str | None) -> None:
        if not source.constant_default:
            self._write_dispatch(source, join, hit=False)
            return
        name, values = source.table.miss
        action = source.actions[name]
        write_body(self._context, action, [constant(value) for value in values])
        self._write_exit(action)
        self._write_branch(source.follower(name, hit=False), join)

    def _write_dispatch(self, source: TableSource, join: str | None, *, hit: bool | None) -> None:
        """Write the choice of `action`, each with what follows it.

        With `hit` None nothing follows here.
        """
        writer = self._writer
        if len(source.actions) == 1:
            (action,) = source.actions.values()
            self._write_action(action, "args")
            if hit is not None:
                self._write_branch(source.follower(action.info.name, hit=hit), join)
            return
        word = "if"
        shared = source.by_hit and hit is not None
        for name, action in source.actions.items():
            follower = None if hit is None or shared else source.follower(name, hit=hit)
            if not action.primitives and (hit is None or shared or follower == join):
                continue
            with writer.block(f"{word} action == {name!a}:"):
                self._write_action(action, "args")
                if hit is not None and not shared:
                    self._write_branch(follower, join)
            word = "elif"
        if shared:
            self._write_branch(source.next_hit if hit else source.next_miss, join)

    def _write_action(self, action: Action, args: str | None) -> None:
        if args is not None and action.variables and action.primitives:
            self._writer.line(f"{', '.join(action.variables)}, = {args}")
        write_body(self._context, action, action.params())
        self._write_exit(action)

    def _write_exit(self, action: Action) -> None:
        if action.exits:
            with self._writer.block("if exited:"):
                self._writer.line("break")
