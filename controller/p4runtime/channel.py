"""The channel to one switch, for as long as the controller runs; the switch may come and go.

::

    async with SwitchChannel("unix:/run/p4ipsec/s1.sock") as channel:
        async for item in channel:          # Connected, Lost, PacketIn, ClearReport, IdleEntries
            ...
            failures = await channel.write(updates)
            channel.send(packet)

Each connection goes the same way::

    connect ─▶ bid to be primary ─▶ push our program, unless it runs ─▶ digest on, read all
       ▲               │  ▲                                                      │
       │               ▼  │ the other one is gone                                ▼
       │            wait as backup ◀───────────────────────────────────── Connected, in use
       │                                another one took over                    │
       └───────────────────────── back-off ◀──────────────────────────────── any failure
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

import finsy as fy
from finsy.grpcutil import GRPCCredentialsTLS

from controller.p4runtime import codec
from controller.p4runtime.client import P4RuntimeClient
from controller.p4runtime.connection import Connection
from controller.p4runtime.counters import (
    CounterKind,
    Counters,
    counter_requests,
    decode_counters,
)
from controller.p4runtime.entities import PacketOut, Update, WriteFailure
from controller.p4runtime.errors import (
    ChannelClosedError,
    P4RuntimeError,
    SwitchUnavailableError,
)
from controller.p4runtime.inputs import Connected, InputQueue, Lost, SwitchInput
from controller.p4runtime.ordering import batches

FIRST_BACK_OFF = 0.1  # seconds
MAX_BACK_OFF = 1.0  # seconds
PING_INTERVAL = 5.0  # seconds
FINISH_TIMEOUT = 2.0  # seconds for what is still to be sent


class SwitchChannel:
    """Keeps a connection to one switch, as its primary controller.

    Attributes:
        address: of the switch.
        device_id: of the switch.
        inputs: the queue of inputs, with what was dropped.
        packets_out_dropped: packets that could not be handed to the switch.
    """

    def __init__(
        self,
        address: str,
        *,
        device_id: int = 1,
        election_id: int = 1,
        credentials: GRPCCredentialsTLS | None = None,
        schema: fy.P4Schema | None = None,
        ping_interval: float = PING_INTERVAL,
    ) -> None:
        """Make a channel; nothing happens before it is entered.

        Args:
            address: ``host:port``, or ``unix:`` and a path.
            device_id: of the switch.
            election_id: the higher one is the primary, where there is another controller.
            credentials: for TLS; None: plain text.
            schema: of the program that the switch is to run; None: ours.
            ping_interval: seconds between two questions whether the switch is still there.
        """
        self.address = address
        self.device_id = device_id
        self.inputs = InputQueue()
        self.packets_out_dropped = 0
        self._election_id = election_id
        self._credentials = credentials
        self._schema = schema or codec.load_schema()
        self._ping_interval = ping_interval
        self._connection: Connection | None = None
        self._lost_reason: str | None = None
        self._is_finishing = False
        self._back_off = FIRST_BACK_OFF
        self._write_lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=f"switch {self.address}")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connection; the switch keeps what it holds."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    @property
    def is_connected(self) -> bool:
        """Tell whether the switch takes writes: we are its primary, and `Connected` was put."""
        return self._connection is not None and self._connection.is_ready

    @property
    def is_answering(self) -> bool:
        """Tell whether the switch answers, whoever its primary is."""
        return self._connection is not None and self._connection.is_answered

    @property
    def is_primary(self) -> bool:
        """Tell whether the switch has made us its primary controller."""
        return self._connection is not None and self._connection.is_primary

    # --- inputs ---------------------------------------------------------------------------

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SwitchInput:
        try:
            return await self.receive()
        except ChannelClosedError:
            raise StopAsyncIteration from None

    async def receive(self) -> SwitchInput:
        """Wait for what the switch says next.

        Raises:
            ChannelClosedError: the channel was closed, or not entered.
        """
        task = self._task
        if task is None:
            raise ChannelClosedError(f"the channel to {self.address} is closed")
        if len(self.inputs):
            return await self.inputs.get()
        waiting = asyncio.ensure_future(self.inputs.get())
        try:
            await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
        finally:
            waiting.cancel()
        if not task.cancelled():
            task.result()  # a defect of ours: the task never ends by itself
        raise ChannelClosedError(f"the channel to {self.address} is closed")

    # --- what goes to the switch ----------------------------------------------------------

    async def write(self, updates: Sequence[Update]) -> list[WriteFailure]:
        """Write updates in their order, in batches; return what the switch refused.

        Raises:
            SwitchUnavailableError: the connection is or was lost. What came through is not known;
                the next `Connected` tells.
        """
        failures: list[WriteFailure] = []
        async with self._write_lock:
            connection = self._ready_connection()
            for batch in batches(updates):
                failures += await connection.write(batch)
        return failures

    def send(self, packet: PacketOut) -> None:
        """Send a packet; it is dropped and counted while there is no connection.

        Raises:
            EntryError: the packet's interface id is no such thing.
        """
        connection = self._connection
        if connection is None or not connection.is_ready or not connection.send(packet):
            self.packets_out_dropped += 1

    async def finish(self) -> None:
        """Let the switch have the packets sent so far, and close the channel."""
        connection = self._connection
        self._is_finishing = True
        if connection is not None and connection.is_ready:
            with suppress(TimeoutError):
                async with asyncio.timeout(FINISH_TIMEOUT):
                    await connection.finish()
        await self.close()

    async def read_counters(self, kinds: Collection[CounterKind] = tuple(CounterKind)) -> Counters:
        """Read counters.

        Raises:
            SwitchUnavailableError: there is no connection, or no answer.
            CallError: the switch refused.
        """
        answers = await self._ready_connection().read(counter_requests(self._schema, kinds))
        return decode_counters(self._schema, answers)

    def _ready_connection(self) -> Connection:
        if self._connection is None or not self._connection.is_ready:
            raise SwitchUnavailableError("UNAVAILABLE", self._lost_reason or "not connected yet")
        return self._connection

    # --- the life of the channel ----------------------------------------------------------

    async def _run(self) -> None:
        while True:
            try:
                await self._connect()
            except (P4RuntimeError, OSError) as error:
                self._lost(str(error))
            await asyncio.sleep(self._back_off)
            self._back_off = min(2 * self._back_off, MAX_BACK_OFF)

    async def _connect(self) -> None:
        client = P4RuntimeClient(self.address, self.device_id, self._credentials)
        self._connection = Connection(
            client, self._schema, self.inputs, on_ready=self._ready, on_lost=self._lost
        )
        try:
            await self._connection.run(self._election_id, self._ping_interval)
        finally:
            self._connection = None

    def _ready(self, connected: Connected) -> None:
        self._lost_reason = None
        self._back_off = FIRST_BACK_OFF
        self.inputs.put(connected)

    def _lost(self, reason: str) -> None:
        if self._is_finishing:
            return
        if reason != self._lost_reason:  # once, however often it is tried again
            self._lost_reason = reason
            self.inputs.put(Lost(reason))
