from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.interop.lab.lab import Lab
from tests.interop.lab.strongswan import StrongSwan
from tests.interop.lab.swanctl_conf import Retransmission
from tests.interop.lab.topology import SITE_A, SITE_B
from tests.interop.matrix.report import Report, Versions

_QUICK = Retransmission(timeout=0.5, base=1.5, tries=3)  # gives up after 4 s

_REPORT = pytest.StashKey[Report]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_REPORT] = Report()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    marker = item.get_closest_marker("cell")
    if marker is not None and not report.skipped and (report.when == "call" or report.failed):
        item.config.stash[_REPORT].add(marker.args[0], passed=report.passed)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the matrix to where P4IPSEC_INTEROP_REPORT says, if it says so."""
    directory = os.environ.get("P4IPSEC_INTEROP_REPORT")
    report = session.config.stash[_REPORT]
    if directory and report.results:
        report.write(Path(directory), Versions.of_this_machine(report.strongswan))


@pytest.fixture(scope="package")
def matrix_lab() -> Iterator[Lab]:
    """One lab for the whole matrix; Linux forwards for site A, where the engine's sockets are."""
    lab = Lab(f"t{os.getpid()}m")
    lab.down()
    lab.up()
    try:
        lab.network.make_linux_router(SITE_A)
        yield lab
    finally:
        lab.down()


@pytest.fixture(scope="package")
def strongswan(matrix_lab: Lab, pytestconfig: pytest.Config) -> Iterator[StrongSwan]:
    """The strongSwan of site B, running; cells load what they need."""
    strongswan = matrix_lab.strongswan(SITE_B.router, retransmission=_QUICK)
    strongswan.start()
    pytestconfig.stash[_REPORT].strongswan = strongswan.version
    yield strongswan
    strongswan.stop()
