"""Inbound SPIs on offer: from the request that has them to the SA, or to their end."""

from ike_network import LEFT, Network, Node, child, left_peer, mirrored, right_peer, with_key

from ike.events import ChildSaEstablished, ChildSaOffered, ChildSaOfferEnded, Event
from ike.types import Secret, UdpAddress

KEY = Secret(bytes(32))
NET = child("net", "10.1.0.0/16", "10.2.0.0/16")
TWO = child("two", "10.3.0.0/16", "10.4.0.0/16")


def on_offer(node: Node) -> set[int]:
    """What is on offer, by what has been reported."""
    spis: set[int] = set()
    for event in node.history:
        if isinstance(event, ChildSaOffered):
            assert event.spi_in not in spis, "reported twice"
            spis.add(event.spi_in)
        elif isinstance(event, ChildSaOfferEnded):
            spis.remove(event.spi_in)
        elif isinstance(event, ChildSaEstablished):
            spis.discard(event.spi_in)
    return spis


def offers(node: Node) -> list[Event]:
    return [e for e in node.history if isinstance(e, ChildSaOffered | ChildSaOfferEnded)]


def two_children(**options: object) -> Network:
    return Network(
        left_peer(NET, TWO), right_peer(mirrored(NET, "ten"), mirrored(TWO, "zwei")), **options
    )


def established() -> Network:
    network = two_children()
    network.left.endpoint.initiate("net", network.now)
    network.run()
    network.left.history.clear()
    return network


class TestInitialExchanges:
    def test_offered_with_the_request_and_established_with_the_answer(self):
        network = two_children()
        network.left.endpoint.initiate("net", network.now)
        network.run()
        offered, sa = network.left.history[0], network.left.one(ChildSaEstablished)
        assert offered == ChildSaOffered("net", "right", sa.spi_in, UdpAddress(LEFT, 4500))
        assert len(offers(network.left)) == 1
        assert not on_offer(network.left)

    def test_reported_before_the_peer_has_it(self):
        network = two_children()
        network.left.endpoint.initiate("net", network.now)
        network.run(0.021)  # IKE_SA_INIT there and back; IKE_AUTH is on its way
        assert len(on_offer(network.left)) == 1
        assert not network.right.log

    def test_responder_offers_nothing(self):
        network = two_children()
        network.left.endpoint.initiate("net", network.now)
        network.run()
        assert not offers(network.right)

    def test_ends_with_a_refusal(self):
        network = Network(left_peer(), with_key(right_peer(), b"other"))
        network.left.endpoint.initiate("net", network.now)
        network.run(60)
        assert [type(e) for e in offers(network.left)] == [ChildSaOffered, ChildSaOfferEnded]

    def test_ends_when_only_the_child_is_refused(self):
        """RFC 7296 §1.2: the IKE SA is there, without the CHILD_SA."""
        other = child("other", "10.7.0.0/16", "10.8.0.0/16")
        network = Network(left_peer(), right_peer(other))
        network.left.endpoint.initiate("net", network.now)
        network.run()
        assert network.left.endpoint.ike_sas()
        assert [type(e) for e in offers(network.left)] == [ChildSaOffered, ChildSaOfferEnded]

    def test_ends_when_nobody_answers(self):
        network = two_children()
        network.left.endpoint.initiate("net", network.now)
        network.run(0.021)
        network.drop_all()
        network.run(300)
        assert [type(e) for e in offers(network.left)] == [ChildSaOffered, ChildSaOfferEnded]

    def test_ends_at_a_shutdown(self):
        network = two_children()
        network.left.endpoint.initiate("net", network.now)
        network.run(0.021)
        network.left.endpoint.shutdown(network.now)
        network.collect()
        assert not on_offer(network.left)

    def test_ends_when_nobody_wants_it_any_more(self):
        network = two_children()
        network.left.endpoint.initiate("net", network.now)
        network.run(0.021)
        network.left.endpoint.cancel("net", network.now)
        network.run()
        assert [type(e) for e in offers(network.left)] == [ChildSaOffered, ChildSaOfferEnded]


class TestCreateChildSa:
    def test_further_child(self):
        network = established()
        network.left.endpoint.initiate("two", network.now)
        network.collect()
        (spi_in,) = on_offer(network.left)
        network.run()
        assert network.left.of(ChildSaEstablished)[-1].spi_in == spi_in
        assert not on_offer(network.left)

    def test_rekey(self):
        network = established()
        old = network.left.one(ChildSaEstablished).spi_in
        network.left.endpoint.rekey_child(old, network.now)
        network.collect()
        (spi_in,) = on_offer(network.left)
        network.run()
        sa = network.left.of(ChildSaEstablished)[-1]
        assert (sa.spi_in, sa.replaces) == (spi_in, old)
        assert not on_offer(network.left)

    def test_refused(self):
        network = Network(left_peer(NET, TWO), right_peer(mirrored(NET, "ten")))
        network.left.endpoint.initiate("net", network.now)
        network.run()
        network.left.history.clear()
        network.left.endpoint.initiate("two", network.now)
        network.run()
        assert [type(e) for e in offers(network.left)] == [ChildSaOffered, ChildSaOfferEnded]

    def test_ends_with_the_ike_sa(self):
        network = established()
        network.drop_all()
        network.left.endpoint.initiate("two", network.now)
        network.collect()
        assert on_offer(network.left)
        network.run(300)
        assert not on_offer(network.left)


def test_import_reports_what_is_still_on_offer():
    """Who carries on has to receive by it, and did not hear of it before."""
    network = established()
    network.drop_all()
    network.left.endpoint.initiate("two", network.now)
    network.collect()
    (offered,) = network.left.history
    blob = network.left.endpoint.export_state(KEY, network.now)
    heir = network.restart(LEFT, left_peer(NET, TWO))
    heir.endpoint.import_state(blob, KEY, network.now)
    network.collect()
    assert offers(heir) == [offered]
    network.deliver_all()
    network.run(60)
    assert heir.one(ChildSaEstablished).child == "two"
    assert not on_offer(heir)
