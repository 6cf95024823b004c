"""The neighbor cache (RFC 826, RFC 1122 §2.3.2), at injected times."""

from ipaddress import IPv4Address, IPv4Interface

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.l2 import ARP, Ether

from controller.p4runtime.entities import PacketOut
from controller.policy.model import Interface
from controller.speaker import neighbors
from controller.speaker.errors import PacketError
from controller.speaker.neighbors import (
    AddNeighbor,
    NeighborCache,
    NeighborEffect,
    RemoveNeighbor,
    Unreachable,
)

OUR_MAC = "02:00:00:00:00:01"
HIS_MAC = "02:00:00:00:00:09"
HIS_MAC_VALUE = 0x020000000009
LAN = Interface(1, "Ethernet0", 0, 0x020000000001, IPv4Interface("10.0.0.1/24"), 1500, None, 0)
HOST = IPv4Address("10.0.0.9")
FRAME = bytes(Ether(dst="00:00:00:00:00:00", src="00:00:00:00:00:00", type=0x800) / b"packet")


@pytest.fixture
def cache() -> NeighborCache:
    return NeighborCache([LAN])


def arp(
    operation: int,
    sender: str = str(HOST),
    sender_mac: str = HIS_MAC,
    target: str = "10.0.0.1",
    target_mac: str = OUR_MAC,
) -> bytes:
    packet = ARP(op=operation, hwsrc=sender_mac, psrc=sender, hwdst=target_mac, pdst=target)
    return bytes(Ether(dst=OUR_MAC, src=sender_mac) / packet)


def requests(effects: list[NeighborEffect]) -> list[Ether]:
    sent = [Ether(e.frame) for e in effects if isinstance(e, PacketOut)]
    return [frame for frame in sent if ARP in frame and frame[ARP].op == 1]


def known(cache: NeighborCache, now: float = 0.0) -> NeighborCache:
    cache.resolve(1, HOST, FRAME, now)
    cache.receive(1, arp(2), now)
    return cache


def test_unknown_next_hop_is_asked_for_by_broadcast(cache: NeighborCache) -> None:
    effects = cache.resolve(1, HOST, FRAME, 0.0)
    (request,) = requests(effects)
    assert request.dst == "ff:ff:ff:ff:ff:ff"
    assert (request[ARP].psrc, request[ARP].pdst) == ("10.0.0.1", str(HOST))
    assert request[ARP].hwsrc == request.src == OUR_MAC
    assert isinstance(effects[0], PacketOut)
    assert effects[0].interface_id == 1


def test_answer_installs_the_neighbor_and_sends_what_was_held(cache: NeighborCache) -> None:
    cache.resolve(1, HOST, FRAME, 0.0)
    cache.resolve(1, HOST, FRAME + b"2", 0.1)
    effects = cache.receive(1, arp(2), 0.2)
    assert effects[0] == AddNeighbor(LAN, HOST, HIS_MAC_VALUE)
    sent = effects[1:]
    header = bytes.fromhex("020000000009020000000001")
    assert sent == [
        PacketOut(header + FRAME[12:], interface_id=1),
        PacketOut(header + FRAME[12:] + b"2", interface_id=1),
    ]
    assert cache.mac_address(1, HOST) == HIS_MAC_VALUE


def test_held_frames_are_bounded_and_the_newest_kept(cache: NeighborCache) -> None:
    for number in range(10):
        cache.resolve(1, HOST, FRAME + bytes([number]), 0.0)
    sent = [e for e in cache.receive(1, arp(2), 0.5) if isinstance(e, PacketOut)]
    assert [packet.frame[-1] for packet in sent] == [7, 8, 9]
    assert cache.dropped.packets == 7


def test_one_request_a_second_three_times_then_unreachable(cache: NeighborCache) -> None:
    asked = requests(cache.resolve(1, HOST, FRAME, 0.0))
    assert cache.next_deadline() == 1.0
    assert cache.advance(0.9) == []
    asked += requests(cache.advance(1.0))
    asked += requests(cache.advance(2.0))
    assert len(asked) == 3
    assert cache.advance(3.0) == [Unreachable(LAN, HOST, (FRAME,))]


def test_next_hop_that_did_not_answer_is_left_alone_for_a_while(cache: NeighborCache) -> None:
    cache.resolve(1, HOST, FRAME, 0.0)
    for now in (1.0, 2.0, 3.0):
        cache.advance(now)
    assert cache.resolve(1, HOST, FRAME, 4.0) == []
    assert cache.next_deadline() == 3.0 + neighbors.NEGATIVE_TIME
    assert cache.advance(8.0) == []  # never in the pipeline: nothing to remove
    assert len(cache) == 0
    assert requests(cache.resolve(1, HOST, FRAME, 8.0))


def test_late_answer_still_counts(cache: NeighborCache) -> None:
    cache.resolve(1, HOST, FRAME, 0.0)
    for now in (1.0, 2.0, 3.0):
        cache.advance(now)
    assert cache.receive(1, arp(2), 4.0) == [AddNeighbor(LAN, HOST, HIS_MAC_VALUE)]


def test_known_neighbor_is_probed_by_unicast_and_stays_while_it_answers(
    cache: NeighborCache,
) -> None:
    """RFC 1122 §2.3.2.1."""
    known(cache)
    assert cache.next_deadline() == neighbors.REACHABLE_TIME
    (probe,) = requests(cache.advance(300.0))
    assert probe.dst == HIS_MAC
    assert cache.receive(1, arp(2), 300.1) == []
    assert cache.next_deadline() == 600.1


def test_known_neighbor_that_stops_answering_is_removed(cache: NeighborCache) -> None:
    known(cache)
    asked = [requests(cache.advance(now)) for now in (300.0, 301.0, 302.0)]
    assert [len(sent) for sent in asked] == [1, 1, 1]
    assert cache.mac_address(1, HOST) == HIS_MAC_VALUE
    assert cache.advance(303.0) == [RemoveNeighbor(LAN, HOST)]
    assert cache.next_deadline() is None


def test_packet_that_was_punted_just_before_the_entry_is_sent(cache: NeighborCache) -> None:
    (sent,) = known(cache).resolve(1, HOST, FRAME, 0.1)
    assert isinstance(sent, PacketOut)
    assert sent.frame.endswith(FRAME[12:])


def test_gratuitous_arp_moves_a_known_neighbor(cache: NeighborCache) -> None:
    known(cache)
    moved = arp(1, sender_mac="02:00:00:00:00:77", target=str(HOST))
    assert cache.receive(1, moved, 1.0) == [AddNeighbor(LAN, HOST, 0x020000000077)]


@pytest.mark.parametrize("operation", [1, 2])
def test_nothing_is_learned_unasked(cache: NeighborCache, operation: int) -> None:
    """Or anybody on the link could fill the table."""
    cache.receive(1, arp(operation), 0.0)
    assert len(cache) == 0


def test_request_for_our_address_is_answered(cache: NeighborCache) -> None:
    (reply,) = cache.receive(1, arp(1), 0.0)
    assert isinstance(reply, PacketOut)
    frame = Ether(reply.frame)
    assert reply.interface_id == 1
    assert (frame.dst, frame.src) == (HIS_MAC, OUR_MAC)
    assert frame[ARP].op == 2
    assert (frame[ARP].hwsrc, frame[ARP].psrc) == (OUR_MAC, "10.0.0.1")
    assert (frame[ARP].hwdst, frame[ARP].pdst) == (HIS_MAC, str(HOST))


def test_probe_for_our_address_is_answered(cache: NeighborCache) -> None:
    """RFC 5227 §2.1.1: a probe has no sender address."""
    assert len(cache.receive(1, arp(1, sender="0.0.0.0"), 0.0)) == 1


@pytest.mark.parametrize(
    "frame",
    [
        arp(1, target="10.0.0.2"),
        arp(2),
        arp(1, sender="10.0.0.1"),  # somebody with our address
        arp(1, sender_mac=OUR_MAC),  # our own, back from a loop
    ],
)
def test_other_arp_is_not_answered(cache: NeighborCache, frame: bytes) -> None:
    assert cache.receive(1, frame, 0.0) == []


@pytest.mark.parametrize("sender", ["10.9.0.1", "10.0.0.1", "10.0.0.255", "10.0.0.0"])
def test_only_hosts_of_the_subnet_are_neighbors(cache: NeighborCache, sender: str) -> None:
    cache.resolve(1, IPv4Address(sender), FRAME, 0.0)
    cache.receive(1, arp(2, sender=sender), 0.0)
    assert len(cache) == 0
    assert cache.dropped.packets == 1


@pytest.mark.parametrize("mac", ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "00:00:00:00:00:00"])
def test_group_mac_address_is_refused(cache: NeighborCache, mac: str) -> None:
    cache.resolve(1, HOST, FRAME, 0.0)
    with pytest.raises(PacketError):
        cache.receive(1, arp(2, sender_mac=mac), 0.0)
    assert cache.mac_address(1, HOST) is None


def test_unresolved_next_hops_are_bounded() -> None:
    """A scan of a connected subnet must not grow the cache without end."""
    wide = Interface(1, "E0", 0, 1 << 41, IPv4Interface("10.0.0.1/8"), 1500, None, 0)
    cache = NeighborCache([wide])
    for number in range(2000):
        cache.resolve(1, IPv4Address("10.1.0.0") + number, FRAME, 0.0)
    assert len(cache) == neighbors.UNRESOLVED_LIMIT
    assert cache.dropped.packets == 2000 - neighbors.UNRESOLVED_LIMIT
    for now in (1.0, 2.0, 3.0, 8.0):
        cache.advance(now)
    assert len(cache) == 0


def test_neighbors_found_in_the_pipeline_are_kept_and_probed(cache: NeighborCache) -> None:
    effects = cache.adopt(1, HOST, HIS_MAC_VALUE, 0.0)
    assert effects[0] == AddNeighbor(LAN, HOST, HIS_MAC_VALUE)
    (probe,) = requests(effects)
    assert probe.dst == HIS_MAC
    assert cache.neighbors() == (AddNeighbor(LAN, HOST, HIS_MAC_VALUE),)
    assert cache.adopt(1, IPv4Address("10.9.0.1"), HIS_MAC_VALUE, 0.0) == []
    assert cache.adopt(7, HOST, HIS_MAC_VALUE, 0.0) == []


def test_neighbors_of_changed_interfaces_are_dropped(cache: NeighborCache) -> None:
    known(cache)
    assert cache.set_interfaces([LAN]) == []
    moved = Interface(1, "Ethernet0", 5, LAN.mac_address, LAN.address, 1500, None, 0)
    assert cache.set_interfaces([moved]) == [RemoveNeighbor(LAN, HOST)]
    assert len(cache) == 0


def test_neighbors_stay_when_their_interface_gets_a_crypto_map(cache: NeighborCache) -> None:
    known(cache)
    protected = Interface(1, "Ethernet0", LAN.port, LAN.mac_address, LAN.address, 1400, "wan", 1)
    assert cache.set_interfaces([protected]) == []
    assert cache.neighbors() == (AddNeighbor(protected, HOST, cache.mac_address(1, HOST) or 0),)


@given(st.binary(max_size=60))
def test_any_frame_is_handled_or_raises_our_error(data: bytes) -> None:
    cache = known(NeighborCache([LAN]))
    for frame in (data, arp(1)[:20] + data):
        try:
            cache.receive(1, frame, 0.0)
        except PacketError:
            continue
    assert len(cache) == 1


addresses = st.integers(1, 6).map(lambda n: IPv4Address("10.0.0.0") + n)
steps = st.lists(
    st.tuples(
        st.sampled_from(["resolve", "reply", "request", "wait"]), addresses, st.floats(0, 200)
    ),
    max_size=60,
)


@settings(max_examples=60)
@given(steps)
def test_pipeline_always_holds_what_the_cache_knows(
    todo: list[tuple[str, IPv4Address, float]],
) -> None:
    """Adds and removes, carried out in order, give `neighbors()`, whatever happens."""
    cache = NeighborCache([LAN])
    pipeline: dict[IPv4Address, int] = {}
    now = 0.0
    for what, address, pause in todo:
        match what:
            case "resolve":
                effects = cache.resolve(1, address, FRAME, now)
            case "reply":
                effects = cache.receive(1, arp(2, sender=str(address)), now)
            case "request":
                effects = cache.receive(1, arp(1, sender=str(address)), now)
            case _:
                now += pause
                effects = cache.advance(now)
                deadline = cache.next_deadline()
                assert deadline is None or deadline > now
        for effect in effects:
            if isinstance(effect, AddNeighbor):
                pipeline[effect.next_hop] = effect.mac_address
            elif isinstance(effect, RemoveNeighbor):
                del pipeline[effect.next_hop]
    assert pipeline == {n.next_hop: n.mac_address for n in cache.neighbors()}
