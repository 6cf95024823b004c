"""One switch between two virtual Ethernet links: ``python -m benchmarks.switch [--json]`` (root).

A raw socket sends frames into one link, the kernel counts what comes out of the other. The switch
is the process that users run (``p4ipsec switch ...``), alone in a network namespace.
"""

from benchmarks.switch.measurement import (
    Measurement,
    as_json,
    measurements,
    print_table,
    unavailable,
)

__all__ = ["Measurement", "as_json", "measurements", "print_table", "unavailable"]
