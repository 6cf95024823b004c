"""All measurements, in the order of the report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks import (
    charon_handshake,
    datapath,
    ike_handshake,
    ike_profile,
    p4runtime_writes,
    switch,
    tunnel,
)
from benchmarks.command import say
from benchmarks.report.document import Document
from benchmarks.report.machine import Machine
from tests.interop.lab.errors import LabError


@dataclass(frozen=True)
class Benchmark:
    """One of the measurements.

    Attributes:
        name: Its module's, and its place in the report's JSON.
        measure: Measures.
        as_json: Writes what was measured.
        print_table: Shows it.
        unavailable: Says why it cannot be measured here; empty: it can.
    """

    name: str
    measure: Callable[[], Any]
    as_json: Callable[[Any], str]
    print_table: Callable[[Any], None]
    unavailable: Callable[[], str] = str


SUITE = (
    Benchmark(
        "switch",
        lambda: list(switch.measurements(progress=say)),
        switch.as_json,
        switch.print_table,
        switch.unavailable,
    ),
    Benchmark(
        "tunnel",
        lambda: tunnel.measurements(progress=say),
        tunnel.as_json,
        tunnel.print_table,
        tunnel.unavailable,
    ),
    Benchmark(
        "p4runtime_writes",
        lambda: p4runtime_writes.measurements(progress=say),
        p4runtime_writes.as_json,
        p4runtime_writes.print_table,
    ),
    Benchmark(
        "datapath", lambda: list(datapath.measurements()), datapath.as_json, datapath.print_table
    ),
    Benchmark(
        "charon_handshake",
        charon_handshake.measurements,
        charon_handshake.as_json,
        charon_handshake.print_table,
        charon_handshake.unavailable,
    ),
    Benchmark(
        "ike_handshake",
        ike_handshake.measurements,
        ike_handshake.as_json,
        ike_handshake.print_table,
    ),
    Benchmark(
        "ike_profile", ike_profile.measurements, ike_profile.as_json, ike_profile.print_table
    ),
)


def run_suite(suite: Iterable[Benchmark] = SUITE) -> Document:
    """Measure all that can be measured here, and print it; say what can't."""
    machine = Machine.this_one()
    results: dict[str, Any] = {}
    skipped: dict[str, str] = {}
    for benchmark in suite:
        if reason := benchmark.unavailable():
            skipped[benchmark.name] = reason
            print(f"not measured: {benchmark.name}: {reason}")
            continue
        say(benchmark.name)
        try:
            measured = benchmark.measure()
        except LabError as error:  # the others are worth having
            skipped[benchmark.name] = f"failed: {error}"
            print(f"not measured: {benchmark.name}: {error}")
            continue
        benchmark.print_table(measured)
        results[benchmark.name] = json.loads(benchmark.as_json(measured))
    return Document(machine, results, skipped)
