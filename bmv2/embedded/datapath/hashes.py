"""The hash algorithms of bmv2 (`src/bm_sim/calculations.cpp`), by the names of its JSON."""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Callable

Hash = Callable[[bytes], int]


def _crc16_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0xA001 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC16 = _crc16_table()


def crc16(data: bytes) -> int:
    """CRC-16/ARC: polynomial 0x8005 reflected, initial value 0."""
    remainder = 0
    for octet in data:
        remainder = (remainder >> 8) ^ _CRC16[(remainder ^ octet) & 0xFF]
    return remainder


def crc_ccitt(data: bytes) -> int:
    """CRC-16/CCITT-FALSE: polynomial 0x1021, initial value 0xffff."""
    return binascii.crc_hqx(data, 0xFFFF)


def complement_sum16(total: int) -> int:
    """Fold a sum of 16-bit words to the Internet checksum (RFC 1071).

    Any number will do that is congruent to that sum modulo 0xffff, and zero only where all words
    are: the words' own concatenation, for one.
    """
    rest = total % 0xFFFF
    if rest:
        return 0xFFFF - rest
    return 0 if total else 0xFFFF


def csum16(data: bytes) -> int:
    """The Internet checksum over bytes; an odd last byte is padded with zero."""
    total = int.from_bytes(data, "big")
    return complement_sum16(total << 8 if len(data) & 1 else total)


def xor16(data: bytes) -> int:
    """The exclusive or of all 16-bit words; an odd last byte is padded with zero."""
    total = 0
    for index in range(0, len(data), 2):
        total ^= int.from_bytes(data[index : index + 2].ljust(2, b"\0"), "big")
    return total


def identity(data: bytes) -> int:
    """The first eight bytes as a number."""
    return int.from_bytes(data[:8], "big")


HASHES: dict[str, Hash] = {
    "crc16": crc16,
    "crc32": zlib.crc32,
    "crcCCITT": crc_ccitt,
    "csum16": csum16,
    "cksum16": csum16,
    "xor16": xor16,
    "identity": identity,
}
CHECKSUMS16 = frozenset(("csum16", "cksum16"))
