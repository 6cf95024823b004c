"""The demo's own judges: the tap on the core, the tally of a flow, and the verdict."""

from __future__ import annotations

import asyncio
import io
from ipaddress import IPv4Address

import pytest
from rich.console import Console
from scapy.layers.inet import IP, UDP
from scapy.layers.ipsec import ESP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

from bmv2.embedded.ports.link import Wire, link
from controller.service.clock import Clock
from demo.core import Core, Kind
from demo.host import Host
from demo.narrator import Narrator
from demo.report import Check, Report, StepReport
from demo.traffic import Schedule, Tally, Traffic

A, B = IPv4Address("10.1.0.2"), IPv4Address("10.2.0.2")


def ip(payload):
    return bytes(Ether(dst="ff:ff:ff:ff:ff:ff") / IP(src="10.0.0.1", dst="10.0.0.2") / payload)


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (bytes(Ether() / ARP()), Kind.OTHER),
        (b"\x00" * 5, Kind.OTHER),
        (ip(ESP(spi=0x1234, seq=1, data=b"x" * 32)), Kind.ESP),
        (ip(UDP(sport=500, dport=500) / Raw(b"ike")), Kind.IKE),
        (ip(UDP(sport=4500, dport=4500) / Raw(b"\0\0\0\0ike")), Kind.IKE),
        (ip(UDP(sport=4500, dport=4500) / Raw(b"\0\0\x12\x34esp")), Kind.ESP),
        (ip(UDP(sport=4000, dport=7000) / Raw(b"plain")), Kind.CLEAR),
        (ip(Raw(b"no UDP"))[:23] + b"\x06" + ip(Raw(b"no UDP"))[24:], Kind.OTHER),  # checksum
    ],
)
def test_tap_tells_esp_ike_and_clear_apart(frame, kind):
    """RFC 3948 §2.2: the non-ESP marker tells IKE from ESP on port 4500."""
    core = Core(Wire(), lambda: 3.0)
    readable = []
    core.on_clear = readable.append
    router = core.attach(2, "R1")
    router.send(frame)
    assert [seen.kind for seen in core.seen] == [kind]
    assert readable == ([b"plain"] if kind is Kind.CLEAR else [])
    if kind not in (Kind.OTHER,):
        assert core.select(kind, source=IPv4Address("10.0.0.1"))
        assert not core.select(kind, source=IPv4Address("10.0.0.2"))


def test_core_is_a_hub():
    core = Core(Wire(), lambda: 0.0)
    routers = [core.attach(2, f"R{n}") for n in (1, 2, 3)]
    got = {router.name: [] for router in routers}
    for router in routers:
        router.on_receive = got[router.name].append
    routers[1].send(b"frame")
    assert got == {"R1": [b"frame"], "R2": [], "R3": [b"frame"]}


class Gateway:
    """Joins two hosts; `carry` decides what becomes of each packet."""

    def __init__(self, wire: Wire) -> None:
        self.ends, self.hosts = [], []
        for number, address in enumerate((A, B), 1):
            mine, theirs = link((number, ""), (0, ""), wire)
            gateway = IPv4Address(f"10.{number}.0.1")
            self.hosts.append(Host(f"host{number}", address, gateway, number, theirs))
            self.ends.append(mine)
        for end, host in zip(self.ends, self.hosts, strict=True):
            end.on_receive = lambda frame, end=end, host=host: end.send(
                bytes(
                    Ether(dst=host_mac(host), src="02:00:00:00:00:99")
                    / ARP(
                        op=2,
                        hwsrc="02:00:00:00:00:99",
                        psrc=str(host.address)[:-1] + "1",
                        pdst=str(host.address),
                    )
                )
            )
            host.ask_for_gateway()
            assert host.has_gateway


def host_mac(host):
    return f"00:00:00:00:00:0{host.name[-1]}"


async def test_flow_tells_what_became_of_each_packet():
    """Even numbers arrive, every fourth in the clear; the rest is lost."""
    wire = Wire()
    clock = Clock(1000)
    core = Core(wire, clock.now)
    gateway = Gateway(wire)
    router, _ = core.attach(2, "R1"), core.attach(2, "R2")
    count = 0

    def carry(frame):
        nonlocal count
        number, count = count, count + 1
        if number % 2:
            return
        if number % 4 == 0:
            router.send(frame)
        gateway.ends[1].send(bytes.fromhex(host_mac(gateway.hosts[1]).replace(":", "")) + frame[6:])

    gateway.ends[0].on_receive = carry
    traffic = Traffic(clock, core)
    flow = traffic.start(*gateway.hosts, Schedule(period=1, burst=4))
    await asyncio.sleep(0.01)
    await traffic.stop()
    tally = flow.tally()
    assert tally.sent >= 4
    assert tally.sent == len(flow.sent)
    assert tally.dropped == tally.sent // 2
    assert tally.clear == tally.encrypted == tally.sent // 4
    assert flow.tally(start=tally.sent - 4) == Tally(sent=4, dropped=2, clear=1, encrypted=1)
    assert flow.clear() == list(range(0, tally.sent, 4))
    assert flow.encrypted() == list(range(2, tally.sent, 4))


class TestVerdict:
    def report(self, *outcomes: bool) -> Report:
        step = StepReport(1, "a step", checks=[Check("a check", ok) for ok in outcomes])
        return Report(1.0, [step])

    def test_all_have_to_pass(self):
        assert self.report(True, True).ok
        assert not self.report(True, False).ok

    def test_nothing_checked_is_not_ok(self):
        assert not self.report().ok


def test_story_is_ascii_where_the_terminal_is():
    raw = io.BytesIO()
    console = Console(file=io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    Narrator(console).checks([Check("R1 → R2", True), Check("R2 → R1", False, "…")])
    assert raw.getvalue().decode("ascii").split("\n") == [
        "   ok R1 -> R2",
        "   FAILED R2 -> R1",
        "       found: ...",
        "",
    ]
