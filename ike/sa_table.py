"""The IKE SAs of one router: found by our SPI, by a CHILD_SA, and by what time asks of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ike.connection import Connection
from ike.initiator import InitiatorHandshake
from ike.leaving import Leaving
from ike.responder import ResponderHandshake
from ike.timers import TimerQueue

_LINGER = 10.0  # seconds that a closed IKE SA still repeats its last answer

AnySa = Connection | InitiatorHandshake | ResponderHandshake


class SaTable:
    """See the module. An IKE SA is in it from its first message until it has gone.

    Args:
        leaving_limit: how many IKE SAs of one peer may be on their way out.

    Attributes:
        by_spi: all of them, by our SPI.
        by_child: the established ones, by the inbound SPIs of their CHILD_SAs.
        linger_until: when closed ones go, by our SPI.
    """

    def __init__(self, leaving_limit: int) -> None:
        self.by_spi: dict[int, AnySa] = {}
        self.by_child: dict[int, Connection] = {}
        self.linger_until: dict[int, float] = {}
        self._timers: TimerQueue[int] = TimerQueue()
        self._leaving = Leaving(leaving_limit)

    def __iter__(self) -> Iterator[AnySa]:
        return iter(tuple(self.by_spi.values()))

    def __contains__(self, spi: object) -> bool:
        return spi in self.by_spi

    def get(self, spi: int) -> AnySa | None:
        """Return the IKE SA with that SPI of ours; None if there is none."""
        return self.by_spi.get(spi)

    def connections(self) -> list[Connection]:
        """Return those that are or were established."""
        return [sa for sa in self.by_spi.values() if isinstance(sa, Connection)]

    def initiated(self) -> list[InitiatorHandshake]:
        """Return those that we are initiating."""
        return [sa for sa in self.by_spi.values() if isinstance(sa, InitiatorHandshake)]

    def handshakes(self) -> list[ResponderHandshake]:
        """Return the half-open ones."""
        return [sa for sa in self.by_spi.values() if isinstance(sa, ResponderHandshake)]

    def holder(self, spi_in: int) -> Connection | None:
        """Find the IKE SA that has the CHILD_SA with that inbound SPI now."""
        connection = self.by_child.get(spi_in)
        while connection is not None and spi_in not in connection.children:
            connection = connection.heir
        return connection

    def put(self, sa: AnySa) -> None:
        """Add an IKE SA, or put it in the place of its handshake."""
        self.by_spi[sa.channel.own_spi] = sa

    def take_over(
        self, connections: Mapping[int, Connection], linger_until: Mapping[int, float]
    ) -> None:
        """Add IKE SAs of another process, with their CHILD_SAs."""
        self.by_spi.update(connections)
        self.linger_until.update(linger_until)
        for connection in connections.values():
            self.note_children(connection, connection.children)

    def remove(self, spi: int) -> AnySa | None:
        """Remove an IKE SA and all its timers; return it, if it was there."""
        sa = self.by_spi.pop(spi, None)
        if sa is not None:
            self._timers.set(spi, None)
            if isinstance(sa, Connection | InitiatorHandshake):
                self._leaving.discard(sa.peer.name, spi)
            self.linger_until.pop(spi, None)
        return sa

    def note_children(self, connection: Connection, spis_in: Iterable[int]) -> None:
        """Note whose CHILD_SAs these are."""
        self.by_child.update(dict.fromkeys(spis_in, connection))

    def forget_child(self, spi_in: int) -> None:
        """Forget a CHILD_SA: it has gone."""
        self.by_child.pop(spi_in, None)

    def leave(self, sa: Connection | InitiatorHandshake) -> Connection | InitiatorHandshake | None:
        """Note that an IKE SA is on its way out; return the one that has to go for it, if any."""
        spi = self._leaving.add(sa.peer.name, sa.channel.own_spi)
        oldest = None if spi is None else self.by_spi.get(spi)
        return None if isinstance(oldest, ResponderHandshake) else oldest

    def linger(self, spi: int, now: float) -> None:
        """Have a closed IKE SA wait for requests that its last answer has been lost for."""
        self.wake(spi, self.linger_until.setdefault(spi, now + _LINGER))

    def wake(self, spi: int, deadline: float | None) -> None:
        """Set when an IKE SA wants to be called next; None: not until something happens."""
        self._timers.set(spi, deadline)

    def due(self, now: float) -> tuple[int, ...]:
        """Take the SPIs of the IKE SAs whose time has come, earliest first."""
        return tuple(self._timers.due(now))

    def next_deadline(self) -> float | None:
        """Return when the next one is due."""
        return self._timers.next_deadline()
