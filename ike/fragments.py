"""Messages in fragments (RFC 7383): putting them together, with bounded memory and work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ike.state.records import FragmentRecord, PartialRecord

MAX_FRAGMENTS = 128
MAX_MESSAGE = 65_535  # bytes
MAX_HELD = 2 * MAX_MESSAGE  # bytes of unfinished messages


@dataclass(frozen=True, slots=True)
class Fragment:
    """One decrypted fragment; `packet` is the datagram that it came in."""

    first_payload: int
    number: int
    total: int
    chunk: bytes
    packet: bytes


@dataclass(frozen=True, slots=True)
class Whole:
    """A message put together; `packet` is the one with its first fragment."""

    first_payload: int
    plaintext: bytes
    packet: bytes


@dataclass(slots=True)
class _Partial:
    total: int
    size: int = 0
    fragments: dict[int, Fragment] = field(default_factory=dict)


class Reassembly:
    """Fragments of several messages, told apart by message id, requests apart from responses.

    All together have no more bytes than `MAX_HELD`: the oldest unfinished message goes first.
    """

    def __init__(self) -> None:
        self._partial: dict[tuple[bool, int], _Partial] = {}

    def add(self, message_id: int, is_response: bool, fragment: Fragment) -> Whole | None:
        """Take a fragment whose ICV is good; give the message when it is complete.

        A larger total starts afresh: the peer has gone over to smaller fragments. A smaller one
        is from before, and ignored (§2.6).
        """
        if fragment.total > MAX_FRAGMENTS:
            return None
        key = is_response, message_id
        partial = self._partial.get(key)
        if partial is None or partial.total < fragment.total:
            partial = self._partial[key] = _Partial(fragment.total)
        if partial.total != fragment.total or fragment.number in partial.fragments:
            return None
        partial.size += len(fragment.chunk)
        if partial.size > MAX_MESSAGE:
            del self._partial[key]
            return None
        packet = fragment.packet if fragment.number == 1 else b""
        partial.fragments[fragment.number] = replace(fragment, packet=packet)
        if len(partial.fragments) < partial.total:
            self._make_room(key)
            return None
        del self._partial[key]
        ordered = [partial.fragments[number] for number in range(1, partial.total + 1)]
        plaintext = b"".join(f.chunk for f in ordered)
        return Whole(ordered[0].first_payload, plaintext, ordered[0].packet)

    def discard(self, message_id: int, is_response: bool) -> None:
        """Drop the fragments of a message that is there as a whole."""
        self._partial.pop((is_response, message_id), None)

    def snapshot(self) -> tuple[PartialRecord, ...]:
        """Describe what there is so far for another process (`ike.state`)."""
        return tuple(
            PartialRecord(
                is_response,
                message_id,
                tuple(
                    FragmentRecord(f.first_payload, f.number, f.total, f.chunk, f.packet)
                    for f in partial.fragments.values()
                ),
            )
            for (is_response, message_id), partial in self._partial.items()
        )

    def restore(self, records: Iterable[PartialRecord]) -> None:
        """Be what `snapshot` described."""
        for record in records:
            for f in record.fragments:
                fragment = Fragment(f.first_payload, f.number, f.total, f.chunk, f.packet)
                self.add(record.message_id, record.is_response, fragment)

    def _make_room(self, kept: tuple[bool, int]) -> None:
        while sum(partial.size for partial in self._partial.values()) > MAX_HELD:
            del self._partial[next(key for key in self._partial if key != kept)]


def split(plaintext: bytes, size: int) -> list[bytes]:
    """Cut a message's payloads into chunks of at most `size` bytes, at most 128 of them.

    Raises:
        ValueError: there would be more.
    """
    chunks = [plaintext[at : at + size] for at in range(0, len(plaintext), size)]
    if len(chunks) > MAX_FRAGMENTS:
        raise ValueError(f"{len(plaintext)} bytes in fragments of {size}: more than 128")
    return chunks
