"""NAT detection, the move to port 4500, and peers whose address changes (RFC 7296 §2.23)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ike_network import LEFT, RIGHT, Network, at, left_peer, right_peer
from test_loss import live

from ike.config import Settings
from ike.events import ChildSaEstablished, IkeSaEstablished, PeerMoved, PeerRefused
from ike.types import Datagram, UdpAddress


class Nat:
    """Left sits behind a NAT that maps its ports; its address stays, for the test's routing."""

    def __init__(self, network: Network, offset: int = 20_000) -> None:
        self.offset = offset
        network.filter = self

    def __call__(self, datagram: Datagram) -> list[tuple[float, Datagram]]:
        if datagram.source.address == LEFT:
            port = datagram.source.port + self.offset
            datagram = replace(datagram, source=UdpAddress(LEFT, port))
        else:
            port = datagram.destination.port - self.offset
            if port not in (500, 4500):
                return []  # the mapping is gone
            datagram = replace(datagram, destination=UdpAddress(LEFT, port))
        return [(0.01, datagram)]


def test_a_nat_moves_both_ends_to_4500() -> None:
    network = Network()
    Nat(network)
    network.left.endpoint.initiate("net", network.now)
    network.run()
    left, right = network.left.one(ChildSaEstablished), network.right.one(ChildSaEstablished)
    assert left.encapsulated
    assert right.encapsulated
    assert (left.local, left.remote) == (at(LEFT, 4500), at(RIGHT, 4500))
    assert (right.local, right.remote) == (at(RIGHT, 4500), at(LEFT, 24500))
    assert network.left.one(IkeSaEstablished).nat_detected
    ports = [d.destination.port for d in network.sent if d.source.address == LEFT]
    assert ports == [500, 4500]


def test_without_nat_and_mobike_port_500_stays() -> None:
    network = Network(replace(left_peer(), mobike=False), right_peer())
    network.left.endpoint.initiate("net", network.now)
    network.run()
    assert {d.source.port for d in network.sent} == {500}


def test_a_nat_in_front_of_the_responder() -> None:
    network = Network()
    Nat(network)
    network.right.endpoint.initiate("ten", network.now)
    network.sent.clear()

    # The responder is reached at mapped ports, so its own view differs from the initiator's.
    def nat(datagram: Datagram) -> list[tuple[float, Datagram]]:
        if datagram.destination.address == LEFT:
            return [(0.01, replace(datagram, source=UdpAddress(RIGHT, datagram.source.port + 1)))]
        port = datagram.destination.port - 1
        return [(0.01, replace(datagram, destination=UdpAddress(RIGHT, port)))]

    network.filter = nat
    network.run()
    assert network.right.one(ChildSaEstablished).encapsulated
    assert network.left.one(ChildSaEstablished).remote == at(RIGHT, 4501)


def test_the_peer_is_followed_when_its_mapping_changes() -> None:
    network = Network()
    nat = Nat(network)
    network.left.endpoint.initiate("net", network.now)
    network.run(2)
    nat.offset = 30_000
    network.run(30)
    moved = network.right.one(PeerMoved)
    assert moved.remote == at(LEFT, 34500)
    assert moved.children == (network.right.one(ChildSaEstablished).spi_in,)
    assert len(live(network, "right")) == 1


def test_a_replayed_message_from_elsewhere_moves_nothing() -> None:
    network = Network()
    network.left.endpoint.initiate("net", network.now)
    network.run(2)
    for datagram in list(network.sent):
        forged = replace(datagram, source=UdpAddress(datagram.source.address, 666))
        network.inject(forged)
    network.run(2)
    assert not network.left.of(PeerMoved)
    assert not network.right.of(PeerMoved)


def keepalives(network: Network) -> list[Datagram]:
    return [d for d in network.sent if d.payload == b"\xff"]


def test_keepalives_through_a_nat_before_us() -> None:
    """RFC 3948 §4: one byte, when nothing else has been sent for 20 seconds."""
    quiet = (
        replace(left_peer(), liveness_interval=0.0),
        replace(right_peer(), liveness_interval=0.0),
    )
    network = Network(*quiet)
    Nat(network)
    network.left.endpoint.initiate("net", network.now)
    network.run(1)
    assert not keepalives(network)
    network.run(60)
    assert {(d.source, d.destination) for d in keepalives(network)} == {
        (at(LEFT, 4500), at(RIGHT, 4500))
    }
    assert len(keepalives(network)) == 3
    assert all(d.is_nat_keepalive for d in keepalives(network))
    assert not network.right.of(PeerRefused), "it is ignored"


@pytest.mark.parametrize("behind_nat", [False, True])
def test_no_keepalives_where_they_are_of_no_use(behind_nat: bool) -> None:
    """Without a NAT; or while other messages are sent often enough."""
    network = Network()
    if behind_nat:
        Nat(network)
    network.left.endpoint.initiate("net", network.now)
    network.run(60)
    assert not keepalives(network)


def test_keepalives_can_be_turned_off() -> None:
    network = Network(
        replace(left_peer(), liveness_interval=0.0),
        replace(right_peer(), liveness_interval=0.0),
        settings=Settings(nat_keepalive=0.0),
    )
    Nat(network)
    network.left.endpoint.initiate("net", network.now)
    network.run(60)
    assert not keepalives(network)
