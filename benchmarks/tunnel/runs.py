"""The labs that are built, one after the other, and what is measured in each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from benchmarks.targets import chosen
from benchmarks.tunnel.ends import forget_neighbors, plain_routers, pretend_nat, standing_lab
from benchmarks.tunnel.moments import (
    RETRY,
    Moments,
    lost_at_restart,
    lost_at_takeover,
    seconds_to_answer,
)
from benchmarks.tunnel.traffic import Effort, Measurement, measure_traffic
from tests.interop.lab.lab import Lab
from tests.interop.lab.ping import ping
from tests.interop.lab.router import Router
from tests.interop.lab.router_config import RouterConfig
from tests.interop.lab.scenario import CHILD, peer_connection
from tests.interop.lab.topology import SITE_A, SITE_B, SITE_C, Site
from tests.interop.lab.waiting import wait_for

LINUX, STRONGSWAN = "Linux kernel", "strongSwan (kernel-libipsec)"
PLAIN, CLEAR, RAW, IN_UDP = "plain forwarding", "clear", "ESP", "ESP in UDP"
HOLD = 10.0  # seconds (PM-2)


def two_strongswans(effort: Effort) -> Iterator[Measurement]:
    """Measure the kernel, and two strongSwans, without any of our parts."""
    with standing_lab("bench0") as lab:
        lab.network.make_linux_router(SITE_A)
        measure = partial(measure_traffic, lab, SITE_B, effort)
        yield measure(router=LINUX, other_end=LINUX, way=CLEAR)
        near, far = (lab.strongswan(site.router) for site in (SITE_A, SITE_B))
        near.start(peer_connection(SITE_A, SITE_B))
        far.start(peer_connection(SITE_B))
        near.initiate(CHILD)
        yield measure(router=STRONGSWAN, other_end=STRONGSWAN, way=IN_UDP)


def one_switch(
    target: str, effort: Effort, *, in_the_clear: bool = True
) -> Iterator[Measurement | Moments]:
    """Measure our router with Linux and strongSwan at the other end.

    Args:
        target: which switch.
        effort: of one measurement.
        in_the_clear: passive mode too, which takes the 10 s of PM-2.
    """
    with chosen(target), standing_lab("bench1") as lab:
        measure = partial(measure_traffic, lab, effort=effort, router=target)
        with plain_routers(lab, target, (SITE_A,), SITE_C):
            yield measure(SITE_C, other_end=LINUX, way=PLAIN)
        forget_neighbors(lab)
        router = _router(lab, SITE_A)
        gateway = lab.strongswan(SITE_B.router)
        gateway.start(peer_connection(SITE_B))
        state_file = router.directory / "ike.state"
        router.start(RouterConfig(retry=RETRY, keepalive=30, state_file=state_file))
        first = seconds_to_answer(lab, SITE_B)
        yield measure(SITE_B, other_end=STRONGSWAN, way=_way(router, SITE_B))
        restart = lost_at_restart(lab, router)
        takeover = None
        if in_the_clear:
            ping(lab[SITE_A.host], SITE_C.host_address, count=1, timeout=0.5)
            time.sleep(HOLD)
            yield measure(SITE_C, other_end=LINUX, way=CLEAR)
            takeover = lost_at_takeover(lab)
        router.stop()
        gateway.stop()
        yield Moments(target, first, takeover, restart)


def two_switches(target: str, effort: Effort) -> Iterator[Measurement]:
    """Measure two of our routers on the same kind of switch."""
    sites = (SITE_A, SITE_B)
    with chosen(target), standing_lab("bench2", sites) as lab, ThreadPoolExecutor(2) as threads:
        measure = partial(measure_traffic, lab, SITE_B, effort, router=target, other_end=target)
        with plain_routers(lab, target, sites, SITE_B):
            yield measure(way=PLAIN)
        forget_neighbors(lab)
        routers = {site: _router(lab, site) for site in sites}

        def start(site: Site) -> None:
            routers[site].start(RouterConfig(site=site, protects=False))

        def protect(site: Site) -> None:
            routers[site].controller.stop()
            routers[site].start_controller(RouterConfig(site=site, keepalive=30))

        list(threads.map(start, sites))
        seconds_to_answer(lab, SITE_B)
        yield measure(way=CLEAR)
        list(threads.map(protect, sites))
        seconds_to_answer(lab, SITE_B)
        yield measure(way=_way(routers[SITE_A], SITE_B))
        pretend_nat(lab)
        for router in routers.values():
            router.cli("clear", "crypto", "sa")
        seconds_to_answer(lab, SITE_B)
        yield measure(way=_way(routers[SITE_A], SITE_B))
        list(threads.map(Router.stop, routers.values()))


def _router(lab: Lab, site: Site) -> Router:
    return Router(lab[site.router], lab.run / f"ours-{site.router}")


def _way(router: Router, site: Site) -> str:
    """Return how packets go to a site.

    Raises:
        LabError: there is no SA.
    """

    def found() -> str:
        for row in router.show("crypto", "ipsec", "sa")["ipsec_sas"]:
            if row["peer"] == str(site.core_address) and row["outbound"] is not None:
                return IN_UDP if row["encapsulated"] else RAW
        return ""

    return wait_for(found, f"an SA with {site.router}")
