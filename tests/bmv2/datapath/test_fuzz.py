"""Everything from the network is hostile: no frame makes the switch raise, or vanish uncounted."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.ipsec import ESP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

from bmv2.embedded import esp

shared = settings(
    max_examples=2 * settings.default.max_examples,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
PORTS = st.sampled_from([0, 1, 2, 3, 510])


@pytest.fixture
def busy_router(ipsec_router):
    """Every table has something in it."""
    router = ipsec_router
    router.set_passive_mode(True)
    router.protect(6, priority=20, protocol=(6, 0xFF))
    router.add("no_sa", "clear", {"packet_type": 6})
    router.add_sa_out()
    router.add_sa_in()
    router.accept()
    return router


def seeds(router):
    ether = Ether(src=router.HOST_MAC[2], dst=router.MAC[2])
    to_us = IP(src="192.0.2.2", dst="192.0.2.1")
    packets = [
        router.outbound(),
        router.inbound(),
        router.outbound(dst="10.0.1.1"),
        ether / ARP(pdst="192.0.2.1"),
        ether / to_us / ICMP(),
        ether / to_us / UDP(sport=500, dport=500) / Raw(b"\0" * 28),
        ether / to_us / UDP(sport=4500, dport=4500) / Raw(b"\xff"),
        ether / to_us / UDP(sport=4500, dport=4500) / ESP(spi=0x2002, seq=1, data=b"\0" * 60),
        ether / to_us / ESP(spi=0x2002, seq=1, data=b"\0" * 60),
        ether / IP(src="10.0.2.2", dst="10.0.1.2") / TCP(),
        Raw(b"\0\2\0") / router.outbound(),
    ]
    return [bytes(packet) for packet in packets]


def totals(router):
    counters = router.datapath.port_counters.values()
    received = sum(counter.received.packets for counter in counters)
    gone = sum(counter.transmitted.packets + counter.dropped.packets for counter in counters)
    return received, gone


@shared
@given(port=PORTS, frame=st.binary(max_size=300))
def test_noise(busy_router, port, frame):
    busy_router.datapath.inject(port, frame)
    received, gone = totals(busy_router)
    assert received == gone


@pytest.fixture
def frames(busy_router):
    return seeds(busy_router)


@shared
@given(data=st.data(), port=PORTS)
def test_mutated_frames(busy_router, frames, data, port):
    frame = bytearray(data.draw(st.sampled_from(frames)))
    for _ in range(data.draw(st.integers(0, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(frame)) | st.just(len(frame)))
    busy_router.datapath.inject(port, bytes(frame[:cut]))
    received, gone = totals(busy_router)
    assert received == gone


@shared
@given(plaintext=st.binary(max_size=80), sequence=st.integers(0, 2**32 - 1))
def test_authentic_nonsense(busy_router, plaintext, sequence):
    """Even from a peer that holds the key."""
    _, payload = esp.encapsulate(
        plaintext,
        **busy_router.ALGORITHMS,
        key=busy_router.KEY,
        salt=busy_router.SALT,
        spi=0x2002,
        sequence_number=sequence,
        iv=0,
    )
    header = IP(src="192.0.2.2", dst="192.0.2.1", proto=50)
    packet = busy_router.from_peer() / header / ESP(spi=0x2002, seq=sequence, data=payload)
    busy_router.inject(packet, port=2)
    assert busy_router.sent == []


def test_every_truncation(busy_router, frames):
    for frame in frames:
        for length in range(len(frame)):
            for port in (1, 2, 510):
                busy_router.datapath.inject(port, frame[:length])
    received, gone = totals(busy_router)
    assert received == gone


@pytest.mark.parametrize("length", [1514, 9014, 65535, 65536, 70_000, 200_000])
def test_jumbo_frames(busy_router, length):
    frame = bytes(busy_router.outbound()).ljust(length, b"\0")
    busy_router.inject(frame)
    assert totals(busy_router) == (1, 1)


def test_largest_packet_that_claims_its_length(router):
    packet = router.outbound(payload=b"x" * (65535 - 28), dst="192.0.2.2")
    router.inject(packet)
    assert router.drops() == {26: 1}
