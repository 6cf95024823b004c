"""Cutting up the frames that the sender left to the hardware to cut (TSO, USO, GRO).

A sender on the other end of a veth gives up to 64 kB at a time, and says beside the frame how long
each piece is to be. Every piece gets the headers of the whole, as a network card would do it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bmv2.embedded.ports.checksum import checksum

_ETHERNET_LENGTH = 14
_VLAN_LENGTH = 4
_VLAN_TYPES = frozenset({0x8100, 0x88A8})
_IPV4, _IPV6 = 0x0800, 0x86DD
_IPV6_LENGTH = 40
_TCP, _UDP = 6, 17
_TCP_FIN_PSH, _TCP_CWR = 0x09, 0x80


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the parts of a frame begin, in bytes."""

    version: int
    network: int
    transport: int
    payload: int
    protocol: int


def segment(frame: bytes, transport: int, size: int, *, is_tcp: bool) -> list[bytes]:
    """Cut a frame into pieces of at most ``size`` bytes of payload.

    Args:
        frame: An Ethernet frame with IPv4 or IPv6, and TCP or UDP.
        transport: Where the TCP or UDP header begins, in bytes.
        size: How many bytes of payload a piece carries, the last one maybe fewer.
        is_tcp: TCP, else UDP.

    Returns:
        The pieces, with complete checksums; nothing if the frame is not what it is said to be.
    """
    layout = _find(frame, transport, _TCP if is_tcp else _UDP)
    if layout is None or size <= 0:
        return []
    return list(_pieces(frame, layout, size))


def _find(frame: bytes, transport: int, protocol: int) -> _Layout | None:
    at = _ETHERNET_LENGTH
    ether_type = int.from_bytes(frame[at - 2 : at], "big")
    while ether_type in _VLAN_TYPES:
        at += _VLAN_LENGTH
        ether_type = int.from_bytes(frame[at - 2 : at], "big")
    if ether_type not in (_IPV4, _IPV6):
        return None
    minimum = 20 if ether_type == _IPV4 else _IPV6_LENGTH
    if transport < at + minimum or len(frame) < transport + (20 if protocol == _TCP else 8):
        return None
    length = (frame[transport + 12] >> 4) * 4 if protocol == _TCP else 8
    payload = transport + length
    if length < 8 or payload >= len(frame):
        return None
    return _Layout(4 if ether_type == _IPV4 else 6, at, transport, payload, protocol)


def _pieces(frame: bytes, at: _Layout, size: int) -> Iterator[bytes]:
    headers = frame[: at.payload]
    starts = range(at.payload, len(frame), size)
    for number, start in enumerate(starts):
        payload = frame[start : start + size]
        piece = bytearray(headers)
        _set_network(piece, at, len(payload), number)
        if at.protocol == _TCP:
            is_last = start + size >= len(frame)
            _set_tcp(piece, at, start - at.payload, is_first=number == 0, is_last=is_last)
        else:
            length = at.payload - at.transport + len(payload)
            piece[at.transport + 4 : at.transport + 6] = length.to_bytes(2, "big")
        _set_transport_checksum(piece, at, payload)
        yield bytes(piece) + payload


def _set_network(piece: bytearray, at: _Layout, payload: int, number: int) -> None:
    if at.version == 6:
        length = at.payload - at.network - _IPV6_LENGTH + payload
        piece[at.network + 4 : at.network + 6] = length.to_bytes(2, "big")
        return
    length = at.payload - at.network + payload
    piece[at.network + 2 : at.network + 4] = length.to_bytes(2, "big")
    identification = int.from_bytes(piece[at.network + 4 : at.network + 6], "big") + number
    piece[at.network + 4 : at.network + 6] = (identification & 0xFFFF).to_bytes(2, "big")
    piece[at.network + 10 : at.network + 12] = b"\0\0"
    value = checksum(bytes(piece[at.network : at.transport]))
    piece[at.network + 10 : at.network + 12] = value.to_bytes(2, "big")


def _set_tcp(piece: bytearray, at: _Layout, offset: int, *, is_first: bool, is_last: bool) -> None:
    sequence = int.from_bytes(piece[at.transport + 4 : at.transport + 8], "big") + offset
    piece[at.transport + 4 : at.transport + 8] = (sequence & 0xFFFFFFFF).to_bytes(4, "big")
    flags = at.transport + 13
    if not is_last:
        piece[flags] &= ~_TCP_FIN_PSH & 0xFF
    if not is_first:
        piece[flags] &= ~_TCP_CWR & 0xFF  # RFC 3168 §6.1.2: once for one window


def _set_transport_checksum(piece: bytearray, at: _Layout, payload: bytes) -> None:
    if at.version == 4:
        addresses = bytes(piece[at.network + 12 : at.network + 20])
    else:
        addresses = bytes(piece[at.network + 8 : at.network + 40])
    length = at.payload - at.transport + len(payload)
    place = at.transport + (16 if at.protocol == _TCP else 6)
    piece[place : place + 2] = b"\0\0"
    pseudo_header = addresses + length.to_bytes(4, "big") + at.protocol.to_bytes(4, "big")
    value = checksum(pseudo_header + bytes(piece[at.transport :]) + payload) or 0xFFFF
    piece[place : place + 2] = value.to_bytes(2, "big")
