"""Why negotiations failed of late: bounded, for an operator who asks afterwards."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from ike.events import FailureReason, Role

FAILURES_PER_PEER = 8
STRANGERS = 32
"""Addresses without a configured peer that failures are kept of."""


@dataclass(frozen=True, slots=True)
class NegotiationFailure:
    """One failed negotiation, or several that failed the same way one after the other.

    `role` is ours. `packet_type` is "" where it was not about one. Times are seconds of the
    injected clock; `at` is the last one's.
    """

    at: float
    role: Role
    reason: FailureReason
    detail: str
    packet_type: str = ""
    times: int = 1

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else str(self.reason)

    def is_like(self, other: NegotiationFailure) -> bool:
        """Tell whether both say the same, whenever it was."""
        return self == replace(other, at=self.at, times=self.times)


class FailureLog:
    """The last failures of each peer, and of addresses that are no peer's."""

    def __init__(self) -> None:
        self._by_peer: dict[str, deque[NegotiationFailure]] = {}
        self._unresolved: set[str] = set()
        self._strangers: OrderedDict[IPv4Address, NegotiationFailure] = OrderedDict()

    def note(self, peer: str, failure: NegotiationFailure) -> None:
        """Add a failure; what fails the same way again is counted."""
        failures = self._by_peer.setdefault(peer, deque(maxlen=FAILURES_PER_PEER))
        # Two reasons may take turns, as where both ends try.
        for known in failures:
            if known.is_like(failure):
                failures.remove(known)
                failure = replace(failure, times=known.times + 1)
                break
        failures.append(failure)
        self._unresolved.add(peer)

    def note_stranger(self, address: IPv4Address, failure: NegotiationFailure) -> None:
        """Add a failure with somebody who is no peer."""
        known = self._strangers.pop(address, None)
        if known is not None and known.is_like(failure):
            failure = replace(failure, times=known.times + 1)
        self._strangers[address] = failure
        if len(self._strangers) > STRANGERS:
            self._strangers.popitem(last=False)

    def succeeded(self, peer: str) -> None:
        """Take what failed before for settled; it stays to be looked at."""
        self._unresolved.discard(peer)

    def keep(self, peers: Iterable[str]) -> None:
        """Forget the failures of all other peers: they are no longer configured."""
        kept = set(peers)
        self._by_peer = {peer: known for peer, known in self._by_peer.items() if peer in kept}
        self._unresolved &= kept

    def last(self, peer: str) -> NegotiationFailure | None:
        """Return the last failure of a peer; None after a success."""
        return self._by_peer[peer][-1] if peer in self._unresolved else None

    def of(self, peer: str) -> tuple[NegotiationFailure, ...]:
        """Return the failures of a peer, the newest first."""
        return tuple(reversed(self._by_peer.get(peer, ())))

    def strangers(self) -> tuple[tuple[IPv4Address, NegotiationFailure], ...]:
        """Return the last failure of each address that is no peer's, the newest first."""
        return tuple(reversed(self._strangers.items()))
