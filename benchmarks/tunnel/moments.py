"""How long it takes until packets are encrypted, and what a change costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.interop.lab.lab import Lab
from tests.interop.lab.ping import PingStream, ping
from tests.interop.lab.router import Router
from tests.interop.lab.scenario import CHILD, peer_connection
from tests.interop.lab.topology import SITE_A, SITE_B, SITE_C, Site
from tests.interop.lab.waiting import wait_for

PING_INTERVAL = 0.01  # seconds
RETRY = 15  # seconds (PM-4)


@dataclass(frozen=True)
class Moments:
    """What pings every 10 ms saw of a router.

    Attributes:
        router: The switch that it runs on.
        first_encrypted: Seconds from the first packet without an SA to the first answer.
        lost_at_takeover: Packets, when an SA takes over from the clear; None: not measured.
        lost_at_restart: Packets through ESP, when the controller is killed and started again.
    """

    router: str
    first_encrypted: float
    lost_at_takeover: int | None
    lost_at_restart: int


def seconds_to_answer(lab: Lab, site: Site) -> float:
    """Ping until there is an answer; return the seconds since the first request."""
    began = time.monotonic()
    wait_for(
        lambda: ping(lab[SITE_A.host], site.host_address, count=1, timeout=0.2).all_answered,
        "a ping through the new SA",
        interval=0.01,
    )
    return round(time.monotonic() - began, 3)


def lost_at_restart(lab: Lab, router: Router) -> int:
    """Count what is lost to the gateway when the controller is killed and started again."""

    def restart() -> None:
        router.controller.kill()
        router.start_controller()

    return _lost(lab, SITE_B, restart)


def lost_at_takeover(lab: Lab) -> int:
    """Count what is lost to the legacy router, which gets an SA at the next retry."""
    legacy = lab.strongswan(SITE_C.router)

    def upgrade() -> None:
        legacy.start(peer_connection(SITE_C))
        legacy.wait_for_child(CHILD, timeout=2 * RETRY + 10.0)
        time.sleep(1.0)

    lost = _lost(lab, SITE_C, upgrade)
    legacy.stop()
    return lost


def _lost(lab: Lab, site: Site, change: Callable[[], None]) -> int:
    """Count the pings without an answer while something changes; the last are on their way."""
    host, address = lab[SITE_A.host], site.host_address
    with PingStream(host, address, lab.run, interval=PING_INTERVAL) as stream:
        stream.wait_for_answer()
        change()
        time.sleep(1.0)
        stream.stop()
    answered = stream.answered()
    return answered[-1] - len(answered)
