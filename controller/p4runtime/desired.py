"""What the switch should hold, what it is believed to hold, and the difference to write."""

from __future__ import annotations

from collections.abc import Iterable

from controller.p4runtime.entities import (
    Declared,
    Entry,
    EntryKey,
    MeterCell,
    Update,
    UpdateKind,
    WriteFailure,
)
from controller.p4runtime.ordering import TABLES, in_order

_MeterKey = tuple[str, int]
_Key = EntryKey | _MeterKey

_NS_PER_SECOND = 1_000_000_000


def entity_key(entity: Declared) -> _Key:
    """Return what makes an entity the same entity."""
    return entity.key if isinstance(entity, Entry) else (entity.meter, entity.index)


def same_content(one: Declared, other: Declared) -> bool:
    """Tell whether two entities of the same key need no write to become each other."""
    if isinstance(one, Entry) and isinstance(other, Entry):
        return (
            one.action == other.action
            and one.params == other.params
            # A switch keeps nanoseconds.
            and round(one.idle_timeout * _NS_PER_SECOND)
            == round(other.idle_timeout * _NS_PER_SECOND)
        )
    return one == other


class DesiredState:
    """The declared state of one switch.

    `pending` gives what changed since it was last called, and takes it for granted that it will
    be written; `failed` takes that back for what the switch refused. A refused update is not tried
    again until its entity is declared anew or the switch is reconciled, with one exception: when
    the refusal tells that the switch held (or lacked) an entry that we thought it lacked (or held),
    the next `pending` has the update that fits.

    After a lost connection nothing is known of the writes under way: `reconcile` compares with
    what the switch holds and starts from there.
    """

    def __init__(self) -> None:
        self._declared: dict[_Key, Declared] = {}
        # What the switch holds once every drained update is through. None: something is there,
        # and we don't know what.
        self._believed: dict[_Key, Declared | None] = {}
        self._changed: dict[_Key, None] = {}  # an ordered set
        self._unconfirmed: set[_Key] = set()
        self._refused: dict[_Key, WriteFailure] = {}
        self._corrected: set[_Key] = set()

    # --- what should be -------------------------------------------------------------------

    def declare(self, entity: Declared) -> None:
        """Want an entity, in place of the one that has the same key."""
        key = entity_key(entity)
        known = self._declared.get(key)
        self._declared[key] = entity
        if known is None or not same_content(known, entity) or key in self._refused:
            self._changed[key] = None
            self._corrected.discard(key)

    def withdraw(self, key: EntryKey) -> None:
        """Want an entry no more. Nothing happens if it was not declared."""
        if self._declared.pop(key, None) is not None:
            self._changed[key] = None
            self._corrected.discard(key)

    def get(self, key: EntryKey) -> Entry | None:
        """Return the declared entry of this key."""
        entity = self._declared.get(key)
        return entity if isinstance(entity, Entry) else None

    def entries(self, table: str | None = None) -> tuple[Entry, ...]:
        """Return the declared entries, of one table or of all, in the order of declaration."""
        return tuple(
            entity
            for entity in self._declared.values()
            if isinstance(entity, Entry) and table in (None, entity.key.table)
        )

    # --- what to write --------------------------------------------------------------------

    def pending(self) -> list[Update]:
        """Drain what has to be written since the last drain, in a safe order."""
        return self._emit(self._changed)

    def reconcile(self, actual: Iterable[Entry], meters: Iterable[MeterCell] = ()) -> list[Update]:
        """Return the difference between what a switch holds and what is declared.

        `actual` is every entry of our tables, default actions included. What is right already is
        not touched; what has another action is modified in place; what was never declared is
        deleted. A declared meter cell that is not among `meters` is written.
        """
        self._believed = {entry.key: entry for entry in actual if entry.key.table in TABLES}
        for cell in meters:
            self._believed[entity_key(cell)] = cell
        self._refused.clear()
        self._corrected.clear()
        self._unconfirmed.clear()
        found = [
            key for key in self._believed if isinstance(key, EntryKey) and key not in self._declared
        ]
        return self._emit((*self._declared, *found))

    def _emit(self, keys: Iterable[_Key]) -> list[Update]:
        updates = []
        for key in tuple(keys):
            self._refused.pop(key, None)
            update = self._difference(key)
            if update is None:
                continue
            updates.append(update)
            if update.kind is UpdateKind.DELETE:
                self._believed.pop(key, None)
            else:
                self._believed[key] = update.entity
            self._unconfirmed.add(key)
        self._changed.clear()
        return in_order(updates)

    def _difference(self, key: _Key) -> Update | None:
        wanted = self._declared.get(key)
        is_there = key in self._believed
        held = self._believed.get(key)
        if wanted is None:
            if not is_there or not isinstance(key, EntryKey):
                return None
            return Update(UpdateKind.DELETE, held if held is not None else Entry(key, ""))
        if held is not None and same_content(held, wanted):
            return None
        if is_there or isinstance(wanted, MeterCell) or wanted.key.is_default:
            return Update(UpdateKind.MODIFY, wanted)
        return Update(UpdateKind.INSERT, wanted)

    # --- what came of it ------------------------------------------------------------------

    def acknowledge(self, updates: Iterable[Update], failures: Iterable[WriteFailure] = ()) -> None:
        """Note that these updates were written, all but the `failures` among them."""
        refused = list(failures)
        for update in updates:
            self._unconfirmed.discard(entity_key(update.entity))
        self.failed(refused)

    def failed(self, failures: Iterable[WriteFailure]) -> None:
        """Note what the switch refused."""
        for failure in failures:
            self._note_failure(failure)

    def _note_failure(self, failure: WriteFailure) -> None:
        update = failure.update
        key = entity_key(update.entity)
        self._unconfirmed.discard(key)
        if update.kind is UpdateKind.DELETE and failure.code == "NOT_FOUND":
            self._believed.pop(key, None)
            return
        mistaken = (update.kind is UpdateKind.INSERT and failure.code == "ALREADY_EXISTS") or (
            update.kind is UpdateKind.MODIFY and failure.code == "NOT_FOUND"
        )
        lacks_it = mistaken if update.kind is UpdateKind.MODIFY else not mistaken
        if lacks_it and update.kind is not UpdateKind.DELETE:
            self._believed.pop(key, None)
        else:
            self._believed[key] = None
        if mistaken and key not in self._corrected:
            self._corrected.add(key)
            self._changed[key] = None
        else:
            self._refused[key] = failure

    @property
    def refused(self) -> tuple[WriteFailure, ...]:
        """What the switch refused and still lacks; each failure has its update's label."""
        return tuple(self._refused.values())

    def is_installed(self, key: EntryKey) -> bool:
        """Tell whether the switch has confirmed the declared entry of this key."""
        return (
            key in self._declared
            and key in self._believed
            and key not in self._unconfirmed
            and key not in self._refused
            and key not in self._changed
        )
