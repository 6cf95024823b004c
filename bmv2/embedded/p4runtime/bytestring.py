"""Integers as P4Runtime byte strings (specification §8.4), big-endian and unsigned."""

from __future__ import annotations

from bmv2.embedded.p4runtime.codes import BAD_BYTESTRING
from bmv2.embedded.p4runtime.errors import P4RuntimeError


def decode(value: bytes, bitwidth: int, what: str) -> int:
    """Read a byte string; leading zero bytes are accepted, as every server must.

    Args:
        value: The byte string.
        bitwidth: The width of the P4 field, in bits.
        what: The name of the field, for the message.

    Raises:
        P4RuntimeError: The string is empty, or its value needs more than ``bitwidth`` bits.
    """
    if not value:
        raise P4RuntimeError(BAD_BYTESTRING, f"{what}: the value is an empty byte string")
    number = int.from_bytes(value, "big")
    if number >> bitwidth:
        raise P4RuntimeError(BAD_BYTESTRING, f"{what}: the value does not fit in {bitwidth} bits")
    return number


def encode(number: int) -> bytes:
    """Write the canonical, that is the shortest, byte string; 0 takes one byte."""
    return number.to_bytes((number.bit_length() + 7) // 8 or 1, "big")
