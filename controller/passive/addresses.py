"""The addresses that clear packets go to, or come from, with a limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

CLEAR_ADDRESS_TABLE_SIZE = 16384
"""Addresses listed at most in each direction: the data plane's limit (``p4src/sizes.p4``)."""


@dataclass(frozen=True, slots=True)
class ListedAddress:
    """A destination or source of a packet type; `since` is when it was first reported, s."""

    packet_type: int
    address: IPv4Address
    since: float


class AddressList:
    """One direction's addresses.

    A full list takes no more; the data plane then keeps reporting the address as new, and it
    gets its place once there is one. `unlisted` counts the reports turned away since the list
    last had room.
    """

    def __init__(self, limit: int = CLEAR_ADDRESS_TABLE_SIZE) -> None:
        self._limit = limit
        self._since: dict[int, dict[IPv4Address, float]] = {}
        self._count = 0
        self.unlisted = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[ListedAddress]:
        for packet_type, addresses in self._since.items():
            for address, since in addresses.items():
                yield ListedAddress(packet_type, address, since)

    def add(self, packet_type: int, address: IPv4Address, now: float) -> bool:
        """List an address. Returns False where it is listed already, or there is no room."""
        if address in self._since.get(packet_type, {}):
            return False
        if self._count >= self._limit:
            self.unlisted += 1
            return False
        self._since.setdefault(packet_type, {})[address] = now
        self._count += 1
        return True

    def remove(self, packet_type: int, address: IPv4Address) -> bool:
        """Take an address out. Returns False where it wasn't listed."""
        addresses = self._since.get(packet_type, {})
        if address not in addresses:
            return False
        del addresses[address]
        if not addresses:
            del self._since[packet_type]
        self._removed(1)
        return True

    def remove_all_of(self, packet_type: int) -> tuple[IPv4Address, ...]:
        """Take out the addresses of one packet type, and return them."""
        removed = tuple(self._since.pop(packet_type, {}))
        if removed:
            self._removed(len(removed))
        return removed

    def _removed(self, count: int) -> None:
        self._count -= count
        self.unlisted = 0
