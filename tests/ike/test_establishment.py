"""IKE_SA_INIT and IKE_AUTH between two endpoints (RFC 7296 §1.2)."""

from __future__ import annotations

from ike_network import LEFT, RIGHT, Network, at

from ike.events import ChildSaEstablished, IkeSaEstablished, Role


def test_one_attempt_gives_one_pair_with_the_same_keys() -> None:
    network = Network()
    network.left.endpoint.initiate("net", network.now)
    network.run()
    left, right = network.left.one(ChildSaEstablished), network.right.one(ChildSaEstablished)
    assert (left.role, right.role) == (Role.INITIATOR, Role.RESPONDER)
    assert (left.spi_in, left.spi_out) == (right.spi_out, right.spi_in)
    assert (left.key_in, left.salt_in) == (right.key_out, right.salt_out)
    assert (left.key_out, left.salt_out) == (right.key_in, right.salt_in)
    assert left.key_in != left.key_out
    assert len(left.key_in) == 32
    assert len(left.salt_in) == 4
    assert left.local_selectors == right.remote_selectors
    assert not left.encapsulated
    ike = network.left.one(IkeSaEstablished)
    assert (ike.local, ike.remote) == (at(LEFT), at(RIGHT))
    assert len(network.sent) == 4
