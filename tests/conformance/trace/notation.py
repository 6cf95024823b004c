"""P4Runtime entities as small JSON objects with the program's names, and back.

Numbers are hexadecimal strings without leading zeros, as wide as they need. A match is::

    exact "7" · ternary "a000100&ffffff00" · LPM "a000200/24" · range "1388..1770"
"""

from __future__ import annotations

from typing import Any

from finsy.proto import p4i, p4r

Object = dict[str, Any]


def canonical(value: int) -> bytes:
    """P4Runtime's byte string (specification §8.4)."""
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")


def last(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def _hex(value: bytes) -> str:
    return f"{int.from_bytes(value, 'big'):x}"


def _bytes(text: str) -> bytes:
    return canonical(int(text, 16))


class Notation:
    """Reads and writes the objects of one program."""

    def __init__(self, p4info: p4i.P4Info) -> None:
        self.p4info = p4info
        self._tables = {table.preamble.id: table for table in p4info.tables}
        self._actions = {action.preamble.id: action for action in p4info.actions}
        self._table_names = {last(table.preamble.name): table for table in p4info.tables}
        self._meters = {last(meter.preamble.name): meter.preamble.id for meter in p4info.meters}

    def of_update(self, kind: int, entity: p4r.Entity) -> Object:
        """Write an update of a table entry or a meter."""
        if entity.HasField("meter_entry"):
            meter = entity.meter_entry
            (name,) = [n for n, number in self._meters.items() if number == meter.meter_id]
            config = meter.config
            rates = [config.cir, config.cburst, config.pir, config.pburst]
            return {"meter": name, "index": meter.index.index, "rates": rates}
        entry = entity.table_entry
        if entry.is_default_action:
            name = last(self._tables[entry.table_id].preamble.name)
            return {"default": name, **self._of_action(entry)}
        verb = p4r.Update.Type.Name(kind).lower()  # type: ignore[arg-type]  # it is an enum's
        action = self._of_action(entry) if entry.HasField("action") else {}
        return self.of_key(verb, entry) | action

    def of_key(self, verb: str, entry: p4r.TableEntry) -> Object:
        """Write table, match and priority; the table's name goes under `verb`."""
        table = self._tables[entry.table_id]
        fields = {field.id: field.name for field in table.match_fields}
        match = {fields[part.field_id]: _of_match(part) for part in entry.match}
        # Sorted as in the program: a target may give the fields in any order.
        match = {name: match[name] for name in fields.values() if name in match}
        written: Object = {verb: last(table.preamble.name), "match": match}
        return written | ({"priority": entry.priority} if entry.priority else {})

    def _of_action(self, entry: p4r.TableEntry) -> Object:
        action = self._actions[entry.action.action.action_id]
        names = {param.id: param.name for param in action.params}
        params = {names[p.param_id]: _hex(p.value) for p in entry.action.action.params}
        return {"action": last(action.preamble.name)} | ({"params": params} if params else {})

    def update(self, written: Object) -> tuple[int, p4r.Entity]:
        """Read what `of_update` wrote."""
        if "meter" in written:
            meter = p4r.MeterEntry(meter_id=self._meters[written["meter"]])
            meter.index.index = written["index"]
            config = meter.config
            config.cir, config.cburst, config.pir, config.pburst = written["rates"]
            return p4r.Update.MODIFY, p4r.Entity(meter_entry=meter)
        verb = next(iter(written))
        table = self._table_names[written[verb]]
        entry = p4r.TableEntry(table_id=table.preamble.id, priority=written.get("priority", 0))
        entry.is_default_action = verb == "default"
        for field in table.match_fields:
            if field.name in written.get("match", {}):
                part = entry.match.add(field_id=field.id)
                _set_match(part, field, written["match"][field.name])
        if "action" in written:
            self._set_action(entry, table, written)
        kind = p4r.Update.MODIFY if verb == "default" else p4r.Update.Type.Value(verb.upper())
        return kind, p4r.Entity(table_entry=entry)

    def _set_action(self, entry: p4r.TableEntry, table: p4i.Table, written: Object) -> None:
        (action,) = [
            self._actions[ref.id]
            for ref in table.action_refs
            if last(self._actions[ref.id].preamble.name) == written["action"]
        ]
        entry.action.action.action_id = action.preamble.id
        for param in action.params:
            value = _bytes(written["params"][param.name])
            entry.action.action.params.add(param_id=param.id, value=value)


def _of_match(part: p4r.FieldMatch) -> str:
    match part.WhichOneof("field_match_type"):
        case "exact":
            return _hex(part.exact.value)
        case "lpm":
            return f"{_hex(part.lpm.value)}/{part.lpm.prefix_len}"
        case "ternary":
            return f"{_hex(part.ternary.value)}&{_hex(part.ternary.mask)}"
        case "range":
            return f"{_hex(part.range.low)}..{_hex(part.range.high)}"
        case kind:
            raise ValueError(f"a match of kind {kind}")


def _set_match(part: p4r.FieldMatch, field: p4i.MatchField, text: str) -> None:
    match field.match_type:
        case p4i.MatchField.EXACT:
            part.exact.value = _bytes(text)
        case p4i.MatchField.LPM:
            value, _, length = text.partition("/")
            part.lpm.value, part.lpm.prefix_len = _bytes(value), int(length)
        case p4i.MatchField.TERNARY:
            value, _, mask = text.partition("&")
            part.ternary.value, part.ternary.mask = _bytes(value), _bytes(mask)
        case p4i.MatchField.RANGE:
            low, _, high = text.partition("..")
            part.range.low, part.range.high = _bytes(low), _bytes(high)
        case kind:
            raise ValueError(f"a match of kind {kind}")
