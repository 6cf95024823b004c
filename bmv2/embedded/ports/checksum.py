"""Finishing checksums that the sender left to the hardware.

Linux hands a TCP or UDP packet to a veth with only the pseudo-header summed up, and says so beside
the packet. On a wire the network card would finish it; here it is us.
"""

from __future__ import annotations


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    # 2**16 is 1 modulo 2**16 - 1, so the whole number leaves the same as the sum of its words.
    total = int.from_bytes(data, "big")
    folded = total % 0xFFFF
    if folded == 0 and total:
        folded = 0xFFFF
    return ~folded & 0xFFFF


def complete(frame: bytes, start: int, offset: int) -> bytes:
    """Finish a partial checksum.

    Args:
        frame: The frame; where the checksum belongs, it has the sum over the pseudo-header.
        start: The first byte that the checksum covers; it covers all up to the end.
        offset: Where the checksum belongs, from ``start`` on.

    Returns:
        The frame with its checksum; unchanged if that would be outside of it.
    """
    place = start + offset
    if place + 2 > len(frame):
        return frame
    # 0 would say that there is none (RFC 768); 0xFFFF is the same number.
    value = checksum(frame[start:]) or 0xFFFF
    return frame[:place] + value.to_bytes(2, "big") + frame[place + 2 :]
