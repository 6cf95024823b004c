"""Meters, indirect and direct (specification §9.4)."""

from __future__ import annotations

from collections.abc import Iterator

from finsy.proto import p4r

from bmv2.embedded.model import MeterConfig
from bmv2.embedded.p4runtime.codes import INDEX_BEYOND_SIZE
from bmv2.embedded.p4runtime.errors import P4RuntimeError, invalid, unimplemented
from bmv2.embedded.p4runtime.schema import MeterSchema, Schema
from bmv2.embedded.p4runtime.undo import Undo

MAX_BURST = 2**32 - 1
"""The largest burst, in the unit of the meter; bmv2 keeps bursts in 32 bits."""


def write_meter(schema: Schema, update: p4r.Update.Type.ValueType, message: p4r.MeterEntry) -> Undo:
    """Configure a cell (MODIFY), or without a config return it to "always green".

    Raises:
        P4RuntimeError: The meter or the cell does not exist, the rates are not legal, or the
            update is not a MODIFY.
    """
    meter = _indirect(schema, message.meter_id)
    if message.HasField("counter_data"):
        raise unimplemented(f"{meter.name}: counters of colours are not implemented")
    if not message.HasField("index"):
        raise unimplemented(f"{meter.name}: writing all cells at once is not implemented")
    index = _check_index(meter, message.index.index)
    check_update(update)
    config = decode_config(message.config) if message.HasField("config") else None
    before = meter.array.config(index)
    meter.array.configure(index, config)
    return Undo(lambda: meter.array.configure(index, before))


def read_meter(schema: Schema, message: p4r.MeterEntry) -> Iterator[p4r.Entity]:
    """Read one cell, all cells of a meter (no index), or of all meters (id 0)."""
    if message.HasField("counter_data"):
        raise unimplemented("counters of colours are not implemented")
    if message.meter_id == 0:
        meters = list(schema.meters.values())
    else:
        meters = [_indirect(schema, message.meter_id)]
    for meter in meters:
        if message.HasField("index"):
            places = [_check_index(meter, message.index.index)]
        else:
            places = list(range(meter.array.size))
        for place in places:
            entity = p4r.Entity()
            entity.meter_entry.meter_id = meter.id
            entity.meter_entry.index.index = place
            config = meter.array.config(place)
            if config is not None:
                encode_config(config, entity.meter_entry.config)
            yield entity


def check_update(update: p4r.Update.Type.ValueType) -> None:
    """Meters can only be modified.

    Raises:
        P4RuntimeError: The update is another one.
    """
    if update == p4r.Update.UNSPECIFIED:
        raise invalid("the type of the update is not set")
    if update != p4r.Update.MODIFY:
        raise invalid("a meter can only be modified")


def decode_config(message: p4r.MeterConfig) -> MeterConfig | None:
    """Read rates; as in bmv2, -1 for all four is "always green".

    Raises:
        P4RuntimeError: INVALID_ARGUMENT if a rate or burst is negative, the peak rate is below the
            committed one, or ``eburst`` is set, which only a single-rate meter has; UNIMPLEMENTED
            if a burst needs more than 32 bits.
    """
    rates = (message.cir, message.cburst, message.pir, message.pburst)
    if rates == (-1, -1, -1, -1):
        return None
    if min(rates) < 0:
        raise invalid("a rate or burst of a meter cannot be negative")
    if message.pir < message.cir:
        raise invalid("the peak rate of a meter is at least its committed rate (RFC 2698)")
    if message.eburst:
        raise invalid("eburst is for single-rate meters; this one has two rates")
    if max(message.cburst, message.pburst) > MAX_BURST:
        raise unimplemented(f"a burst of a meter above {MAX_BURST} is not implemented")
    return MeterConfig(*rates)


def encode_config(config: MeterConfig, message: p4r.MeterConfig) -> None:
    """Fill in the four rates."""
    message.cir, message.cburst = config.cir, config.cburst
    message.pir, message.pburst = config.pir, config.pburst


def _indirect(schema: Schema, meter_id: int) -> MeterSchema:
    meter = schema.meters.get(meter_id)
    if meter is None:
        raise invalid(f"there is no indirect meter with id {meter_id:#x}")
    return meter


def _check_index(meter: MeterSchema, index: int) -> int:
    if index < 0:
        raise invalid(f"{meter.name}: an index cannot be negative")
    if index >= meter.array.size:
        raise P4RuntimeError(
            INDEX_BEYOND_SIZE, f"{meter.name}: the index is not below {meter.array.size}"
        )
    return index
