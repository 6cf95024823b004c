"""Message ids, retransmission and the memory of answers (RFC 7296 §2.1 to §2.3).

Both windows have the size 1: one request of ours at a time, one request of the peer at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

from ike.config import Retransmission


@dataclass(slots=True)
class Outstanding:
    """A request of ours that has no answer yet; `packets` are its datagrams' payloads."""

    message_id: int
    exchange_type: int
    packets: tuple[bytes, ...]
    tries: int
    deadline: float


class RequestWindow:
    """Our requests: at most one is outstanding."""

    def __init__(self, retransmission: Retransmission) -> None:
        self._retransmission = retransmission
        self.next_id = 0
        self.outstanding: Outstanding | None = None

    def open(self, exchange_type: int, packets: tuple[bytes, ...], now: float) -> None:
        """Note that a request with `next_id` goes out."""
        deadline = now + self._retransmission.first
        self.outstanding = Outstanding(self.next_id, exchange_type, packets, 1, deadline)
        self.next_id += 1

    def replace(self, packets: tuple[bytes, ...], now: float) -> None:
        """Send the outstanding request in another form (COOKIE, INVALID_KE_PAYLOAD)."""
        outstanding = self.outstanding
        if outstanding is None:
            raise RuntimeError("no request is outstanding")
        outstanding.packets = packets
        outstanding.tries = 1
        outstanding.deadline = now + self._retransmission.first

    def answered(self) -> None:
        """Note that the answer is there."""
        self.outstanding = None

    def expects(self, message_id: int, exchange_type: int) -> bool:
        """Tell whether a response with this id and type answers the outstanding request."""
        outstanding = self.outstanding
        return (
            outstanding is not None
            and outstanding.message_id == message_id
            and outstanding.exchange_type == exchange_type
        )

    def due(self, now: float) -> tuple[bytes, ...]:
        """Return what is to be sent again now."""
        outstanding = self.outstanding
        if outstanding is None or now < outstanding.deadline or self.gave_up(now):
            return ()
        settings = self._retransmission
        wait = settings.first * settings.factor**outstanding.tries
        outstanding.tries += 1
        outstanding.deadline = now + min(wait, settings.maximum)
        return outstanding.packets

    def gave_up(self, now: float) -> bool:
        """Tell whether the last try has had its time."""
        outstanding = self.outstanding
        return (
            outstanding is not None
            and outstanding.tries >= self._retransmission.tries
            and now >= outstanding.deadline
        )

    @property
    def deadline(self) -> float | None:
        """When `due` or `gave_up` has something to say next."""
        return self.outstanding.deadline if self.outstanding else None


class ResponseWindow:
    """The peer's requests: which id comes next, and the answer to the one before."""

    def __init__(self) -> None:
        self.expected_id = 0
        self._request = b""
        self._response: tuple[bytes, ...] = ()

    def answered(self, request: bytes, response: tuple[bytes, ...]) -> None:
        """Remember the request's (first) packet and the response, and expect the next one."""
        self._request = request
        self._response = response
        self.expected_id += 1

    def again(self, message_id: int, packet: bytes) -> tuple[bytes, ...]:
        """Return the answer to a request that was answered before; nothing for any other.

        A retransmission is bitwise identical (§2.1). Of a fragmented request only the first
        fragment calls for the answer (RFC 7383 §2.6.1).
        """
        if message_id + 1 == self.expected_id and packet == self._request:
            return self._response
        return ()
