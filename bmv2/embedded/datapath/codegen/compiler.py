"""From bmv2 JSON to one Python function that takes a frame once through the switch.

The function is that of v1model on simple_switch: parser, checksum verification, ingress, egress,
checksum update, deparser. Fields are its local variables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType

from bmv2.embedded.datapath.codegen.actions import load_actions
from bmv2.embedded.datapath.codegen.context import DROP_PORT, Context, reserved_names
from bmv2.embedded.datapath.codegen.control import PipelineWriter
from bmv2.embedded.datapath.codegen.deparser import (
    write_deparser,
    write_updates,
    write_verification,
)
from bmv2.embedded.datapath.codegen.document import Item, load
from bmv2.embedded.datapath.codegen.expressions import Data, stored
from bmv2.embedded.datapath.codegen.extern_calls import check_extern_types
from bmv2.embedded.datapath.codegen.layout import Layout
from bmv2.embedded.datapath.codegen.parser import write_parser
from bmv2.embedded.datapath.codegen.resources import Resources
from bmv2.embedded.datapath.codegen.source import Namer
from bmv2.embedded.datapath.codegen.state_copy import StateCopy
from bmv2.embedded.datapath.state import Registers
from bmv2.embedded.datapath.tables import Table
from bmv2.embedded.model import CounterArray, MeterArray, PipelineError, Program, TableStore

DROPPED = -1  # in place of an egress port
_PATTERNS = 2  # programs that are kept to be used again

INSTANCE_NORMAL = 0
INSTANCE_RECIRCULATED = 4
INSTANCE_RESUBMITTED = 6

Kept = tuple[int, int, tuple[int, ...]]
"""Instance type, field list and values of a frame that goes through once more."""

Learned = tuple[str, tuple[int, ...]]
"""Name of a learn list and the values of its fields."""

Process = Callable[[bytes, int, int, Kept | None], tuple[int, bytes, Learned | None, Kept | None]]
"""Takes frame, ingress port, time in nanoseconds, and what was kept from the last pass.

Returns the egress port or `DROPPED`, the frame that leaves, a digest, and what to keep for
another pass of that frame (then the egress port says nothing).
"""


@dataclass(eq=False)
class CompiledProgram:
    """A program with its state; `bmv2.embedded.model.Program`."""

    tables: Mapping[str, TableStore]
    counters: Mapping[str, CounterArray]
    meters: Mapping[str, MeterArray]
    registers: Mapping[str, int]
    digests: Mapping[str, Sequence[tuple[str, int]]]
    source: str
    process: Process
    register_arrays: Mapping[str, Registers]

    def adopt_registers(self, previous: Program) -> None:
        """Take over the contents of another program's registers; see `Program.adopt_registers`."""
        if not isinstance(previous, CompiledProgram):
            raise TypeError("only the registers of a compiled program can be taken over")
        pairs = [
            (array, previous.register_arrays[name])
            for name, array in self.register_arrays.items()
            if name in previous.register_arrays
        ]
        for array, old in pairs:
            if (array.size, array.bits) != (old.size, old.bits):
                raise PipelineError(f"register {array.name}: its size or width differs")
        for array, old in pairs:
            array.cells[:] = old.cells


def compile_program(config: bytes) -> CompiledProgram:
    """Compile bmv2 JSON.

    Raises:
        PipelineError: it holds something that is malformed or not supported; the message says
            what and where.
    """
    return _pattern(config).program()


@lru_cache(maxsize=_PATTERNS)
def _pattern(config: bytes) -> _Pattern:
    try:
        return _Compiler(load(config)).compile()
    except (RecursionError, MemoryError, SyntaxError) as error:
        raise PipelineError(f"the program is too deeply nested: {error}") from error


@dataclass(frozen=True, eq=False)
class _Pattern:
    """A program that is never used itself: each that is used gets a state of its own.

    `namespace` has the globals of the function that `code` defines.
    """

    source: str
    code: CodeType
    namespace: Mapping[str, object]
    tables: Mapping[str, Table]
    resources: Resources

    def program(self) -> CompiledProgram:
        """Make a program in its first state."""
        resources = self.resources
        state = StateCopy(self.tables, resources.counters, resources.meters, resources.registers)
        namespace = state.namespace(self.namespace)
        exec(self.code, namespace)  # noqa: S102 - made by us
        process: Process = namespace["process"]  # type: ignore[assignment]  # defined by `code`
        return CompiledProgram(
            tables=state.tables,
            counters=state.counters,
            meters=state.meters,
            registers={name: array.size for name, array in state.registers.items()},
            digests={
                digest.name: [(field.name, field.bits) for field in digest.fields]
                for digest in resources.digests.values()
            },
            source=self.source,
            process=process,
            register_arrays=state.registers,
        )


class _Compiler:
    def __init__(self, document: Item) -> None:
        self._document = document
        check_extern_types(document)
        namer = Namer(reserved_names())
        layout = Layout(document, namer)
        resources = Resources(document, layout)
        self._context = Context(layout, resources, namer)
        self._writer = self._context.writer
        actions = load_actions(self._context, document)
        self._ingress, self._egress = (
            PipelineWriter(self._context, self._named("pipelines", name), actions)
            for name in ("ingress", "egress")
        )
        for name in self._ingress.tables.keys() & self._egress.tables.keys():
            raise document.error(f"two tables are named {name!r}")

    def compile(self) -> _Pattern:
        self._write_body()
        source = self._function(self._writer.text())
        return _Pattern(
            source,
            compile(source, "<bmv2 pipeline>", "exec"),
            self._context.namespace,
            {**self._ingress.tables, **self._egress.tables},
            self._context.resources,
        )

    def _named(self, key: str, name: str) -> Item:
        for item in self._document.list(key):
            if item["name"].text() == name:
                return item
        raise self._document.error(f"{key}: {name!r} is missing")

    def _function(self, body: str) -> str:
        """Put the head of the function before its body: all variables of the body begin at 0."""
        used = set(re.findall(r"\w+", body))
        variables = [
            variable
            for header in self._context.layout.headers.values()
            for variable in (header.validity, *(field.variable for field in header.fields))
            if variable is not None and variable in used
        ]
        flags = ("at", "parser_error", "checksum_error", "digest", "recirculate", "resubmit")
        variables += [flag for flag in (*flags, "exited") if flag in used]
        lines = ["def process(frame, port, now, kept):"]
        for start in range(0, len(variables), 6):
            lines.append(f"    {' = '.join(variables[start : start + 6])} = 0")
        lines += [f"    {line}" for line in body.splitlines()]
        return "\n".join(lines) + "\n"

    def _set_standard(self, name: str, source: str, bits: int | None = None) -> None:
        """Write the assignment of a standard metadata field, where the program has it."""
        field = self._context.find_standard(name)
        if field is not None:
            self._writer.line(f"{field.variable} = {stored(field, Data(source, bits))}")

    def _write_body(self) -> None:
        context, writer = self._context, self._writer
        writer.line("length = wire_length = len(frame)")
        self._set_standard("packet_length", "length", 32)
        with writer.block("if kept is None:"):
            self._set_standard("ingress_port", "port", 9)
            self._set_standard("ingress_global_timestamp", "(now // 1000)")
        with writer.block("else:"):
            self._write_kept()
        writer.comment("parser")
        write_parser(context, self._named("parsers", "parser"))
        write_verification(context, self._document)
        self._set_standard("parser_error", "parser_error", 32)
        self._set_standard("checksum_error", "checksum_error", 1)
        writer.comment("ingress")
        self._ingress.write()
        self._write_traffic_manager()
        writer.comment("egress")
        self._egress.write()
        with writer.block(f"if {context.standard('egress_spec').variable} == {DROP_PORT}:"):
            writer.line(f"return {DROPPED}, b'', learned, None")
        writer.comment("deparser")
        write_updates(context, self._document)
        write_deparser(context, self._named("deparsers", "deparser"))
        self._write_again("recirculate", INSTANCE_RECIRCULATED, "head + payload")
        egress_port = context.standard("egress_port").variable
        writer.line(f"return {egress_port}, head + payload, learned, None")

    def _write_kept(self) -> None:
        """Write what a frame gets back that has been through before: nothing else of it is left."""
        writer = self._writer
        self._set_standard("instance_type", "kept[0]", 32)
        for number, fields in self._context.resources.field_lists.items():
            if fields:
                with writer.block(f"if kept[1] == {number}:"):
                    targets = ", ".join(field.variable for field in fields)
                    writer.line(f"{targets}, = kept[2]")

    def _write_again(self, flag: str, instance_type: int, frame: str) -> None:
        """Write the return of a frame that is to go through once more."""
        for number, fields in self._context.resources.field_lists.items():
            values = "".join(f"{field.variable}, " for field in fields)
            with self._writer.block(f"if {flag} == {number}:"):
                kept = f"({instance_type}, {number}, ({values}))"
                self._writer.line(f"return 0, {frame}, learned, {kept}")

    def _write_traffic_manager(self) -> None:
        """Write what lies between ingress and egress."""
        context, writer = self._context, self._writer
        writer.line("learned = None")
        for number, digest in context.resources.digests.items():
            values = "".join(f"{field.variable}, " for field in digest.fields)
            with writer.block(f"if digest == {number}:"):
                writer.line(f"learned = {digest.name!a}, ({values})")
        self._write_again("resubmit", INSTANCE_RESUBMITTED, "frame")
        spec, port = context.standard("egress_spec"), context.standard("egress_port")
        group = context.find_standard("mcast_grp")
        drop = f"{spec.variable} == {DROP_PORT}"
        if group is not None:
            # No multicast group can be configured, and one without members replicates to nobody.
            drop += f" or {group.variable}"
        with writer.block(f"if {drop}:"):
            writer.line(f"return {DROPPED}, b'', learned, None")
        writer.line(f"{port.variable} = {spec.variable}")
        # simple_switch stores drop port + 1 here, of which nine bits are left.
        writer.line(f"{spec.variable} = 0")
        self._set_standard("instance_type", str(INSTANCE_NORMAL), 32)
        self._set_standard("enq_timestamp", "(now // 1000)")
        self._set_standard("egress_global_timestamp", "(now // 1000)")
        self._set_standard("packet_length", "wire_length", 32)
