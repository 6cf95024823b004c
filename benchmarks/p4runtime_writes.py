"""Table writes per second over P4Runtime: ``python -m benchmarks.p4runtime_writes [--json]``.

The embedded switch with the real p4ipsec program. Entries of ``route`` are inserted in batches of
several sizes, then deleted: once straight into the server (no gRPC), once over gRPC on a Unix
socket, with client and server in one process and on one core.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass

import grpc
from finsy.proto import p4i, p4r, p4r_grpc
from google.protobuf import text_format
from rich.console import Console
from rich.table import Table

from benchmarks.command import run
from bmv2.embedded.switch import EmbeddedSwitch
from bmv2.switch_options import SwitchOptions
from p4src.artefacts import JSON_PATH, P4INFO_PATH

BATCH_SIZES = (1, 10, 100, 500)  # updates in one Write
ENTRIES = 4000  # at most, for each measurement
DEVICE_ID, ELECTION_ID = 1, 1
ROUTE_TABLE, BLACKHOLE = 0x02000004, 0x01000006

Write = Callable[[p4r.WriteRequest], Awaitable[object]]


@dataclass(frozen=True)
class Measurement:
    """One row; an update is one entry inserted or deleted."""

    way: str
    batch_size: int
    writes_per_second: int
    updates_per_second: int


def requests(batch_size: int) -> Iterator[p4r.WriteRequest]:
    """Insert host routes in batches, then delete them."""
    count = max(batch_size, min(ENTRIES, 1000 * batch_size) // batch_size * batch_size)
    for kind in ("INSERT", "DELETE"):
        for start in range(0, count, batch_size):
            request = p4r.WriteRequest(device_id=DEVICE_ID)
            request.election_id.low = ELECTION_ID
            for number in range(start, start + batch_size):
                update = request.updates.add(type=kind)
                entry = update.entity.table_entry
                entry.table_id = ROUTE_TABLE
                match = entry.match.add(field_id=1).lpm
                match.value, match.prefix_len = (0x0A000000 + number).to_bytes(4, "big"), 32
                entry.action.action.action_id = BLACKHOLE
            yield request


async def measure(way: str, batch_size: int, write: Write) -> Measurement:
    """Write all requests one after the other."""
    prepared = list(requests(batch_size))
    begin = time.perf_counter()
    for request in prepared:
        await write(request)
    seconds = time.perf_counter() - begin
    writes = len(prepared) / seconds
    return Measurement(way, batch_size, round(writes), round(writes * batch_size))


def pipeline() -> p4r.SetForwardingPipelineConfigRequest:
    """The project's pipeline."""
    request = p4r.SetForwardingPipelineConfigRequest(
        device_id=DEVICE_ID,
        action=p4r.SetForwardingPipelineConfigRequest.VERIFY_AND_COMMIT,
    )
    request.election_id.low = ELECTION_ID
    request.config.p4info.CopyFrom(text_format.Parse(P4INFO_PATH.read_text(), p4i.P4Info()))
    request.config.p4_device_config = JSON_PATH.read_bytes()
    return request


async def measure_all() -> list[Measurement]:
    """Start a switch, and measure each way and batch size."""
    rows: list[Measurement] = []
    with tempfile.TemporaryDirectory() as folder:
        options = SwitchOptions(grpc_addresses=(f"unix:{folder}/switch.sock",), device_id=DEVICE_ID)
        async with (
            EmbeddedSwitch(options) as switch,
            grpc.aio.insecure_channel(switch.addresses[0]) as channel,
        ):
            stub = p4r_grpc.P4RuntimeStub(channel)
            stream = stub.StreamChannel()
            hello = p4r.StreamMessageRequest()
            hello.arbitration.device_id = DEVICE_ID
            hello.arbitration.election_id.low = ELECTION_ID
            await stream.write(hello)
            await stream.read()
            await stub.SetForwardingPipelineConfig(pipeline())

            async def direct(request: p4r.WriteRequest) -> None:
                switch.service.write(request)

            async def remote(request: p4r.WriteRequest) -> None:
                await stub.Write(request)

            for batch_size in BATCH_SIZES:
                rows.append(await measure("without gRPC", batch_size, direct))
                rows.append(await measure("gRPC, Unix socket", batch_size, remote))
            stream.cancel()
    return rows


def measurements() -> list[Measurement]:
    """All rows."""
    return asyncio.run(measure_all())


def as_json(rows: list[Measurement]) -> str:
    """The rows as JSON."""
    return json.dumps([asdict(row) for row in rows], indent=2) + "\n"


def print_table(rows: list[Measurement]) -> None:
    """Print the rows."""
    table = Table(title="P4Runtime writes")
    for heading in ("way", "batch", "writes/s", "entries/s"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    for row in rows:
        table.add_row(
            row.way,
            str(row.batch_size),
            f"{row.writes_per_second:,}",
            f"{row.updates_per_second:,}",
        )
    Console(width=None if sys.stdout.isatty() else 100).print(table)


def main() -> int:
    """Measure and print."""
    return run(__doc__, measurements, as_json, print_table)


if __name__ == "__main__":
    sys.exit(main())
