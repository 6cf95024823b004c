"""Meters: how much the data plane may ask of the controller. The sum is what it must stand.

Every rate is in packets per second, every burst in packets.
"""

from __future__ import annotations

from collections.abc import Iterable

from controller.p4runtime.entities import MeterCell
from controller.p4runtime.enums import PuntReason, ReportCell

# (rate, burst) of each punt reason, so that none can starve another.
PUNT_RATES = {
    PuntReason.ARP: (200, 200),
    # All sources together. One group can take a twentieth of it.
    PuntReason.IKE: (2000, 1000),
    PuntReason.LOCAL: (200, 100),
    PuntReason.NO_SA: (1000, 1000),
    PuntReason.NEIGHBOR: (100, 100),
    PuntReason.TTL_EXPIRED: (100, 50),
    PuntReason.TOO_BIG: (100, 50),
    # The controller holds as many as the burst.
    PuntReason.EARLY_ESP: (1000, 512),
}

IKE_GROUPS = 256  # IKE_METER_SIZE of sizes.p4
IKE_GROUP_RATE = (100, 100)
"""Of one of the groups that sources are hashed to. The group is metered first: what it loses
never counts against the others."""

NO_SA_RATE = (1, 3)
"""Of one packet type. One packet is enough for a decision, the others are for packet loss."""

# A new address is one packet each until the controller has installed it. Known ones are only
# sampled: PM-8 wants the address of one packet a minute. A due retry is reported until the
# controller has answered it, and all packet types can become due at once.
REPORT_RATES = {
    ReportCell.NEW_DESTINATION: (2000, 2000),
    ReportCell.KNOWN_DESTINATION: (1, 5),
    ReportCell.NEW_SOURCE: (2000, 2000),
    ReportCell.KNOWN_SOURCE: (1, 5),
    ReportCell.RETRY_DUE: (1000, 4096),
}


def punt_meters() -> tuple[MeterCell, ...]:
    """Return the cells that bound each reason to punt."""
    return tuple(
        MeterCell("punt_meter", int(reason), rate, burst)
        for reason, (rate, burst) in PUNT_RATES.items()
    )


def ike_meters() -> tuple[MeterCell, ...]:
    """Return the cells that bound each group of IKE sources."""
    return tuple(MeterCell("ike_meter", group, *IKE_GROUP_RATE) for group in range(IKE_GROUPS))


def no_sa_meters(packet_types: Iterable[int]) -> tuple[MeterCell, ...]:
    """Return the cells that bound the NO_SA punts of each packet type."""
    return tuple(MeterCell("no_sa_meter", packet_type, *NO_SA_RATE) for packet_type in packet_types)


def report_meters() -> tuple[MeterCell, ...]:
    """Return the cells that bound the reports on clear traffic."""
    return tuple(
        MeterCell("report_meter", int(cell), rate, burst)
        for cell, (rate, burst) in REPORT_RATES.items()
    )
