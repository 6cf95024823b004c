"""`simple_switch_grpc` as a process: started, watched, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from bmv2.simple_switch import readiness
from bmv2.simple_switch.command import (
    check_options,
    command_line,
    free_tcp_port,
    resolve_address,
)
from bmv2.simple_switch.errors import SimpleSwitchError
from bmv2.simple_switch.installation import (
    BUILD_EXTERN,
    PROGRAM,
    Installation,
    find_installation,
)
from bmv2.simple_switch.log_lines import LogLines
from bmv2.switch_options import SwitchOptions

_log = logging.getLogger(__name__)

SECONDS_TO_START = 30.0
SECONDS_TO_STOP = 5.0
SECONDS_BETWEEN_POLLS = 0.05

FIRST_RESTART_DELAY = 1.0
LONGEST_RESTART_DELAY = 30.0
SECONDS_TO_BE_WELL = 60.0
"""After so long the next crash counts as the first one."""

_MAX_LINE = 8192  # bytes; what is longer is cut into several


class SimpleSwitch:
    """A bmv2 that runs while its context is open.

    Args:
        options: What it is told.
        program: Where `simple_switch_grpc` is; None: on the PATH.
        extern: Where the ESP extern is; None: where its build or its installation puts it.
        now: The time in seconds; it only goes forward.
    """

    def __init__(
        self,
        options: SwitchOptions,
        *,
        program: Path | None = None,
        extern: Path | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = options
        self._program = program
        self._extern = extern
        self._lines = LogLines(now)
        self._address = ""
        self._process: Process | None = None
        self._reader: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """Where P4Runtime is served; empty while the switch does not run."""
        return self._address

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    async def __aenter__(self) -> Self:
        """Start it, and wait until P4Runtime answers.

        Raises:
            SimpleSwitchError: It cannot be started; says what to do.
        """
        installation = await asyncio.to_thread(find_installation, self._program, self._extern)
        check_options(self._options)
        address = resolve_address(self._options.grpc_addresses[0])
        if await readiness.listens(address):
            raise SimpleSwitchError(
                f"{address} is in use: stop who listens there, or choose another"
            )
        thrift_port = free_tcp_port() if installation.has_thrift else None
        if thrift_port is not None:
            _log.warning(
                "this bmv2 has a Thrift server: whoever reaches TCP port %d can read its tables,"
                " keys included; block the port, or build bmv2 with -DWITH_THRIFT=OFF",
                thrift_port,
            )
        self._process = await asyncio.create_subprocess_exec(
            *_tied_to_us(command_line(installation, self._options, address, thrift_port)),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            start_new_session=True,  # Ctrl-C is for us; we stop it
            umask=0o077,
        )
        self._reader = asyncio.create_task(self._read(self._process))
        try:
            await self._become_ready(installation, address)
        except BaseException:
            await self._end()
            raise
        self._address = address
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop it."""
        await self._end()

    async def wait(self) -> str:
        """Wait until the process ends by itself; return how, as a phrase."""
        assert self._process is not None
        return self._ended(await self._process.wait())

    async def _become_ready(self, installation: Installation, address: str) -> None:
        answers = readiness.answers if self._options.tls is None else readiness.listens
        assert self._process is not None
        try:
            async with asyncio.timeout(SECONDS_TO_START):
                while not await answers(address):
                    if self._process.returncode is not None:
                        raise SimpleSwitchError(self._ended(self._process.returncode))
                    await asyncio.sleep(SECONDS_BETWEEN_POLLS)
        except TimeoutError:
            raise SimpleSwitchError(
                f"{PROGRAM} does not answer on {address} after {SECONDS_TO_START:.0f} seconds"
                + self._last_words()
            ) from None
        # What it said while it started is in the pipe by now, and is read meanwhile.
        await asyncio.sleep(SECONDS_BETWEEN_POLLS)
        if self._process.returncode is not None:
            raise SimpleSwitchError(self._ended(self._process.returncode))
        self._check_extern(installation)
        if self._lines.failed_port is not None:
            raise SimpleSwitchError(
                f"bmv2 cannot open port {self._lines.failed_port}: run it as root,"
                " or give it the capabilities CAP_NET_RAW and CAP_NET_ADMIN"
            )

    def _check_extern(self, installation: Installation) -> None:
        why = self._lines.module_error
        if why is None:
            return
        if "undefined symbol" in why:
            raise SimpleSwitchError(
                f"bmv2 cannot load the ESP extern ({why}), because {installation.program} does not"
                " export its symbols: build it with -DCMAKE_EXE_LINKER_FLAGS=-rdynamic"
            )
        raise SimpleSwitchError(
            f"bmv2 cannot load the ESP extern: {why}: install what is missing, or build the extern"
            f" on this machine: {BUILD_EXTERN}"
        )

    def _ended(self, code: int) -> str:
        if code < 0:
            how = f"was ended by {signal.Signals(-code).name}"
        else:
            how = f"ended with exit code {code}"
        return f"{PROGRAM} {how}{self._last_words()}"

    def _last_words(self) -> str:
        return f", having said {self._lines.last[-1]!r}" if self._lines.last else ""

    async def _read(self, process: Process) -> None:
        assert process.stdout is not None
        rest = b""
        while data := await process.stdout.read(_MAX_LINE):
            *lines, rest = (rest + data).split(b"\n")
            if len(rest) > _MAX_LINE:
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._take(line)
        if rest:
            self._take(rest)

    def _take(self, line: bytes) -> None:
        if text := line.decode(errors="replace").rstrip():
            self._lines.take(text)

    async def _end(self) -> None:
        process, self._process = self._process, None
        reader, self._reader = self._reader, None
        address, self._address = self._address, ""
        assert process is not None
        assert reader is not None
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), SECONDS_TO_STOP)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        await reader
        if address.startswith("unix:"):
            with contextlib.suppress(OSError):
                os.unlink(address.removeprefix("unix:"))


def _tied_to_us(command: list[str]) -> list[str]:
    """Return the command so that the switch does not outlive us, whatever ends us."""
    setpriv = shutil.which("setpriv")
    return command if setpriv is None else [setpriv, "--pdeathsig", "KILL", *command]


async def run(
    options: SwitchOptions,
    stop: asyncio.Event,
    *,
    program: Path | None = None,
    extern: Path | None = None,
    restart: bool = False,
) -> None:
    """Run bmv2 until `stop` is set.

    Args:
        options: What it is told.
        stop: Set it to end.
        program: Where `simple_switch_grpc` is; None: on the PATH.
        extern: Where the ESP extern is; None: where its build or its installation puts it.
        restart: Start it again when it crashes, later and later; its entries are gone, which a
            controller sees and mends.

    Raises:
        SimpleSwitchError: It cannot be started, or, without `restart`, it has ended.
    """
    delay = FIRST_RESTART_DELAY
    loop = asyncio.get_running_loop()
    has_run = False
    while True:
        started = loop.time()
        try:
            async with SimpleSwitch(options, program=program, extern=extern) as switch:
                has_run = True
                _log.info("device %d: P4Runtime on %s", options.device_id, switch.address)
                for spec in options.ports:
                    _log.info("device %d: port %s", options.device_id, spec)
                ended = await _unless(stop, switch.wait())
                if ended is None:
                    return
                raise SimpleSwitchError(ended)
        except SimpleSwitchError as error:
            if not restart or not has_run:
                raise
            if loop.time() - started > SECONDS_TO_BE_WELL:
                delay = FIRST_RESTART_DELAY
            _log.error("%s; starting it again in %.0f seconds", error, delay)
        if await _unless(stop, asyncio.sleep(delay, result="")) is None:
            return
        delay = min(2 * delay, LONGEST_RESTART_DELAY)


async def _unless(stop: asyncio.Event, what: Awaitable[str]) -> str | None:
    """Return the outcome, or None once `stop` is set."""
    stopped = asyncio.ensure_future(stop.wait())
    outcome = asyncio.ensure_future(what)
    try:
        await asyncio.wait((stopped, outcome), return_when=asyncio.FIRST_COMPLETED)
        return None if stopped.done() else await outcome
    finally:
        for task in (stopped, outcome):
            task.cancel()
        await asyncio.gather(stopped, outcome, return_exceptions=True)
