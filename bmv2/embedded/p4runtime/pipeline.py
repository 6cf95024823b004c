"""One forwarding pipeline: its config, its schema, its program and all state that hangs on it."""

from __future__ import annotations

from collections.abc import Callable

from finsy.proto import p4r

from bmv2.embedded.model import ClockNs, Datapath, PipelineError, Program
from bmv2.embedded.p4runtime.binding import bind
from bmv2.embedded.p4runtime.codes import CONFIG_NOT_REALIZABLE
from bmv2.embedded.p4runtime.digests import Digests
from bmv2.embedded.p4runtime.errors import P4RuntimeError, invalid
from bmv2.embedded.p4runtime.idle import IdleTimers
from bmv2.embedded.p4runtime.packet_io import PacketIo
from bmv2.embedded.p4runtime.schema import Schema
from bmv2.embedded.p4runtime.table_reads import TableReader
from bmv2.embedded.p4runtime.tables import TableWriter

SendDigest = Callable[[p4r.DigestList], bool]


class Pipeline:
    """A pipeline that was compiled, whether it forwards yet or not."""

    def __init__(
        self,
        config: p4r.ForwardingPipelineConfig,
        schema: Schema,
        program: Program,
        clock_ns: ClockNs,
        send_digest: SendDigest,
    ) -> None:
        self.config = config
        self.schema = schema
        self.program = program
        self.idle = IdleTimers()
        self.tables = TableWriter(schema, self.idle, clock_ns)
        self.reader = TableReader(schema, self.tables, clock_ns)
        self.digests = Digests(schema, send_digest)
        self.packet_io = PacketIo(schema)


def build(
    datapath: Datapath,
    config: p4r.ForwardingPipelineConfig,
    clock_ns: ClockNs,
    send_digest: SendDigest,
) -> Pipeline:
    """Compile a config; nothing of the switch changes.

    Raises:
        P4RuntimeError: A part of the config is missing, or the switch cannot run it.
    """
    if not config.HasField("p4info") or not config.p4_device_config:
        raise invalid("the config needs P4Info and a device config")
    try:
        program = datapath.compile(config.p4_device_config)
    except PipelineError as error:
        raise P4RuntimeError(CONFIG_NOT_REALIZABLE, f"device config: {error}") from error
    schema = bind(config.p4info, program)
    return Pipeline(config, schema, program, clock_ns, send_digest)
