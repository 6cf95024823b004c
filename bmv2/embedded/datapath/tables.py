"""A match-action table with its entries; `bmv2.embedded.model.TableStore`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from bmv2.embedded.datapath.matching import (
    Cache,
    Key,
    LongestPrefix,
    PriorityMasks,
    Search,
    full_mask,
)
from bmv2.embedded.datapath.state import DirectMeters
from bmv2.embedded.model import (
    ActionInfo,
    Entry,
    EntryExistsError,
    EntryNotFoundError,
    KeyField,
    MatchKey,
    MatchKind,
    TableError,
    TableFullError,
)

Default = tuple[str, tuple[int, ...]]

_WITH_PRIORITY = frozenset((MatchKind.TERNARY, MatchKind.RANGE, MatchKind.OPTIONAL))


class Table:
    """One table. `lookup` and `miss` are for the generated function."""

    def __init__(
        self,
        name: str,
        keys: tuple[KeyField, ...],
        actions: Mapping[str, ActionInfo],
        default: Default,
        *,
        max_size: int,
        support_timeout: bool,
        has_counter: bool,
        const_default: bool,
        meters: DirectMeters | None,
    ) -> None:
        self.name = name
        self.keys = keys
        self.actions = actions
        self.max_size = max_size
        self.support_timeout = support_timeout
        self.has_counter = has_counter
        self.has_meter = meters is not None
        self.const_default = const_default
        self.needs_priority = any(key.kind in _WITH_PRIORITY for key in keys)
        self.miss = self._initial_default = default
        self.meters = meters
        self._immutable = False
        self._entries: dict[tuple[MatchKey, int], Entry] = {}
        self._exact: dict[Key, Entry] = {}
        self._search: Search | None = None
        self.lookup: Callable[[Key], Entry | None] = self._exact.get
        if self.needs_priority:
            self._search = PriorityMasks(keys)
        elif any(key.kind is MatchKind.LPM for key in keys):
            self._search = LongestPrefix(keys)
        if self._search is not None:
            self._cache = Cache(self._search)
            self.lookup = self._cache.__getitem__

    def pristine(self, meters: DirectMeters | None) -> Table:
        """Make another one as the program declares this one, with meters of its own."""
        other = Table(
            self.name,
            self.keys,
            self.actions,
            self._initial_default,
            max_size=self.max_size,
            support_timeout=self.support_timeout,
            has_counter=self.has_counter,
            const_default=self.const_default,
            meters=meters,
        )
        if self._immutable:
            for entry in self._entries.values():
                other.insert(Entry(entry.match, entry.priority, entry.action, entry.params))
            other.freeze()
        return other

    def insert(self, entry: Entry) -> None:
        """Add; see `TableStore.insert`. `TableError` where the entry cannot be of this table."""
        self._check_mutable()
        self._check_match(entry.match, entry.priority)
        self._check_action(entry.action, entry.params)
        identity = (entry.match, entry.priority)
        if identity in self._entries:
            raise EntryExistsError(f"{self.name}: the entry exists already")
        if len(self._entries) >= self.max_size:
            raise TableFullError(f"{self.name}: holds {self.max_size} entries already")
        self._entries[identity] = entry
        if self._search is None:
            self._exact[self._exact_key(entry.match)] = entry
        else:
            self._search.add(entry)
            self._cache.clear()

    def modify(self, match: MatchKey, priority: int, action: str, params: tuple[int, ...]) -> Entry:
        """Change an entry's action; see `TableStore.modify`."""
        self._check_mutable()
        entry = self._existing(match, priority)
        self._check_action(action, params)
        entry.action, entry.params = action, params
        return entry

    def delete(self, match: MatchKey, priority: int) -> Entry:
        """Remove; see `TableStore.delete`."""
        self._check_mutable()
        entry = self._existing(match, priority)
        del self._entries[match, priority]
        if self._search is None:
            del self._exact[self._exact_key(match)]
        else:
            self._search.remove(entry)
            self._cache.clear()
        if self.meters is not None:
            self.meters.forget(entry)
        return entry

    def get(self, match: MatchKey, priority: int) -> Entry | None:
        """Find the entry with exactly this match and priority."""
        return self._entries.get((match, priority))

    def entries(self) -> Iterable[Entry]:
        """All entries, in insertion order."""
        return list(self._entries.values())

    def set_default(self, action: str, params: tuple[int, ...]) -> None:
        """Set what a miss does; `TableError` where the program fixes it."""
        if self.const_default:
            raise TableError(f"{self.name}: the default action is constant")
        self._check_action(action, params)
        self.miss = (action, params)

    def reset_default(self) -> None:
        """Return to the default action that the program declares."""
        self.miss = self._initial_default

    @property
    def default(self) -> Default:
        """The current default action."""
        return self.miss

    @property
    def initial_default(self) -> Default:
        """The default action that the program declares."""
        return self._initial_default

    def freeze(self) -> None:
        """Make the entries those of the program, for good."""
        self._immutable = True

    def _existing(self, match: MatchKey, priority: int) -> Entry:
        entry = self._entries.get((match, priority))
        if entry is None:
            raise EntryNotFoundError(f"{self.name}: no such entry")
        return entry

    def _check_mutable(self) -> None:
        if self._immutable:
            raise TableError(f"{self.name}: its entries are constant")

    @staticmethod
    def _exact_key(match: MatchKey) -> Key:
        return match[0][0] if len(match) == 1 else tuple(value for value, _ in match)

    def _check_action(self, action: str, params: tuple[int, ...]) -> None:
        info = self.actions.get(action)
        if info is None:
            raise TableError(f"{self.name}: has no action {action!r}")
        if len(params) != len(info.params):
            raise TableError(f"{self.name}: {action} takes {len(info.params)} parameters")
        for param, value in zip(info.params, params, strict=True):
            if not 0 <= value < 1 << param.bitwidth:
                raise TableError(f"{self.name}: {param.name} does not fit {param.bitwidth} bits")

    def _check_match(self, match: MatchKey, priority: int) -> None:
        if not self.keys:
            raise TableError(f"{self.name}: has no key, hence only a default action")
        if len(match) != len(self.keys):
            raise TableError(f"{self.name}: takes {len(self.keys)} key fields")
        if not self.needs_priority and priority:
            raise TableError(f"{self.name}: takes no priority")
        for key, (value, other) in zip(self.keys, match, strict=True):
            if not _fits(key, value, other):
                raise TableError(f"{self.name}: not a {key.kind} match of {key.name}")


def _fits(key: KeyField, value: int, other: int) -> bool:
    ones = full_mask(key)
    if not 0 <= value <= ones:
        return False
    if key.kind is MatchKind.EXACT:
        return other == 0
    if key.kind is MatchKind.LPM:
        return 0 <= other <= key.bitwidth and not value & (ones >> other)
    if key.kind is MatchKind.OPTIONAL:
        return other == 1 or (value, other) == (0, 0)
    if key.kind is MatchKind.RANGE:
        return value <= other <= ones
    return 0 <= other <= ones and value & other == value
