"""What the sender of a frame left to the hardware, as a ``virtio_net_hdr`` before it says it."""

from __future__ import annotations

import struct

from bmv2.embedded.ports.checksum import complete
from bmv2.embedded.ports.segmentation import segment

_HEADER = struct.Struct("=BBHHHH")
"""Flags, GSO type, header length, GSO size, checksum start, checksum offset."""

NOTHING_MISSING = bytes(_HEADER.size)
"""The header for a frame that is complete."""

_NEEDS_CHECKSUM = 0x01
_GSO_NONE, _GSO_TCPV4, _GSO_TCPV6, _GSO_UDP_L4 = 0, 1, 4, 5
_GSO_ECN = 0x80


def finish(data: bytes) -> list[bytes]:
    """Do what is missing.

    Args:
        data: A ``virtio_net_hdr``, then a frame.

    Returns:
        The frames as they would be on a wire: mostly one; none if what is said cannot be done.
    """
    if len(data) < _HEADER.size:
        return []
    flags, gso_type, _, size, start, offset = _HEADER.unpack_from(data)
    frame = data[_HEADER.size :]
    kind = gso_type & ~_GSO_ECN
    if kind in (_GSO_TCPV4, _GSO_TCPV6):
        return segment(frame, start, size, is_tcp=True)
    if kind == _GSO_UDP_L4:
        return segment(frame, start, size, is_tcp=False)
    if kind != _GSO_NONE:
        return []
    return [complete(frame, start, offset) if flags & _NEEDS_CHECKSUM else frame]
