"""Writing table entries, their default entries and their direct resources (specification §9.1)."""

from __future__ import annotations

from dataclasses import dataclass

from finsy.proto import p4r

from bmv2.embedded.model import (
    ClockNs,
    CounterCell,
    Entry,
    EntryExistsError,
    EntryNotFoundError,
    TableFullError,
)
from bmv2.embedded.p4runtime import counters, meters
from bmv2.embedded.p4runtime.actions import decode_action
from bmv2.embedded.p4runtime.codes import (
    DIRECT_RESOURCE_WITHOUT_ENTRY,
    IMMUTABLE_ENTRY,
    TABLE_FULL,
    Code,
)
from bmv2.embedded.p4runtime.errors import P4RuntimeError, invalid, unimplemented
from bmv2.embedded.p4runtime.idle import IdleTimers
from bmv2.embedded.p4runtime.match import decode_key
from bmv2.embedded.p4runtime.schema import Schema, TableSchema
from bmv2.embedded.p4runtime.undo import Undo

MAX_METADATA = 1024
"""How much metadata an entry may carry, in bytes."""


@dataclass(frozen=True, slots=True)
class Cookie:
    """What a controller stored with an entry; kept in `Entry.opaque`."""

    metadata: bytes = b""
    controller_metadata: int = 0


NO_COOKIE = Cookie()


class TableWriter:
    """Applies updates of table entries to the tables of one pipeline.

    Each method validates the whole message before it changes anything, and returns what takes the
    change back.
    """

    def __init__(self, schema: Schema, idle: IdleTimers, clock_ns: ClockNs) -> None:
        self._schema = schema
        self._idle = idle
        self._clock_ns = clock_ns
        self._default_cookies: dict[int, Cookie] = {}

    def default_cookie(self, table: TableSchema) -> Cookie:
        """What the controller stored with a table's default entry."""
        return self._default_cookies.get(table.id, NO_COOKIE)

    def find_table(self, table_id: int) -> TableSchema:
        """The table with this id; `P4RuntimeError` if there is none."""
        table = self._schema.tables.get(table_id)
        if table is None:
            raise invalid(f"there is no table with id {table_id:#x}")
        return table

    def write(self, update: p4r.Update.Type.ValueType, message: p4r.TableEntry) -> Undo:
        """Apply one update of a table entry.

        Raises:
            P4RuntimeError: The update is refused; nothing was changed.
        """
        table = self.find_table(message.table_id)
        if update != p4r.Update.DELETE and message.HasField("time_since_last_hit"):
            raise invalid("time_since_last_hit cannot be written")
        if message.is_const:
            raise invalid("is_const cannot be written")
        if update == p4r.Update.INSERT:
            return self._insert(table, message)
        if update == p4r.Update.MODIFY:
            if message.is_default_action:
                return self._modify_default(table, message)
            return self._modify(table, message)
        if update == p4r.Update.DELETE:
            return self._delete(table, message)
        raise invalid("the type of the update is not set")

    def write_direct_counter(
        self, update: p4r.Update.Type.ValueType, message: p4r.DirectCounterEntry
    ) -> Undo:
        """Set the counter of an entry (MODIFY), or as bmv2 does, set it to 0 (DELETE)."""
        _, entry = self.find_direct(message, "counter")
        data = message.data if message.HasField("data") else None
        return counters.write_cell(update, entry.counter, data)

    def write_direct_meter(
        self, update: p4r.Update.Type.ValueType, message: p4r.DirectMeterEntry
    ) -> Undo:
        """Configure the meter of an entry, or without a config return it to "always green"."""
        table, entry = self.find_direct(message, "meter")
        if message.HasField("counter_data"):
            raise unimplemented(f"{table.name}: counters of colours are not implemented")
        meters.check_update(update)
        return _set_meter(entry, message.config if message.HasField("config") else None)

    def find_direct(
        self, message: p4r.DirectCounterEntry | p4r.DirectMeterEntry, what: str
    ) -> tuple[TableSchema, Entry]:
        """The entry that a direct counter or meter belongs to; ``what`` is which of the two."""
        if not message.HasField("table_entry"):
            raise invalid(f"a direct {what} needs its table entry")
        table = self.find_table(message.table_entry.table_id)
        has = table.has_direct_counter if what == "counter" else table.has_direct_meter
        if not has:
            raise invalid(f"{table.name}: has no direct {what}")
        if message.table_entry.is_default_action:
            _check_default_key(table, message.table_entry)
            raise P4RuntimeError(
                Code.UNKNOWN, f"{table.name}: bmv2 has no direct {what} for default entries"
            )
        match, priority = decode_key(table, message.table_entry)
        entry = table.store.get(match, priority)
        if entry is None:
            raise P4RuntimeError(
                DIRECT_RESOURCE_WITHOUT_ENTRY, f"{table.name}: there is no such entry"
            )
        return table, entry

    def restore(self, table: TableSchema, entry: Entry) -> None:
        """Put an entry of another pipeline, already validated, into this one.

        Raises:
            TableError: It does not fit.
        """
        last_hit_ns = entry.last_hit_ns
        table.store.insert(entry)
        entry.last_hit_ns = last_hit_ns
        self._idle.watch(table, entry)

    def _insert(self, table: TableSchema, message: p4r.TableEntry) -> Undo:
        if message.is_default_action:
            raise invalid(f"{table.name}: the default entry cannot be inserted, only modified")
        if not message.HasField("action"):
            raise invalid(f"{table.name}: an entry needs an action")
        if not table.fields:
            raise invalid(f"{table.name}: has no key, so it takes no entry but its default")
        match, priority = decode_key(table, message)
        action, params = decode_action(self._schema, table, message.action, is_default=False)
        for restriction in table.restrictions:
            if not restriction.allows(match):
                raise invalid(f"{table.name}: an entry must have {restriction.text}")
        self._check_direct(table, message)
        _check_timeout(table, message)
        cookie = _decode_cookie(message)
        _check_mutable(table)
        entry = Entry(
            match=match,
            priority=priority,
            action=action,
            params=params,
            idle_timeout_ns=message.idle_timeout_ns,
            last_hit_ns=self._clock_ns(),
            opaque=cookie,
        )
        if message.HasField("counter_data"):
            counters.set_cell(entry.counter, message.counter_data)
        if message.HasField("meter_config"):
            entry.meter = meters.decode_config(message.meter_config)
        try:
            table.store.insert(entry)
        except EntryExistsError:
            raise P4RuntimeError(
                Code.ALREADY_EXISTS, f"{table.name}: there is such an entry already"
            ) from None
        except TableFullError:
            raise P4RuntimeError(
                TABLE_FULL, f"{table.name}: is full, with {table.store.max_size} entries"
            ) from None
        self._idle.watch(table, entry)

        def restore() -> None:
            self._idle.forget(table.store.delete(match, priority))

        return Undo(restore)

    def _modify(self, table: TableSchema, message: p4r.TableEntry) -> Undo:
        match, priority = decode_key(table, message)
        if not message.HasField("action"):
            raise invalid(f"{table.name}: an entry needs an action")
        action, params = decode_action(self._schema, table, message.action, is_default=False)
        self._check_direct(table, message)
        _check_timeout(table, message)
        cookie = _decode_cookie(message)
        entry = table.store.get(match, priority)
        if entry is None:
            raise P4RuntimeError(Code.NOT_FOUND, f"{table.name}: there is no such entry")
        _check_mutable(table)
        before = entry.action, entry.params
        timeout_before, opaque_before = entry.idle_timeout_ns, entry.opaque
        undo = Undo.NOTHING
        if message.HasField("counter_data"):
            undo = counters.set_cell(entry.counter, message.counter_data)
        if message.HasField("meter_config"):
            undo = _set_meter(entry, message.meter_config).after(undo)
        table.store.modify(match, priority, action, params)
        entry.opaque = cookie
        entry.idle_timeout_ns = message.idle_timeout_ns
        self._idle.watch(table, entry)

        def restore() -> None:
            table.store.modify(match, priority, *before)
            entry.opaque = opaque_before
            entry.idle_timeout_ns = timeout_before
            self._idle.watch(table, entry)

        return Undo(restore).after(undo)

    def _delete(self, table: TableSchema, message: p4r.TableEntry) -> Undo:
        if message.is_default_action:
            raise invalid(f"{table.name}: the default entry cannot be deleted, only modified")
        match, priority = decode_key(table, message)
        if table.store.get(match, priority) is not None:
            _check_mutable(table)
        try:
            entry = table.store.delete(match, priority)
        except EntryNotFoundError:
            raise P4RuntimeError(Code.NOT_FOUND, f"{table.name}: there is no such entry") from None
        self._idle.forget(entry)
        return Undo(lambda: self.restore(table, entry))

    def _modify_default(self, table: TableSchema, message: p4r.TableEntry) -> Undo:
        _check_default_key(table, message)
        if table.const_default:
            raise P4RuntimeError(
                Code.PERMISSION_DENIED, f"{table.name}: its default action is constant"
            )
        self._check_direct(table, message)
        if message.HasField("counter_data") or message.HasField("meter_config"):
            raise P4RuntimeError(
                Code.UNKNOWN, f"{table.name}: bmv2 has no direct resources for default entries"
            )
        if message.idle_timeout_ns:
            raise invalid(f"{table.name}: a default entry has no idle timeout")
        store = table.store
        before, cookie_before = store.default, self.default_cookie(table)
        if message.HasField("action"):
            cookie = _decode_cookie(message)
            action, params = decode_action(self._schema, table, message.action, is_default=True)
            store.set_default(action, params)
        else:
            cookie = NO_COOKIE
            store.reset_default()
        self._default_cookies[table.id] = cookie

        def restore() -> None:
            store.set_default(*before)
            self._default_cookies[table.id] = cookie_before

        return Undo(restore)

    def _check_direct(self, table: TableSchema, message: p4r.TableEntry) -> None:
        if message.HasField("meter_config"):
            if not table.has_direct_meter:
                raise invalid(f"{table.name}: has no direct meter")
            meters.decode_config(message.meter_config)
        if message.HasField("counter_data"):
            if not table.has_direct_counter:
                raise invalid(f"{table.name}: has no direct counter")
            counters.set_cell(CounterCell(), message.counter_data)
        if message.HasField("meter_counter_data"):
            raise unimplemented(f"{table.name}: counters of colours are not implemented")


def _check_default_key(table: TableSchema, message: p4r.TableEntry) -> None:
    if message.match:
        raise invalid(f"{table.name}: the default entry has no match fields")
    if message.priority:
        raise invalid(f"{table.name}: the default entry has no priority")


def _check_timeout(table: TableSchema, message: p4r.TableEntry) -> None:
    if message.idle_timeout_ns < 0:
        raise invalid(f"{table.name}: idle_timeout_ns cannot be negative")
    if message.idle_timeout_ns and not table.support_timeout:
        raise invalid(f"{table.name}: has no idle timeout")


def _check_mutable(table: TableSchema) -> None:
    if table.const_entries:
        raise P4RuntimeError(IMMUTABLE_ENTRY, f"{table.name}: its entries are constant")


def _decode_cookie(message: p4r.TableEntry) -> Cookie:
    if not message.metadata and not message.controller_metadata:
        return NO_COOKIE
    if len(message.metadata) > MAX_METADATA:
        raise invalid(f"metadata is longer than {MAX_METADATA} bytes")
    return Cookie(message.metadata, message.controller_metadata)


def _set_meter(entry: Entry, message: p4r.MeterConfig | None) -> Undo:
    before = entry.meter
    entry.meter = None if message is None else meters.decode_config(message)

    def restore() -> None:
        entry.meter = before

    return Undo(restore)
