"""The fixtures that the datapath's tests ask for, on the target of ``--target``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bmv2.simple_switch import SimpleSwitchError, find_installation
from tests.conformance.bmv2_router import Bmv2Router
from tests.conformance.bmv2_switch import Bmv2Switch, Pool

# They look into the embedded switch, where a real one has nothing to show.
EMBEDDED_ONLY = {
    "test_esp_within_esp_does_not_go_round_without_end",
    "test_known_destination_is_kept_alive_by_its_traffic",
    "test_port_counters",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--target", choices=["embedded", "bmv2"], default="embedded")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """On the embedded switch these tests run where they are written."""
    return True if config.getoption("--target", "embedded") == "embedded" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and _function(item) in EMBEDDED_ONLY:
            item.add_marker(pytest.mark.skip(reason="looks into the embedded switch"))


def _function(item: pytest.Item) -> str:
    return item.name.partition("[")[0]


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    try:
        installation = find_installation()
    except SimpleSwitchError as error:
        pytest.fail(str(error))
    pool = Pool(lambda: Bmv2Switch(installation))
    yield pool
    pool.close()


@pytest.fixture
def make_router(pool: Pool) -> Iterator[Callable[[], Bmv2Router]]:
    yield lambda: Bmv2Router(pool.take())
    pool.take_all_back()


@pytest.fixture
def router(make_router):
    return make_router().set_up()


@pytest.fixture
def blank_router(make_router):
    return make_router()


@pytest.fixture
def ipsec_router(make_router):
    router = make_router().set_up(crypto_map=Bmv2Router.CRYPTO_MAP)
    router.protect()
    return router
