"""What the parts of the code generator share while they write one function."""

from __future__ import annotations

from bmv2.embedded.datapath.codegen.document import Item
from bmv2.embedded.datapath.codegen.expressions import Expressions, shift_left, shift_right
from bmv2.embedded.datapath.codegen.layout import Field, Header, Layout
from bmv2.embedded.datapath.codegen.resources import Resources
from bmv2.embedded.datapath.codegen.source import Namer, Writer
from bmv2.embedded.datapath.codegen.wire import Codec, codec
from bmv2.embedded.datapath.hashes import complement_sum16

DROP_PORT = 511

# Variables of the generated function that are not fields.
LOCALS = (
    *("frame", "port", "now", "kept", "length", "wire_length", "at", "payload", "head"),
    *("parser_error", "checksum_error", "digest", "learned", "recirculate", "resubmit"),
    *("entry", "action", "args", "exited", "skip_to", "cell", "index", "bits", "value", "octets"),
)

_HELPERS: dict[str, object] = {
    "shift_left": shift_left,
    "shift_right": shift_right,
    "complement_sum16": complement_sum16,
}


def reserved_names() -> frozenset[str]:
    """Return the names that a field or object of the program must not take."""
    words = (f"w{number}" for number in range(1000))
    return frozenset((*LOCALS, *_HELPERS, *words, "process"))


def identity(value: object) -> int:
    """Tell objects apart, and methods by their owners: one is a new object whenever asked for."""
    return id(getattr(value, "__self__", value))


class Context:
    """The function being written, and the objects that it will find as its globals."""

    def __init__(self, layout: Layout, resources: Resources, namer: Namer) -> None:
        self.layout = layout
        self.resources = resources
        self.expressions = Expressions(layout)
        self.writer = Writer()
        self.namespace: dict[str, object] = dict(_HELPERS)
        self._namer = namer
        self._bound: dict[tuple[str, int], str] = {}
        self._codecs: dict[str, Codec] = {}

    def bind(self, wanted: str, value: object) -> str:
        """Make an object, or a method of one, a global of the function; return its name there."""
        key = (wanted, identity(value))
        name = self._bound.get(key)
        if name is None:
            name = self._bound[key] = self._namer.name(wanted)
            self.namespace[name] = value
        return name

    def variable(self, wanted: str) -> str:
        """Return a fresh local variable."""
        return self._namer.name(wanted)

    def codec(self, header: Header) -> Codec:
        """Return how a header is read and written."""
        found = self._codecs.get(header.name)
        if found is None:
            found = self._codecs[header.name] = codec(header)
        return found

    def unpack(self, header: Header, source: str = "frame, at") -> None:
        """Write statements that read a header: from `source`, source for bytes and an offset."""
        plan = self.codec(header)
        function = self.bind(f"unpack_{header.name}", plan.unpack)
        targets = ", ".join(plan.targets) + ("," if len(plan.targets) == 1 else "")
        self.writer.line(f"{targets} = {function}({source})")
        for statement in plan.fields:
            self.writer.line(statement)

    def pack(self, header: Header) -> str:
        """Return source for the bytes of a header as its fields are now."""
        plan = self.codec(header)
        function = self.bind(f"pack_{header.name}", plan.pack)
        return f"{function}({', '.join(plan.words)})"

    def standard(self, name: str) -> Field:
        """Return a field of the standard metadata; `PipelineError` where the program lacks it."""
        found = self.layout.find("standard_metadata", name)
        if found is None:
            raise Item({}, "headers").error(f"standard_metadata.{name} is missing")
        return found

    def find_standard(self, name: str) -> Field | None:
        """Return a field of the standard metadata, or None."""
        return self.layout.find("standard_metadata", name)
