"""A migration without anybody at the prompt: what `make mininet` shows, checked step by step."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mininet.net import Mininet

from bmv2.topology.prompt import set_ipsec
from bmv2.topology.sites import RETRY, SITES

_HOLD = 10.0  # seconds (PM-2)


@dataclass(frozen=True)
class Step:
    """What was tried, and whether it came out as it should."""

    what: str
    passed: bool
    detail: str


class Walkthrough:
    """Runs the steps on a started network.

    Args:
        net: the network.
        report: called with each step as soon as it is done.
    """

    def __init__(self, net: Mininet, report: Callable[[Step], None]) -> None:
        self._net = net
        self._report = report
        self.steps: list[Step] = []

    def run(self) -> bool:
        """Do all of it; tell whether every step passed."""
        self._ping_protected()
        self._ping_unprotected("h3", "h4")
        listed = self._destinations()
        wanted = [site.host_address for site in SITES if site.number in (3, 4)]
        self._note(
            "PM-9: show crypto optional names the nodes that are still to be upgraded",
            sorted(listed) == wanted,
            ", ".join(listed) or "nobody",
        )
        self._upgrade()
        self._restart_controller()
        return all(step.passed for step in self.steps)

    def _note(self, what: str, passed: bool, detail: str = "") -> None:
        step = Step(what, passed, detail)
        self.steps.append(step)
        self._report(step)

    def _ping_protected(self) -> None:
        self._ping("h2")
        with self._tapped() as tap:
            sent, answered = self._ping("h2", count=5)
        passed = sent == answered and tap["esp"] >= 2 * answered and tap["clear"] == 0
        self._note("IKE makes an SA, and all packets are in ESP", passed, f"{answered} of {sent}")

    def _ping_unprotected(self, *hosts: str) -> None:
        early = [self._ping(host)[1] for host in hosts]
        time.sleep(_HOLD)
        for host, too_early in zip(hosts, early, strict=True):
            with self._tapped() as tap:
                sent, answered = self._ping(host, count=3)
            self._note(
                f"PM-2, PM-3: {host} is reached in the clear, after {_HOLD:.0f} s",
                not too_early and sent == answered and tap["clear"] >= 2 * answered,
                f"{answered} of {sent}",
            )

    def _upgrade(self) -> None:
        set_ipsec(self._net["r3"], ipsec=True)
        lost = 0
        end = time.monotonic() + RETRY + _HOLD
        while time.monotonic() < end:
            sent, answered = self._ping("h3")
            lost += sent - answered
            if "10.3.0.2" not in self._destinations():
                break
            time.sleep(0.5)
        with self._tapped() as tap:
            sent, answered = self._ping("h3", count=5)
        passed = sent == answered and tap["esp"] >= 2 * answered and tap["clear"] == 0
        self._note("PM-4: the retry finds r3 upgraded, and ESP takes over", passed, f"{lost} lost")

    def _restart_controller(self) -> None:
        router = self._net["r1"]
        self._net["h1"].cmd(f"ping -i 0.2 -c 50 -W 1 {self._address('h2')} > /tmp/ping.$$ &")
        router.kill_controller()
        router.start_controller()
        output = self._net["h1"].cmd("wait; cat /tmp/ping.$$; rm /tmp/ping.$$")
        sent, answered = _counts(output)
        self._note(
            "an SA outlives its controller: no packet is lost while it is started again",
            sent == answered == 50,
            f"{answered} of {sent}",
        )

    def _ping(self, host: str, count: int = 1) -> tuple[int, int]:
        output = self._net["h1"].cmd(f"ping -i 0.2 -c {count} -W 1 {self._address(host)}")
        return _counts(output)

    def _address(self, host: str) -> str:
        return next(site.host_address for site in SITES if site.host == host)

    def _destinations(self) -> list[str]:
        answer: dict[str, Any] = json.loads(
            self._net["r1"].p4ipsec("show", "crypto", "optional", "--json")
        )
        return [row["address"] for row in answer["destinations"]]

    @contextmanager
    def _tapped(self) -> Iterator[dict[str, int]]:
        """Count what the core carries meanwhile: ESP, and the hosts' packets in the clear."""
        core = self._net["core"]
        found: dict[str, int] = {}
        tap = core.popen(
            ["tcpdump", "-lnqi", "bridge", "esp or (icmp and net 10.0.0.0/8)"], text=True
        )
        time.sleep(0.5)
        yield found
        time.sleep(0.5)
        tap.terminate()
        text = tap.communicate()[0]
        found["esp"] = text.count("ESP")
        found["clear"] = text.count("ICMP")


def _counts(output: str) -> tuple[int, int]:
    match = re.search(r"(\d+) packets transmitted, (\d+) received", output)
    return (int(match[1]), int(match[2])) if match else (0, 0)
