"""A process that the lab keeps running: started in its namespace, logged, ended by its id."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.interop.lab.errors import LabError
from tests.interop.lab.namespace import Namespace
from tests.interop.lab.waiting import wait_for

_LOG_TAIL = 2000  # characters of a log that an error quotes


class Daemon:
    """One supervised process.

    It outlives the Python process that started it: its id is kept in `<run>/<name>.pid`, what
    it prints goes to `<run>/<name>.log`. Whoever opens the same name again can stop it.
    """

    def __init__(self, namespace: Namespace, name: str, run: Path) -> None:
        self.namespace = namespace
        self.name = name
        self.log_path = run / f"{name}.log"
        self._pid_path = run / f"{name}.pid"
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id, or None if it does not run."""
        # poll() reaps a dead child too, so that it does not linger as a zombie.
        if self._child is not None and self._child.poll() is None:
            return self._child.pid
        try:
            pid = int(self._pid_path.read_text())
        except (FileNotFoundError, ValueError):
            return None
        # An id can be handed out again: it counts only while it lives in our namespace.
        return pid if self.namespace.holds(pid) else None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.pid is not None

    @property
    def log(self) -> str:
        """What the process has printed so far."""
        try:
            return self.log_path.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def start(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        ready: Callable[[], bool],
        timeout: float = 15.0,
    ) -> None:
        """Start it and wait until `ready` is true.

        Args:
            argv: the command, as it is inside the namespace.
            env: variables added to those of this process.
            ready: looks whether it does its work by now.
            timeout: seconds to wait for that.

        Raises:
            LabError: it runs already, ended early, or was not ready in time; with its log's end.
        """
        if self.running:
            raise LabError(f"{self.name} runs already")
        with self.log_path.open("wb") as log:
            os.fchmod(log.fileno(), 0o600)
            self._child = subprocess.Popen(
                self.namespace.command(*argv),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
        self._pid_path.write_text(f"{self._child.pid}\n")
        child = self._child

        def started() -> bool:
            if child.poll() is not None:
                raise LabError(f"{self.name} ended ({child.returncode}): {self._tail()}")
            return ready()

        try:
            wait_for(started, f"{self.name} ready", timeout=timeout)
        except LabError as error:
            self.kill()
            raise LabError(f"{error}; its log ends with: {self._tail()}") from error

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal.

        Raises:
            LabError: it does not run.
        """
        pid = self.pid
        if pid is None:
            raise LabError(f"{self.name} does not run")
        os.kill(pid, number)

    def stop(self, *, timeout: float = 10.0) -> None:
        """End it with SIGTERM, and with SIGKILL after `timeout` seconds. Fine if it is down."""
        self._end(signal.SIGTERM)
        try:
            wait_for(lambda: not self.running, f"{self.name} ended", timeout=timeout)
        except LabError:
            self.kill()
        self._pid_path.unlink(missing_ok=True)

    def kill(self) -> None:
        """End it at once, as a crash would. Fine if it is down."""
        self._end(signal.SIGKILL)
        wait_for(lambda: not self.running, f"{self.name} ended", timeout=5.0)
        self._pid_path.unlink(missing_ok=True)

    def _end(self, number: signal.Signals) -> None:
        pid = self.pid
        if pid is not None:
            os.kill(pid, number)

    def _tail(self) -> str:
        return self.log.strip()[-_LOG_TAIL:] or "(nothing)"
