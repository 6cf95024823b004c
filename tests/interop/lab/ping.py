"""Echo requests: a few that are waited for, or a stream of them beside what else happens."""

from __future__ import annotations

import re
import signal
import subprocess
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from tests.interop.lab.daemon import Daemon
from tests.interop.lab.errors import LabError
from tests.interop.lab.namespace import Namespace
from tests.interop.lab.waiting import wait_for


@dataclass(frozen=True, slots=True)
class PingResult:
    """How many echo requests went out, and how many answers came back.

    Attributes:
        sent: Requests.
        received: Answers.
        round_trip: What an answer took on average, in seconds; None: not known.
    """

    sent: int
    received: int
    round_trip: float | None = None

    @property
    def any_answered(self) -> bool:
        """Whether a request was answered, which is enough to show keys: packets may be lost."""
        return self.received > 0

    @property
    def all_answered(self) -> bool:
        """Whether every request was answered, and there was one."""
        return self.sent == self.received > 0


def ping(
    source: Namespace,
    target: IPv4Address,
    *,
    count: int = 3,
    interval: float = 0.05,
    timeout: float = 1.0,
    size: int = 56,
    dont_fragment: bool = False,
) -> PingResult:
    """Send echo requests and count the answers; no answer is a result, not an error.

    Args:
        source: the namespace to send from.
        target: whom to ask.
        count: requests to send.
        interval: seconds between two.
        timeout: seconds to wait for the last answer.
        size: bytes of ICMP payload.
        dont_fragment: set DF.
    """
    argv = ["ping", "-n", "-q", "-c", str(count), "-i", f"{interval:g}", "-W", f"{timeout:g}"]
    argv += ["-s", str(size), *(("-M", "do") if dont_fragment else ()), str(target)]
    limit = count * interval + timeout + 10.0
    done = subprocess.run(
        source.command(*argv), capture_output=True, text=True, timeout=limit, check=False
    )
    match = re.search(r"(\d+) packets transmitted, (\d+) received", done.stdout)
    if match is None:
        raise LabError(f"ping said nothing to count: {(done.stderr or done.stdout).strip()}")
    times = re.search(r"^rtt min/avg/max/mdev = [\d.]+/([\d.]+)/", done.stdout, re.MULTILINE)
    return PingResult(int(match[1]), int(match[2]), float(times[1]) / 1000 if times else None)


def echo_requests_received(namespace: Namespace) -> int:
    """Return how many echo requests the kernel of a host has received."""
    rows = [row.split() for row in namespace.run("cat", "/proc/net/snmp").splitlines()]
    names, values = (row for row in rows if row[0] == "Icmp:")
    return int(values[names.index("InEchos")])


class PingStream:
    """Echo requests at a steady pace in the background, as a context manager.

    The n-th request has sequence number n, from 1.
    """

    def __init__(
        self, source: Namespace, target: IPv4Address, run: Path, *, interval: float = 0.1
    ) -> None:
        self.interval = interval
        self._target = target
        self._daemon = Daemon(source, f"ping-{target}", run)

    def __enter__(self) -> PingStream:
        # -O prints a line for every request without an answer, so the log moves from the start.
        self._daemon.start(
            ["ping", "-n", "-O", "-i", f"{self.interval:g}", str(self._target)],
            ready=lambda: "PING" in self._daemon.log,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def answered(self) -> list[int]:
        """Return the sequence numbers that were answered so far, in order."""
        found = re.findall(r"bytes from .*icmp_seq=(\d+)", self._daemon.log)
        return sorted({int(number) for number in found})

    def wait_for_answer(self, after: int = 0, *, timeout: float = 15.0) -> int:
        """Wait for an answer to a request later than `after`, and return its number.

        Raises:
            WaitTimeoutError: none came within `timeout` seconds.
        """
        return wait_for(
            lambda: next((number for number in self.answered() if number > after), 0),
            f"answer from {self._target} to a request after number {after}",
            timeout=timeout,
        )

    def stop(self) -> int:
        """End the stream and return how many requests were sent."""
        if self._daemon.running:
            self._daemon.send_signal(signal.SIGINT)
            wait_for(lambda: not self._daemon.running, "ping ended")
            self._daemon.stop()
        match = re.search(r"(\d+) packets transmitted", self._daemon.log)
        if match is None:
            raise LabError(f"ping ended without a count: {self._daemon.log[-500:]}")
        return int(match[1])
