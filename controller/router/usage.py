"""What each pair of SAs has carried, out of what the switch counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from controller.p4runtime.entities import CounterValue
from controller.router.sa_pair import SaPair
from controller.router.sad import SecurityAssociationDatabase

_NOTHING = CounterValue(0, 0)


@dataclass(slots=True)
class _Received:
    """What a pair has received: `before` by entries that it had, `read` by the one that it has."""

    before: CounterValue = _NOTHING
    read: CounterValue = _NOTHING

    def update(self, read: CounterValue) -> CounterValue:
        """Take a counter; return all that the pair has received."""
        if read.packets < self.read.packets:
            self.before = _sum(self.before, self.read)
        self.read = read
        return _sum(self.before, read)


class UsageMeter:
    """Tells the counts of one pair from those of the pair before it.

    An inbound SA has an entry, and so a counter, of its own; another one where the pair goes to
    another address of ours, which counts from 0. Outbound there is one entry a packet type, which
    a new pair takes over with the counter as it stands: what was counted when the pair was not
    there yet is taken off. It was read a moment before, so a pair may be charged with the last
    packets of its predecessor: it is rekeyed a little early, never late.
    """

    def __init__(self) -> None:
        self._read: dict[int, CounterValue] = {}  # by packet type
        self._start: WeakKeyDictionary[SaPair, CounterValue] = WeakKeyDictionary()
        self._received: WeakKeyDictionary[SaPair, _Received] = WeakKeyDictionary()

    def update(
        self,
        sad: SecurityAssociationDatabase,
        inbound: Mapping[int, CounterValue],
        outbound: Mapping[int, CounterValue],
    ) -> Iterator[tuple[SaPair, CounterValue]]:
        """Take counters; yield each pair with what its busier direction has carried.

        Args:
            sad: the SAs.
            inbound: by SA id.
            outbound: by packet type.
        """
        for pair in sad.pairs():
            received = self._received.setdefault(pair, _Received())
            usage = received.update(inbound.get(pair.sa_id, received.read))
            counted = outbound.get(pair.packet_type.id)
            if counted is not None and sad.sending(pair.packet_type.id) is pair:
                usage = _larger(usage, self._sent(pair, counted))
            if usage != _NOTHING:
                yield pair, usage
        self._read = dict(outbound)

    def _sent(self, pair: SaPair, counted: CounterValue) -> CounterValue:
        start = self._start.setdefault(pair, self._read.get(pair.packet_type.id, _NOTHING))
        if counted.packets < start.packets:  # the entry was deleted, and made anew
            start = self._start[pair] = _NOTHING
        return CounterValue(counted.packets - start.packets, counted.bytes - start.bytes)


def _sum(one: CounterValue, other: CounterValue) -> CounterValue:
    return CounterValue(one.packets + other.packets, one.bytes + other.bytes)


def _larger(one: CounterValue, other: CounterValue) -> CounterValue:
    return CounterValue(max(one.packets, other.packets), max(one.bytes, other.bytes))
