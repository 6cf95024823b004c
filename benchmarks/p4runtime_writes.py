"""Table writes per second over P4Runtime: ``python -m benchmarks.p4runtime_writes [--json]``.

Each switch that is here, as the process that users run, over gRPC on a Unix socket. Routes and SAs
are written as the controller writes them when so many are wanted at once: in its order, with a
Write for each stage of it, of 500 updates at most. A pair of SAs is one entry each of ``sad_in``,
``sad_out`` and ``sa_selectors``, so a pair alone takes three Writes.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from finsy import P4Schema
from finsy.proto import p4r
from rich.console import Console
from rich.table import Table

from benchmarks import targets
from benchmarks.command import run, say
from benchmarks.process import switch_process
from controller.p4runtime import tables
from controller.p4runtime.codec import encode_updates, load_schema
from controller.p4runtime.desired import DesiredState
from controller.p4runtime.entities import Entry, Update
from controller.p4runtime.ordering import batches
from controller.p4runtime.tables import SEQUENCE_LIMIT_32, Keying, SadIn, SadOut
from ike.config import EncryptionAlgorithm
from ike.types import Secret, TrafficSelector
from tests.conformance.client import DEVICE_ID, ELECTION_ID, NO_WIRE, P4RuntimeSwitch

BATCH_SIZES = (1, 10, 100, 500)  # routes or pairs of SAs at once
MOST = 4000  # of either, in one measurement; the switch has place for 4,096 pairs of SAs
MOST_BATCHES = 1000  # in one measurement

US, PEER = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
INTERFACE, INNER_MTU = 2, 1400
FIRST_SPI = 0x1000


@dataclass(frozen=True)
class Measurement:
    """One row.

    Attributes:
        target: Which switch.
        what: Routes, or pairs of SAs.
        batch_size: How many of them at once.
        writes_per_second: WriteRequests, while they were installed.
        installed_per_second: Routes, or pairs of SAs.
        removed_per_second: The same, of their removal.
    """

    target: str
    what: str
    batch_size: int
    writes_per_second: int
    installed_per_second: int
    removed_per_second: int


def _route(number: int) -> list[Entry]:
    network = IPv4Network((0x0A000000 + number, 32))
    return [tables.route_via(network, INTERFACE, PEER)]


def _pair_of_sas(number: int) -> list[Entry]:
    """Return what the controller declares for a pair: AES-GCM-256, between two hosts."""
    sa_id = packet_type = number + 1
    keying = Keying(EncryptionAlgorithm.AES_GCM_16, 256, Secret(bytes(32)), Secret(bytes(4)))
    near, far = (IPv4Address(first + number) for first in (0x0A010000, 0x0A020000))
    inbound = SadIn(US, FIRST_SPI + number, sa_id, 1, keying)
    outbound = SadOut(
        packet_type=packet_type,
        sa_id=sa_id,
        generation=1,
        spi=FIRST_SPI + number,
        keying=keying,
        sequence_limit=SEQUENCE_LIMIT_32,
        tunnel_source=US,
        tunnel_destination=PEER,
        udp_destination_port=0,
        interface_id=INTERFACE,
        gateway=PEER,
        inner_mtu=INNER_MTU,
    )
    selectors = tables.sa_selectors(
        sa_id, (TrafficSelector(near, near),), (TrafficSelector(far, far),)
    )
    return [*selectors, tables.sad_in(inbound), tables.sad_out(outbound)]


ROUTES, PAIRS_OF_SAS = "routes", "pairs of SAs"
WHAT: dict[str, Callable[[int], list[Entry]]] = {ROUTES: _route, PAIRS_OF_SAS: _pair_of_sas}


def _requests(schema: P4Schema, updates: Sequence[Update]) -> Iterator[p4r.WriteRequest]:
    for batch in batches(updates):
        yield p4r.WriteRequest(
            device_id=DEVICE_ID, election_id=ELECTION_ID, updates=encode_updates(schema, batch)
        )


def _measure(
    switch: P4RuntimeSwitch, schema: P4Schema, target: str, what: str, batch_size: int, most: int
) -> Measurement:
    """Install so many at once until there are enough, then remove them in the same way."""
    count = max(1, min(MOST_BATCHES, most // batch_size)) * batch_size
    desired = DesiredState()
    entries = [WHAT[what](number) for number in range(count)]
    installs: list[p4r.WriteRequest] = []
    removals: list[p4r.WriteRequest] = []
    for change, found in ((desired.declare, installs), (_withdrawal(desired), removals)):
        for start in range(0, count, batch_size):
            for entry in (entry for each in entries[start : start + batch_size] for entry in each):
                change(entry)
            found += _requests(schema, desired.pending())
    installing, removing = (_time(switch, requests) for requests in (installs, removals))
    return Measurement(
        target,
        what,
        batch_size,
        round(len(installs) / installing),
        round(count / installing),
        round(count / removing),
    )


def _withdrawal(desired: DesiredState) -> Callable[[Entry], None]:
    return lambda entry: desired.withdraw(entry.key)


def _time(switch: P4RuntimeSwitch, requests: Sequence[p4r.WriteRequest]) -> float:
    """Write one after the other; return the seconds that it took."""
    begun = time.perf_counter()
    for request in requests:
        switch.write_request(request)
    return time.perf_counter() - begun


def measurements(
    most: int = MOST,
    batch_sizes: Sequence[int] = BATCH_SIZES,
    switches: Sequence[str] | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> list[Measurement]:
    """Measure each switch, kind of entry and batch size.

    Args:
        most: routes or pairs of SAs in one measurement.
        batch_sizes: how many of them at once.
        switches: which ones; None: all that are here.
        progress: is told what is measured next.
    """
    rows: list[Measurement] = []
    schema = load_schema()
    for target in targets.here() if switches is None else switches:
        with tempfile.TemporaryDirectory() as folder, switch_process(target, Path(folder)) as on:
            switch = P4RuntimeSwitch(on.address, NO_WIRE)
            switch.load()
            for what in WHAT:
                progress(f"{target}: {what}")
                for batch_size in batch_sizes:
                    rows.append(_measure(switch, schema, target, what, batch_size, most))
            switch.close()
    return rows


def as_json(rows: Sequence[Measurement]) -> str:
    """The rows as JSON."""
    return json.dumps([asdict(row) for row in rows], indent=2) + "\n"


def print_table(rows: Sequence[Measurement]) -> None:
    """Print the rows."""
    table = Table(title="P4Runtime writes")
    for heading in ("switch", "what"):
        table.add_column(heading)
    for heading in ("at once", "writes/s", "installed/s", "removed/s"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            row.target,
            row.what,
            str(row.batch_size),
            f"{row.writes_per_second:,}",
            f"{row.installed_per_second:,}",
            f"{row.removed_per_second:,}",
        )
    Console(width=None if sys.stdout.isatty() else 100).print(table)


def main() -> int:
    """Measure and print."""
    return run(__doc__, lambda: measurements(progress=say), as_json, print_table)


if __name__ == "__main__":
    sys.exit(main())
