"""Digests: configuration, batching, acknowledgement (specification §9.9).

A message that was sent is not sent again until the client acknowledges its list or
``ack_timeout_ns`` passes. One that could not be sent is forgotten at once, so that the data plane's
next copy of it gets another chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from finsy.proto import p4r

from bmv2.embedded.p4runtime.bytestring import encode
from bmv2.embedded.p4runtime.codes import Code
from bmv2.embedded.p4runtime.errors import P4RuntimeError, invalid, unimplemented
from bmv2.embedded.p4runtime.schema import DigestSchema, Schema
from bmv2.embedded.p4runtime.undo import Undo

MAX_LIST_SIZE = 1024
"""The most messages in one list, however much the client allows; bmv2's own default."""

MAX_UNACKNOWLEDGED = 65536
"""The most messages of one digest to remember as sent; beyond that the oldest list is forgotten."""

Values = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Config:
    max_timeout_ns: int
    max_list_size: int  # as the client wrote it
    ack_timeout_ns: int

    @property
    def list_size(self) -> int:
        return min(self.max_list_size or MAX_LIST_SIZE, MAX_LIST_SIZE)


@dataclass(slots=True, eq=False)
class _State:
    """One digest while it is configured."""

    config: _Config
    buffer: dict[Values, None] = field(default_factory=dict)  # in order of arrival
    buffered_since_ns: int = 0
    unacknowledged: set[Values] = field(default_factory=set)
    lists: dict[int, tuple[int, tuple[Values, ...]]] = field(default_factory=dict)
    """Lists sent, oldest first: list id → when, and what."""


class Digests:
    """All digests of one pipeline.

    Args:
        send: Sends a list to the client, and says whether it could.
    """

    def __init__(self, schema: Schema, send: Callable[[p4r.DigestList], bool]) -> None:
        self._schema = schema
        self._send = send
        self._states: dict[int, _State] = {}
        self._last_list_id = dict.fromkeys(schema.digests, 0)

    def write(self, update: p4r.Update.Type.ValueType, message: p4r.DigestEntry) -> Undo:
        """Switch a digest on (INSERT), off (DELETE), or change its parameters (MODIFY).

        Raises:
            P4RuntimeError: NOT_FOUND, ALREADY_EXISTS, or INVALID_ARGUMENT.
        """
        digest = self._find(message.digest_id)
        before = self._states.get(digest.id)
        if update == p4r.Update.UNSPECIFIED:
            raise invalid("the type of the update is not set")
        if update == p4r.Update.INSERT and before is not None:
            raise P4RuntimeError(Code.ALREADY_EXISTS, f"digest {digest.name} is configured already")
        if update != p4r.Update.INSERT and before is None:
            raise P4RuntimeError(Code.NOT_FOUND, f"digest {digest.name} is not configured")
        if update == p4r.Update.DELETE:
            del self._states[digest.id]
        else:
            config = _decode_config(message.config)
            if before is None:
                self._states[digest.id] = _State(config)
            else:
                config_before, before.config = before.config, config
        if update != p4r.Update.MODIFY or before is None:
            return Undo(lambda: self._put(digest.id, before))

        def restore() -> None:
            before.config = config_before

        return Undo(restore)

    def read(self, message: p4r.DigestEntry) -> Iterator[p4r.Entity]:
        """Read the configuration of one digest.

        Raises:
            P4RuntimeError: NOT_FOUND if it is not configured; UNIMPLEMENTED, as bmv2, for id 0.
        """
        if message.digest_id == 0:
            raise unimplemented("reading the configuration of all digests is not implemented")
        digest = self._find(message.digest_id)
        state = self._states.get(digest.id)
        if state is None:
            raise P4RuntimeError(Code.NOT_FOUND, f"digest {digest.name} is not configured")
        entity = p4r.Entity()
        self._encode_entry(digest.id, state, entity.digest_entry)
        yield entity

    def configured(self) -> list[p4r.DigestEntry]:
        """The configuration of every digest that is on."""
        entries: list[p4r.DigestEntry] = []
        for digest_id, state in self._states.items():
            entry = p4r.DigestEntry()
            self._encode_entry(digest_id, state, entry)
            entries.append(entry)
        return entries

    def receive(self, name: str, values: Values, now_ns: int) -> None:
        """Take a message of the data plane; dropped unless its digest is configured."""
        digest_id = self._schema.digest_ids.get(name, 0)
        state = self._states.get(digest_id)
        if state is None or values in state.unacknowledged or values in state.buffer:
            return
        if not state.buffer:
            state.buffered_since_ns = now_ns
        state.buffer[values] = None
        if len(state.buffer) >= state.config.list_size or state.config.max_timeout_ns == 0:
            self._flush(digest_id, state, now_ns)

    def acknowledge(self, message: p4r.DigestListAck) -> None:
        """Forget that a list was sent; one that is not known is ignored.

        Raises:
            P4RuntimeError: INVALID_ARGUMENT if there is no such digest.
        """
        if message.digest_id not in self._schema.digests:
            raise invalid(f"there is no digest with id {message.digest_id:#x}")
        state = self._states.get(message.digest_id)
        if state is not None and message.list_id in state.lists:
            _forget(state, message.list_id)

    def forget_sent(self) -> None:
        """Forget all that was sent: there is another client now, which has to hear of it too."""
        for state in self._states.values():
            state.unacknowledged.clear()
            state.lists.clear()

    def advance(self, now_ns: int) -> None:
        """Send the lists that have waited long enough; forget those acknowledged too late."""
        for digest_id, state in self._states.items():
            if state.buffer and now_ns >= state.buffered_since_ns + state.config.max_timeout_ns:
                self._flush(digest_id, state, now_ns)
            while state.lists:
                list_id, (sent_ns, _) = next(iter(state.lists.items()))
                if now_ns < sent_ns + state.config.ack_timeout_ns:
                    break
                _forget(state, list_id)

    def next_deadline_ns(self) -> int | None:
        """When `advance` has something to do next."""
        deadlines: list[int] = []
        for state in self._states.values():
            if state.buffer:
                deadlines.append(state.buffered_since_ns + state.config.max_timeout_ns)
            if state.lists:
                sent_ns, _ = next(iter(state.lists.values()))
                deadlines.append(sent_ns + state.config.ack_timeout_ns)
        return min(deadlines, default=None)

    def _find(self, digest_id: int) -> DigestSchema:
        digest = self._schema.digests.get(digest_id)
        if digest is None:
            raise P4RuntimeError(Code.NOT_FOUND, f"there is no digest with id {digest_id:#x}")
        return digest

    def _put(self, digest_id: int, state: _State | None) -> None:
        if state is None:
            self._states.pop(digest_id, None)
        else:
            self._states[digest_id] = state

    def _flush(self, digest_id: int, state: _State, now_ns: int) -> None:
        values = tuple(state.buffer)
        state.buffer.clear()
        self._last_list_id[digest_id] += 1
        list_id = self._last_list_id[digest_id]
        digest = self._schema.digests[digest_id]
        message = p4r.DigestList(digest_id=digest_id, list_id=list_id, timestamp=now_ns)
        for value in values:
            _encode_values(digest, value, message)
        if self._send(message) and state.config.ack_timeout_ns:
            state.unacknowledged.update(values)
            state.lists[list_id] = (now_ns, values)
            while len(state.unacknowledged) > MAX_UNACKNOWLEDGED:
                _forget(state, next(iter(state.lists)))

    def _encode_entry(self, digest_id: int, state: _State, entry: p4r.DigestEntry) -> None:
        entry.digest_id = digest_id
        entry.config.max_timeout_ns = state.config.max_timeout_ns
        entry.config.max_list_size = state.config.max_list_size
        entry.config.ack_timeout_ns = state.config.ack_timeout_ns


def _forget(state: _State, list_id: int) -> None:
    _, values = state.lists.pop(list_id)
    state.unacknowledged.difference_update(values)


def _decode_config(message: p4r.DigestEntry.Config) -> _Config:
    if min(message.max_timeout_ns, message.max_list_size, message.ack_timeout_ns) < 0:
        raise invalid("the parameters of a digest cannot be negative")
    return _Config(message.max_timeout_ns, message.max_list_size, message.ack_timeout_ns)


def _encode_values(digest: DigestSchema, values: Values, message: p4r.DigestList) -> None:
    data = message.data.add()
    if digest.shape == "bitstring":
        data.bitstring = encode(values[0])
        return
    members = data.struct.members if digest.shape == "struct" else data.tuple.members
    for value in values:
        members.add().bitstring = encode(value)
