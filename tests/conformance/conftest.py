"""The fixtures that the datapath's tests ask for, on the target of ``--target``."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test
from scapy.layers.ipsec import CryptAlgo

from bmv2.simple_switch import SimpleSwitchError, find_installation
from tests.conformance.bmv2_switch import Bmv2Switch
from tests.conformance.client import P4RuntimeSwitch
from tests.conformance.interfaces import Interfaces
from tests.conformance.p4runtime_router import P4RuntimeRouter
from tests.conformance.pool import Pool
from tests.conformance.trace.files import trace_path
from tests.conformance.trace.recorder import Recorder

REMOTE = "grpc://"

# They look into the embedded switch, where a real one has nothing to show.
EMBEDDED_ONLY = {
    "test_known_destination_is_kept_alive_by_its_traffic",
    "test_port_counters",
}

# 2,850 frames that differ in two bytes: a trace of a megabyte that shows nothing more.
NOT_RECORDED = {"test_every_checksum_survives_the_ttl_update"}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption(
        "--target",
        default="embedded",
        help="embedded (traces of bmv2, replayed), bmv2 (started here), or grpc://host:port",
    )
    group.addoption(
        "--port",
        action="append",
        default=[],
        metavar="NUMBER=INTERFACE",
        help="the interface that leads to a port of grpc://host:port; once a port",
    )
    group.addoption("--device-id", type=int, default=1, help="of grpc://host:port")
    group.addoption("--record", type=Path, help="write a trace of each test to this directory")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Real targets run the datapath's tests; on the embedded switch traces are replayed."""
    is_embedded = config.getoption("--target", "embedded") == "embedded"
    if collection_path.name in ("test_router.py", "test_record.py"):
        return True if is_embedded else None
    if collection_path.suffix == ".py" and collection_path.name.startswith("test_"):
        return None if is_embedded else True
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.name == "test_router.py" and _function(item) in EMBEDDED_ONLY:
            item.add_marker(pytest.mark.skip(reason="looks into the embedded switch"))


def _function(item: pytest.Item) -> str:
    return item.name.partition("[")[0]


def _is_recorded(request: pytest.FixtureRequest) -> bool:
    """Tell whether a test does the same each time; Hypothesis takes hints from all modules."""
    return _function(request.node) not in NOT_RECORDED and not is_hypothesis_test(request.function)


def _switches(config: pytest.Config) -> Callable[[], P4RuntimeSwitch]:
    target: str = config.getoption("--target")
    if target == "bmv2":
        try:
            installation = find_installation()
        except SimpleSwitchError as error:
            pytest.fail(str(error))
        return lambda: Bmv2Switch(installation)
    if not target.startswith(REMOTE):
        pytest.fail(f"--target {target}: embedded, bmv2, or grpc://host:port")
    pairs = [text.partition("=")[::2] for text in config.getoption("--port")]
    if not pairs:
        pytest.fail("--port NUMBER=INTERFACE says how each port of the target is reached")
    interfaces = {int(number): name for number, name in pairs}
    address, device_id = target.removeprefix(REMOTE), config.getoption("--device-id")
    return lambda: P4RuntimeSwitch(address, Interfaces(interfaces), device_id)


@pytest.fixture(autouse=True)
def scapy_counts_its_ivs(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are random else, and a recording would never be like the one before."""
    numbers = itertools.count(1)

    def generate(algorithm: CryptAlgo) -> bytes:
        return next(numbers).to_bytes(algorithm.iv_size, "big") if algorithm.iv_size else b""

    monkeypatch.setattr(CryptAlgo, "generate_iv", generate)


@pytest.fixture(scope="session")
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    pool = Pool(_switches(request.config))
    yield pool
    pool.close()


@pytest.fixture
def make_router(
    pool: Pool, request: pytest.FixtureRequest
) -> Iterator[Callable[[], P4RuntimeRouter]]:
    directory: Path | None = request.config.getoption("--record")
    recorders: list[Recorder] = []

    def make() -> P4RuntimeRouter:
        recorders.append(Recorder(pool.take()))
        return P4RuntimeRouter(recorders[-1])

    yield make
    if directory is not None and _is_recorded(request):
        for number, recorder in enumerate(recorders):
            module = request.function.__module__
            path = trace_path(directory, module, request.node.name, number)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{line}\n" for line in recorder.finish()))
    pool.take_all_back()


@pytest.fixture
def router(make_router):
    return make_router().set_up()


@pytest.fixture
def blank_router(make_router):
    return make_router()


@pytest.fixture
def ipsec_router(make_router):
    router = make_router().set_up(crypto_map=P4RuntimeRouter.CRYPTO_MAP)
    router.protect()
    return router
