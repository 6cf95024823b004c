"""Helpers that the table modules share: building entries and taking them apart."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from controller.p4runtime.entities import Entry, EntryKey, MatchValue
from controller.p4runtime.errors import EntryError

FULL_MASK_8 = 0xFF
ALL_PORTS = (0, 65535)


def make_entry(
    table: str,
    match: tuple[tuple[str, MatchValue | None], ...],
    action: str,
    params: tuple[tuple[str, int], ...] = (),
    *,
    label: str,
    priority: int = 0,
    idle_timeout: float = 0.0,
) -> Entry:
    """Build an entry; a field whose value is None is left out: it matches everything."""
    present = tuple((name, value) for name, value in match if value is not None)
    key = EntryKey(table, present, priority)
    return Entry(key, action, params, idle_timeout, label)


def network_match(network: IPv4Network) -> MatchValue | None:
    """Return the ternary match of a prefix; None for 0.0.0.0/0."""
    if network.prefixlen == 0:
        return None
    return int(network.network_address), int(network.netmask)


def ports_match(low: int, high: int) -> MatchValue | None:
    """Return the range match of ports; None for all of them."""
    return None if (low, high) == ALL_PORTS else (low, high)


def protocol_match(protocol: int) -> MatchValue | None:
    """Return the ternary match of an IP protocol; None for 0, which is any."""
    return (protocol, FULL_MASK_8) if protocol else None


class EntryReader:
    """Takes an entry of one table and action apart.

    Raises:
        EntryError: the entry is of another table or action, or lacks a value.
    """

    def __init__(self, entry: Entry, table: str, *actions: str) -> None:
        if entry.key.table != table or entry.action not in actions:
            raise EntryError(f"not an entry of {table}: {entry.key.table} {entry.action}")
        self._table = table
        self._match = dict(entry.key.match)
        self._params = dict(entry.params)

    def exact(self, name: str) -> int:
        """Return the value of an exact match field."""
        value = self._match.get(name)
        if not isinstance(value, int):
            raise EntryError(f"{self._table}: match field {name} is missing")
        return value

    def param(self, name: str) -> int:
        """Return an action parameter."""
        try:
            return self._params[name]
        except KeyError:
            raise EntryError(f"{self._table}: parameter {name} is missing") from None

    def address_match(self, name: str) -> IPv4Address:
        """Return an exact match field that is an IPv4 address."""
        return IPv4Address(self.exact(name))

    def address_param(self, name: str) -> IPv4Address:
        """Return a parameter that is an IPv4 address."""
        return IPv4Address(self.param(name))
