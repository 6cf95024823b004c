"""Packets per second of the embedded datapath: ``python -m benchmarks.datapath [--json]``.

One core, the real p4ipsec program, no sockets: what is measured is `inject` up to the callback
that a frame leaves by. Beside it stands the raw AES-GCM call of the same run on as many bytes,
because absolute numbers say more about the machine than about the switch.
"""

from __future__ import annotations

import ipaddress
import json
import os
import struct
import sys
import timeit
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from rich.console import Console
from rich.table import Table

from benchmarks.command import run
from bmv2.embedded import esp
from bmv2.embedded.datapath import EmbeddedDatapath
from bmv2.embedded.datapath.hashes import csum16
from bmv2.embedded.esp_crypto.algorithms import EspEncryption, EspIntegrity
from bmv2.embedded.model import Entry, FieldMatch, MatchKind
from p4src.artefacts import JSON_PATH

SIZES = (64, 1400)  # bytes of IP packet
POLICIES = 4096
SECONDS = 0.2  # of one round
REPEATS = 3  # rounds, of which the best counts

INSIDE_MAC, OUTSIDE_MAC = 0x020000000001, 0x020000000002
HOST_MAC, PEER_MAC = 0x020000000101, 0x020000000202
KEY, SALT, SPI = 0x000102030405060708090A0B0C0D0E0F, 0xA1B2C3D4, 0x1001
CRYPTO_MAP, PACKET_TYPE, SA_ID = 7, 5, 3
PREFIX_24 = 0xFFFFFF00


@dataclass(frozen=True)
class Measurement:
    """One row. `ratio`: time of a packet over time of the raw AES-GCM call; None: no such call."""

    case: str
    octets: int
    microseconds: float
    packets_per_second: int
    ratio: float | None


def address(text: str) -> int:
    """Return an IPv4 address as a number."""
    return int(ipaddress.IPv4Address(text))


def best_seconds(function: Callable[[], object]) -> float:
    """Return the time of one call, in seconds: the best of some rounds."""
    timer = timeit.Timer(function)
    calls, spent = timer.autorange()
    calls = max(1, int(calls * SECONDS / spent))
    return min(timer.repeat(REPEATS, calls)) / calls


class Router:
    """Port 1 is the inside, 10.0.1.0/24; port 2 leads to the peer, 192.0.2.2."""

    def __init__(self) -> None:
        self.left = 0
        self.datapath = EmbeddedDatapath(lambda: 0, on_transmit=self._count)
        self.program = self.datapath.compile(JSON_PATH.read_bytes())
        self.datapath.commit(self.program)
        for number, mac in ((1, INSIDE_MAC), (2, OUTSIDE_MAC)):
            bound = CRYPTO_MAP if number == 2 else 0
            self.add("ingress_interface", "set_ingress_interface", [number], (number, mac, bound))
            self.add("egress_interface", "set_egress_interface", [number], (number, 1500, bound))
        self.add("local_address", "local", [address("192.0.2.1")], ())
        self.add("route", "connected", [(address("10.0.1.0"), 24)], (1,))
        self.add("route", "connected", [(address("192.0.2.0"), 24)], (2,))
        self.add("route", "via", [(address("10.0.0.0"), 8)], (2, address("192.0.2.2")))
        self.add_neighbor(1, "10.0.1.2", HOST_MAC, INSIDE_MAC)
        self.add_neighbor(2, "192.0.2.2", PEER_MAC, OUTSIDE_MAC)

    def _count(self, _port: int, _frame: bytes) -> None:
        self.left += 1

    def add(
        self,
        table: str,
        action: str,
        match: list[int | FieldMatch],
        params: tuple[int, ...],
        priority: int = 0,
    ) -> None:
        """Add an entry; plain numbers are exact matches, and what is left out matches all."""
        name = next(name for name in self.program.tables if name.endswith(f".{table}"))
        store = self.program.tables[name]
        fields: list[FieldMatch] = []
        for index, key in enumerate(store.keys):
            field = match[index] if index < len(match) else None
            if field is None:
                ones = (1 << key.bitwidth) - 1
                field = (0, ones) if key.kind is MatchKind.RANGE else (0, 0)
            fields.append((field, 0) if isinstance(field, int) else field)
        full = next(name for name in store.actions if name.endswith(f".{action}"))
        store.insert(Entry(tuple(fields), priority, full, params))

    def add_neighbor(self, interface_id: int, next_hop: str, mac: int, source: int) -> None:
        """Add a resolved next hop."""
        match: list[int | FieldMatch] = [interface_id, address(next_hop)]
        self.add("neighbor", "set_neighbor", match, (mac, interface_id, source))

    def protect(self, third_octets: int = 0) -> None:
        """Protect 10.0.1.0/24 towards 10.0.2.0/24, after as many other policies as are asked."""
        near: FieldMatch = (address("10.0.1.0"), PREFIX_24)
        for number in range(third_octets):
            far = (address("10.16.0.0") + number * 256, PREFIX_24)
            self.add("spd_out", "bypass", [CRYPTO_MAP, near, far], (), 10_000 + number)
        far = (address("10.0.2.0"), PREFIX_24)
        self.add("spd_out", "protect", [CRYPTO_MAP, near, far], (PACKET_TYPE,), 1)

    def add_sas(self) -> None:
        """Add an SA each way. The inbound one accepts the same packet again and again."""
        peer, us = address("192.0.2.2"), address("192.0.2.1")
        outbound = (SA_ID, 1, SPI, 1, KEY, SALT, 2**64 - 1, us, peer, 0, 2, peer, 1450)
        self.add("sad_out", "encapsulate", [PACKET_TYPE], outbound)
        self.add("sad_in", "decapsulate", [us, SPI], (SA_ID, 1, 1, KEY, SALT, 0))
        selectors: list[int | FieldMatch] = [
            SA_ID,
            (address("10.0.2.0"), PREFIX_24),
            (address("10.0.1.0"), PREFIX_24),
        ]
        self.add("sa_selectors", "accept_", selectors, (), 1)


def ethernet(destination: int, source: int) -> bytes:
    """Return an Ethernet header for IPv4."""
    return destination.to_bytes(6, "big") + source.to_bytes(6, "big") + b"\x08\0"


def ipv4(source: str, destination: str, octets: int, protocol: int = 17) -> bytes:
    """Return a packet of `octets` bytes: UDP, or another protocol without a payload of its own."""
    addresses = struct.pack("!II", address(source), address(destination))
    head = struct.pack("!BBHHHBB", 0x45, 0, octets, 1, 0, 64, protocol)
    checksum = csum16(head + addresses).to_bytes(2, "big")
    udp = struct.pack("!HHHH", 1234, 5678, octets - 20, 0)
    return (head + checksum + addresses + udp).ljust(octets, b"x")


def esp_frame(inner: bytes) -> bytes:
    """Return what the peer sends: an inner packet in ESP."""
    _, payload = esp.encapsulate(
        inner,
        encryption=EspEncryption.AES_GCM_16,
        key_length=128,
        key=KEY,
        salt=SALT,
        integrity=EspIntegrity.NONE,
        integrity_key=0,
        extended_sequence_numbers=0,
        spi=SPI,
        sequence_number=1,
        iv=1,
    )
    outer = ipv4("192.0.2.2", "192.0.2.1", 28 + len(payload), protocol=50)[:20]
    return ethernet(OUTSIDE_MAC, PEER_MAC) + outer + struct.pack("!II", SPI, 1) + payload


def measure(case: str, router: Router, port: int, frame: bytes, size: int, raw: float | None) -> (
    Measurement
):  # fmt: skip
    """Time one frame through a router, after making sure that it gets through."""
    before = router.left
    router.datapath.inject(port, frame)
    if router.left != before + 1:
        raise RuntimeError(f"{case}: the frame was not forwarded")
    inject = router.datapath.inject
    seconds = best_seconds(lambda: inject(port, frame))
    ratio = None if raw is None else round(seconds / raw, 2)
    return Measurement(case, size, round(seconds * 1e6, 2), int(1 / seconds), ratio)


def measure_new_flows(router: Router) -> Measurement:
    """Time packets of which none has the same addresses as one before it, among many policies."""
    head = ethernet(INSIDE_MAC, HOST_MAC)
    frames = [
        head + ipv4("10.0.1.2", f"10.{16 + number // 256 % 16}.{number % 256}.{number // 4096}", 64)
        for number in range(POLICIES * 16)
    ]
    inject, index = router.datapath.inject, 0

    def one() -> None:
        nonlocal index
        inject(1, frames[index])
        index = (index + 1) % len(frames)

    seconds = best_seconds(one)
    case = f"clear, new flows, {POLICIES} policies"
    return Measurement(case, 64, round(seconds * 1e6, 2), int(1 / seconds), None)


def measurements() -> Iterator[Measurement]:
    """Take all measurements."""
    cipher, nonce, aad = AESGCM(KEY.to_bytes(16, "big")), bytes(12), bytes(8)
    inside, outside = ethernet(INSIDE_MAC, HOST_MAC), ethernet(OUTSIDE_MAC, PEER_MAC)
    for size in SIZES:
        plaintext = bytes(size + -(size + 2) % 4 + 2)
        sealed = cipher.encrypt(nonce, plaintext, aad)
        seal = best_seconds(lambda text=plaintext: cipher.encrypt(nonce, text, aad))  # type: ignore[misc]  # a default binds the loop's value
        unseal = best_seconds(lambda text=sealed: cipher.decrypt(nonce, text, aad))  # type: ignore[misc]  # a default binds the loop's value
        for case, raw in (("AES-GCM encrypt, raw", seal), ("AES-GCM decrypt, raw", unseal)):
            yield Measurement(case, size, round(raw * 1e6, 2), int(1 / raw), 1.0)
        plain, protected = Router(), Router()
        protected.protect()
        protected.add_sas()
        clear = ipv4("10.0.1.2", "192.0.2.2", size)
        yield measure("clear", plain, 1, inside + clear, size, seal)
        outbound = ipv4("10.0.1.2", "10.0.2.2", size)
        yield measure("ESP out", protected, 1, inside + outbound, size, seal)
        inbound = esp_frame(ipv4("10.0.2.2", "10.0.1.2", size))
        yield measure("ESP in", protected, 2, inbound, size, unseal)
        answer = ipv4("192.0.2.2", "10.0.1.2", size)
        yield measure("clear, back", plain, 2, outside + answer, size, unseal)
    busy = Router()
    busy.protect(POLICIES)
    yield measure_new_flows(busy)


def print_table(rows: list[Measurement]) -> None:
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


def as_json(rows: list[Measurement]) -> str:
    """Return measurements for programs."""
    return json.dumps([asdict(row) for row in rows], indent=2) + "\n"


def main() -> int:
    """Measure and print."""
    return run(__doc__, lambda: list(measurements()), as_json, print_table)


if __name__ == "__main__":
    sys.exit(main())
