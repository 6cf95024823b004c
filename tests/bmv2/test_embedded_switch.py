"""The embedded switch as a whole: the project's pipeline, in-memory ports, finsy over gRPC."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import finsy
import pytest
from finsy.proto import p4i
from google.protobuf import text_format
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import Ether

from bmv2.embedded.p4runtime.grpc_server import ServeError
from bmv2.embedded.ports.link import link
from bmv2.embedded.ports.port import PortError
from bmv2.embedded.switch import EmbeddedSwitch, run
from bmv2.switch_options import OptionsError, PortSpec, SwitchOptions

BUILD = Path(__file__).parents[2] / "p4src" / "build"
OPTIONS = SwitchOptions(grpc_addresses=("127.0.0.1:0",))

CONTROLLER = finsy.SwitchOptions(
    p4info=BUILD / "p4ipsec.p4info.txtpb", p4blob=BUILD / "p4ipsec.json", fail_fast=True
)
P4INFO = text_format.Parse((BUILD / "p4ipsec.p4info.txtpb").read_text(), p4i.P4Info())
MAC = {1: 0x0200_0000_0001, 2: 0x0200_0000_0002}
HOST = {1: 0x0200_0000_0011, 2: 0x0200_0000_0012}


def action(name: str, **values: object) -> finsy.P4TableAction:
    """An action with these parameters, and 0 for all others that it has."""
    (info,) = (a for a in P4INFO.actions if a.preamble.alias == name)
    defaults: dict[str, object] = {param.name: 0 for param in info.params}
    known = {key: value for key, value in values.items() if key in defaults}
    return finsy.P4TableAction(name, **{**defaults, **known})


def routes() -> list[object]:
    """Two interfaces, each with one network and one neighbour, and no crypto map."""
    entries: list[object] = []
    for port in (1, 2):
        entries += [
            +finsy.P4TableEntry(
                "ingress_interface",
                match=finsy.P4TableMatch(port=port),
                action=action("set_ingress_interface", interface_id=port, mac_address=MAC[port]),
            ),
            +finsy.P4TableEntry(
                "egress_interface",
                match=finsy.P4TableMatch(interface_id=port),
                action=action("set_egress_interface", port=port, mac_address=MAC[port], mtu=1500),
            ),
            +finsy.P4TableEntry(
                "route",
                match=finsy.P4TableMatch(prefix=f"10.0.{port}.0/24"),
                action=action("connected", interface_id=port),
            ),
            +finsy.P4TableEntry(
                "neighbor",
                match=finsy.P4TableMatch(interface_id=port, next_hop=f"10.0.{port}.7"),
                action=action(
                    "set_neighbor", port=port, mac_address=HOST[port], source_mac_address=MAC[port]
                ),
            ),
        ]
    return entries


def ping(source: int, target: int) -> bytes:
    return bytes(
        Ether(src=mac(HOST[source]), dst=mac(MAC[source]))
        / IP(src=f"10.0.{source}.7", dst=f"10.0.{target}.7", ttl=64)
        / ICMP()
    )


def mac(number: int) -> str:
    return number.to_bytes(6, "big").hex(":")


async def test_finsy_programs_a_router_that_forwards():
    (outside1, inside1), (outside2, inside2) = (
        link((0, f"host{n}"), (n, f"s1-eth{n}")) for n in (1, 2)
    )
    arrived: list[bytes] = []
    outside2.on_receive = arrived.append
    async with (
        EmbeddedSwitch(OPTIONS, extra_ports=[inside1, inside2]) as switch,
        finsy.Switch("s1", switch.addresses[0], CONTROLLER) as controller,
    ):
        outside1.send(ping(1, 2))
        assert arrived == []
        await controller.write(routes())
        outside1.send(ping(1, 2))
        (frame,) = arrived
        packet = Ether(frame)
        assert (packet.src, packet.dst) == (mac(MAC[2]), mac(HOST[2]))
        assert packet[IP].ttl == 63
        assert {port.number for port in switch.ports} == {1, 2}
    outside1.send(ping(1, 2))
    assert len(arrived) == 1
    assert outside1.send_failures == 1


async def test_controller_that_comes_back_finds_the_router_as_it_left_it():
    async with EmbeddedSwitch(OPTIONS) as switch:
        async with finsy.Switch("s1", switch.addresses[0], CONTROLLER) as controller:
            await controller.write(routes())
        async with finsy.Switch("s1", switch.addresses[0], CONTROLLER) as controller:
            entries = [entry async for entry in controller.read(finsy.P4TableEntry())]
            assert len(entries) == len(routes())


async def test_run_until_told_to_stop(tmp_path):
    stop = asyncio.Event()
    socket = tmp_path / "s1.sock"
    running = asyncio.create_task(run(SwitchOptions(grpc_addresses=(f"unix:{socket}",)), stop))
    async with asyncio.timeout(10):
        while not os.path.exists(socket):  # noqa: ASYNC110, ASYNC240 - nothing tells when it is there
            await asyncio.sleep(0.01)
        async with finsy.Switch("s1", f"unix:{socket}", CONTROLLER) as controller:
            await controller.write(routes())
        stop.set()
        await running
    assert not socket.exists()


async def test_failed_start_closes_what_was_opened():
    outside, inside = link((0, "host"), (1, "s1-eth1"))
    options = SwitchOptions(grpc_addresses=("127.0.0.1:0", "unix:/no/such/folder"))
    with pytest.raises(ServeError, match="unix:/no/such/folder"):
        await EmbeddedSwitch(options, extra_ports=[inside]).__aenter__()
    outside.send(b"x")
    assert outside.send_failures == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: opens a network interface")
async def test_interface_that_is_not_there_is_an_error_at_the_start():
    options = SwitchOptions(grpc_addresses=("127.0.0.1:0",), ports=(PortSpec(1, "veth9none"),))
    with pytest.raises(PortError, match="does not exist"):
        await EmbeddedSwitch(options).__aenter__()


async def test_port_number_that_is_taken_is_refused():
    _, one = link((0, "a"), (1, "b"))
    _, other = link((0, "c"), (1, "d"))
    with pytest.raises(OptionsError, match="port 1 is in use"):
        await EmbeddedSwitch(OPTIONS, extra_ports=[one, other]).__aenter__()
