"""Tables `no_sa` and `passive_mode`: what happens to a packet type while it has no SA."""

from __future__ import annotations

from controller.p4runtime.entities import Entry, EntryKey
from controller.p4runtime.tables._entry import EntryReader, make_entry
from controller.passive.events import Decision

PASSIVE_MODE_KEY = EntryKey("passive_mode", (), is_default=True)


def no_sa(packet_type: int, decision: Decision, name: str = "") -> Entry:
    """What is done with a packet type that has no SA (PM-2, PM-3, PM-4)."""
    return make_entry(
        "no_sa",
        (("packet_type", packet_type),),
        decision.value,
        label=f"decision {decision} for {name or f'packet type {packet_type}'}",
    )


def parse_no_sa(entry: Entry) -> tuple[int, Decision]:
    """Return the packet type and the decision of a `no_sa` entry.

    Raises:
        EntryError: it is no such entry.
    """
    reader = EntryReader(entry, "no_sa", *(decision.value for decision in Decision))
    return reader.exact("packet_type"), Decision(entry.action)


def passive_mode(enabled: bool) -> Entry:
    """The data plane's one bit: the default action of a table without a key (PM-1, PM-10)."""
    return Entry(
        PASSIVE_MODE_KEY,
        "set_passive_mode",
        (("enabled", int(enabled)),),
        label=f"passive mode {'on' if enabled else 'off'}",
    )


def parse_passive_mode(entry: Entry) -> bool:
    """Tell whether the entry turns passive mode on.

    Raises:
        EntryError: it is no such entry.
    """
    reader = EntryReader(entry, "passive_mode", "set_passive_mode")
    return bool(reader.param("enabled"))
