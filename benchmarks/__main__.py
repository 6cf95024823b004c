"""Run all measurements, print them, and keep them as JSON in ``benchmarks/results/``."""

from __future__ import annotations

import sys
from pathlib import Path

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

RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Measure everything."""
    RESULTS.mkdir(exist_ok=True)
    rows = list(datapath.measurements())
    datapath.print_table(rows)
    (RESULTS / "datapath.json").write_text(datapath.as_json(rows))
    writes = p4runtime_writes.measurements(progress=say)
    p4runtime_writes.print_table(writes)
    (RESULTS / "p4runtime_writes.json").write_text(p4runtime_writes.as_json(writes))
    handshakes = ike_handshake.measurements()
    ike_handshake.print_table(handshakes)
    (RESULTS / "ike_handshake.json").write_text(ike_handshake.as_json(handshakes))
    profile = ike_profile.measurements()
    ike_profile.print_table(profile)
    (RESULTS / "ike_profile.json").write_text(ike_profile.as_json(profile))
    reason = charon_handshake.unavailable()
    if reason:
        print(f"not measured beside charon: {reason}")
        return 0
    beside = charon_handshake.measurements()
    charon_handshake.print_table(beside)
    (RESULTS / "charon_handshake.json").write_text(charon_handshake.as_json(beside))
    switches = list(switch.measurements(progress=say))
    switch.print_table(switches)
    (RESULTS / "switch.json").write_text(switch.as_json(switches))
    results = tunnel.measurements(progress=say)
    tunnel.print_table(results)
    (RESULTS / "tunnel.json").write_text(tunnel.as_json(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
