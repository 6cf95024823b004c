"""The network that the requirements are tested in."""

from collections.abc import Callable

import pytest

from tests.simulation.topology import Sites, site


@pytest.fixture
def sites() -> Callable[..., Sites]:
    """Build sites, learn the neighbors, forget what was counted so far."""

    def build(*configurations: str) -> Sites:
        built = Sites(dict(enumerate(configurations, start=1)))
        built.warm_up()
        built.core.tap.clear()
        return built

    return build


@pytest.fixture
def migration(sites) -> Sites:
    """R1 in passive mode towards both; R2 has IPsec; R3 has not."""
    return sites(
        site(1, peers={2: [], 3: []}, optional=True),
        site(2, peers={1: []}, optional=True),
        site(3),
    )
