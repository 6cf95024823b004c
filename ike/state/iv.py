"""IVs of an IKE SA that changes process: no two processes use the same one (RFC 5282 §3.1).

An AEAD's IV is a counter of 64 bits. It begins at 0 where the IKE SA is made, and at a value of
its own in each process that imports it: a *run*. A run is never longer than `RUN_LENGTH`, since
there are 2^32 requests and as many answers in the life of an IKE SA (RFC 7296 §2.2), of at most
128 fragments each. So a new run is drawn at random outside all those that the blob knows: whatever
the exporter still sends, the IVs differ, for certain. Processes that import the same blob don't
know of each other; their runs of n messages overlap with a probability of n / 2^63.
"""

from __future__ import annotations

from collections.abc import Sequence

from ike.crypto.random import RandomBytes
from ike.state.errors import StateError

RUN_LENGTH = 1 << 40
MAX_RUNS = 256


def draw_run(runs: Sequence[int], random_bytes: RandomBytes) -> int:
    """Draw where a new run begins, given the beginnings of those before.

    Raises:
        StateError: there have been `MAX_RUNS`.
    """
    if len(runs) >= MAX_RUNS:
        raise StateError(f"the IKE SA has changed process {MAX_RUNS - 1} times since it was made")
    while True:
        start = int.from_bytes(random_bytes(8), "big")
        free = all(abs(start - run) >= RUN_LENGTH for run in runs)
        if free and start < (1 << 64) - RUN_LENGTH:
            return start
