"""Lifetimes in kilobytes and packets, by what the switch counts (RFC 4301 §4.4.2.1)."""

import pytest

from controller.p4runtime.entities import CounterValue
from controller.router.sa_pair import SaPair
from controller.router.usage import UsageMeter
from tests.simulation.topology import Sites, site


def limited(sites, lifetime: str) -> Sites:
    text = site(1, peers={2: []}).replace(
        "      match_address",
        f"      set_security_association_lifetime: {lifetime}\n      match_address",
    )
    two = sites(text, site(2, peers={1: []}))
    two.send(1, 2)
    two.run(1)
    return two


def sa_ids(two: Sites) -> set[int]:
    return {pair.inbound.spi for pair in two.routers[1].control.sad.pairs()}


@pytest.mark.slow
def test_packets_that_are_sent_use_a_lifetime_up(sites):
    two = limited(sites, "{packets: 100}")
    first = sa_ids(two)
    for _ in range(50):
        two.send(1, 2)
        two.run(0.01)
    two.run(3)
    assert sa_ids(two) == first, "half of it is left"
    for _ in range(50):
        two.send(1, 2)
        two.run(0.01)
    two.run(10)
    assert sa_ids(two).isdisjoint(first)
    assert two.exchange(1, 2)
    # The successor begins at 0, though its entry took over the counter of the one before.
    second = sa_ids(two)
    two.run(30)
    assert sa_ids(two) == second


@pytest.mark.slow
def test_kilobytes_that_are_received_use_a_lifetime_up(sites):
    two = limited(sites, "{kilobytes: 60}")
    first = sa_ids(two)
    for _ in range(59):
        two.send(2, 1, b"x" * 1000)
        two.run(0.05)
    two.run(10)
    assert sa_ids(two).isdisjoint(first)
    assert two.exchange(2, 1)


class _Sad:
    """One pair that is sent on."""

    def __init__(self, pair: SaPair) -> None:
        self.pair = pair

    def pairs(self) -> list[SaPair]:
        return [self.pair]

    def sending(self, packet_type: int) -> SaPair:
        return self.pair


def test_an_entry_that_was_made_anew_counts_from_zero(sites):
    two = limited(sites, "3600")
    (pair,) = two.routers[1].control.sad.pairs()
    meter, sad = UsageMeter(), _Sad(pair)
    key = pair.packet_type.id
    list(meter.update(sad, {}, {key: CounterValue(1000, 100_000)}))
    ((_, usage),) = meter.update(sad, {}, {key: CounterValue(5, 500)})
    assert usage == CounterValue(5, 500)
    ((_, usage),) = meter.update(
        sad, {pair.sa_id: CounterValue(9, 90)}, {key: CounterValue(6, 600)}
    )
    assert usage == CounterValue(9, 600), "the busier direction"


def test_an_inbound_entry_at_another_address_goes_on_counting(sites):
    """RFC 4555: the pair is the same, and so is what is left of its lifetime."""
    two = limited(sites, "3600")
    (pair,) = two.routers[1].control.sad.pairs()
    meter, sad = UsageMeter(), _Sad(pair)
    counts = [(1000, 100_000), (5, 500), (7, 700), (1, 100)]
    totals = [(1000, 100_000), (1005, 100_500), (1007, 100_700), (1008, 100_800)]
    for count, total in zip(counts, totals, strict=True):
        ((_, usage),) = meter.update(sad, {pair.sa_id: CounterValue(*count)}, {})
        assert usage == CounterValue(*total)
    ((_, usage),) = meter.update(sad, {}, {})
    assert usage == CounterValue(*totals[-1])
