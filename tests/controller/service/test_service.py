"""The service on one event loop, with a real embedded switch over gRPC."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bmv2.embedded.switch import EmbeddedSwitch
from bmv2.switch_options import SwitchOptions
from controller.config.loader import parse_config
from controller.p4runtime.channel import SwitchChannel
from controller.p4runtime.entities import PacketOut
from controller.policy.compile import compile_policy
from controller.router.router import Router
from controller.service.backend import ServiceBackend
from controller.service.clock import Clock
from controller.service.service import Service
from tests.simulation.topology import site


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Service, SwitchChannel, EmbeddedSwitch]]:
    with tempfile.TemporaryDirectory() as name:
        address = f"unix:{Path(name)}/s.sock"
        clock = Clock()
        policy = compile_policy(parse_config(site(1, peers={2: []}, optional=True)))
        router = Router(policy, now=clock.now(), wall_clock=clock.wall)
        channel = SwitchChannel(address)
        service = Service(router, channel, clock)
        async with EmbeddedSwitch(SwitchOptions(grpc_addresses=(address,))) as switch, channel:
            work = asyncio.create_task(service.run())
            await asyncio.wait_for(service.wait_ready(), 10)
            yield service, channel, switch
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)


async def test_pm10_off_reaches_the_switch_even_if_who_asked_goes_away():
    """A client that is interrupted must not leave the switch in the clear."""
    async with running() as (service, channel, switch):
        write, is_blocked, goes_on = channel.write, asyncio.Event(), asyncio.Event()

        async def slow(updates):
            is_blocked.set()
            await goes_on.wait()
            return await write(updates)

        channel.write = slow
        asked = asyncio.create_task(ServiceBackend(service, None).set_passive_mode(False))
        await is_blocked.wait()
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        goes_on.set()
        table = switch.datapath.program.tables["RouterIngress.passive_mode"]
        for _ in range(100):
            if table.default[1] == (0,):
                break
            await asyncio.sleep(0.05)
        assert table.default[1] == (0,)
        assert not service.router.passive.enabled


async def test_a_goodbye_to_many_peers_is_sent_before_the_connection_ends():
    """SIGTERM deletes the SAs at the peers, however many there are."""
    async with running() as (service, channel, switch):
        injected = []
        inject = switch.datapath.inject

        def counting(port, frame):
            injected.append(port)
            inject(port, frame)

        switch.datapath.inject = counting
        for _ in range(200):
            channel.send(PacketOut(bytes(60), interface_id=1))
        await service.shut_down(leave_sas=False)
        assert injected.count(switch.datapath.cpu_port) == 200
