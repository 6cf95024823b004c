"""The CHILD_SAs of one IKE SA: what time asks of them, however many there are."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st
from ike_network import Network, child, left_peer, mirrored, right_peer

from ike.child_sa import ChildSa, ChildState, Making
from ike.children import ChildTable
from ike.config import EncryptionAlgorithm
from ike.crypto.suites import EspSuite
from ike.events import ChildSaEstablished, DeletionReason, Role

ONE = child("one", "10.1.0.0/16", "10.2.0.0/16")
MAKING = Making(Role.INITIATOR, b"nonce", 1, 2)
SUITE = EspSuite(EncryptionAlgorithm.AES_GCM_16, 256, None)
TIMES = st.integers(0, 50).map(float)


def make(spi_in: int, rekey_at: float | None, expire_at: float | None) -> ChildSa:
    selectors = ONE.local_selectors, ONE.remote_selectors
    one = ChildSa(ONE, spi_in, spi_in + 1000, SUITE, *selectors, MAKING, MAKING, 0.0)
    one.rekey_at, one.expire_at = rekey_at, expire_at
    return one


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("add", "remove", "rekey", "end", "state", "heir", "pass")),
        st.integers(0, 4),
        TIMES,
        st.none() | TIMES,
        st.sampled_from(ChildState),
    ),
    max_size=40,
)


@given(STEPS)
def test_nothing_is_due_late(steps: list[tuple[str, int, float, float | None, ChildState]]) -> None:
    """Each is found when its time comes, by a deadline that is never too late."""
    table, now = ChildTable(), 0.0
    for what, spi_in, when, perhaps, state in steps:
        one = table.get(spi_in)
        if what == "add" and one is None:
            table.add(make(spi_in, perhaps, when))
        elif what == "remove":
            assert table.remove(spi_in) is one
        elif what == "rekey" and one is not None:
            table.rekey_at(one, when)
        elif what == "end" and one is not None:
            table.end_at(one, when, DeletionReason.REPLACED)
        elif what == "state" and one is not None and state is not ChildState.LIVE:
            one.state = state
        elif what == "heir":
            heir = ChildTable()
            table.move_to(heir)
            assert (len(table), table.deadline) == (0, None)
            table = heir
        elif what == "pass":
            now = max(now, when)
            expected = {
                c.spi_in for c in table.values() if c.deadline is not None and c.deadline <= now
            }
            due = table.due(now)
            assert {c.spi_in for c in due} == expected
            for found in due:
                table.wake(found)
        times = [c.deadline for c in table.values() if c.deadline is not None]
        if times:
            assert table.deadline is not None
            assert table.deadline <= min(times)


def cost(count: int) -> float:
    """Take the CPU time of an event in an IKE SA with that many CHILD_SAs, in seconds."""
    children = [child(f"c{n}", f"10.1.{n}.0/24", f"10.2.{n}.0/24") for n in range(count)]
    there = (mirrored(one, f"r-{one.name}") for one in children)
    network = Network(left_peer(*children), right_peer(*there))
    for one in children:
        network.left.endpoint.initiate(one.name, network.now)
    network.run()
    made = network.left.of(ChildSaEstablished)
    assert len(made) == count
    least = float("inf")
    for _ in range(10):
        begin = time.process_time()
        for _ in range(50):
            network.left.endpoint.note_inbound_traffic(made[0].spi_in, network.now)
        least = min(least, time.process_time() - begin)
    return least / 50


def test_an_event_costs_the_same_however_many_there_are() -> None:
    """What is looked at is the next one that wants something, not all of them."""
    assert cost(100) < 4 * cost(1)
