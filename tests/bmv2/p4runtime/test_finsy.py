"""finsy, a client of another project, drives the server by name over gRPC."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from pathlib import Path

import finsy
import pytest
from google.protobuf import text_format

from bmv2.embedded.p4runtime.grpc_server import serve
from bmv2.embedded.p4runtime.service import P4RuntimeService


@pytest.fixture
def datapath(make_datapath):
    return make_datapath()


@pytest.fixture
def options(p4info, tmp_path: Path) -> finsy.SwitchOptions:
    """What finsy is to push: the pipeline, and a device config that the test's data plane reads."""
    (tmp_path / "p4info.txtpb").write_text(text_format.MessageToString(p4info))
    (tmp_path / "device_config").write_bytes(p4info.SerializeToString())
    return finsy.SwitchOptions(
        p4info=tmp_path / "p4info.txtpb", p4blob=tmp_path / "device_config", fail_fast=True
    )


@asynccontextmanager
async def serving(datapath):
    service = P4RuntimeService(datapath, device_id=1, clock_ns=time.monotonic_ns)
    server = await serve(service, ["127.0.0.1:0"], clock_ns=time.monotonic_ns)
    try:
        yield server.addresses[0]
    finally:
        await server.stop()


def route():
    return finsy.P4TableEntry(
        "route",
        match=finsy.P4TableMatch(prefix="10.0.0.0/8"),
        action=finsy.P4TableAction("via", interface_id=1, gateway=0xC00002FE),
    )


def policy():
    return finsy.P4TableEntry(
        "spd_out",
        match=finsy.P4TableMatch(crypto_map=1, source="10.0.0.0/8", source_port=(5, 9)),
        action=finsy.P4TableAction("protect", packet_type=3),
        priority=10,
    )


def known():
    return finsy.P4TableEntry(
        "clear_destinations",
        match=finsy.P4TableMatch(packet_type=3, destination="192.0.2.1"),
        action=finsy.P4TableAction("no_sa.known"),
        idle_timeout_ns=10**12,
    )


async def test_entries_written_by_name_are_read_back(datapath, options):
    async with serving(datapath) as address, finsy.Switch("s1", address, options) as switch:
        await switch.write([+route(), +policy(), +known()])
        found = {entry.table_id: entry async for entry in switch.read(finsy.P4TableEntry())}
        assert set(found) == {"route", "spd_out", "clear_destinations"}
        assert found["spd_out"].priority == 10
        assert found["clear_destinations"].idle_timeout_ns == 10**12
        await switch.write([-route(), -policy()])
        assert [e.table_id async for e in switch.read(finsy.P4TableEntry())] == [
            "clear_destinations"
        ]


async def test_refused_update_is_traced_to_its_entity(datapath, options):
    async with serving(datapath) as address, finsy.Switch("s1", address, options) as switch:
        with pytest.raises(finsy.P4ClientError) as failure:
            await switch.write([+route(), ~policy()])
        assert failure.value.is_not_found_only
        with pytest.raises(finsy.P4ClientError) as failure:
            await switch.write([+route(), +policy()])
        assert [error.canonical_code for error in failure.value.details.values()] == [
            finsy.GRPCStatusCode.ALREADY_EXISTS
        ]


async def test_counters_and_meters(datapath, options):
    async with serving(datapath) as address, finsy.Switch("s1", address, options) as switch:
        config = finsy.P4MeterConfig(cir=1, cburst=2, pir=3, pburst=4)
        await switch.write([~finsy.P4MeterEntry("punt_meter", index=1, config=config), +known()])
        found = [e async for e in switch.read(finsy.P4MeterEntry("punt_meter"))]
        assert [e.config for e in found] == [None, config, *[None] * 14]
        datapath.program.counters["RouterIngress.finish.drop_counter"].cells[5].packets = 9
        counters = [e async for e in switch.read(finsy.P4CounterEntry("drop_counter"))]
        assert {e.index: e.packet_count for e in counters if e.packet_count} == {5: 9}
        direct = [
            e async for e in switch.read(finsy.P4DirectCounterEntry("clear_destinations_counter"))
        ]
        assert [e.packet_count for e in direct] == [0]


async def test_packets_both_ways(datapath, options):
    async with serving(datapath) as address, finsy.Switch("s1", address, options) as switch:
        arrived: asyncio.Task[finsy.P4PacketIn] = asyncio.create_task(anext(switch.read_packets()))
        await switch.write([finsy.P4PacketOut(b"frame", interface_id=2, bypass_spd=1, padding=0)])
        while not datapath.injected:  # noqa: ASYNC110 - the data plane is not asynchronous
            await asyncio.sleep(0.001)
        assert datapath.injected == [(510, b"\x00\x02\x80frame")]
        datapath.on_cpu_packet(bytes.fromhex("04000100020003c0000201") + b"inner")
        packet = await asyncio.wait_for(arrived, 5)
        assert packet.payload == b"inner"
        assert packet.metadata == {
            "reason": 4,
            "interface_id": 1,
            "packet_type": 2,
            "sa_id": 3,
            "next_hop": 0xC0000201,
        }


async def test_digests_are_delivered_and_acknowledged(datapath, options):
    async with serving(datapath) as address, finsy.Switch("s1", address, options) as switch:
        entry = finsy.P4DigestEntry("clear_report_t", max_list_size=1, ack_timeout_ns=10**12)
        await switch.write([+entry])
        lists = switch.read_digests("clear_report_t")
        arrived = asyncio.create_task(anext(lists))
        await asyncio.sleep(0)
        datapath.on_digest("clear_report_t", (1, 0xC0000201, 0, 0, 0))
        first = await asyncio.wait_for(arrived, 5)
        assert [report["destination"] for report in first] == [0xC0000201]
        await switch.write([first.ack()])
        arrived = asyncio.create_task(anext(lists))
        for _ in range(500):
            datapath.on_digest("clear_report_t", (1, 0xC0000201, 0, 0, 0))
            if arrived.done():
                break
            await asyncio.sleep(0.01)
        assert (await arrived).list_id == first.list_id + 1


async def test_reconnecting_client_keeps_the_entries(datapath, options):
    """finsy finds the pipeline it wants and does not push it again."""
    async with serving(datapath) as address:
        async with finsy.Switch("s1", address, options) as switch:
            await switch.write([+route()])
        async with finsy.Switch("s1", address, options) as switch:
            assert [e.table_id async for e in switch.read(finsy.P4TableEntry())] == ["route"]


async def test_second_controller_is_backup_until_the_first_leaves(datapath, options):
    async with serving(datapath) as address, finsy.Switch("s1", address, options) as first:
        await first.write([+route()])
        async with finsy.Switch("s1", address, options) as second:
            # finsy lowers its election id where another client has it already.
            assert first.is_primary
            assert not second.is_primary
            with pytest.raises(finsy.P4ClientError):
                await second.write([+policy()])
