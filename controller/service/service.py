"""The controller as it runs: the router, its switch and its API on one event loop.

Everything that touches the router goes through one lock, in the order of arrival, and what the
router wants done is done before the next thing is looked at: the API's answer to "off" means that
the switch has it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, TypeVar

import structlog

from controller.api.backend import NotSavedError, SwitchUnavailableError, UnknownPeerError
from controller.config.write_memory import WriteMemoryError, write_memory
from controller.messages import MessageLog
from controller.p4runtime.channel import SwitchChannel
from controller.p4runtime.counters import CounterKind, Counters
from controller.p4runtime.entities import ClearReport, PacketIn, Update, WriteFailure
from controller.p4runtime.errors import P4RuntimeError
from controller.p4runtime.inputs import Connected, IdleEntries, Lost, SwitchInput
from controller.passive.events import Message, Severity
from controller.policy.model import Policy
from controller.router import show, show_isakmp, show_pki
from controller.router.outputs import Send, Write
from controller.router.router import Router
from controller.service.clock import Clock
from controller.service.state_file import StateFile
from controller.status import (
    CryptoMapStatus,
    CryptoOptionalStatus,
    IpsecSaStatus,
    IsakmpDetailStatus,
    IsakmpSaStatus,
    LogMessage,
    PkiCertificateStatus,
    SwitchStatus,
)

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
    """Implements the API's backend. `run` works until it is cancelled."""

    def __init__(
        self,
        router: Router,
        channel: SwitchChannel,
        clock: Clock,
        *,
        config_path: Path | None,
        state_file: StateFile | None = None,
    ) -> None:
        self._state_file = state_file
        self._state_lock = asyncio.Lock()  # one write at a time; taken before the other lock
        self._saved_activity = -1
        self._router = router
        self._channel = channel
        self._clock = clock
        self._config_path = config_path
        self._lock = asyncio.Lock()
        self._wake = asyncio.Event()
        self._messages = MessageLog()
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
            self._router.shutdown(self._clock.now(), leave_sas=leave_sas)
        state = self._state_file
        if state is not None and not leave_sas:
            async with self._state_lock:
                self._state_file = None
                state.remove()
        await self._channel.finish()
        await self._save_state()

    async def reload(self, policy: Policy, *, left_out: Sequence[str] = ()) -> None:
        """Go over to another configuration.

        Args:
            policy: the configuration.
            left_out: fields that have changed too, and that a restart alone takes over.
        """
        async with self._act():
            self._router.reload(policy, self._clock.now())
            self._say(Message(Severity.INFO, "configuration loaded"))
            if left_out:
                text = f"changes of {', '.join(left_out)} take effect at the next start only"
                self._say(Message(Severity.WARNING, text))

    async def _take_inputs(self) -> None:
        async for event in self._channel:
            async with self._act():
                self._take(event)
                # What has arrived meanwhile needs no write of its own.
                for more in self._channel.inputs.take_all():
                    self._take(more)
            if self._channel.is_connected:
                self._ready.set()

    def _take(self, event: SwitchInput) -> None:
        now = self._clock.now()
        match event:
            case PacketIn():
                self._router.packet_in(event, now)
            case ClearReport():
                self._router.clear_report(event, now)
            case IdleEntries(entries):
                self._router.idle(entries, now)
            case Connected(found, meters, _, notice):
                self._say(Message(Severity.INFO, f"switch {self._channel.address} connected"))
                if notice:
                    self._say(Message(Severity.WARNING, notice))
                self._router.connected(found, now, meters=meters)
            case Lost(reason):
                text = f"no switch at {self._channel.address}: {reason}"
                self._say(Message(Severity.ERROR, text))

    async def _keep_time(self) -> None:
        while True:
            await self._clock.wait(self._wake, self._router.next_deadline())
            deadline = self._router.next_deadline()
            if deadline is not None and deadline <= self._clock.now():
                async with self._act():
                    self._router.advance(self._clock.now())

    async def _keep_state(self) -> None:
        while True:
            await self._save_state()
            await asyncio.sleep(self._clock.real(STATE_INTERVAL))

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
                blob = self._router.export_state(state.key, self._clock.now())
            try:
                await asyncio.to_thread(state.save, blob)
            except OSError as error:
                text = f"the IKE SAs can't be kept in {state.path}: {error}"
                self._say(Message(Severity.ERROR, text))

    async def _watch_counters(self) -> None:
        while True:
            await asyncio.sleep(self._clock.real(COUNTER_INTERVAL))
            if not self._channel.is_connected or not len(self._router.sad):
                continue
            # An id that is given to another SA meanwhile proves nothing of that one.
            before = set(self._router.sad.pairs())
            try:
                counters = await self._channel.read_counters(_SA_COUNTERS)
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
                    self._clock.now(),
                )

    async def _operate(self, action: Callable[[float], T]) -> T:
        """Carry an operator's action out to its end, even if who asked for it goes away."""

        async def operation() -> T:
            async with self._act():
                return action(self._clock.now())

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
                        self._channel.send(packet)
        for message in self._router.take_messages():
            self._say(message)

    async def _write(self, updates: tuple[Update, ...]) -> None:
        failures: list[WriteFailure] = []
        try:
            failures = await self._channel.write(updates)
        except P4RuntimeError:
            # What was declared is reconciled when the switch is back.
            return
        self._router.written(updates, failures, self._clock.now())

    def _say(self, message: Message) -> None:
        getattr(self._log, _LOG_LEVELS[message.severity])(message.text)
        self._messages.publish(
            LogMessage(
                time=self._clock.wall(),
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

    # --- the API's backend ----------------------------------------------------------------

    async def show_crypto_optional(self) -> CryptoOptionalStatus:
        """Answer ``show crypto optional`` (PM-9)."""
        counters = await self._counters() or Counters()
        return show.crypto_optional(self._router, counters, self._clock.now())

    async def show_crypto_map(self) -> tuple[CryptoMapStatus, ...]:
        """Answer ``show crypto map``."""
        return show.crypto_map(self._router)

    async def show_crypto_ipsec_sa(self) -> tuple[IpsecSaStatus, ...]:
        """Answer ``show crypto ipsec sa``."""
        counters = await self._counters()
        return show.crypto_ipsec_sa(self._router, counters, self._clock.now())

    async def show_crypto_isakmp_sa(self) -> tuple[IsakmpSaStatus, ...]:
        """Answer ``show crypto isakmp sa``."""
        return show_isakmp.summary(self._router, self._clock.now())

    async def show_crypto_isakmp_sa_detail(self) -> IsakmpDetailStatus:
        """Answer ``show crypto isakmp sa detail``."""
        return show_isakmp.detail(self._router, self._clock.now())

    async def show_crypto_pki_certificates(self) -> tuple[PkiCertificateStatus, ...]:
        """Answer ``show crypto pki certificates``."""
        at = datetime.fromtimestamp(self._clock.wall(), UTC)
        return show_pki.certificates(self._router.policy, at)

    async def show_switch(self) -> SwitchStatus:
        """Answer ``show switch``; also when the switch is not connected."""
        counters = await self._counters() or Counters()
        return SwitchStatus(
            address=self._channel.address,
            device_id=self._channel.device_id,
            # Not while it is being set up: it is ours, but not yet in force.
            connected=self._channel.is_connected
            or (self._channel.is_answering and not self._channel.is_primary),
            is_primary=self._channel.is_primary,
            entries=len(self._router.desired.entries()),
            drops=(
                *show.drops(self._router, counters),
                *show.queue_drops(
                    self._channel.inputs.packets_dropped,
                    self._channel.inputs.reports_dropped,
                    self._channel.packets_out_dropped,
                ),
            ),
        )

    async def clear_crypto_sa(self, peer: IPv4Address | None) -> int:
        """Delete the SAs with a peer, or all; return how many pairs there were.

        Raises:
            UnknownPeerError: `peer` is not in the configuration.
        """
        if peer is not None and peer not in _peers(self._router.policy):
            raise UnknownPeerError(f"no crypto map entry has the peer {peer}")
        return await self._operate(partial(self._router.clear_sas, peer))

    async def set_passive_mode(self, enabled: bool) -> list[str]:
        """Turn passive mode on or off; return what the operator is to be told (PM-7, PM-10).

        Raises:
            SwitchUnavailableError: the switch doesn't answer; it gets the mode when it is back.
        """
        told = await self._operate(partial(self._router.set_passive_mode, enabled))
        if not self._channel.is_connected:
            raise SwitchUnavailableError(
                f"the switch {self._channel.address} doesn't answer: it goes on as it is, and"
                f" gets passive mode {'on' if enabled else 'off'} when it is back"
            )
        return [message.text for message in told]

    async def set_retry(self, seconds: float) -> None:
        """Set `retry` (PM-4)."""
        await self._operate(partial(self._router.set_retry, seconds))

    async def write_memory(self) -> str:
        """Save the running passive-mode settings; return the path of the file (PM-10).

        Raises:
            NotSavedError: with the reason; the file is as it was.
        """
        if self._config_path is None:
            raise NotSavedError("this controller was not started from a file")
        passive = self._router.passive
        try:
            await asyncio.to_thread(
                write_memory,
                self._config_path,
                enabled=passive.enabled,
                retry=round(passive.retry),
            )
        except WriteMemoryError as error:
            raise NotSavedError(str(error)) from None
        return str(self._config_path)

    def messages(self, history: int) -> AsyncIterator[LogMessage]:
        """Yield at most `history` of the latest messages, and then each as it comes."""
        return self._messages.watch(history)

    async def _counters(self) -> Counters | None:
        """Return what the switch has counted; None if it doesn't answer."""
        if not self._channel.is_connected:
            return None
        try:
            return await self._channel.read_counters()
        except P4RuntimeError:
            return None


def _peers(policy: Policy) -> Iterator[IPv4Address]:
    return (packet_type.peer for packet_type in policy.packet_types)
