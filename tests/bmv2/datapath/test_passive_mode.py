"""Passive mode as far as the data plane decides it (PM-1 to PM-8)."""

import pytest
from scapy.layers.inet import IP

from bmv2.embedded.model import MeterConfig

NO_SA, HOLD, CLEAR_NOT_ALLOWED = 23, 24, 19
PUNT_NO_SA = 4


@pytest.fixture
def passive(ipsec_router):
    ipsec_router.set_passive_mode(True)
    return ipsec_router


def cell(router, counter, index):
    (array,) = [c for n, c in router.program.counters.items() if n.endswith("." + counter)]
    return array.cells[index]


def report(sent=(0, 0), received=(0, 0), retry_due=0):
    return [("clear_report_t", (*sent, *received, retry_due))]


def test_first_packet_without_sa_goes_to_the_controller(passive):
    """PM-2, PM-4: the packet itself triggers the attempt."""
    packet = passive.outbound()
    passive.inject(packet)
    (punted,) = passive.punted
    assert (punted.reason, punted.packet_type, punted.interface_id) == (PUNT_NO_SA, 5, 1)
    assert passive.sent == []
    assert passive.drops() == {NO_SA: 1}


def test_punts_of_one_packet_type_are_metered(passive):
    """So that one busy packet type leaves room for the first packet of the others."""
    passive.limit("no_sa_meter", 5, MeterConfig(1, 1, 1, 1))
    for _ in range(10):
        passive.inject(passive.outbound())
    assert len(passive.punted) == 1
    assert passive.drops() == {NO_SA: 10}
    passive.clock.now += passive.SECOND
    passive.inject(passive.outbound())
    assert len(passive.punted) == 2


def test_hold(passive):
    """PM-2: dropped, counted by packet type, and nobody is bothered."""
    passive.add("no_sa", "hold", {"packet_type": 5})
    packet = passive.outbound()
    passive.inject(packet)
    assert (passive.sent, passive.punted, passive.digests) == ([], [], [])
    assert passive.drops() == {HOLD: 1}
    assert (cell(passive, "hold_counter", 5).packets, cell(passive, "hold_counter", 5).bytes) == (
        1,
        len(packet),
    )


def test_clear(passive):
    """PM-3, PM-8: forwarded, counted, and its destination reported."""
    passive.add("no_sa", "clear", {"packet_type": 5})
    passive.inject(passive.outbound())
    ((port, frame),) = passive.sent
    assert (port, IP(frame[14:]).dst) == (2, "10.0.2.2")
    assert cell(passive, "clear_counter", 5).packets == 1
    source, destination = passive.ip("10.0.1.2"), passive.ip("10.0.2.2")
    assert passive.digests == report(sent=(5, destination), received=(0, source))


def test_known_destination_is_kept_alive_by_its_traffic(passive):
    passive.add("no_sa", "clear", {"packet_type": 5})
    entry = passive.add(
        "clear_destinations",
        "known",
        {"packet_type": 5, "destination": passive.ip("10.0.2.2")},
    )
    passive.clock.now += 5 * passive.SECOND
    passive.inject(passive.outbound())
    assert entry.last_hit_ns == passive.clock.now
    assert entry.counter.packets == 1


def test_reports_are_metered_but_the_traffic_is_not(passive):
    """PM-8: a new destination is reported once, then it is up to the meter."""
    passive.add("no_sa", "clear", {"packet_type": 5})
    passive.limit("report_meter", 0, MeterConfig(0, 1, 0, 1))
    for _ in range(5):
        passive.inject(passive.outbound())
    assert len(passive.sent) == 5
    assert len(passive.digests) == 1


def test_retry_due_is_reported(passive):
    """PM-4: forwarded in the clear, and this packet triggers the attempt."""
    passive.add("no_sa", "clear_retry_due", {"packet_type": 5})
    passive.inject(passive.outbound())
    assert len(passive.sent) == 1
    ((_, values),) = passive.digests
    assert values[-1] == 1


def test_turned_off_no_clear_rule_has_an_effect(passive):
    """PM-1, PM-10: one write stops all clear traffic."""
    passive.add("no_sa", "clear", {"packet_type": 5})
    passive.set_passive_mode(False)
    passive.inject(passive.outbound())
    passive.inject(passive.inbound(), port=2)
    assert passive.sent == []
    assert passive.drops() == {NO_SA: 1, CLEAR_NOT_ALLOWED: 1}
    assert passive.digests == []


def test_off_by_default(ipsec_router):
    """PM-1."""
    ipsec_router.inject(ipsec_router.inbound(), port=2)
    assert ipsec_router.drops() == {CLEAR_NOT_ALLOWED: 1}


def test_sa_outranks_a_clear_rule(passive):
    """PM-5: a new SA takes over at once, none leaked and none lost."""
    passive.add("no_sa", "clear", {"packet_type": 5})
    passive.add_sa_out()
    passive.inject(passive.outbound())
    ((_, frame),) = passive.sent
    assert IP(frame[14:]).proto == 50
    assert passive.digests == []


@pytest.mark.parametrize("with_sa", [False, True])
def test_clear_where_protection_was_expected_is_accepted(passive, with_sa):
    """PM-6: even while an SA for it exists."""
    if with_sa:
        passive.add_sa_in()
        passive.add_sa_out()
    passive.inject(passive.inbound(), port=2)
    assert [port for port, _ in passive.sent] == [1]
    source, destination = passive.ip("10.0.2.2"), passive.ip("10.0.1.2")
    assert passive.digests == report(sent=(0, destination), received=(5, source))


def test_policy_by_port_range(blank_router):
    """A crypto map line with ports; traffic of other ports is not its business."""
    router = blank_router.set_up(crypto_map=blank_router.CRYPTO_MAP)
    router.add(
        "spd_out",
        "protect",
        {"crypto_map": 7, "protocol": (17, 0xFF), "destination_port": (5000, 6000)},
        {"packet_type": 8},
        priority=5,
    )
    router.add("spd_out", "bypass", {"crypto_map": 7, "destination_port": (5678, 5678)}, {}, 9)
    for port, punted in ((4999, 0), (5000, 1), (5677, 1), (5678, 0), (6000, 1), (6001, 0)):
        packet = router.outbound()
        packet["UDP"].dport = port
        del packet["UDP"].chksum
        router.inject(packet)
        assert (len(router.take_sent()), len(router.take_punted())) == (1 - punted, punted), port
