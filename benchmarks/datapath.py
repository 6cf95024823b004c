"""Packets per second of the embedded datapath: ``python -m benchmarks.datapath [--json]``.

One core, the real p4ipsec program, no sockets: what is measured is `inject` up to the callback
that a frame leaves by. Beside it stands the raw AES-GCM call of the same run on as many bytes,
because absolute numbers say more about the machine than about the switch.
"""

from __future__ import annotations

import json
import os
import sys
import timeit
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from rich.console import Console
from rich.table import Table

from benchmarks import frames
from benchmarks.command import run
from bmv2.embedded.datapath import EmbeddedDatapath
from tests.bmv2.datapath.conftest import Router

SIZES = (64, 1400)  # bytes of IP packet
POLICIES = 4096
FLOWS_PER_POLICY = 16
SECONDS = 0.2  # of one round
REPEATS = 3  # rounds, of which the best counts

_POLICED = IPv4Address("10.16.0.0")  # where the many policies' networks begin
_MASK_24 = 0xFFFFFF00


@dataclass(frozen=True)
class Measurement:
    """One row. `ratio`: time of a packet over time of the raw AES-GCM call; None: no such call."""

    case: str
    octets: int
    microseconds: float
    packets_per_second: int
    ratio: float | None


class _Stopwatch:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def best(self, function: Callable[[], object]) -> float:
        """Return the time of one call, in seconds: the best of some rounds."""
        timer = timeit.Timer(function)
        calls, spent = 1, timer.timeit(1)
        while spent < self._seconds / 10:
            calls *= 2
            spent = timer.timeit(calls)
        calls = max(1, int(calls * self._seconds / spent))
        return min(timer.repeat(REPEATS, calls)) / calls

    def forwarding(
        self,
        case: str,
        datapath: EmbeddedDatapath,
        port: int,
        frame: bytes,
        size: int,
        raw: float | None,
    ) -> Measurement:
        """Time one frame through a datapath, after making sure that it gets through.

        Raises:
            RuntimeError: it does not.
        """
        left: list[int] = []
        datapath.on_transmit = lambda port, frame: left.append(port)
        datapath.inject(port, frame)
        if len(left) != 1:
            raise RuntimeError(f"{case}: the frame was not forwarded")
        datapath.on_transmit = _let_go
        inject = datapath.inject
        return _row(case, size, self.best(lambda: inject(port, frame)), raw)


def _let_go(_port: int, _frame: bytes) -> None:
    """Take a frame that leaves."""


def _row(case: str, size: int, seconds: float, raw: float | None) -> Measurement:
    ratio = None if raw is None else round(seconds / raw, 2)
    return Measurement(case, size, round(seconds * 1e6, 2), int(1 / seconds), ratio)


def _measure_new_flows(stopwatch: _Stopwatch, policies: int) -> Measurement:
    """Time packets of which none has the same addresses as one before it, among many policies."""
    router = Router().set_up(crypto_map=Router.CRYPTO_MAP)
    near = (Router.ip("10.0.1.0"), _MASK_24)
    for number in range(policies):
        match = {
            "crypto_map": Router.CRYPTO_MAP,
            "source": near,
            "destination": (int(_POLICED) + number * 256, _MASK_24),
        }
        router.add("spd_out", "bypass", match, priority=10_000 + number)
    way = {"interface_id": 2, "gateway": int(frames.PEER)}
    router.add("route", "via", {"prefix": (Router.ip("10.0.0.0"), 8)}, way)
    destinations = (
        _POLICED + number * 256 + host
        for host in range(1, 1 + FLOWS_PER_POLICY)
        for number in range(policies)
    )
    flows = [frames.outbound(64, destination) for destination in destinations]
    inject, index = router.datapath.inject, 0
    router.datapath.on_transmit = _let_go

    def one() -> None:
        nonlocal index
        inject(1, flows[index])
        index = (index + 1) % len(flows)

    return _row(f"clear, new flows, {policies} policies", 64, stopwatch.best(one), None)


def measurements(
    seconds: float = SECONDS, sizes: Sequence[int] = SIZES, policies: int = POLICIES
) -> Iterator[Measurement]:
    """Take all measurements.

    Args:
        seconds: of one round.
        sizes: bytes of IP packet.
        policies: among which new flows are looked up.
    """
    stopwatch = _Stopwatch(seconds)
    cipher, nonce, aad = AESGCM(Router.KEY.to_bytes(16, "big")), bytes(12), bytes(8)
    for size in sizes:
        plaintext = bytes(size + -(size + 2) % 4 + 2)
        sealed = cipher.encrypt(nonce, plaintext, aad)
        seal = stopwatch.best(lambda text=plaintext: cipher.encrypt(nonce, text, aad))  # type: ignore[misc]  # a default binds the loop's value
        unseal = stopwatch.best(lambda text=sealed: cipher.decrypt(nonce, text, aad))  # type: ignore[misc]  # a default binds the loop's value
        yield _row("AES-GCM encrypt, raw", size, seal, seal)
        yield _row("AES-GCM decrypt, raw", size, unseal, unseal)
        plain = Router().set_up().datapath
        protected = Router().set_up(crypto_map=Router.CRYPTO_MAP)
        protected.protect()
        protected.add_sa_out()
        protected.add_sa_in(frames.SPI_IN, anti_replay=0)  # takes the same packet again and again
        protected.accept()
        ipsec = protected.datapath
        yield stopwatch.forwarding("clear", plain, 1, frames.outbound(size), size, seal)
        yield stopwatch.forwarding("ESP out", ipsec, 1, frames.outbound(size), size, seal)
        yield stopwatch.forwarding("ESP in", ipsec, 2, frames.inbound_esp(size), size, unseal)
        yield stopwatch.forwarding("clear, back", plain, 2, frames.inbound(size), size, unseal)
    yield _measure_new_flows(stopwatch, policies)


def print_table(rows: Sequence[Measurement]) -> None:
    """Print measurements for people."""
    table = Table(title=f"Embedded datapath, one of {os.cpu_count()} cores")
    table.add_column("case", no_wrap=True)
    for heading in ("bytes of IP", "µs a packet", "packets/s", "of the raw call"):
        table.add_column(heading, justify="right")
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.1f}"
        rate, time = f"{row.packets_per_second:,}", f"{row.microseconds:.2f}"
        table.add_row(row.case, str(row.octets), time, rate, ratio)
    Console(width=None if sys.stdout.isatty() else 100).print(table)


def as_json(rows: Sequence[Measurement]) -> str:
    """Return measurements for programs."""
    return json.dumps([asdict(row) for row in rows], indent=2) + "\n"


def main() -> int:
    """Measure and print."""
    return run(__doc__, lambda: list(measurements()), as_json, print_table)


if __name__ == "__main__":
    sys.exit(main())
