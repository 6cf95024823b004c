"""The router of the embedded datapath's tests, on any switch that P4Runtime reaches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from finsy.proto import p4i, p4r

from tests.bmv2.datapath.conftest import PacketIn, Router
from tests.conformance.switch import CPU_PORT, Switch
from tests.conformance.trace.notation import canonical, last
from tests.conformance.trace.replay import packet_out

_INSERT, _MODIFY, _DELETE = p4r.Update.INSERT, p4r.Update.MODIFY, p4r.Update.DELETE
_BY_PRIORITY = (p4i.MatchField.TERNARY, p4i.MatchField.RANGE)


class Handle:
    """An entry that was written."""

    def __init__(self, switch: Switch, entry: p4r.TableEntry) -> None:
        self._switch = switch
        self.match = entry

    @property
    def action(self) -> int:
        return self.match.action.action.action_id

    @property
    def params(self) -> tuple[int, ...]:
        return tuple(int.from_bytes(p.value, "big") for p in self.match.action.action.params)

    @property
    def counter(self) -> SimpleNamespace:
        entry = p4r.TableEntry(table_id=self.match.table_id, match=self.match.match)
        asked = p4r.Entity(direct_counter_entry=p4r.DirectCounterEntry(table_entry=entry))
        (found,) = self._switch.read(asked)
        return _cell(found.direct_counter_entry.data)


class SwitchClock:
    """The time of a switch: to set it forward is to let it pass."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self._now = 0

    @property
    def now(self) -> int:
        return self._now

    @now.setter
    def now(self, target: int) -> None:
        self._switch.wait(target - self._now)
        self._now = target


@dataclass
class Table:
    """What the tests do with a table besides adding entries."""

    switch: Switch
    info: p4i.Table

    def set_default(self, action: str, params: tuple[int, ...]) -> None:
        (found,) = [a for a in self.switch.p4info.actions if a.preamble.name == action]
        entry = p4r.TableEntry(table_id=self.info.preamble.id, is_default_action=True)
        _set_action(entry, found.preamble.id, params)
        self.switch.write(_MODIFY, p4r.Entity(table_entry=entry))

    def delete(self, match: p4r.TableEntry, priority: int) -> None:
        entry = p4r.TableEntry(table_id=match.table_id, match=match.match, priority=priority)
        self.switch.write(_DELETE, p4r.Entity(table_entry=entry))

    def modify(
        self, match: p4r.TableEntry, priority: int, action: int, params: tuple[int, ...]
    ) -> None:
        entry = p4r.TableEntry(table_id=match.table_id, match=match.match, priority=priority)
        _set_action(entry, action, params)
        self.switch.write(_MODIFY, p4r.Entity(table_entry=entry))

    def entries(self) -> Iterator[Handle]:
        asked = p4r.Entity(table_entry=p4r.TableEntry(table_id=self.info.preamble.id))
        for entity in self.switch.read(asked):
            yield Handle(self.switch, entity.table_entry)


class P4RuntimeRouter(Router):
    """Everything goes over P4Runtime and the wires of the switch."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self._punted: list[PacketIn] = []
        self._digests: list[tuple[str, tuple[int, ...]]] = []
        self.sent = []
        self.clock = SwitchClock(switch)  # type: ignore[assignment]  # the same, as far as tests see
        switch.load()

    @property
    def punted(self) -> list[PacketIn]:  # type: ignore[override]  # collected when asked for
        self._collect()
        return self._punted

    @property
    def digests(self) -> list[tuple[str, tuple[int, ...]]]:  # type: ignore[override]  # likewise
        self._collect()
        return self._digests

    def _collect(self) -> None:
        for message in self._switch.take_messages():
            if message.HasField("packet"):
                values = {
                    m.metadata_id: int.from_bytes(m.value, "big") for m in message.packet.metadata
                }
                fields = [values[number] for number in range(1, 6)]
                self._punted.append(PacketIn(*fields, message.packet.payload))
            elif message.HasField("digest"):
                for data in message.digest.data:
                    members = data.struct.members
                    report = tuple(int.from_bytes(m.bitstring, "big") for m in members)
                    self._digests.append(("clear_report_t", report))

    def table(self, name: str) -> Table:
        (info,) = [t for t in self._switch.p4info.tables if last(t.preamble.name) == name]
        return Table(self._switch, info)

    def add(
        self,
        table: str,
        action: str,
        match: dict[str, Any],
        params: dict[str, int] | None = None,
        priority: int = 0,
    ) -> Handle:
        info = self.table(table).info
        entry = p4r.TableEntry(table_id=info.preamble.id)
        left = dict(match)
        for field in info.match_fields:
            if (value := left.pop(field.name, None)) is not None:
                _add_match(entry, field, value)
        assert not left, left
        if any(field.match_type in _BY_PRIORITY for field in info.match_fields):
            entry.priority = priority or 1
        ids = {ref.id for ref in info.action_refs}
        (found,) = [
            a
            for a in self._switch.p4info.actions
            if a.preamble.id in ids and last(a.preamble.name) == action
        ]
        values = dict(params or {})
        _set_action(entry, found.preamble.id, tuple(values.pop(p.name) for p in found.params))
        assert not values, values
        self._switch.write(_INSERT, p4r.Entity(table_entry=entry))
        return Handle(self._switch, entry)

    def inject(self, packet: Any, port: int = 1) -> None:
        frame = bytes(packet)
        if port != CPU_PORT:
            self.sent += self._switch.send(port, frame)
            return
        values = {
            "interface_id": int.from_bytes(frame[:2], "big"),
            "bypass_spd": frame[2] >> 7,
            "padding": frame[2] & 0x7F,
        }
        self.sent += self._switch.packet_out(packet_out(self._switch, values, frame[3:]))

    def take_punted(self) -> list[PacketIn]:
        punted = list(self.punted)
        self._punted.clear()
        return punted

    def _counter(self, counter_id: int) -> list[SimpleNamespace]:
        asked = p4r.Entity(counter_entry=p4r.CounterEntry(counter_id=counter_id))
        found = {e.counter_entry.index.index: e.counter_entry for e in self._switch.read(asked)}
        return [_cell(found[index].data) for index in range(len(found))]

    @property
    def program(self) -> Any:
        """Counters by name, with their cells, as the embedded switch's program has them."""
        counters = {
            c.preamble.name: SimpleNamespace(cells=self._counter(c.preamble.id))
            for c in self._switch.p4info.counters
        }
        return SimpleNamespace(counters=counters)

    def limit(self, meter: str, index: int, config: Any) -> None:
        (info,) = [m for m in self._switch.p4info.meters if last(m.preamble.name) == meter]
        entry = p4r.MeterEntry(meter_id=info.preamble.id, index=p4r.Index(index=index))
        for name in ("cir", "cburst", "pir", "pburst"):
            setattr(entry.config, name, getattr(config, name))
        self._switch.write(_MODIFY, p4r.Entity(meter_entry=entry))


def _cell(data: p4r.CounterData) -> SimpleNamespace:
    return SimpleNamespace(packets=data.packet_count, bytes=data.byte_count)


def _set_action(entry: p4r.TableEntry, action_id: int, params: tuple[int, ...]) -> None:
    entry.action.action.action_id = action_id
    for number, value in enumerate(params, 1):
        entry.action.action.params.add(param_id=number, value=canonical(value))


def _add_match(entry: p4r.TableEntry, field: p4i.MatchField, value: Any) -> None:
    """Add a key field, unless it matches all, which P4Runtime says by leaving it out."""
    kinds = p4i.MatchField
    if field.match_type == kinds.EXACT:
        entry.match.add(field_id=field.id).exact.value = canonical(value)
        return
    first, second = value
    if field.match_type == kinds.LPM and second:
        lpm = entry.match.add(field_id=field.id).lpm
        lpm.value, lpm.prefix_len = canonical(first), second
    elif field.match_type == kinds.TERNARY and second:
        ternary = entry.match.add(field_id=field.id).ternary
        ternary.value, ternary.mask = canonical(first), canonical(second)
    elif field.match_type == kinds.RANGE and value != (0, (1 << field.bitwidth) - 1):
        limits = entry.match.add(field_id=field.id).range
        limits.low, limits.high = canonical(first), canonical(second)
