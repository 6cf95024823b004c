"""CPU and memory per IKE SA with one CHILD_SA: ``python -m benchmarks.ike_handshake [--json]``.

A hub and its spokes, endpoints of the IKE engine in one process and on one core; the spokes
initiate, messages are handed over in memory. What initiators and responder spend is counted apart.
"""

from __future__ import annotations

import json
import sys
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address

from rich.console import Console
from rich.table import Table

from benchmarks.command import run
from ike.config import ChildConfig, IkeProposal, KeyExchange, PeerConfig, PresharedKey, Settings
from ike.endpoint import Endpoint
from ike.events import ChildSaEstablished
from ike.types import Identity, Secret, TrafficSelector

METHODS = (
    KeyExchange.CURVE25519,
    KeyExchange.SECP256R1,
    KeyExchange.SECP384R1,
    KeyExchange.MODP2048,
)
SAS = 500
PRESHARED_KEY = PresharedKey(Secret(b"the shared secret of the benchmark"))
HUB = IPv4Address("10.0.0.1")
FIRST_SPOKE = IPv4Address("10.1.0.0")
SETTINGS = Settings(cookie_threshold=1 << 20)


@dataclass(frozen=True)
class Measurement:
    """One row. CPU in milliseconds per IKE SA with its CHILD_SA.

    `memory` is what both ends together keep of it, in bytes.
    """

    key_exchange: str
    role: str
    cpu_ms: float
    per_second: float
    memory: int


def _peer(local: IPv4Address, remote: IPv4Address, method: KeyExchange) -> PeerConfig:
    return PeerConfig(
        f"{local} {remote}",
        local,
        remote,
        Identity.from_text(str(local)),
        Identity.from_text(str(remote)),
        PRESHARED_KEY,
        PRESHARED_KEY,
        (
            ChildConfig(
                f"{local} {remote}",
                (TrafficSelector(local, local),),
                (TrafficSelector(remote, remote),),
            ),
        ),
        (IkeProposal(key_exchange=(method,)),),
    )


class Star:
    """A hub and `count` spokes, and the CPU seconds that either side has spent.

    A profiler is on while the responder works, if there is one.
    """

    def __init__(
        self,
        method: KeyExchange,
        count: int,
        *,
        responder_profiler: AbstractContextManager[object] | None = None,
    ) -> None:
        self._profilers = {"responder": responder_profiler or nullcontext()}
        addresses = [FIRST_SPOKE + number for number in range(count)]
        self.hub = Endpoint([_peer(HUB, a, method) for a in addresses], settings=SETTINGS)
        self.spokes = {f"{a} {HUB}": Endpoint([_peer(a, HUB, method)]) for a in addresses}
        self.spent = {"initiator": 0.0, "responder": 0.0}

    @contextmanager
    def _clock(self, role: str) -> Iterator[None]:
        begun = time.process_time()
        with self._profilers.get(role, nullcontext()):
            yield
        self.spent[role] += time.process_time() - begun

    def establish(self) -> None:
        """Let every spoke initiate its IKE SA."""
        for child, spoke in self.spokes.items():
            with self._clock("initiator"):
                spoke.initiate(child, 0.0)
            while requests := spoke.transmits():
                for datagram in requests:
                    with self._clock("responder"):
                        self.hub.receive(datagram, 0.0)
                for datagram in self.hub.transmits():
                    with self._clock("initiator"):
                        spoke.receive(datagram, 0.0)
            if not any(isinstance(event, ChildSaEstablished) for event in spoke.events()):
                raise RuntimeError(f"no CHILD_SA for {child}")
            self.hub.events()


def _memory(method: KeyExchange, count: int) -> int:
    star = Star(method, count)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    star.establish()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) // count


def measurements(count: int = SAS, methods: Sequence[KeyExchange] = METHODS) -> list[Measurement]:
    """Measure key exchange methods, in both roles.

    Args:
        count: IKE SAs for each method; memory is measured with a fifth of them.
        methods: of key exchange.
    """
    rows = []
    for method in methods:
        Star(method, min(count, 20)).establish()  # warm-up
        star = Star(method, count)
        star.establish()
        memory = _memory(method, max(1, count // 5))
        rows += [
            Measurement(method.name, role, 1000 * spent / count, count / spent, memory)
            for role, spent in star.spent.items()
        ]
    return rows


def as_json(rows: list[Measurement]) -> str:
    """Write the measurements as JSON."""
    return json.dumps([asdict(row) for row in rows], indent=2) + "\n"


def print_table(rows: list[Measurement]) -> None:
    """Show the measurements."""
    table = Table(title="IKE_SA_INIT and IKE_AUTH with one CHILD_SA, per IKE SA")
    for column in ("key exchange", "role", "CPU ms", "per second", "bytes, both ends"):
        table.add_column(column, justify="left" if column in ("key exchange", "role") else "right")
    for row in rows:
        table.add_row(
            row.key_exchange,
            row.role,
            f"{row.cpu_ms:.2f}",
            f"{row.per_second:.0f}",
            str(row.memory),
        )
    Console().print(table)


def main() -> int:
    """Measure, and print."""
    return run(__doc__, measurements, as_json, print_table)


if __name__ == "__main__":
    sys.exit(main())
