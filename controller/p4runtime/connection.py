"""One connection to a switch: arbitration, what the switch sends, and what is sent to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

import finsy as fy
from finsy.proto import U128, p4r, rpc_code

from controller.p4runtime import codec
from controller.p4runtime.client import CallError, P4RuntimeClient
from controller.p4runtime.entities import Entry, PacketOut, Update, WriteFailure
from controller.p4runtime.errors import EntryError, P4RuntimeError, SwitchUnavailableError
from controller.p4runtime.inputs import Connected, IdleEntries, InputQueue
from controller.p4runtime.setup import set_up

ARBITRATION_TIMEOUT = 5.0  # seconds from connecting to the first answer
PING_TIMEOUT = 5.0  # seconds

ENDED_BY_PROGRAM = (
    "the switch ended when it was given the P4 program, as a bmv2 does that has not loaded the ESP"
    " extern: start it with p4ipsec switch bmv2, or with --load-modules libp4ipsec_esp.so"
)


class Connection:
    """Lives from `run` until that raises.

    Attributes:
        is_ready: whether we are the primary and the switch is set up.
        is_primary: whether the switch has made us its primary.
    """

    def __init__(
        self,
        client: P4RuntimeClient,
        schema: fy.P4Schema,
        inputs: InputQueue,
        *,
        on_ready: Callable[[Connected], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self._client = client
        self._schema = schema
        self._inputs = inputs
        self._on_ready = on_ready
        self._on_lost = on_lost
        self.is_primary = False
        self._answered = asyncio.Event()
        self._set_up: asyncio.Task[None] | None = None
        self._early_idle: list[tuple[Entry, ...]] = []
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_ready = False

    @property
    def is_answered(self) -> bool:
        """Whether the switch has answered our bid, and the connection lasts."""
        return self._answered.is_set()

    async def run(self, election_id: int, ping_interval: float) -> None:
        """Bid for the switch, and serve it until the connection fails.

        Raises:
            P4RuntimeError: always; it says why the connection is over.
        """
        tasks: set[asyncio.Future[None]] = {
            asyncio.ensure_future(self._read_stream()),
            asyncio.ensure_future(self._watch(ping_interval)),
            self._failure,
        }
        try:
            self._client.bid(election_id)
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except SwitchUnavailableError as error:
            if self._client.is_pushing and error.code == "UNAVAILABLE":
                raise SwitchUnavailableError(
                    error.code, f"{ENDED_BY_PROGRAM}: {error.message}"
                ) from None
            raise
        finally:
            self.is_ready = False
            await self._stop_set_up()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._client.close()

    # --- what goes to the switch ----------------------------------------------------------

    async def write(self, batch: Sequence[Update]) -> list[WriteFailure]:
        """Write one batch; return what was refused.

        Raises:
            SwitchUnavailableError: the connection has failed.
        """
        failures: list[WriteFailure] = []
        encoded: list[Update] = []
        messages: list[p4r.Update] = []
        for update in batch:
            try:
                messages.append(codec.encode_update(self._schema, update))
                encoded.append(update)
            except EntryError as error:
                failures.append(WriteFailure(update, "INVALID_ARGUMENT", str(error)))
        if not messages:
            return failures
        try:
            await self._client.write(messages)
        except SwitchUnavailableError as error:
            raise self._fail(error) from None
        except CallError as error:
            if error.status is not None:
                failures += codec.decode_failures(encoded, error.status)
            elif error.code == "FAILED_PRECONDITION":  # it runs no program any more
                raise self._fail(error) from None
            else:
                failures += [WriteFailure(up, error.code, error.message) for up in encoded]
        return failures

    async def read(self, requests: Iterable[p4r.Entity]) -> list[p4r.Entity]:
        """Read entities.

        Raises:
            CallError: the switch refused.
            SwitchUnavailableError: the connection has failed.
        """
        try:
            return await self._client.read(requests)
        except SwitchUnavailableError as error:
            raise self._fail(error) from None

    def send(self, packet: PacketOut) -> bool:
        """Send a packet; False if it could not be.

        Raises:
            EntryError: the packet's interface id is no such thing.
        """
        return self._client.send(codec.encode_packet_out(self._schema, packet))

    async def finish(self) -> None:
        """Let the switch have what was sent; the connection ends with that."""
        await self._client.finish()

    def _fail(self, error: P4RuntimeError) -> SwitchUnavailableError:
        """End the connection: after this nobody knows what the switch holds."""
        if not self._failure.done():
            self._failure.set_exception(error)
        if isinstance(error, SwitchUnavailableError):
            return error
        return SwitchUnavailableError("UNAVAILABLE", str(error))

    # --- who is the primary ---------------------------------------------------------------

    async def _watch(self, ping_interval: float) -> None:
        """Notice a switch that does not answer, or that is gone without a word."""
        try:
            async with asyncio.timeout(ARBITRATION_TIMEOUT):
                await self._answered.wait()
        except TimeoutError:
            raise SwitchUnavailableError("DEADLINE_EXCEEDED", "no answer") from None
        while True:
            await asyncio.sleep(ping_interval)
            await self._client.ping(PING_TIMEOUT)

    async def _arbitrate(self, update: p4r.MasterArbitrationUpdate) -> None:
        self._answered.set()
        was_primary, self.is_primary = self.is_primary, update.status.code == rpc_code.OK
        if self.is_primary:
            if not was_primary:
                self._set_up = asyncio.create_task(self._become_primary())
                self._set_up.add_done_callback(self._end_with)
            return
        self.is_ready = False
        await self._stop_set_up()
        highest = U128.decode(update.election_id)
        if update.status.code != rpc_code.NOT_FOUND:
            self._on_lost(
                f"another controller, with election id {highest}, is the switch's primary"
            )
            return
        # The primary is gone, but its election id stays the one to match (P4Runtime §5.2).
        if highest <= self._client.election_id:
            raise CallError("NOT_FOUND", "the switch makes nobody its primary")
        self._client.bid(highest)

    async def _become_primary(self) -> None:
        connected, idle = await set_up(self._client, self._schema)
        self._client.is_pushing = False
        self.is_ready = True
        self._on_ready(connected)
        for entries in (idle, *self._early_idle):
            if entries:
                self._inputs.put(IdleEntries(entries))
        self._early_idle.clear()

    def _end_with(self, task: asyncio.Task[None]) -> None:
        """End the connection if its set-up failed, for whatever reason."""
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._failure.done():
            self._failure.set_exception(error)

    async def _stop_set_up(self) -> None:
        task, self._set_up = self._set_up, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # --- what comes from the switch -------------------------------------------------------

    async def _read_stream(self) -> None:
        async for message in self._client.stream():
            match message.WhichOneof("update"):
                case "arbitration":
                    await self._arbitrate(message.arbitration)
                case "digest":
                    # In any case: what is not acknowledged is not reported again.
                    self._client.send(codec.encode_digest_ack(message))
                    self._take(message)
                case "packet":
                    self._take(message)
                case "idle_timeout_notification":
                    self._take_idle(message)
                case _:
                    # An error about a packet-out or an acknowledgement of ours. A packet is lost,
                    # as packets are.
                    self._inputs.stream_errors += 1

    def _take(self, message: p4r.StreamMessageResponse) -> None:
        if not self.is_ready:
            return  # nobody is waiting for it yet, and it comes again
        try:
            if message.HasField("packet"):
                self._inputs.put(codec.decode_packet_in(self._schema, message))
            else:
                for report in codec.decode_digest(self._schema, message):
                    self._inputs.put(report)
        except EntryError:
            self._inputs.stream_errors += 1

    def _take_idle(self, message: p4r.StreamMessageResponse) -> None:
        try:
            entries = codec.decode_idle_entries(self._schema, message)
        except EntryError:
            self._inputs.stream_errors += 1
            return
        if self.is_ready:
            self._inputs.put(IdleEntries(entries))
        elif self._set_up is not None:  # not every switch says it twice
            self._early_idle.append(entries)
