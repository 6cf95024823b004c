"""Real traffic through real routers in the lab: ``python -m benchmarks.tunnel [--json]`` (root).

Our router on each switch that is here, first with strongSwan at the other end (AES-GCM-256, in UDP,
as its ``kernel-libipsec`` wants it), then with another of ours on the same switch, in raw ESP and
in UDP. Beside them stand a trivial router program in the same places, the same routers' packets in
the clear, and a tunnel between two strongSwans, all in one run: on two cores absolute numbers say
more about the machine than about the switch.
"""

from benchmarks.tunnel.measurement import (
    Results,
    as_json,
    measurements,
    print_table,
    unavailable,
)

__all__ = ["Results", "as_json", "measurements", "print_table", "unavailable"]
