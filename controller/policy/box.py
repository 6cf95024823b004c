"""Sets of packets that one table entry can match, and how they relate.

A box is a prefix, a protocol and a port range on either side. Two boxes meet in a box or not at
all, which is what makes it possible to write "this, but not that, unless" as a list of entries.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import NamedTuple

from controller.policy.model import Flow, PortRange

_MASKS = tuple(0xFFFFFFFF << (32 - length) & 0xFFFFFFFF for length in range(33))


class Box(NamedTuple):
    """Addresses as integers. Protocol 0 is any; port bounds are inclusive.

    `later_fragment`: True only packets without their ports, False only those with, None both.
    """

    source: int
    source_length: int
    destination: int
    destination_length: int
    protocol: int
    source_low: int
    source_high: int
    destination_low: int
    destination_high: int
    later_fragment: bool | None

    @classmethod
    def of(cls, flow: Flow, later_fragment: bool | None = None) -> Box:
        """Return the packets of a flow."""
        return cls(
            int(flow.source.network_address),
            flow.source.prefixlen,
            int(flow.destination.network_address),
            flow.destination.prefixlen,
            flow.protocol,
            flow.source_port.low,
            flow.source_port.high,
            flow.destination_port.low,
            flow.destination_port.high,
            later_fragment,
        )

    def flow(self) -> Flow:
        """Return the 5-tuple, without `later_fragment`."""
        return Flow(
            IPv4Network((self.source, self.source_length)),
            IPv4Network((self.destination, self.destination_length)),
            self.protocol,
            PortRange(self.source_low, self.source_high),
            PortRange(self.destination_low, self.destination_high),
        )

    def intersection(self, other: Box) -> Box | None:
        """Return the packets that are in both; None if there are none."""
        source_mask = _MASKS[min(self.source_length, other.source_length)]
        destination_mask = _MASKS[min(self.destination_length, other.destination_length)]
        if (self.source ^ other.source) & source_mask:
            return None
        if (self.destination ^ other.destination) & destination_mask:
            return None
        if self.protocol and other.protocol and self.protocol != other.protocol:
            return None
        source_low = max(self.source_low, other.source_low)
        source_high = min(self.source_high, other.source_high)
        destination_low = max(self.destination_low, other.destination_low)
        destination_high = min(self.destination_high, other.destination_high)
        if source_low > source_high or destination_low > destination_high:
            return None
        if None not in (self.later_fragment, other.later_fragment) and (
            self.later_fragment is not other.later_fragment
        ):
            return None
        return Box(
            self.source | other.source,
            max(self.source_length, other.source_length),
            self.destination | other.destination,
            max(self.destination_length, other.destination_length),
            self.protocol or other.protocol,
            source_low,
            source_high,
            destination_low,
            destination_high,
            other.later_fragment if self.later_fragment is None else self.later_fragment,
        )


EVERYTHING = Box(0, 0, 0, 0, 0, 0, 65535, 0, 65535, None)


class BoxSet:
    """Boxes, and whether one of them has all of another.

    One lookup for each combination of prefix lengths in use (tuple space search), so that a long
    list is not compared with itself line by line.
    """

    def __init__(self) -> None:
        self._shapes: dict[tuple[int, int, bool], dict[tuple[int, int, int], list[Box]]] = {}

    def add(self, box: Box) -> None:
        """Add a box."""
        shape = (box.source_length, box.destination_length, box.protocol != 0)
        key = (box.source, box.destination, box.protocol)
        self._shapes.setdefault(shape, {}).setdefault(key, []).append(box)

    def covers(self, box: Box) -> bool:
        """Tell whether a single one of the boxes has every packet of `box`."""
        for (source_length, destination_length, has_protocol), boxes in self._shapes.items():
            if source_length > box.source_length or destination_length > box.destination_length:
                continue
            key = (
                box.source & _MASKS[source_length],
                box.destination & _MASKS[destination_length],
                box.protocol if has_protocol else 0,
            )
            for candidate in boxes.get(key, ()):
                if candidate.intersection(box) == box:
                    return True
        return False
