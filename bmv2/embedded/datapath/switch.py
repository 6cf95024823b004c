"""The switch around a compiled program: ports, passes, and what leaves where."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from bmv2.embedded.datapath.codegen.compiler import (
    DROPPED,
    CompiledProgram,
    Kept,
    Process,
    compile_program,
)
from bmv2.embedded.datapath.codegen.context import DROP_PORT
from bmv2.embedded.model import ClockNs, CounterCell, PortCounters, Program

DEFAULT_CPU_PORT = 510
MAX_PASSES = 8  # of one frame, the first included
MAX_WAITING = 1024  # frames that came in while another one was processed
MAX_FRAME_LENGTH = 0xFFFF + 256  # the largest IPv4 packet, and what may go before it


class EmbeddedDatapath:
    """`bmv2.embedded.model.Datapath`.

    A frame is processed to its end before `inject` returns, unless `inject` is called from one of
    the callbacks: then it waits its turn, so that switches that are wired to each other do not
    call each other without end.

    Attributes:
        cpu_port: what leaves by it goes to `on_cpu_packet`.
        program: what is in use; None until the first `commit`.
        on_cpu_packet: called with a frame for the controller.
        on_digest: called with the name of a learn list and the values of its fields.
        on_transmit: called with a port and a frame.
        port_counters: by port, from its first frame on.
        passes_exceeded: frames dropped because they came around `MAX_PASSES` times.
        overflows: frames dropped because `MAX_WAITING` others were waiting.
    """

    def __init__(
        self,
        clock_ns: ClockNs,
        *,
        cpu_port: int = DEFAULT_CPU_PORT,
        on_transmit: Callable[[int, bytes], None] | None = None,
    ) -> None:
        self.cpu_port = cpu_port
        self.on_cpu_packet: Callable[[bytes], None] = _ignore
        self.on_digest: Callable[[str, tuple[int, ...]], None] = _ignore
        self.on_transmit: Callable[[int, bytes], None] = on_transmit or _ignore
        self.program: Program | None = None
        self._port_counters: dict[int, PortCounters] = {}
        self.port_counters: Mapping[int, PortCounters] = self._port_counters
        self.passes_exceeded = 0
        self.overflows = 0
        self._clock_ns = clock_ns
        self._process_once: Process | None = None
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._busy = False

    def compile(self, config: bytes) -> CompiledProgram:
        """Compile bmv2 JSON without using it; `PipelineError` says what is not supported."""
        return compile_program(config)

    def commit(self, program: Program) -> None:
        """Start to use a program that `compile` returned."""
        if not isinstance(program, CompiledProgram):
            raise TypeError("only a program that compile() returned can be used")
        self.program = program
        self._process_once = program.process

    def inject(self, port: int, frame: bytes) -> None:
        """Process a frame as if it came in by this port."""
        if not 0 <= port < DROP_PORT:
            raise ValueError(f"port {port} is not within 0..{DROP_PORT - 1}")
        if self._busy:
            if len(self._waiting) < MAX_WAITING:
                self._waiting.append((port, frame))
            else:
                self.overflows += 1
                counters = self._counters(port)
                _count(counters.received, frame)
                _count(counters.dropped, frame)
            return
        self._busy = True
        try:
            self._process(port, frame)
            while self._waiting:
                self._process(*self._waiting.popleft())
        finally:
            self._busy = False

    def _counters(self, port: int) -> PortCounters:
        counters = self._port_counters.get(port)
        if counters is None:
            counters = self._port_counters[port] = PortCounters()
        return counters

    def _process(self, port: int, frame: bytes) -> None:
        counters = self._counters(port)
        _count(counters.received, frame)
        process = self._process_once
        if process is None or len(frame) > MAX_FRAME_LENGTH:
            _count(counters.dropped, frame)
            return
        now, out = self._clock_ns(), frame
        kept: Kept | None = None
        for _ in range(MAX_PASSES):
            egress_port, out, learned, kept = process(out, port, now, kept)
            if learned is not None:
                self.on_digest(*learned)
            if kept is None:
                break
        else:
            self.passes_exceeded += 1
            egress_port = DROPPED
        if egress_port == DROPPED:
            _count(counters.dropped, frame)
            return
        _count(self._counters(egress_port).transmitted, out)
        if egress_port == self.cpu_port:
            self.on_cpu_packet(out)
        else:
            self.on_transmit(egress_port, out)


def _count(cell: CounterCell, frame: bytes) -> None:
    cell.packets += 1
    cell.bytes += len(frame)


def _ignore(*_: object) -> None:
    """Stand in for a callback that nobody has set."""
