"""What the switch's refusals mean, for an operator: one sentence each, with what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from controller.p4runtime.entities import Entry, UpdateKind, WriteFailure

SIZES: Final[Mapping[str, str]] = {
    "ingress_interface": "INTERFACE_TABLE_SIZE",
    "egress_interface": "INTERFACE_TABLE_SIZE",
    "local_address": "LOCAL_ADDRESS_TABLE_SIZE",
    "route": "ROUTE_TABLE_SIZE",
    "neighbor": "NEIGHBOR_TABLE_SIZE",
    "sad_in": "SA_TABLE_SIZE",
    "sad_out": "SA_TABLE_SIZE",
    "sa_selectors": "SELECTOR_TABLE_SIZE",
    "spd_in": "SPD_TABLE_SIZE",
    "spd_out": "SPD_TABLE_SIZE",
    "no_sa": "PACKET_TYPE_TABLE_SIZE",
    "clear_sources": "CLEAR_ADDRESS_TABLE_SIZE",
    "clear_destinations": "CLEAR_ADDRESS_TABLE_SIZE",
}
"""The constant of `p4src/sizes.p4` that is the size of each table."""

# bmv2 says UNKNOWN where a table is full (P4Runtime §9.1: RESOURCE_EXHAUSTED).
_FULL = frozenset({"RESOURCE_EXHAUSTED", "UNKNOWN"})


def explain(failures: Iterable[WriteFailure]) -> Iterator[str]:
    """Say of each refusal what it means, and of a table that is full only once."""
    full: dict[str, list[WriteFailure]] = {}
    for failure in failures:
        entity = failure.update.entity
        if (
            isinstance(entity, Entry)
            and failure.update.kind is UpdateKind.INSERT
            and failure.code in _FULL
            and entity.key.table in SIZES
        ):
            full.setdefault(entity.key.table, []).append(failure)
        else:
            yield (
                f"the switch refused to {failure.update.kind} {entity.description}:"
                f" {failure.code}: {failure.message}"
            )
    for table, refused in full.items():
        first = refused[0]
        more = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
        certainty = "is full" if first.code == "RESOURCE_EXHAUSTED" else "is full, as it seems"
        yield (
            f"the switch has no room for {first.update.entity.description}{more}: its table {table}"
            f" {certainty} ({first.code}: {first.message}); configure less, or raise"
            f" {SIZES[table]} in p4src/sizes.p4, run make p4, and restart switch and controller"
        )
