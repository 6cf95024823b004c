"""Reading table entries and their direct resources (specification §9.1.6).

As in bmv2, a read is either of one entry or of all entries of a table; ``action``, ``priority`` and
the metadata of the request do not filter.
"""

from __future__ import annotations

from collections.abc import Iterator

from finsy.proto import p4r

from bmv2.embedded.model import ClockNs, Entry
from bmv2.embedded.p4runtime import counters, meters
from bmv2.embedded.p4runtime.actions import encode_action
from bmv2.embedded.p4runtime.errors import invalid, unimplemented
from bmv2.embedded.p4runtime.match import decode_key, encode_key
from bmv2.embedded.p4runtime.schema import Schema, TableSchema
from bmv2.embedded.p4runtime.tables import Cookie, TableWriter


class TableReader:
    """Reads the tables of one pipeline."""

    def __init__(self, schema: Schema, writer: TableWriter, clock_ns: ClockNs) -> None:
        self._schema = schema
        self._writer = writer
        self._clock_ns = clock_ns

    def read(self, request: p4r.TableEntry) -> Iterator[p4r.Entity]:
        """One entry, all entries of a table (no match), or of all tables (id 0).

        With ``is_default_action`` it is the default entries instead.

        Raises:
            P4RuntimeError: There is no such table, or the key is malformed. That an entry is not
                there is no error.
        """
        if request.HasField("meter_counter_data"):
            raise unimplemented("counters of colours are not implemented")
        if request.table_id == 0:
            tables = list(self._schema.tables.values())
        else:
            tables = [self._writer.find_table(request.table_id)]
        for table in tables:
            if request.is_default_action:
                yield self._default(table, request)
                continue
            if request.HasField("time_since_last_hit") and not table.support_timeout:
                raise invalid(f"{table.name}: has no idle timeout, nor time_since_last_hit")
            for entry in self._select(table, request):
                entity = p4r.Entity()
                self.encode(table, entry, request, entity.table_entry)
                yield entity

    def read_direct_counter(self, request: p4r.DirectCounterEntry) -> Iterator[p4r.Entity]:
        """The counter of one entry, or of all entries of a table (no match)."""
        for table, entry in self._select_direct(request, "counter"):
            entity = p4r.Entity()
            message = entity.direct_counter_entry
            self.encode_entry_key(table, entry, message.table_entry)
            counters.encode_cell(entry.counter, message.data)
            yield entity

    def read_direct_meter(self, request: p4r.DirectMeterEntry) -> Iterator[p4r.Entity]:
        """The configuration of the meter of one entry, or of all entries of a table (no match)."""
        if request.HasField("counter_data"):
            raise unimplemented("counters of colours are not implemented")
        for table, entry in self._select_direct(request, "meter"):
            entity = p4r.Entity()
            message = entity.direct_meter_entry
            self.encode_entry_key(table, entry, message.table_entry)
            if entry.meter is not None:
                meters.encode_config(entry.meter, message.config)
            yield entity

    def encode_idle(self, table: TableSchema, entry: Entry, message: p4r.TableEntry) -> None:
        """Fill in what an idle-timeout notification says of an entry (specification §16.4)."""
        self.encode_entry_key(table, entry, message)
        _encode_cookie(entry.opaque, message)
        message.idle_timeout_ns = entry.idle_timeout_ns

    def encode_entry_key(self, table: TableSchema, entry: Entry, message: p4r.TableEntry) -> None:
        """Fill in what identifies an entry."""
        message.table_id = table.id
        message.priority = entry.priority
        encode_key(table, entry.match, message)

    def _select(self, table: TableSchema, request: p4r.TableEntry) -> list[Entry]:
        if not request.match:
            return list(table.store.entries())
        entry = table.store.get(*decode_key(table, request))
        return [] if entry is None else [entry]

    def _select_direct(
        self, request: p4r.DirectCounterEntry | p4r.DirectMeterEntry, what: str
    ) -> Iterator[tuple[TableSchema, Entry]]:
        if not request.HasField("table_entry"):
            raise invalid(f"a direct {what} needs its table entry")
        if request.table_entry.table_id == 0:
            raise unimplemented(f"reading the direct {what}s of all tables is not implemented")
        table = self._writer.find_table(request.table_entry.table_id)
        if request.table_entry.match or request.table_entry.is_default_action:
            yield self._writer.find_direct(request, what)
            return
        has = table.has_direct_counter if what == "counter" else table.has_direct_meter
        if not has:
            raise invalid(f"{table.name}: has no direct {what}")
        for entry in list(table.store.entries()):
            yield table, entry

    def encode(
        self, table: TableSchema, entry: Entry, request: p4r.TableEntry, message: p4r.TableEntry
    ) -> None:
        """Fill in an entry, with the direct resources that the request asks for."""
        self.encode_entry_key(table, entry, message)
        encode_action(self._schema, table, entry.action, entry.params, message.action.action)
        _encode_cookie(entry.opaque, message)
        message.idle_timeout_ns = entry.idle_timeout_ns
        message.is_const = table.const_entries
        if request.HasField("time_since_last_hit"):
            elapsed = max(0, self._clock_ns() - entry.last_hit_ns)
            message.time_since_last_hit.elapsed_ns = elapsed
        if request.HasField("counter_data") and table.has_direct_counter:
            counters.encode_cell(entry.counter, message.counter_data)
        if request.HasField("meter_config") and entry.meter is not None:
            meters.encode_config(entry.meter, message.meter_config)

    def _default(self, table: TableSchema, request: p4r.TableEntry) -> p4r.Entity:
        if request.HasField("time_since_last_hit"):
            raise invalid("a default entry has no time_since_last_hit")
        entity = p4r.Entity()
        message = entity.table_entry
        message.table_id = table.id
        message.is_default_action = True
        action, params = table.store.default
        encode_action(self._schema, table, action, params, message.action.action)
        _encode_cookie(self._writer.default_cookie(table), message)
        return entity


def _encode_cookie(cookie: object, message: p4r.TableEntry) -> None:
    if isinstance(cookie, Cookie):
        message.metadata = cookie.metadata
        message.controller_metadata = cookie.controller_metadata
