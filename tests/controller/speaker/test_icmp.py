"""ICMP of the router (RFC 792, RFC 1122 §3.2.2, RFC 1812 §4.3)."""

from ipaddress import IPv4Address, IPv4Interface

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from controller.policy.model import Interface
from controller.speaker import icmp
from controller.speaker.errors import PacketError
from controller.speaker.token_bucket import TokenBucket

OURS = IPv4Address("10.0.0.1")
HOST = "10.0.0.9"
FAR = "172.16.0.5"

INTERFACES = (
    Interface(1, "Ethernet0", 0, 0x020000000001, IPv4Interface("10.0.0.1/24"), 1500, None, 0),
)


def frame(packet: object, destination: str = "02:00:00:00:00:01") -> bytes:
    return bytes(Ether(dst=destination, src="02:00:00:00:00:09") / packet)


def test_echo_request_is_answered() -> None:
    request = IP(src=HOST, dst=str(OURS), tos=0xB8) / ICMP(id=7, seq=3) / (b"x" * 1000)
    reply = icmp.echo_reply(frame(request))
    assert reply is not None
    assert reply.interface_id == 0
    assert not reply.bypass_spd  # the policy applies to it
    scapy = Ether(reply.frame)
    assert (scapy[IP].src, scapy[IP].dst) == (str(OURS), HOST)
    assert (scapy[ICMP].type, scapy[ICMP].id, scapy[ICMP].seq) == (0, 7, 3)
    assert scapy[IP].tos == 0xB8
    assert bytes(scapy[Raw]) == b"x" * 1000


@pytest.mark.parametrize(
    "packet",
    [
        IP(src=HOST, dst=str(OURS)) / ICMP(type=0),
        IP(src=HOST, dst=str(OURS)) / ICMP(type=8, code=1),
        IP(src=HOST, dst=str(OURS), flags="MF") / ICMP(),
        IP(src="224.0.0.1", dst=str(OURS)) / ICMP(),
        IP(src=HOST, dst=str(OURS)) / ICMP() / (b"x" * 9001),
        IP(src=HOST, dst=str(OURS)) / UDP(),
    ],
)
def test_what_is_no_answerable_echo_request_gets_no_reply(packet: object) -> None:
    assert icmp.echo_reply(frame(packet)) is None


def test_ttl_expired_is_told_to_the_sender() -> None:
    packet = IP(src=HOST, dst=FAR, ttl=1, id=77) / UDP(sport=1, dport=2) / (b"y" * 2000)
    error = icmp.time_exceeded(frame(packet), OURS, INTERFACES)
    assert error is not None
    assert (error.interface_id, error.bypass_spd) == (0, False)
    scapy = Ether(error.frame)
    assert (scapy[IP].src, scapy[IP].dst) == (str(OURS), HOST)
    assert (scapy[ICMP].type, scapy[ICMP].code) == (11, 0)
    assert len(error.frame) == 14 + 576  # RFC 1812 §4.3.2.3
    assert scapy[IP].tos >> 5 == 6  # RFC 1812 §4.3.2.5
    quoted = bytes(scapy[ICMP].payload)
    assert bytes(packet).startswith(quoted)


def test_short_packet_is_quoted_whole_and_without_padding() -> None:
    packet = IP(src=HOST, dst=FAR, ttl=1) / UDP(sport=1, dport=2)
    error = icmp.time_exceeded(frame(packet) + bytes(18), OURS, INTERFACES)
    assert error is not None
    assert bytes(Ether(error.frame)[ICMP].payload) == bytes(packet)


@pytest.mark.parametrize(("mtu", "told"), [(1400, 1400), (0, 68), (70000, 65535)])
def test_next_hop_mtu_is_told(mtu: int, told: int) -> None:
    """RFC 1191 §4: in the low half of the second word."""
    packet = IP(src=HOST, dst=FAR, flags="DF") / UDP() / (b"y" * 1460)
    error = icmp.fragmentation_needed(frame(packet), OURS, mtu, INTERFACES)
    assert error is not None
    message = Ether(error.frame)[ICMP]
    assert (message.type, message.code, message.nexthopmtu) == (3, 4, told)


def test_host_that_does_not_answer_is_unreachable() -> None:
    error = icmp.host_unreachable(frame(IP(src=HOST, dst=FAR) / UDP()), OURS, INTERFACES)
    assert error is not None
    assert (Ether(error.frame)[ICMP].type, Ether(error.frame)[ICMP].code) == (3, 1)


@pytest.mark.parametrize(
    ("packet", "destination"),
    [
        pytest.param(IP(src=HOST, dst=FAR) / ICMP(type=kind), None, id=f"icmp-{kind}")
        for kind in (3, 4, 5, 11, 12, 40)
    ]
    + [
        pytest.param(IP(src=HOST, dst=FAR, frag=3) / UDP(), None, id="later-fragment"),
        pytest.param(IP(src=HOST, dst=FAR, proto=1), None, id="icmp-without-a-type"),
        pytest.param(IP(src="224.0.0.5", dst=FAR) / UDP(), None, id="multicast-source"),
        pytest.param(IP(src="255.255.255.255", dst=FAR) / UDP(), None, id="broadcast-source"),
        pytest.param(IP(src="10.0.0.255", dst=FAR) / UDP(), None, id="subnet-broadcast-source"),
        pytest.param(IP(src="0.0.0.0", dst=FAR) / UDP(), None, id="no-source"),
        pytest.param(IP(src="127.0.0.1", dst=FAR) / UDP(), None, id="loopback-source"),
        pytest.param(IP(src=HOST, dst="224.0.0.5") / UDP(), None, id="multicast-destination"),
        pytest.param(IP(src=HOST, dst="10.0.0.255") / UDP(), None, id="broadcast-destination"),
        pytest.param(IP(src="10.0.0.1", dst=FAR) / UDP(), None, id="our-own-packet"),
        pytest.param(IP(src=HOST, dst=FAR) / UDP(), "ff:ff:ff:ff:ff:ff", id="link-broadcast"),
        pytest.param(IP(src=HOST, dst=FAR) / UDP(), "01:00:5e:00:00:05", id="link-multicast"),
    ],
)
def test_no_error_about_what_must_not_be_answered(packet: object, destination: str | None) -> None:
    """RFC 1812 §4.3.2.7."""
    data = frame(packet, destination or "02:00:00:00:00:01")
    assert icmp.time_exceeded(data, OURS, INTERFACES) is None
    assert icmp.fragmentation_needed(data, OURS, 1400, INTERFACES) is None
    assert icmp.host_unreachable(data, OURS, INTERFACES) is None


def test_error_about_an_echo_request_may_be_sent() -> None:
    assert icmp.time_exceeded(frame(IP(src=HOST, dst=FAR) / ICMP()), OURS, INTERFACES) is not None


@given(st.binary(max_size=80), st.integers(0, 60))
def test_any_frame_is_answered_or_raises_our_error(tail: bytes, keep: int) -> None:
    request = frame(IP(src=HOST, dst=str(OURS)) / ICMP() / b"payload")
    for data in (tail, request[:keep] + tail):
        for answer in (
            icmp.echo_reply,
            lambda data: icmp.time_exceeded(data, OURS, INTERFACES),
        ):
            try:
                answer(data)
            except PacketError:
                continue


# --- the rate limit -----------------------------------------------------------------------


def test_token_bucket_allows_its_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(rate=10, burst=3)
    assert [bucket.allow(5.0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.allow(5.05)
    assert bucket.allow(5.11)
    assert not bucket.allow(5.11)
    assert [bucket.allow(100.0) for _ in range(4)] == [True, True, True, False]


def test_token_bucket_gains_nothing_from_a_clock_that_goes_back() -> None:
    bucket = TokenBucket(rate=1, burst=1)
    assert bucket.allow(10.0)
    assert not bucket.allow(5.0)
    assert not bucket.allow(10.5)
    assert bucket.allow(11.0)


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_token_bucket_needs_a_rate_and_a_burst(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        TokenBucket(rate, burst)
