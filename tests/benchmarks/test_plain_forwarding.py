"""The program that ours is measured by is compiled from the source beside it, and forwards."""

from __future__ import annotations

import json

from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from benchmarks import plain_forwarding
from bmv2.embedded.datapath import EmbeddedDatapath
from bmv2.embedded.model import Entry
from p4src.compile import file_hash

FRAME = Ether(dst="02:00:00:00:00:01") / IP(src="10.0.1.2", dst="10.0.2.2", ttl=9) / UDP()


def forward(frame: Ether) -> list[tuple[int, bytes]]:
    sent: list[tuple[int, bytes]] = []
    datapath = EmbeddedDatapath(lambda: 0, on_transmit=lambda *out: sent.append(out))
    program = datapath.compile(plain_forwarding.JSON_PATH.read_bytes())
    datapath.commit(program)
    params = (2, 0x020000000002, 0x020000000202)
    entry = Entry(((0x0A000200, 24),), 0, "PlainIngress.forward", params)
    program.tables["PlainIngress.route"].insert(entry)
    datapath.inject(1, bytes(frame))
    return sent


def test_artefacts_were_made_from_this_source() -> None:
    manifest = json.loads(plain_forwarding.MANIFEST_PATH.read_text())
    for path in (
        plain_forwarding.SOURCE_PATH,
        plain_forwarding.JSON_PATH,
        plain_forwarding.P4INFO_PATH,
    ):
        assert manifest[path.name] == file_hash(path), "run `make p4`"


def test_packets_are_routed() -> None:
    ((port, frame),) = forward(FRAME)
    assert port == 2
    out = Ether(frame)
    assert (out.src, out.dst, out[IP].ttl) == ("02:00:00:00:00:02", "02:00:00:00:02:02", 8)
    assert (
        bytes(IP(bytes(out[IP])))[10:12]
        == bytes(IP(src="10.0.1.2", dst="10.0.2.2", ttl=8) / UDP())[10:12]
    )


def test_what_a_router_drops_is_dropped() -> None:
    for bad in ({"ttl": 1}, {"dst": "10.0.3.2"}, {"chksum": 1}):
        frame = FRAME.copy()
        for name, value in bad.items():
            setattr(frame[IP], name, value)
        assert forward(frame) == []
