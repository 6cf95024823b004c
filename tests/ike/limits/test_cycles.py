"""What has gone is freed at once, not when Python's garbage collector comes by."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from ike_network import Network, child, left_peer, mirrored, right_peer

from ike.events import AttemptFailed, ChildSaEstablished, IkeSaClosed

ONE = child("one", "10.1.0.0/16", "10.2.0.0/16")
TWO = child("two", "10.3.0.0/16", "10.4.0.0/16")


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def one_life(network: Network) -> None:
    """Make an IKE SA with two CHILD_SAs, rekey all, delete it, and attempt one in vain."""
    left = network.left.endpoint
    network.deliver_all()
    for name in ("one", "two"):
        left.initiate(name, network.now)
    network.run(1)
    for made in network.left.of(ChildSaEstablished):
        left.rekey_child(made.spi_in, network.now)
    network.run(1)
    left.rekey_peer("right", network.now)
    network.run(1)
    left.delete_peer("right", network.now)
    network.run(1)
    network.drop_all()
    left.initiate("one", network.now)
    network.run(60)
    network.left.one(AttemptFailed)
    assert len(network.left.of(IkeSaClosed)) == 2
    for node in (network.left, network.right):
        assert not node.endpoint.ike_sas()
        node.log.clear()
        node.history.clear()
    network.sent.clear()


@pytest.mark.usefixtures("without_collector")
def test_an_ike_sa_leaves_no_cycle_behind() -> None:
    """So that a process with thousands can do with a collector that runs seldom."""
    network = Network(
        left_peer(ONE, TWO), right_peer(mirrored(ONE, "r-one"), mirrored(TWO, "r-two"))
    )
    one_life(network)  # what is cached comes with the first
    gc.collect()
    one_life(network)
    assert gc.collect() == 0
