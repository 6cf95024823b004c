"""The Traffic Selector payloads (RFC 7296 §3.13)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from struct import Struct
from typing import ClassVar

from ike.codec.reader import Reader
from ike.codec.registry import PayloadType, TsType
from ike.types import TrafficSelector

_COUNT = Struct("!B3x")
_HEADER = Struct("!BBH")  # type, protocol, length
_PORTS = Struct("!HH")  # start, end
_SHORTEST = 8  # bytes of a selector

_ADDRESS_LENGTH: dict[int, int] = {TsType.IPV4_ADDR_RANGE: 4, TsType.IPV6_ADDR_RANGE: 16}
_TYPE_OF_VERSION: dict[int, int] = {4: TsType.IPV4_ADDR_RANGE, 6: TsType.IPV6_ADDR_RANGE}
_OPAQUE = (65535, 0)  # start and end port: port information is not available


@dataclass(frozen=True, slots=True)
class RawSelector:
    """A selector that is no range of addresses and ports, kept as it came.

    It is of another type, or for packets whose ports can't be seen (OPAQUE).
    """

    ts_type: int
    protocol: int
    body: bytes


def _parse_selector(reader: Reader) -> TrafficSelector | RawSelector:
    ts_type, protocol, length = reader.unpack(_HEADER)
    if length < _SHORTEST:
        raise reader.error(f"a selector of {length} bytes, {_SHORTEST} is the least")
    block = reader.block("traffic selector", length - _HEADER.size)
    size = _ADDRESS_LENGTH.get(ts_type)
    if size is None:
        return RawSelector(ts_type, protocol, block.rest())
    body_start = block.position
    start_port, end_port = block.unpack(_PORTS)
    start, end = block.take(size), block.take(size)
    block.finish()
    if start > end:
        raise block.error("the first address lies behind the last", body_start)
    if start_port > end_port and (start_port, end_port) != _OPAQUE:
        raise block.error("the first port lies behind the last", body_start)
    if start_port > end_port:
        return RawSelector(ts_type, protocol, _PORTS.pack(start_port, end_port) + start + end)
    address = IPv4Address if ts_type == TsType.IPV4_ADDR_RANGE else IPv6Address
    first = address(start)
    last = first if end == start else address(end)
    return TrafficSelector(first, last, protocol, start_port, end_port)


def _serialize_selector(selector: TrafficSelector | RawSelector) -> bytes:
    if isinstance(selector, RawSelector):
        ts_type, body = selector.ts_type, selector.body
    else:
        ts_type = _TYPE_OF_VERSION[selector.version]
        body = (
            _PORTS.pack(selector.start_port, selector.end_port)
            + selector.start_address.packed
            + selector.end_address.packed
        )
    return _HEADER.pack(ts_type, selector.protocol, _HEADER.size + len(body)) + body


@dataclass(frozen=True, slots=True)
class _TrafficSelectors:
    selectors: tuple[TrafficSelector | RawSelector, ...]

    @property
    def ranges(self) -> tuple[TrafficSelector, ...]:
        """Those among them that are ranges of addresses and ports."""
        return tuple([s for s in self.selectors if isinstance(s, TrafficSelector)])

    @classmethod
    def _read(cls, reader: Reader) -> tuple[TrafficSelector | RawSelector, ...]:
        (count,) = reader.unpack(_COUNT)
        if not count:
            raise reader.error("no selectors")
        selectors = tuple([_parse_selector(reader) for _ in range(count)])
        reader.finish()
        return selectors

    def serialize(self) -> bytes:
        """Write the body."""
        selectors = b"".join(map(_serialize_selector, self.selectors))
        return _COUNT.pack(len(self.selectors)) + selectors


@dataclass(frozen=True, slots=True)
class TrafficSelectorsInitiator(_TrafficSelectors):
    """TSi: the initiator's side of the traffic."""

    payload_type: ClassVar[int] = PayloadType.TSI

    @classmethod
    def parse(cls, reader: Reader) -> TrafficSelectorsInitiator:
        """Read the body.

        Raises:
            ParseError: counts, lengths or ranges are wrong.
        """
        return cls(cls._read(reader))


@dataclass(frozen=True, slots=True)
class TrafficSelectorsResponder(_TrafficSelectors):
    """TSr: the responder's side of the traffic."""

    payload_type: ClassVar[int] = PayloadType.TSR

    @classmethod
    def parse(cls, reader: Reader) -> TrafficSelectorsResponder:
        """Read the body.

        Raises:
            ParseError: counts, lengths or ranges are wrong.
        """
        return cls(cls._read(reader))
