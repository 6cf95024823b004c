"""Asks a real target, and writes its answers down (``--target bmv2 --record DIRECTORY``)."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from bmv2.simple_switch import find_installation
from tests.conformance.bmv2_switch import Bmv2Process
from tests.conformance.client import DEVICE_ID, SECONDS_TO_ANSWER
from tests.conformance.dataplane import DataPlane
from tests.conformance.p4runtime.run import GROUPS, answers, path, read, write
from tests.conformance.p4runtime.world import GrpcWorld, World


@pytest.fixture
def fresh_world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.config.getoption("--target") != "bmv2":
        pytest.skip("each group wants a switch that has just begun, which only bmv2 can be here")
    process = Bmv2Process(find_installation())
    with grpc.insecure_channel(process.address) as channel:
        grpc.channel_ready_future(channel).result(SECONDS_TO_ANSWER)
    world = GrpcWorld(process.address, DataPlane(process.frames, DEVICE_ID), process.close)
    yield world
    world.close()


@pytest.mark.parametrize("group", GROUPS)
def test_group(fresh_world: World, group: str, request: pytest.FixtureRequest) -> None:
    found = answers(GROUPS[group], fresh_world)
    directory: Path | None = request.config.getoption("--record")
    if directory is None:
        assert found == read(path(group))
    else:
        write(found, path(group, directory))
