"""Tables of the document: the runtime object of each, made from its description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bmv2.embedded.datapath.codegen.actions import Action
from bmv2.embedded.datapath.codegen.context import Context
from bmv2.embedded.datapath.codegen.document import Item
from bmv2.embedded.datapath.codegen.expressions import unsigned
from bmv2.embedded.datapath.codegen.layout import VALIDITY, Field
from bmv2.embedded.datapath.codegen.source import literal
from bmv2.embedded.datapath.tables import Default, Table
from bmv2.embedded.model import Entry, FieldMatch, KeyField, MatchKind, TableError

MAX_TABLE_SIZE = 1 << 22


@dataclass(frozen=True, slots=True)
class TableSource:
    """What the generator knows of a table.

    Attributes:
        key: source of the value that is looked up; None: there is no key, and never a hit.
        actions: by name.
        constant_default: nothing can change the default action or its parameters.
        meter_target: the field for the colour of the entry's own meter.
        next_hit, next_miss: the nodes that follow where the program asks for hit or miss.
        next_action: the node that follows each action where it does not.
    """

    table: Table
    key: str | None
    actions: dict[str, Action]
    constant_default: bool
    meter_target: Field | None
    by_hit: bool
    next_hit: str | None
    next_miss: str | None
    next_action: dict[str, str | None]

    def follower(self, action: str, hit: bool) -> str | None:
        """Return the node that follows an action."""
        if self.by_hit:
            return self.next_hit if hit else self.next_miss
        return self.next_action[action]

    def followers(self) -> list[str | None]:
        """Return all nodes that can follow."""
        if self.key is None and self.constant_default:
            return [self.follower(self.table.miss[0], hit=False)]
        if self.by_hit:
            return [self.next_miss] if self.key is None else [self.next_hit, self.next_miss]
        return list(self.next_action.values())


def load_table(context: Context, item: Item, actions: Mapping[int, Action]) -> TableSource:
    """Make a table of the document; `PipelineError` for what is not supported."""
    name = item["name"].text()
    if item["type"].text() != "simple":
        raise item.error(f"tables of type {item['type'].text()!r} are not supported")
    own = {action.info.name: action for action in _actions(item, actions)}
    keys, sources = _keys(context, item)
    default, constant = _default(item, actions)
    if default[0] not in own:
        raise item.error(f"its default action {default[0]!r} is none of its actions")
    meter_name = item.get("direct_meters")
    meter = None
    if meter_name is not None:
        meter = context.resources.direct_meters.get(meter_name.text())
        if meter is None:
            raise meter_name.error("unknown direct meter")
    entries = item.get("entries")
    table = Table(
        name,
        keys,
        {action.info.name: action.info for action in own.values()},
        default,
        max_size=item["max_size"].integer(0, MAX_TABLE_SIZE),
        support_timeout=item.flag("support_timeout"),
        has_counter=item.flag("with_counters"),
        const_default=constant,
        meters=None if meter is None else meter.meters,
    )
    if entries is not None:
        _add_entries(table, entries, actions)
    followers = item["next_tables"]
    by_hit = isinstance(followers.value, dict) and "__HIT__" in followers.value
    return TableSource(
        table,
        None if not sources else sources[0] if len(sources) == 1 else f"({', '.join(sources)})",
        own,
        constant,
        None if meter is None else meter.target,
        by_hit,
        _name(followers, "__HIT__"),
        _name(followers, "__MISS__"),
        {} if by_hit else {name: _name(followers, name) for name in own},
    )


def _actions(item: Item, actions: Mapping[int, Action]) -> Iterator[Action]:
    ids = item.get("action_ids")
    if ids is None:  # older compilers name them only
        by_name = {action.info.name: action for action in actions.values()}
        for name in item["actions"]:
            if name.text() not in by_name:
                raise name.error("unknown action")
            yield by_name[name.text()]
        return
    for action_id in ids:
        action = actions.get(action_id.integer())
        if action is None:
            raise action_id.error("unknown action")
        yield action


def _name(item: Item, key: str) -> str | None:
    found = item.get(key)
    return None if found is None else found.text()


def _keys(context: Context, item: Item) -> tuple[tuple[KeyField, ...], list[str]]:
    keys, sources = [], []
    for key in item.list("key"):
        try:
            kind = MatchKind(key["match_type"].text())
        except ValueError:
            raise key.error(f"match kind {key['match_type'].text()!r} is not supported") from None
        target = key["target"]
        header = context.layout.header(target[0])
        if target[1].text() == VALIDITY:
            source, bits = header.validity or "1", 1
        else:
            field = context.layout.field(target)
            source, bits = unsigned(field), field.bits
            # To a table, a field of a header that is not valid is 0.
            if header.validity is not None:
                source = f"({source} if {header.validity} else 0)"
        mask = key.get("mask")
        if mask is not None:
            source = f"({source} & {literal(mask.hexadecimal())})"
        name = key.get("name")
        label = f"{header.name}.{target[1].text()}" if name is None else name.text()
        keys.append(KeyField(label, kind, bits))
        sources.append(source)
    if sum(key.kind is MatchKind.LPM for key in keys) > 1:
        raise item.error("more than one lpm key")
    return tuple(keys), sources


def _default(item: Item, actions: Mapping[int, Action]) -> tuple[Default, bool]:
    entry = item["default_entry"]
    default = _action_entry(entry, actions)
    if entry.flag("action_const") != entry.flag("action_entry_const"):
        raise entry.error("an action that is constant without its parameters is not supported")
    return default, entry.flag("action_const")


def _action_entry(entry: Item, actions: Mapping[int, Action]) -> Default:
    action = actions.get(entry["action_id"].integer())
    if action is None:
        raise entry.error("unknown action")
    values = tuple(value.hexadecimal() for value in entry["action_data"])
    if len(values) != len(action.info.params):
        raise entry.error(f"{action.info.name} takes {len(action.info.params)} parameters")
    for param, value in zip(action.info.params, values, strict=True):
        if not 0 <= value < 1 << param.bitwidth:
            raise entry.error(f"{param.name} does not fit {param.bitwidth} bits")
    return action.info.name, values


def _add_entries(table: Table, entries: Item, actions: Mapping[int, Action]) -> None:
    for item in entries:
        match = tuple(
            _match(field, key) for field, key in zip(item["match_key"], table.keys, strict=False)
        )
        action, params = _action_entry(item["action_entry"], actions)
        priority = 0
        if table.needs_priority:
            # In this format smaller wins.
            priority = 2**31 - 1 - item["priority"].integer()
        try:
            table.insert(Entry(match, priority, action, params))
        except TableError as error:
            raise item.error(str(error)) from error
    table.freeze()


def _match(field: Item, key: KeyField) -> FieldMatch:
    if field["match_type"].text() != key.kind:
        raise field.error(f"expected a match of kind {key.kind}")
    if key.kind is MatchKind.RANGE:
        return field["start"].hexadecimal(), field["end"].hexadecimal()
    value = field["key"].hexadecimal()
    if key.kind is MatchKind.LPM:
        return value, field["prefix_length"].integer(0, key.bitwidth)
    if key.kind is MatchKind.TERNARY:
        mask = field["mask"].hexadecimal()
        return value & mask, mask
    return value, int(key.kind is MatchKind.OPTIONAL)
