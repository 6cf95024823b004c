"""Payloads as bytes, so that a chain can be written that no engine would write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_GENERIC = 4


@dataclass(frozen=True, slots=True)
class Raw:
    """One payload; `length` is what its header says, None for what is true."""

    payload_type: int
    flags: int
    body: bytes
    length: int | None = None


Chain = tuple[Raw, ...]


def parse(first: int, data: bytes) -> Chain:
    """Take a well-formed chain apart."""
    chain: list[Raw] = []
    at, payload_type = 0, first
    while payload_type and at < len(data):
        following, flags = data[at], data[at + 1]
        end = at + int.from_bytes(data[at + 2 : at + 4], "big")
        chain.append(Raw(payload_type, flags, data[at + _GENERIC : end]))
        at, payload_type = end, following
    return tuple(chain)


def serialize(chain: Sequence[Raw]) -> tuple[int, bytes]:
    """Write a chain; the type of its first payload comes first."""
    types = [raw.payload_type for raw in chain] + [0]
    data = b"".join(
        bytes([following, raw.flags])
        + (_GENERIC + len(raw.body) if raw.length is None else raw.length).to_bytes(2, "big")
        + raw.body
        for raw, following in zip(chain, types[1:], strict=True)
    )
    return types[0], data
