"""The IKE engine beside charon: ``python -m benchmarks.charon_handshake [--json]`` (root, Linux).

Both are processes in namespaces, with UDP in between, the same proposals and a pre-shared key. Each
is the initiator of all IKE SAs once, and the responder once. Processor time is that of all of
charon, and of the engine's thread with its sockets, from before the first message until the last
SA is up. What they do with a CHILD_SA differs: charon installs it in its ESP in user space, with a
route; the engine makes ciphers of its keys. What IKE alone costs is seen where the engine initiates
IKE SAs without a CHILD_SA.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from ipaddress import IPv4Network
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.charon_peers import (
    DAEMON,
    FIRST_SPOKE,
    OURS,
    SETTINGS,
    WORDS,
    charons_hub,
    charons_spokes,
    our_hub,
    our_spokes,
    spoke_addresses,
)
from benchmarks.command import run
from benchmarks.cpu import cpu_seconds
from ike.config import KeyExchange, PeerConfig
from ike.endpoint import Endpoint
from ike.events import ChildSaEstablished, Event, IkeSaEstablished
from tests.interop.lab.engine.engine import Engine
from tests.interop.lab.lab import Lab
from tests.interop.lab.links import add_route
from tests.interop.lab.namespace import run_checked
from tests.interop.lab.requirements import missing
from tests.interop.lab.strongswan import StrongSwan
from tests.interop.lab.swanctl_conf import Connection
from tests.interop.lab.topology import SITE_A, SITE_B
from tests.interop.lab.waiting import wait_for

SAS = 500
_LAB = "bench"
IN_FLIGHT = 32  # handshakes that the engine has under way as initiator
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PATIENCE = 120.0  # seconds for all handshakes of a run
_POLL = 0.004  # seconds


@dataclass(frozen=True)
class Measurement:
    """One row. Processor time in milliseconds and memory in bytes, per IKE SA.

    `per_second`: IKE SAs on one core, if it did nothing else. `sustained_per_second`: those of the
    run by the clock, of which engine and charon have the same: the slower of them makes it.
    """

    key_exchange: str
    child_sa: bool
    who: str
    role: str
    cpu_ms: float
    per_second: float
    sustained_per_second: float
    memory: int


@dataclass(frozen=True)
class _Usage:
    """What a process has used: seconds of processor time, bytes that are resident; and when."""

    seconds: float
    resident: int
    at: float  # seconds, of a clock that does not go back

    @classmethod
    def of(cls, pid: int) -> _Usage:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return cls(cpu_seconds(pid), pages * _PAGE, time.monotonic())

    @classmethod
    def of_engine(cls, engine: Engine) -> _Usage:
        """Ask the thread that the engine has for itself; this process only waits meanwhile."""
        gc.collect()
        seconds = engine.call(lambda *_: time.thread_time())
        return cls(seconds, cls.of(os.getpid()).resident, time.monotonic())

    def __sub__(self, earlier: _Usage) -> _Usage:
        return _Usage(
            self.seconds - earlier.seconds, self.resident - earlier.resident, self.at - earlier.at
        )


@dataclass(frozen=True)
class _Case:
    method: KeyExchange
    child_sa: bool
    count: int  # IKE SAs

    @property
    def done(self) -> type[ChildSaEstablished] | type[IkeSaEstablished]:
        """What the engine tells when a handshake is over."""
        return ChildSaEstablished if self.child_sa else IkeSaEstablished

    def begin(self, engine: Engine, numbers: range) -> None:
        """Let the engine initiate some of its handshakes."""

        def begin(endpoint: Endpoint, now: float) -> None:
            for number in numbers:
                if self.child_sa:
                    endpoint.initiate(f"child-{number}", now)
                else:
                    endpoint.connect(f"peer-{number}", now)

        engine.call(begin)

    def row(self, who: str, role: str, used: _Usage) -> Measurement:
        return Measurement(
            self.method.name,
            self.child_sa,
            who,
            role,
            round(1000 * used.seconds / self.count, 3),
            round(self.count / used.seconds) if used.seconds else 0,
            round(self.count / used.at),
            used.resident // self.count,
        )


class _Progress:
    """Counts the events of one kind, looking at each once: what is measured must not be this."""

    def __init__(self, engine: Engine, kind: type[Event]) -> None:
        self._events = engine.events
        self._kind = kind
        self._looked_at = 0
        self._count = 0

    def count(self) -> int:
        end = len(self._events)
        for index in range(self._looked_at, end):
            self._count += isinstance(self._events[index], self._kind)
        self._looked_at = end
        return self._count


class Comparison:
    """A lab with the engine in one namespace and charon in another."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def prepare(self, count: int) -> None:
        """Give charon's spokes their addresses, one for each of `count` IKE SAs."""
        self._lab.network.make_linux_router(SITE_A)
        batch = "".join(f"address add {a} dev lo\n" for a in spoke_addresses(count))
        path = self._lab.run / "addresses"
        path.write_text(batch)
        name = self._lab[SITE_B.router].name
        run_checked(["ip", "-n", name, "-batch", str(path)])
        add_route(
            self._lab[SITE_A.router],
            IPv4Network(f"{FIRST_SPOKE}/16", strict=False),
            SITE_B.core_address,
        )

    def engine_initiates(self, case: _Case) -> Iterator[Measurement]:
        """Let the engine be all the spokes; measure it, and charon as the responder."""
        peers = our_spokes(case.method, case.count, childless=not case.child_sa)
        hub = charons_hub(case.method, childless=not case.child_sa)
        with self._charon(hub) as (_, pid), self._engine(peers) as engine:
            progress = _Progress(engine, case.done)
            before = _Usage.of_engine(engine), _Usage.of(pid)
            begun = 0
            deadline = time.monotonic() + _PATIENCE
            while (done := progress.count()) < case.count:
                assert time.monotonic() < deadline, f"{done} of {case.count} after {_PATIENCE} s"
                end = min(case.count, done + IN_FLIGHT)
                if end - begun >= IN_FLIGHT // 4 or end == case.count > begun:
                    case.begin(engine, range(begun, end))
                    begun = end
                time.sleep(_POLL)
            after = _Usage.of_engine(engine), _Usage.of(pid)
        yield case.row("engine", "initiator", after[0] - before[0])
        yield case.row("charon", "responder", after[1] - before[1])

    def charon_initiates(self, case: _Case) -> Iterator[Measurement]:
        """Let charon be all the spokes; measure it, and the engine as the responder."""

        def spokes(start: bool) -> list[Connection]:
            return list(charons_spokes(case.method, case.count, start=start))

        with (
            self._charon() as (charon, pid),
            self._engine(our_hub(case.method, case.count)) as engine,
        ):
            # Loading that many connections has a price of its own, paid twice to know it.
            idle = _Usage.of(pid)
            charon.load(*spokes(start=False))
            loading = _Usage.of(pid) - idle
            charon.load()
            before = _Usage.of_engine(engine), _Usage.of(pid)
            charon.load(*spokes(start=True))
            progress = _Progress(engine, case.done)
            wait_for(
                lambda: progress.count() >= case.count,
                f"{case.count} SAs",
                timeout=_PATIENCE,
                interval=_POLL,
            )
            after = _Usage.of_engine(engine), _Usage.of(pid)
        ours, theirs = after[0] - before[0], after[1] - before[1]
        yield case.row("engine", "responder", replace(ours, at=ours.at - loading.at))
        work, took = theirs.seconds - loading.seconds, theirs.at - loading.at
        yield case.row("charon", "initiator", replace(theirs, seconds=work, at=took))

    @contextmanager
    def _charon(self, *connections: Connection) -> Iterator[tuple[StrongSwan, int]]:
        charon = StrongSwan(
            self._lab[SITE_B.router], self._lab.run / "charon", options=DAEMON, quiet=True
        )
        charon.start(*connections)
        try:
            assert charon.pid is not None
            yield charon, charon.pid
        finally:
            charon.kill()

    @contextmanager
    def _engine(self, peers: list[PeerConfig]) -> Iterator[Engine]:
        engine = Engine(self._lab[SITE_A.router], OURS, peers, settings=SETTINGS)
        with engine:
            yield engine
            engine.kill()


def unavailable() -> str:
    """Say why charon can't be compared with here; "" if it can."""
    return "; ".join(missing())


def _engine_initiates(case: _Case) -> list[Measurement]:
    return list(Comparison(Lab(_LAB)).engine_initiates(case))


def _charon_initiates(case: _Case) -> list[Measurement]:
    return list(Comparison(Lab(_LAB)).charon_initiates(case))


def measurements(
    count: int = SAS, methods: Sequence[KeyExchange] = tuple(WORDS)
) -> list[Measurement]:
    """Measure each key exchange method with a CHILD_SA, and the first one without too.

    Args:
        count: IKE SAs of each run.
        methods: of key exchange.
    """
    lab = Lab(_LAB)
    lab.down()
    lab.up()
    try:
        Comparison(lab).prepare(count)
        cases = [_Case(method, child_sa=True, count=count) for method in methods]
        cases.append(_Case(methods[0], child_sa=False, count=count))
        rows: list[Measurement] = []
        # Each in a process of its own: memory that was freed before would not be seen again.
        with ProcessPoolExecutor(
            1, mp_context=get_context("spawn"), max_tasks_per_child=1
        ) as processes:
            for case in cases:
                rows += processes.submit(_engine_initiates, case).result()
                if case.child_sa:
                    rows += processes.submit(_charon_initiates, case).result()
        return rows
    finally:
        lab.down()


def as_json(rows: list[Measurement]) -> str:
    """Write the measurements as JSON."""
    return json.dumps([asdict(row) for row in rows], indent=2) + "\n"


def print_table(rows: list[Measurement]) -> None:
    """Show the measurements."""
    table = Table(title="An IKE SA over UDP, beside charon")
    for column in (
        "key exchange",
        "CHILD_SA",
        "role",
        "who",
        "CPU ms",
        "a core",
        "sustained",
        "bytes",
    ):
        table.add_column(column, justify="left" if column in ("role", "who") else "right")
    for row in sorted(rows, key=lambda row: (not row.child_sa, row.key_exchange, row.role)):
        table.add_row(
            row.key_exchange,
            "one" if row.child_sa else "none",
            row.role,
            row.who,
            f"{row.cpu_ms:.2f}",
            f"{row.per_second}/s",
            f"{row.sustained_per_second}/s",
            f"{row.memory}",
        )
    Console(width=None if sys.stdout.isatty() else 100).print(table)


def _obstacle() -> str:
    reason = unavailable()
    return f"not measured beside charon: {reason}" if reason else ""


def main() -> int:
    """Measure, and print."""
    return run(__doc__, measurements, as_json, print_table, _obstacle)


if __name__ == "__main__":
    sys.exit(main())
