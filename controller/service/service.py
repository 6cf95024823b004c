"""The controller as it runs: the router, its switch and its API on one event loop.

Everything that touches the router goes through one lock, in the order of arrival, and what the
router wants done is done before the next thing is looked at: the API's answer to "off" means that
the switch has it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar

import structlog

from controller.messages import MessageLog
from controller.p4runtime.channel import SwitchChannel
from controller.p4runtime.counters import CounterKind
from controller.p4runtime.entities import ClearReport, PacketIn, Update, WriteFailure
from controller.p4runtime.errors import P4RuntimeError
from controller.p4runtime.inputs import Connected, IdleEntries, Lost, SwitchInput
from controller.passive.events import Message, Severity
from controller.policy.model import Policy
from controller.router.outputs import Send, Write
from controller.router.router import Router
from controller.service.clock import Clock
from controller.service.state_file import StateFile
from controller.status import LogMessage

T = TypeVar("T")

STATE_INTERVAL = 1.0
"""Seconds between two looks at whether IKE SAs have changed, and are to be kept in a file."""

COUNTER_INTERVAL = 2.0
"""Seconds between two looks at the SAs' counters, while there are SAs."""

_SA_COUNTERS = (CounterKind.SAD_IN, CounterKind.SAD_OUT)

_LOG_LEVELS = {
    Severity.INFO: "info",
    Severity.WARNING: "warning",
    Severity.ERROR: "error",
}


class Service:
    """See the module. `run` works until it is cancelled.

    Attributes:
        channel: to the switch.
        clock: what the time is for the router.
        messages: lines for the operator's log, the latest kept.
    """

    def __init__(
        self,
        router: Router,
        channel: SwitchChannel,
        clock: Clock,
        *,
        state_file: StateFile | None = None,
    ) -> None:
        self._state_file = state_file
        self._state_lock = asyncio.Lock()  # one write at a time; taken before the other lock
        self._saved_activity = -1
        self._router = router
        self.channel = channel
        self.clock = clock
        self._lock = asyncio.Lock()
        self._wake = asyncio.Event()
        self.messages = MessageLog()
        self._log = structlog.get_logger(router=router.policy.hostname)
        self._ready = asyncio.Event()
        self._operations: set[asyncio.Task[Any]] = set()

    @property
    def router(self) -> Router:
        """The router, to look at."""
        return self._router

    # --- running --------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve the switch until cancelled; the channel has to be open."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._take_inputs())
            tasks.create_task(self._keep_time())
            tasks.create_task(self._watch_counters())
            if self._state_file is not None:
                tasks.create_task(self._keep_state())

    async def wait_ready(self) -> None:
        """Return when the switch has all that the configuration says."""
        await self._ready.wait()

    async def shut_down(self, *, leave_sas: bool) -> None:
        """Delete the SAs at the peers and on the switch, unless they are to be left."""
        async with self._act():
            self._router.shutdown(self.clock.now(), leave_sas=leave_sas)
        state = self._state_file
        if state is not None and not leave_sas:
            async with self._state_lock:
                self._state_file = None
                state.remove()
        await self.channel.finish()
        await self._save_state()

    async def reload(self, policy: Policy, *, left_out: Sequence[str] = ()) -> None:
        """Go over to another configuration.

        Args:
            policy: the configuration.
            left_out: fields that have changed too, and that a restart alone takes over.
        """
        async with self._act():
            self._router.reload(policy, self.clock.now())
            self._say(Message(Severity.INFO, "configuration loaded"))
            if left_out:
                text = f"changes of {', '.join(left_out)} take effect at the next start only"
                self._say(Message(Severity.WARNING, text))

    async def _take_inputs(self) -> None:
        async for event in self.channel:
            async with self._act():
                self._take(event)
                # What has arrived meanwhile needs no write of its own.
                for more in self.channel.inputs.take_all():
                    self._take(more)
            if self.channel.is_connected:
                self._ready.set()

    def _take(self, event: SwitchInput) -> None:
        now = self.clock.now()
        match event:
            case PacketIn():
                self._router.packet_in(event, now)
            case ClearReport():
                self._router.clear_report(event, now)
            case IdleEntries(entries):
                self._router.idle(entries, now)
            case Connected(found, meters, _, notice):
                self._say(Message(Severity.INFO, f"switch {self.channel.address} connected"))
                if notice:
                    self._say(Message(Severity.WARNING, notice))
                self._router.connected(found, now, meters=meters)
            case Lost(reason):
                text = f"no switch at {self.channel.address}: {reason}"
                self._say(Message(Severity.ERROR, text))

    async def _keep_time(self) -> None:
        while True:
            await self.clock.wait(self._wake, self._router.next_deadline())
            deadline = self._router.next_deadline()
            if deadline is not None and deadline <= self.clock.now():
                async with self._act():
                    self._router.advance(self.clock.now())

    async def _keep_state(self) -> None:
        while True:
            await self._save_state()
            await asyncio.sleep(self.clock.real(STATE_INTERVAL))

    async def _save_state(self) -> None:
        """Keep the IKE SAs, if they have changed."""
        async with self._state_lock:
            state = self._state_file
            if state is None:
                return
            async with self._lock:
                activity = self._router.ike_activity
                if activity == self._saved_activity:
                    return
                self._saved_activity = activity
                blob = self._router.export_state(state.key, self.clock.now())
            try:
                await asyncio.to_thread(state.save, blob)
            except OSError as error:
                text = f"the IKE SAs can't be kept in {state.path}: {error}"
                self._say(Message(Severity.ERROR, text))

    async def _watch_counters(self) -> None:
        while True:
            await asyncio.sleep(self.clock.real(COUNTER_INTERVAL))
            if not self.channel.is_connected or not len(self._router.sad):
                continue
            # An id that is given to another SA meanwhile proves nothing of that one.
            before = set(self._router.sad.pairs())
            try:
                counters = await self.channel.read_counters(_SA_COUNTERS)
            except P4RuntimeError:
                continue
            async with self._act():
                same = [pair for pair in self._router.sad.pairs() if pair in before]
                self._router.sa_counters(
                    {
                        pair.sa_id: counters.sad_in[pair.sa_id]
                        for pair in same
                        if pair.sa_id in counters.sad_in
                    },
                    counters.sad_out,
                    self.clock.now(),
                )

    async def operate(self, action: Callable[[float], T]) -> T:
        """Carry an operator's action out to its end, even if who asked for it goes away."""

        async def operation() -> T:
            async with self._act():
                return action(self.clock.now())

        task = asyncio.create_task(operation())
        self._operations.add(task)
        task.add_done_callback(self._operations.discard)
        return await asyncio.shield(task)

    @contextlib.asynccontextmanager
    async def _act(self) -> AsyncIterator[None]:
        """Do something to the router, alone, and carry out what it wants done."""
        async with self._lock:
            try:
                yield
            finally:
                await self._carry_out()
                self._wake.set()

    async def _carry_out(self) -> None:
        while outputs := self._router.take_outputs():
            for output in outputs:
                match output:
                    case Write(updates):
                        await self._write(updates)
                    case Send(packet):
                        self.channel.send(packet)
        for message in self._router.take_messages():
            self._say(message)

    async def _write(self, updates: tuple[Update, ...]) -> None:
        failures: list[WriteFailure] = []
        try:
            failures = await self.channel.write(updates)
        except P4RuntimeError:
            # What was declared is reconciled when the switch is back.
            return
        self._router.written(updates, failures, self.clock.now())

    def _say(self, message: Message) -> None:
        getattr(self._log, _LOG_LEVELS[message.severity])(message.text)
        self.messages.publish(
            LogMessage(
                time=self.clock.wall(),
                severity=str(message.severity),
                text=message.text,
                packet_type=self._type_name(message),
            )
        )

    def _type_name(self, message: Message) -> str | None:
        names = (
            packet_type.name
            for packet_type in self._router.policy.packet_types
            if packet_type.id == message.packet_type
        )
        return next(names, None)
