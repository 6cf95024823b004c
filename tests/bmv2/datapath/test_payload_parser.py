"""What comes out of an SA goes on in the same pass, just as if it had gone around once more."""

import json

from hypothesis import example, given, settings
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Raw

from bmv2.embedded.payload_parser import extract_ipv4
from p4src.artefacts import JSON_PATH
from tests.bmv2.inner_packets import inner_packets


def set_up(router):
    """An SA that takes the same packet again and again, and most of what is in it."""
    router.set_up(crypto_map=router.CRYPTO_MAP)
    router.protect()
    router.add_sa_in(anti_replay=0)
    for match in (
        {"protocol": (17, 0xFF), "destination_port": (0, 4500)},
        {"protocol": (6, 0xFF), "source_port": (1000, 2000)},
        {"protocol": (132, 0xFF), "later_fragment": (1, 1)},
        {"protocol": (50, 0xFF)},
        {"protocol": (1, 0xFF)},
        {"protocol": (4, 0xFF)},
    ):
        router.accept(source=(0, 0), destination=(0, 0), **match)
    return router


def without_parser() -> bytes:
    """The program as on a target that has no such extern: what is extracted stays 0."""
    document = json.loads(JSON_PATH.read_bytes())
    calls = 0
    for action in document["actions"]:
        kept = [p for p in action["primitives"] if p["op"] != "_PayloadParser_extract_ipv4"]
        calls += len(action["primitives"]) - len(kept)
        action["primitives"] = kept
    assert calls == 1
    return json.dumps(document).encode()


def test_same_as_going_around(blank_router):
    """Nobody sees a difference between a target that has the extern and one that has not."""
    parsing, going_around = blank_router, type(blank_router)()
    going_around.program = going_around.datapath.compile(without_parser())
    going_around.datapath.commit(going_around.program)
    set_up(parsing), set_up(going_around)
    answers = set()

    cut_esp = UDP(sport=4500, dport=4500, len=40) / Raw(b"\0" * 7)

    @settings(deadline=None, max_examples=400)
    @given(inner_packets())
    @example(bytes(IP(src="10.0.2.2", dst="10.0.1.2") / cut_esp))
    @example(bytes(IP(src="10.0.2.2", dst="10.0.1.2", frag=1) / TCP(sport=1234)))
    @example(bytes(IP(src="10.0.2.2", dst="10.0.1.2", frag=256) / TCP(sport=1234)))
    @example(bytes(IP(src="10.0.2.2", dst="10.0.1.2") / UDP(sport=1, dport=2) / Raw(b"x")))
    @example(bytes(IP(src="10.0.2.2", dst="10.0.1.1") / ICMP()))
    def compare(inner):
        answers.add(extract_ipv4(inner)[-1])
        seen = []
        for router in (parsing, going_around):
            router.inject(router.esp_from_peer(router.sealed(inner), tos=1), port=2)
            seen.append((router.take_sent(), router.take_punted(), router.drops()))
        assert seen[0] == seen[1]

    compare()
    assert answers == {0, 1}
