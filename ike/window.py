"""Message ids, retransmission and the memory of answers (RFC 7296 §2.1 to §2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from hmac import compare_digest

from cryptography.hazmat.primitives.hashes import SHA256, Hash

from ike.config import Retransmission
from ike.state.records import (
    AnswerRecord,
    OutstandingRecord,
    RequestWindowRecord,
    ResponseWindowRecord,
)

_LAST_ID = 2**32 - 1


@dataclass(slots=True)
class Outstanding:
    """A request of ours that has no answer yet; `packets` are its datagrams' payloads."""

    message_id: int
    exchange_type: int
    packets: tuple[bytes, ...]
    tries: int
    deadline: float


class RequestWindow:
    """Our requests: as many are outstanding as the peer keeps answers for.

    Args:
        retransmission: when one is sent again.
        most: how many are outstanding at once, whatever the peer allows.

    Attributes:
        next_id: the id of the next request.
        retransmissions: how often a request went out again.
        size: how many may be outstanding. It is 1 until the peer says more, and never shrinks.
    """

    def __init__(self, retransmission: Retransmission, most: int) -> None:
        self._retransmission = retransmission
        self._most = most
        self.next_id = 0
        self.size = 1
        self.outstanding: dict[int, Outstanding] = {}
        self.retransmissions = 0

    @property
    def has_room(self) -> bool:
        """Whether another request may go out: all up to `next_id - size` are answered (§2.3)."""
        return self.next_id <= _LAST_ID and self.next_id < self.lowest + self.size

    @property
    def lowest(self) -> int:
        """The lowest id that is outstanding, or the next one."""
        return min(self.outstanding, default=self.next_id)

    def allow(self, size: int) -> None:
        """Take the peer's SET_WINDOW_SIZE."""
        self.size = max(self.size, min(size, self._most))

    def open(self, exchange_type: int, packets: tuple[bytes, ...], now: float) -> None:
        """Note that a request with `next_id` goes out."""
        deadline = now + self._retransmission.first
        self.outstanding[self.next_id] = Outstanding(
            self.next_id, exchange_type, packets, 1, deadline
        )
        self.next_id += 1

    def replace(self, packets: tuple[bytes, ...], now: float) -> None:
        """Send the last request in another form (COOKIE, INVALID_KE_PAYLOAD)."""
        outstanding = self.outstanding.get(self.next_id - 1)
        if outstanding is None:
            raise RuntimeError("no request is outstanding")
        outstanding.packets = packets
        outstanding.tries = 1
        outstanding.deadline = now + self._retransmission.first

    def answered(self, message_id: int) -> None:
        """Note that the answer is there."""
        self.outstanding.pop(message_id, None)

    def clear(self) -> None:
        """Wait for no answer any more."""
        self.outstanding.clear()

    def expects(self, message_id: int, exchange_type: int) -> bool:
        """Tell whether a response with this id and type answers an outstanding request."""
        outstanding = self.outstanding.get(message_id)
        return outstanding is not None and outstanding.exchange_type == exchange_type

    def due(self, now: float) -> tuple[bytes, ...]:
        """Return what is to be sent again now."""
        packets: tuple[bytes, ...] = ()
        settings = self._retransmission
        for outstanding in self.outstanding.values():
            if now < outstanding.deadline or outstanding.tries >= settings.tries:
                continue
            wait = settings.first * settings.factor**outstanding.tries
            outstanding.tries += 1
            self.retransmissions += 1
            outstanding.deadline = now + min(wait, settings.maximum)
            packets += outstanding.packets
        return packets

    def hurry(self, now: float) -> None:
        """Have everything that has a try left sent again at once."""
        for outstanding in self.outstanding.values():
            if outstanding.tries < self._retransmission.tries:
                outstanding.deadline = min(outstanding.deadline, now)

    def gave_up(self, now: float) -> bool:
        """Tell whether the last try of a request has had its time."""
        tries = self._retransmission.tries
        return any(o.tries >= tries and now >= o.deadline for o in self.outstanding.values())

    def snapshot(self, now: float) -> RequestWindowRecord:
        """Describe it for another process (`ike.state`)."""
        outstanding = tuple(
            OutstandingRecord(o.message_id, o.exchange_type, o.packets, o.tries, o.deadline - now)
            for o in self.outstanding.values()
        )
        return RequestWindowRecord(self.next_id, self.size, outstanding, self.retransmissions)

    def restore(self, record: RequestWindowRecord, now: float) -> None:
        """Be what `snapshot` described."""
        self.next_id = record.next_id
        self.size = record.size
        self.retransmissions = record.retransmissions
        self.outstanding = {
            o.message_id: Outstanding(
                o.message_id, o.exchange_type, o.packets, o.tries, now + o.due_in
            )
            for o in record.outstanding
        }

    @property
    def deadline(self) -> float | None:
        """When `due` or `gave_up` has something to say next."""
        return min((o.deadline for o in self.outstanding.values()), default=None)


@dataclass(frozen=True, slots=True)
class _Answer:
    request: bytes  # SHA-256
    response: tuple[bytes, ...]


class ResponseWindow:
    """The peer's requests: which ids may come, and the answers to those that came.

    Of `size` ids from the lowest one without an answer on, each is taken once, in any order. An
    answer is kept until a request comes whose id is higher by `size` or more (§2.3), so there
    are at most `size` of them.

    Attributes:
        expected_id: the lowest id without an answer.
        size: how many requests we let the peer have outstanding.
    """

    def __init__(self) -> None:
        self.expected_id = 0
        self.size = 1
        self._answers: dict[int, _Answer] = {}

    def accepts(self, message_id: int) -> bool:
        """Tell whether a request with this id is one to be answered now."""
        return (
            self.expected_id <= message_id < self.expected_id + self.size
            and message_id not in self._answers
        )

    def answered(self, message_id: int, request: bytes, response: tuple[bytes, ...]) -> None:
        """Remember a request's (first) packet and the response."""
        self._answers[message_id] = _Answer(_digest(request), response)
        while self.expected_id in self._answers:
            self.expected_id += 1
        oldest = max(self._answers) - self.size
        for known in [known for known in self._answers if known <= oldest]:
            del self._answers[known]

    def again(self, message_id: int, packet: bytes) -> tuple[bytes, ...]:
        """Return the answer to a request that was answered before; nothing for any other.

        A retransmission is bitwise identical (§2.1). Of a fragmented request only the first
        fragment calls for the answer (RFC 7383 §2.6.1).
        """
        known = self._answers.get(message_id)
        if known is not None and compare_digest(_digest(packet), known.request):
            return known.response
        return ()

    def snapshot(self) -> ResponseWindowRecord:
        """Describe it for another process (`ike.state`)."""
        answers = tuple(
            AnswerRecord(message_id, answer.request, answer.response)
            for message_id, answer in self._answers.items()
        )
        return ResponseWindowRecord(self.expected_id, self.size, answers)

    def restore(self, record: ResponseWindowRecord) -> None:
        """Be what `snapshot` described."""
        self.expected_id = record.expected_id
        self.size = record.size
        self._answers = {a.message_id: _Answer(a.request, a.response) for a in record.answers}


def _digest(packet: bytes) -> bytes:
    digest = Hash(SHA256())
    digest.update(packet)
    return digest.finalize()
