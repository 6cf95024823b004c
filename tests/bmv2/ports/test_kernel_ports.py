"""Ports on network interfaces: AF_PACKET on a veth, and TAP."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
from pathlib import Path

import pytest

from bmv2.embedded.ports.packet_socket import PacketSocketPort
from bmv2.embedded.ports.port import PortError
from bmv2.embedded.ports.tap import TapPort

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: opens network interfaces")


@contextlib.contextmanager
def opened(*ports):
    try:
        yield ports
    finally:
        for port in ports:
            port.close()


def remove(interface: str) -> None:
    subprocess.run(["ip", "link", "del", interface], check=True)


def mtu_of(interface: str) -> int:
    return int(Path(f"/sys/class/net/{interface}/mtu").read_text())


def wire(one, other):
    one.on_receive, other.on_receive = other.send, one.send


async def transfer(client_host, server_host, data: bytes) -> bytes:
    """Send over TCP from one host to the other; what arrived."""
    listener = server_host.socket(socket.AF_INET, socket.SOCK_STREAM)
    client = client_host.socket(socket.AF_INET, socket.SOCK_STREAM)
    loop = asyncio.get_running_loop()
    with listener, client:
        for each in (listener, client):
            each.setblocking(False)
        listener.bind(("0.0.0.0", 0))
        listener.listen()
        received = bytearray()

        async def serve() -> None:
            accepted, _ = await loop.sock_accept(listener)
            with accepted:
                while chunk := await loop.sock_recv(accepted, 65536):
                    received.extend(chunk)

        serving = asyncio.create_task(serve())
        await loop.sock_connect(client, (server_host.address, listener.getsockname()[1]))
        await loop.sock_sendall(client, data)
        client.shutdown(socket.SHUT_WR)
        await asyncio.wait_for(serving, 20)
    return bytes(received)


@root
async def test_bulk_tcp_between_hosts_whose_offloads_are_on(hosts):
    """Partial checksums and 64 kB segments come out as frames that the other host accepts."""
    left, right = hosts
    data = os.urandom(1 << 20)
    with opened(PacketSocketPort(1, left.outside), PacketSocketPort(2, right.outside)) as ports:
        wire(*ports)
        longest = 0
        forward = ports[0].on_receive

        def measure(frame: bytes) -> None:
            nonlocal longest
            longest = max(longest, len(frame))
            forward(frame)

        ports[0].on_receive = measure
        assert await transfer(left, right, data) == data
        assert longest <= 1514
        assert [port.receive_failures for port in ports] == [0, 0]


@root
async def test_udp_to_an_address_that_is_not_ours_is_seen(hosts):
    """Promiscuous, and what we send ourselves does not come back."""
    left, _ = hosts
    with opened(PacketSocketPort(1, left.outside)) as (port,):
        frames = asyncio.Queue()
        port.on_receive = frames.put_nowait
        ours = bytes.fromhex("0200000000aa 0200000000bb 88b5") + b"from us" + bytes(40)
        port.send(ours)
        sender = left.socket(socket.AF_PACKET, socket.SOCK_RAW)
        with sender:
            sender.bind(("eth0", 0))
            theirs = bytes.fromhex("0200000000cc 0200000000dd 88b5") + b"to another" + bytes(40)
            sender.send(theirs)
        seen = []
        while theirs not in seen:
            seen.append(await asyncio.wait_for(frames.get(), 5))
        assert ours not in seen


@root
async def test_vlan_tag_is_kept(hosts):
    left, _ = hosts
    with opened(PacketSocketPort(1, left.outside)) as (port,):
        frames = asyncio.Queue()
        port.on_receive = frames.put_nowait
        sender = left.socket(socket.AF_PACKET, socket.SOCK_RAW)
        tagged = bytes.fromhex("0200000000cc 0200000000dd 8100 0007 88b5") + bytes(46)
        with sender:
            sender.bind(("eth0", 0))
            sender.send(tagged)
        while await asyncio.wait_for(frames.get(), 5) != tagged:
            pass


@root
async def test_frame_beyond_the_mtu_is_counted_and_dropped(hosts):
    with opened(PacketSocketPort(1, hosts[0].outside)) as (port,):
        port.send(bytes(2000))
        assert port.send_failures == 1
        port.close()
        port.close()
        port.send(bytes(64))
        assert port.send_failures == 2


@root
async def test_missing_interface_is_named():
    with pytest.raises(PortError, match="port 9: interface veth9none does not exist"):
        PacketSocketPort(9, "veth9none")


@root
async def test_interface_that_is_down_is_named(hosts):
    hosts[0].take_down()
    with pytest.raises(PortError, match=f"ip link set {hosts[0].outside} up"):
        PacketSocketPort(1, hosts[0].outside)


@root
async def test_flood_leaves_time_for_others(hosts):
    """One wake-up takes in a bounded number of frames."""
    left, _ = hosts
    with opened(PacketSocketPort(1, left.outside)) as (port,):
        count = 0

        def receive(frame: bytes) -> None:
            nonlocal count
            count += frame[12:14] == b"\x88\xb5"

        port.on_receive = receive
        sender = left.socket(socket.AF_PACKET, socket.SOCK_RAW)
        with sender:
            sender.bind(("eth0", 0))
            for _ in range(1000):
                sender.send(bytes(12) + b"\x88\xb5" + bytes(46))
        turns = 0
        while count < 1000:
            before = count
            await asyncio.sleep(0)
            turns += 1
            assert count - before <= 64
            assert turns < 100_000
        assert turns >= 1000 // 64


@root
async def test_tap_is_an_interface_of_this_machine():
    """ARP for an address behind the TAP leaves by it, and the answer is believed."""
    name = f"tp{os.getpid()}"
    with opened(TapPort(3, name, mtu=1400)) as (port,):
        assert mtu_of(name) == 1400
        frames = asyncio.Queue()
        port.on_receive = frames.put_nowait
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        out = bytes.fromhex("0200000000cc 0200000000dd 88b5") + bytes(46)
        with sender:
            sender.bind((name, 0x88B5))
            sender.settimeout(5)
            sender.send(out)
            while await asyncio.wait_for(frames.get(), 5) != out:
                pass
            listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88B5))
            with listener:
                listener.bind((name, 0x88B5))
                listener.settimeout(5)
                back = bytes.fromhex("0200000000dd 0200000000cc 88b5") + b"back" + bytes(42)
                port.send(back)
                assert listener.recv(2000) == back
        with pytest.raises(PortError, match="in use"):
            TapPort(4, name)
    assert name not in [interface for _, interface in socket.if_nameindex()]


@root
async def test_tap_that_somebody_removes_is_given_up(caplog):
    name = f"tr{os.getpid()}"
    with opened(TapPort(3, name)) as (port,):
        remove(name)
        while "is gone" not in caplog.text:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.001)
        told = caplog.text
        port.send(bytes(64))
        await asyncio.sleep(0)
        assert port.send_failures == 1
        assert caplog.text == told


async def test_without_rights_the_message_says_which_are_missing(monkeypatch):
    def refuse(*_args, **_options):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(PortError, match="CAP_NET_RAW"):
        PacketSocketPort(1, "eth0")
