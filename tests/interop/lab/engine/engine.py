"""The IKE engine as a peer of its own: sockets, a clock, and ESP around one `ike.Endpoint`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Address
from types import TracebackType
from typing import TypeVar

from ike.config import PeerConfig, Settings
from ike.endpoint import Endpoint
from ike.events import Event
from ike.types import Datagram, Secret, UdpAddress
from tests.interop.lab.engine.echo import Address, Echo
from tests.interop.lab.engine.sockets import open_udp_socket
from tests.interop.lab.engine.tunnel import ChildPair, EspDatagram, Tunnel
from tests.interop.lab.errors import LabError
from tests.interop.lab.namespace import Namespace
from tests.interop.lab.ping import PingResult
from tests.interop.lab.waiting import wait_for

IKE_PORT = 500
NAT_T_PORT = 4500
_NON_ESP_MARKER = bytes(4)  # RFC 3948 §2.2
_KEEPALIVE = b"\xff"  # RFC 3948 §2.3
_LARGEST = 65535

T = TypeVar("T")
E = TypeVar("E", bound=Event)


@lru_cache(maxsize=4096)
def _udp_address(host: str, port: int) -> UdpAddress:
    return UdpAddress(IPv4Address(host), port)


class Engine:
    """An endpoint on UDP ports 500 and 4500 of a namespace, as a context manager.

    It runs on a thread of its own; all methods are for other threads. Its ESP answers echo
    requests to every address that a CHILD_SA's selectors have on our side.

    Args:
        namespace: where its sockets are.
        address: of its sockets.
        peers: whom it talks to.
        settings: of the engine.
    """

    def __init__(
        self,
        namespace: Namespace,
        address: IPv4Address,
        peers: Iterable[PeerConfig],
        *,
        settings: Settings | None = None,
    ) -> None:
        self.namespace = namespace
        self.address = address
        self._peers = tuple(peers)
        self._settings = settings or Settings()
        self.endpoint = self._make_endpoint()
        self.events: list[Event] = []  # all of them, oldest first
        self._skipped = 0.0  # seconds that its clock is ahead of ours
        self.deaf = False  # set: what comes in is lost
        self._tunnel = Tunnel()
        self._sockets: dict[UdpAddress, socket.socket] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="engine", daemon=True)
        self._timer: asyncio.TimerHandle | None = None
        self._identifiers = iter(range(1, 1 << 16))

    def __enter__(self) -> Engine:
        self._thread.start()
        try:
            self.listen(self.address)
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def listen(self, address: IPv4Address) -> None:
        """Open sockets at one more address of the namespace.

        Raises:
            LabError: the address can't be bound.
        """
        for port in (IKE_PORT, NAT_T_PORT):
            local = UdpAddress(address, port)
            opened = open_udp_socket(self.namespace, local)
            self._sockets[local] = opened
            self._loop.call_soon_threadsafe(
                self._loop.add_reader, opened, self._readable, local, opened
            )

    def stop(self) -> None:
        """Delete all SAs at the peers, then end. Fine if it has ended."""
        if self._thread.is_alive():
            self.call(lambda endpoint, now: endpoint.shutdown(now))
        self.kill()

    def kill(self) -> None:
        """End as a crash does: peers hear nothing. Fine if it has ended."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        for opened in self._sockets.values():
            opened.close()
        self._sockets.clear()
        if not self._loop.is_closed():
            self._loop.close()

    def skip(self, seconds: float) -> None:
        """Let time pass for the endpoint, at once."""

        def pass_by() -> None:
            self._skipped += seconds
            self._advance()

        self._on_thread(pass_by)

    def call(self, operation: Callable[[Endpoint, float], T]) -> T:
        """Run an operation on the endpoint, carry out what follows, and return its result."""
        return self._on_thread(lambda: self._operate(operation))

    def initiate(self, child: str) -> None:
        """Attempt a CHILD_SA; see `wait_for_child` for its result."""
        self.call(lambda endpoint, now: endpoint.initiate(child, now))

    def set_address(self, peer: str, address: IPv4Address) -> None:
        """Go on with a peer at another address of the namespace, which has to be listened at."""
        self.call(lambda endpoint, now: endpoint.set_address(peer, address, now))

    def hand_over(self) -> None:
        """Let another endpoint carry on, from what this one exports; ESP goes on by itself."""

        def carry_on() -> None:
            self._flush()
            key = Secret(os.urandom(32))
            state = self.endpoint.export_state(key, self._now)
            self.endpoint = self._make_endpoint()
            self.endpoint.import_state(state, key, self._now)
            self._flush()

        self._on_thread(carry_on)

    def connect(self, peer: str) -> None:
        """Attempt an IKE SA without a CHILD_SA."""
        self.call(lambda endpoint, now: endpoint.connect(peer, now))

    def delete_peer(self, peer: str) -> None:
        """Delete a peer's IKE SAs and all their children."""
        self.call(lambda endpoint, now: endpoint.delete_peer(peer, now))

    def rekey_ike(self, peer: str) -> None:
        """Rekey a peer's IKE SAs."""
        self.call(lambda endpoint, now: endpoint.rekey_peer(peer, now))

    def rekey_child(self, child: str) -> None:
        """Rekey the newest CHILD_SA of that name."""
        spi = self.pairs(child)[-1].event.spi_in
        self.call(lambda endpoint, now: endpoint.rekey_child(spi, now))

    def delete_child(self, child: str) -> None:
        """Delete all CHILD_SAs of that name."""
        for pair in self.pairs(child):
            spi = pair.event.spi_in
            self.call(lambda endpoint, now, spi=spi: endpoint.delete_child(spi, now))  # type: ignore[misc]  # a default binds the loop's value

    def pairs(self, child: str) -> list[ChildPair]:
        """Return the CHILD_SAs of that name, oldest first."""
        return self._on_thread(
            lambda: [p for p in self._tunnel.pairs.values() if p.event.child == child]
        )

    @property
    def esp_errors(self) -> list[str]:
        """What was wrong with ESP that came in, and on the way out."""
        return self._on_thread(lambda: list(self._tunnel.errors))

    def seen(self, kind: type[E]) -> list[E]:
        """Return the events of one kind so far, oldest first."""
        return [event for event in tuple(self.events) if isinstance(event, kind)]

    def wait_for(self, kind: type[E], *, count: int = 1, timeout: float = 10.0) -> E:
        """Wait until the engine has told `count` events of a kind, and return the last of them.

        Raises:
            WaitTimeoutError: it has not within `timeout` seconds; with what it has told.
        """
        try:
            return wait_for(
                lambda: self.seen(kind)[count - 1 : count], kind.__name__, timeout=timeout
            )[0]
        except LabError as error:
            raise LabError(f"{error}; the engine told {self.events}") from error

    def wait_for_child(self, child: str, *, timeout: float = 10.0) -> ChildPair:
        """Wait until a CHILD_SA of that name is up, and return the newest.

        Raises:
            LabError: there was none within `timeout` seconds; with what the engine has told.
        """
        try:
            return wait_for(lambda: self.pairs(child), f"CHILD_SA {child}", timeout=timeout)[-1]
        except LabError as error:
            raise LabError(f"{error}; the engine told {self.events}") from error

    def ping(
        self, source: Address, destination: Address, *, count: int = 2, timeout: float = 2.0
    ) -> PingResult:
        """Send echo requests through the CHILD_SA that is for them, and count the answers."""
        identifier = next(self._identifiers)
        for number in range(1, count + 1):
            echo = Echo(source, destination, True, identifier, number)
            self._on_thread(lambda echo=echo: self._send_esp(self._tunnel.send(echo)))  # type: ignore[misc]  # a default binds the loop's value

        def answers() -> int:
            return sum(number == identifier for number, _ in tuple(self._tunnel.answered))

        with contextlib.suppress(LabError):
            wait_for(lambda: answers() == count, "echo replies", timeout=timeout)
        return PingResult(count, answers())

    def _make_endpoint(self) -> Endpoint:
        return Endpoint(self._peers, settings=self._settings, wall_clock=lambda: datetime.now(UTC))

    @property
    def _now(self) -> float:
        return self._loop.time() + self._skipped

    def _on_thread(self, function: Callable[[], T]) -> T:
        result: Future[T] = Future()

        def run() -> None:
            try:
                result.set_result(function())
            except Exception as error:
                result.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return result.result(timeout=30.0)

    def _operate(self, operation: Callable[[Endpoint, float], T]) -> T:
        try:
            return operation(self.endpoint, self._now)
        finally:
            self._flush()

    def _readable(self, local: UdpAddress, opened: socket.socket) -> None:
        while True:
            try:
                data, (host, port) = opened.recvfrom(_LARGEST)
            except BlockingIOError:
                break
            if not self.deaf:
                self._receive(_udp_address(host, port), local, data)
        self._flush()

    def _receive(self, source: UdpAddress, local: UdpAddress, data: bytes) -> None:
        if local.port == NAT_T_PORT:
            if data == _KEEPALIVE:
                return
            if not data.startswith(_NON_ESP_MARKER):
                self._receive_esp(data)
                return
            data = data.removeprefix(_NON_ESP_MARKER)
        self.endpoint.receive(Datagram(source, local, data), self._now)

    def _receive_esp(self, packet: bytes) -> None:
        opened = self._tunnel.receive(packet)
        if opened is not None:
            spi, answer = opened
            self.endpoint.note_inbound_traffic(spi, self._now)
            self._send_esp(answer)

    def _send_esp(self, datagram: EspDatagram | None) -> None:
        if datagram is not None:
            self._send(datagram.source, datagram.destination, datagram.payload)

    def _send(self, source: UdpAddress, destination: UdpAddress, data: bytes) -> None:
        opened = self._sockets.get(source)
        if opened is None:
            return
        try:
            opened.sendto(data, (str(destination.address), destination.port))
        except OSError as error:  # no route, or the peer's port is closed: as good as lost
            self._tunnel.errors.append(f"{source} to {destination}: {error}")

    def _flush(self) -> None:
        for datagram in self.endpoint.transmits():
            marker = _NON_ESP_MARKER if datagram.source.port == NAT_T_PORT else b""
            self._send(datagram.source, datagram.destination, marker + datagram.payload)
        for event in self.endpoint.events():
            self._tunnel.observe(event)
            self.events.append(event)
        if self._timer is not None:
            self._timer.cancel()
        deadline = self.endpoint.next_deadline()
        if deadline is None:
            self._timer = None
        else:
            self._timer = self._loop.call_at(deadline - self._skipped, self._advance)

    def _advance(self) -> None:
        self.endpoint.advance(self._now)
        self._flush()
