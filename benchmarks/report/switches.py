"""The sections on one switch alone: forwarding, the embedded datapath, table writes."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import datapath, p4runtime_writes
from benchmarks.report.document import Document
from benchmarks.report.text import opening, percent, table
from benchmarks.switch.cases import CLEAR, PLAIN_FORWARDING
from benchmarks.switch.measurement import RATE, Measurement, cpu_share, share


def forwarding(document: Document) -> Iterator[str]:
    """Yield what a switch forwards between two links."""
    rows = document.rows("switch", Measurement)
    if not rows:
        return
    yield from opening(
        "## One switch between two links",
        "One sender floods the switch with IP packets of one size. Packets/s is what gets through",
        "meanwhile; sender and switch share the cores. Processor time is that of the switch for",
        f"a packet at {RATE:,} packets a second, in all its threads, the kernel's part included;",
        "*by CPU* is how many packets that processor time is enough for. *Others* is what other",
        "programs had of all cores during the flood: with more than a few per cent, packets/s are",
        "too few.",
        "*Plain forwarding* is a trivial router program",
        "([plain_forwarding.p4](../benchmarks/plain_forwarding/plain_forwarding.p4)): Ethernet,",
        "IPv4, checksum verified and updated, one table of routes. *Clear* is our router without",
        "a crypto map; with *passive mode* the crypto map is bound, and its packet type has no",
        "SA. ESP is AES-GCM-128. `python -m benchmarks.switch`",
    )
    for target in dict.fromkeys(row.target for row in rows):
        for octets in dict.fromkeys(row.octets for row in rows):
            chosen = [row for row in rows if (row.target, row.octets) == (target, octets)]
            yield from table(
                (
                    f"{target}, {octets:,} bytes",
                    "packets/s",
                    "of plain",
                    "of clear",
                    "µs CPU a packet",
                    "of plain, by CPU",
                    "others",
                ),
                (
                    (
                        row.case,
                        f"{row.packets_per_second:,}",
                        percent(share(rows, row, PLAIN_FORWARDING)),
                        percent(share(rows, row, CLEAR)),
                        f"{row.microseconds:.1f}",
                        percent(cpu_share(rows, row, PLAIN_FORWARDING)),
                        percent(row.others),
                    )
                    for row in chosen
                ),
            )
            yield ""


def embedded_datapath(document: Document) -> Iterator[str]:
    """Yield what the embedded switch's datapath takes, without sockets."""
    rows = document.rows("datapath", datapath.Measurement)
    if not rows:
        return
    yield from opening(
        "## The embedded switch's datapath alone",
        "From a frame in memory to a frame in memory, on one core, with no socket in between. The",
        "last column is the time over that of the bare AES-GCM call on as many bytes.",
        "`python -m benchmarks.datapath`",
    )
    yield from table(
        ("", "bytes of IP", "µs a packet", "packets/s", "of the bare call"),
        (
            (
                row.case,
                f"{row.octets:,}",
                f"{row.microseconds:.2f}",
                f"{row.packets_per_second:,}",
                "" if row.ratio is None else f"{row.ratio:.1f}",
            )
            for row in rows
        ),
    )
    yield ""


def writes(document: Document) -> Iterator[str]:
    """Yield how fast tables are written."""
    rows = document.rows("p4runtime_writes", p4runtime_writes.Measurement)
    if not rows:
        return
    yield from opening(
        "## Table writes",
        "Over gRPC on a Unix socket, one Write after the other, in the stages of the controller:",
        "a pair of SAs is one entry each of `sa_selectors`, `sad_in` and `sad_out`, in this",
        "order, and each takes a Write of its own, which has up to 500 updates.",
        "`python -m benchmarks.p4runtime_writes`",
    )
    yield from table(
        ("switch", "what", "at once", "Writes/s", "installed/s", "removed/s"),
        (
            (
                row.target,
                row.what,
                str(row.batch_size),
                f"{row.writes_per_second:,}",
                f"{row.installed_per_second:,}",
                f"{row.removed_per_second:,}",
            )
            for row in rows
        ),
        texts=2,
    )
    yield ""
