"""RECONCILE_AND_COMMIT: carrying the state of one pipeline over to the next (§14).

Every entity is read from the old pipeline and written to the new one, as bmv2 does, so whatever the
new P4Info does not allow is found. Counts and the time of the last hit are carried over too.
So are registers: a sequence number that began anew under a key that is kept would be a disaster.
"""

from __future__ import annotations

from finsy.proto import p4r

from bmv2.embedded.model import PipelineError
from bmv2.embedded.p4runtime import counters, meters
from bmv2.embedded.p4runtime.codes import CANNOT_RECONCILE
from bmv2.embedded.p4runtime.errors import P4RuntimeError
from bmv2.embedded.p4runtime.pipeline import Pipeline
from bmv2.embedded.p4runtime.schema import TableSchema


def carry_over(old: Pipeline, new: Pipeline) -> None:
    """Fill a new pipeline, still empty, with the state of the old one, which does not change.

    Raises:
        P4RuntimeError: Something does not fit; the new pipeline is to be thrown away.
    """
    try:
        for table in old.schema.tables.values():
            _carry_entries(old, new, table)
            _carry_default(old, new, table)
        _carry_arrays(old, new)
        for entry in old.digests.configured():
            new.digests.write(p4r.Update.INSERT, entry)
        new.program.adopt_registers(old.program)
    except P4RuntimeError as error:
        raise _refusal(error.message) from error
    except PipelineError as error:
        raise _refusal(str(error)) from error


def _refusal(reason: str) -> P4RuntimeError:
    return P4RuntimeError(CANNOT_RECONCILE, f"the state does not fit the new config: {reason}")


def _carry_entries(old: Pipeline, new: Pipeline, table: TableSchema) -> None:
    if table.const_entries:
        return
    request = p4r.TableEntry(table_id=table.id)
    request.counter_data.SetInParent()
    request.meter_config.SetInParent()
    for entry in list(table.store.entries()):
        message = p4r.TableEntry()
        old.reader.encode(table, entry, request, message)
        new.tables.write(p4r.Update.INSERT, message)
        new_table = new.schema.tables[table.id]
        successor = new_table.store.get(entry.match, entry.priority)
        if successor is not None:
            successor.last_hit_ns = entry.last_hit_ns
            new.idle.watch(new_table, successor)


def _carry_default(old: Pipeline, new: Pipeline, table: TableSchema) -> None:
    if table.const_default or table.store.default == table.store.initial_default:
        return
    request = p4r.TableEntry(table_id=table.id, is_default_action=True)
    for entity in old.reader.read(request):
        new.tables.write(p4r.Update.MODIFY, entity.table_entry)


def _carry_arrays(old: Pipeline, new: Pipeline) -> None:
    for entity in counters.read_counter(old.schema, p4r.CounterEntry()):
        count = entity.counter_entry
        if count.data.packet_count or count.data.byte_count:
            counters.write_counter(new.schema, p4r.Update.MODIFY, count)
    for entity in meters.read_meter(old.schema, p4r.MeterEntry()):
        if entity.meter_entry.HasField("config"):
            meters.write_meter(new.schema, p4r.Update.MODIFY, entity.meter_entry)
