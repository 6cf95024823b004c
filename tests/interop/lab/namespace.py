"""A network namespace: one machine of the lab."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.interop.lab.errors import LabError

_NETNS = Path("/run/netns")


def ip(*arguments: str) -> str:
    """Run `ip` on the machine itself and return what it prints.

    Raises:
        LabError: it failed; the message has the command and what it said.
    """
    return run_checked(["ip", *arguments])


def run_checked(
    argv: Sequence[str], *, env: Mapping[str, str] | None = None, timeout: float = 30.0
) -> str:
    """Run a command to its end and return its standard output.

    Raises:
        LabError: it is not there, failed, or took longer than `timeout` seconds.
    """
    shown = " ".join(argv)
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, env=env, timeout=timeout, check=False
        )
    except FileNotFoundError as error:
        raise LabError(f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"`{shown}` took longer than {timeout:g} s") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise LabError(f"`{shown}` failed ({done.returncode}): {said}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Namespace:
    """A network namespace by its name. The object is a handle: making it creates nothing."""

    name: str

    @property
    def exists(self) -> bool:
        """Whether the namespace is there."""
        return (_NETNS / self.name).exists()

    def create(self) -> None:
        """Create it with loopback up, and no IPv6 that would chatter into captures."""
        ip("netns", "add", self.name)
        self.sysctl("net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
        self.ip("link", "set", "lo", "up")

    def delete(self) -> None:
        """Remove it; its interfaces go with it. Fine if it is not there."""
        if self.exists:
            ip("netns", "delete", self.name)

    def command(self, *argv: str) -> list[str]:
        """Return the command line that runs `argv` inside."""
        return ["ip", "netns", "exec", self.name, *argv]

    def run(self, *argv: str, env: Mapping[str, str] | None = None, timeout: float = 30.0) -> str:
        """Run a command inside to its end and return its standard output.

        Raises:
            LabError: as `run_checked`.
        """
        return run_checked(self.command(*argv), env=env, timeout=timeout)

    def ip(self, *arguments: str) -> str:
        """Run `ip` inside, and return what it prints."""
        return ip("-n", self.name, *arguments)

    def sysctl(self, *settings: str) -> None:
        """Set kernel parameters, each as ``name=value``."""
        self.run("sysctl", "-q", "-w", *settings)

    def pids(self) -> list[int]:
        """Return the processes that live inside."""
        if not self.exists:
            return []
        return [int(pid) for pid in ip("netns", "pids", self.name).split()]

    def holds(self, pid: int) -> bool:
        """Tell whether a process is alive and lives inside."""
        try:
            return (Path(f"/proc/{pid}/ns/net")).samefile(_NETNS / self.name)
        except OSError:  # no such process, one that only waits to be reaped, or no namespace
            return False


def names_starting_with(prefix: str) -> list[str]:
    """Return the names of the machine's namespaces that start with `prefix`, sorted."""
    if not _NETNS.is_dir():
        return []
    return sorted(entry.name for entry in _NETNS.iterdir() if entry.name.startswith(prefix))
