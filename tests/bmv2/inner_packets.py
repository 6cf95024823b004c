"""IPv4 packets as a peer might put them into ESP: right, nearly right, or noise."""

from __future__ import annotations

import ipaddress
from typing import TypeVar

from hypothesis import strategies as st

from bmv2.embedded.datapath.hashes import csum16

T = TypeVar("T")

ADDRESSES = [
    "10.0.2.2", "10.0.1.2", "10.0.1.1", "192.0.2.1", "10.9.9.9", "224.0.0.5", "127.0.0.1",
]  # fmt: skip
PORTS = [500, 4500, 1234]


def mostly(usual: T, *others: T) -> st.SearchStrategy[T]:
    return st.sampled_from([usual] * 8 + list(others))


@st.composite
def transports(draw: st.DrawFn) -> bytes:
    """UDP's ports and length, or what looks like an SPI; then anything."""
    ports = [draw(st.sampled_from(PORTS)) for _ in range(2)]
    length = draw(st.sampled_from([0, 8, 9, 15, 16, 40, 0xFFFF]))
    words = [*ports, length, 0, draw(st.sampled_from([0, 1])), 7, 0, 1]
    octets = b"".join(word.to_bytes(2, "big") for word in words)
    cut = draw(st.one_of(st.just(16), st.integers(0, 16)))
    return octets[:cut] + (draw(st.binary(max_size=30)) if cut == 16 else b"")


@st.composite
def inner_packets(draw: st.DrawFn) -> bytes:
    transport = draw(transports())
    total = 20 + len(transport) + draw(mostly(0, -1, 1, 4))
    head = bytes([draw(mostly(0x45, 0x46, 0x44, 0x65)), draw(st.integers(0, 3))])
    head += max(total, 0).to_bytes(2, "big") + b"\x12\x34"
    fragment = draw(mostly(0, 0x2000, 0x4000, 0x8000, 1, 0x2001, 0x0100))
    protocol = draw(st.sampled_from([1, 4, 6, 17, 17, 50, 132]))
    head += fragment.to_bytes(2, "big") + bytes([draw(mostly(64, 0, 1, 2)), protocol])
    addresses = b"".join(
        ipaddress.IPv4Address(draw(mostly(usual, *ADDRESSES))).packed
        for usual in ("10.0.2.2", "10.0.1.2")
    )
    checksum = csum16(head + addresses) ^ draw(mostly(0, 1, 0xFFFF))
    packet = head + checksum.to_bytes(2, "big") + addresses + transport
    return packet[: draw(mostly(len(packet), *range(24)))]
