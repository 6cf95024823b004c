"""Clients of other projects drive the embedded switch: p4runtime-shell and finsy."""

import asyncio
import json
import os
import subprocess
from pathlib import Path

import finsy
import pytest
from scapy.layers.l2 import ARP, Ether

from bmv2.embedded.ports.link import link
from bmv2.embedded.switch import EmbeddedSwitch
from bmv2.switch_options import SwitchOptions
from p4src.artefacts import JSON_PATH, P4INFO_PATH

REPOSITORY = Path(__file__).parents[3]
VENV_STAMP = ".venv-shell/.installed"
SESSION = Path(__file__).with_name("shell_session.py")
SECONDS_TO_INSTALL = 180
SECONDS_TO_ANSWER = 60

OPTIONS = SwitchOptions(grpc_addresses=("127.0.0.1:0",))
ARP_REQUEST = bytes(Ether(dst="ff:ff:ff:ff:ff:ff", src="02:00:00:00:00:02") / ARP(pdst="10.0.0.1"))
STRANGER = bytes(Ether(dst="02:00:00:00:00:77", src="02:00:00:00:00:02", type=0x800))


def answering_host():
    """A port of the switch, and what its host received, which it answers with ARP and a stray."""
    port, host = link((1, "switch"), (1, "host"))
    received: list[bytes] = []

    def answer(frame: bytes) -> None:
        received.append(frame)
        host.send(STRANGER)
        host.send(ARP_REQUEST)

    host.on_receive = answer
    return port, received


@pytest.fixture(scope="module")
def shell_python() -> Path:
    """The Python of p4runtime-shell's venv, which is made if it is not there."""
    made = subprocess.run(
        ["make", VENV_STAMP],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=SECONDS_TO_INSTALL,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"p4runtime-shell cannot be installed: {made.stderr.strip()[-200:]}")
    return REPOSITORY / ".venv-shell" / "bin" / "python"


@pytest.mark.slow
async def test_p4runtime_shell(shell_python):
    port, received = answering_host()
    async with EmbeddedSwitch(OPTIONS, extra_ports=(port,)) as switch:
        process = await asyncio.create_subprocess_exec(
            shell_python, SESSION, switch.addresses[0], P4INFO_PATH, JSON_PATH,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"},
        )  # fmt: skip
        try:
            out, err = await asyncio.wait_for(process.communicate(), SECONDS_TO_ANSWER)
        except TimeoutError:
            process.kill()
            raise
    assert process.returncode == 0, err.decode()
    got = json.loads(out.splitlines()[-1])
    assert "ALREADY_EXISTS" in got["insert again"]
    assert got["read"] == [[10, "0a000000", "ff000000", ["05"]]]
    assert got["read after delete"] == 0
    assert received == [b"\x02" * 14 + b"from the shell"]
    assert got["packet in"] == ARP_REQUEST.hex()
    assert got["metadata"]["2"] == "07"
    assert got["counter"] == [1, len(STRANGER)]
    assert got["meter"] == [1, 2, 3, 4]


async def test_finsy_controller():
    """A controller with a ready handler: it configures the switch, and hears of a packet."""
    port, received = answering_host()
    heard: asyncio.Future[finsy.P4PacketIn] = asyncio.get_running_loop().create_future()

    async def ready(switch: finsy.Switch) -> None:
        packets = asyncio.create_task(anext(switch.read_packets()))
        await asyncio.sleep(0)
        await switch.write(
            [
                +finsy.P4TableEntry(
                    "ingress_interface",
                    match=finsy.P4TableMatch(port=1),
                    action=finsy.P4TableAction(
                        "set_ingress_interface",
                        interface_id=7,
                        mac_address="02:00:00:00:00:01",
                        crypto_map=0,
                    ),
                ),
                +finsy.P4TableEntry(
                    "egress_interface",
                    match=finsy.P4TableMatch(interface_id=7),
                    action=finsy.P4TableAction(
                        "set_egress_interface", port=1, mtu=1500, crypto_map=0
                    ),
                ),
            ]
        )
        # On its own: finsy sends packets before the entries of the same call.
        frame = b"\x02" * 14 + b"finsy"
        await switch.write([finsy.P4PacketOut(frame, interface_id=7, bypass_spd=0, padding=0)])
        heard.set_result(await packets)

    async with EmbeddedSwitch(OPTIONS, extra_ports=(port,)) as embedded:
        options = finsy.SwitchOptions(
            p4info=P4INFO_PATH, p4blob=JSON_PATH, ready_handler=ready, fail_fast=True
        )
        switch = finsy.Switch("s1", embedded.addresses[0], options)
        async with finsy.Controller([switch]):
            packet = await asyncio.wait_for(heard, 10)
            cells = [c async for c in switch.read(finsy.P4CounterEntry("drop_counter", index=1))]
    assert packet.payload == ARP_REQUEST
    assert packet["interface_id"] == 7
    assert received == [b"\x02" * 14 + b"finsy"]
    assert [(c.packet_count, c.byte_count) for c in cells] == [(1, len(STRANGER))]
