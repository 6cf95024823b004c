"""An interface gets another address with a reload: its SAs go along (RFC 4555), or begin anew."""

import pytest

from controller.passive.states import State
from ike.events import Role
from ike.states import State as IkeState
from ike.types import Secret
from tests.simulation.topology import Sites, site

NEW = "10.0.0.9"
KEY = Secret(bytes(32))


def configuration(
    address: str = "10.0.0.1", *, peers: tuple[int, ...] = (2,), **isakmp: str
) -> str:
    """R1 with this address on the outside, in passive mode."""
    text = site(1, peers={peer: [] for peer in peers}, optional=True).replace(
        "10.0.0.1/24", f"{address}/24"
    )
    return text + "".join(f"  {name}: {value}\n" for name, value in isakmp.items())


def second(peer: str = "10.0.0.1") -> str:
    return (
        site(2, peers={1: []}, optional=True)
        .replace("set_peer: 10.0.0.1", f"set_peer: {peer}")
        .replace("10.1.0.0/16 10.0.0.1", f"10.1.0.0/16 {peer}")
    )


@pytest.fixture
def protected(sites) -> Sites:
    """R1 and R2 have SAs, made by R1."""
    built = sites(configuration(), second())
    built.send(1, 2)
    built.run(1)
    assert built.exchange(1, 2)
    return built


def assert_all_arrives_in_esp(sites: Sites) -> None:
    since = sites.now
    for _ in range(20):
        assert sites.exchange(1, 2)
        assert sites.exchange(2, 1)
    assert sites.core.count("clear", since) == 0


def tunnel_ends(sites: Sites, router: int) -> set[tuple[str, str]]:
    pairs = sites.routers[router].control.sad.pairs()
    return {(str(p.outbound.tunnel_source), str(p.outbound.tunnel_destination)) for p in pairs}


class TestWithMobike:
    def test_the_sas_go_along(self, protected):
        """RFC 4555 §3.5: the same SAs, with no new IKE SA and no packet in the clear."""
        r1, r2 = protected.routers[1].control, protected.routers[2].control
        pairs = r1.sad.pairs(), r2.sad.pairs()
        (before,) = r1.negotiation.ike_sas()
        protected.reload(1, configuration(NEW))
        protected.run(1)
        assert (r1.sad.pairs(), r2.sad.pairs()) == pairs
        (after,) = r1.negotiation.ike_sas()
        assert (after.initiator_spi, str(after.local)) == (before.initiator_spi, f"{NEW}:4500")
        assert tunnel_ends(protected, 1) == {(NEW, "10.0.0.2")}
        assert tunnel_ends(protected, 2) == {("10.0.0.2", NEW)}
        assert_all_arrives_in_esp(protected)
        assert protected.routers[1].log(f"go from {NEW} to 10.0.0.2")

    def test_what_comes_by_the_old_address_is_not_accepted(self, protected):
        protected.reload(1, configuration(NEW))
        protected.run(1)
        (entry,) = protected.routers[1].entries("sad_in")
        assert dict(entry.key.match)["destination"] == int.from_bytes(bytes((10, 0, 0, 9)))

    def test_a_new_controller_carries_them_on(self, protected):
        protected.reload(1, configuration(NEW))
        protected.run(1)
        r1 = protected.routers[1]
        r1.kill_controller()
        r1.start_controller()
        protected.run(1)
        assert_all_arrives_in_esp(protected)

    def test_passive_mode_goes_on_as_it_was(self, sites):
        """PM-5: what is protected is not held, what is in the clear stays there."""
        third = site(3).replace("10.0.0.1\n", f"{NEW}\n")
        built = sites(configuration(peers=(2, 3)), second(), third)
        for destination in (2, 3):
            built.send(1, destination)
        built.run(10.5)
        built.reload(1, configuration(NEW, peers=(2, 3)))
        r1 = built.routers[1].control
        states = [
            r1.passive.state_of(packet_type.id).state for packet_type in r1.policy.packet_types
        ]
        assert states == [State.PROTECTED, State.CLEAR]
        since = built.now
        assert built.exchange(1, 3)
        assert built.core.count("clear", since) == 1

    def test_an_attempt_under_way_goes_along(self, sites):
        built = sites(configuration(), second())
        built.send(1, 2)
        built.run(0.004)
        (sa,) = built.routers[1].control.negotiation.ike_sas()
        assert sa.state is IkeState.AUTH_SENT
        built.reload(1, configuration(NEW))
        built.run(5)  # what was sent to the old address has been answered as unreachable
        assert tunnel_ends(built, 1) == {(NEW, "10.0.0.2")}
        assert_all_arrives_in_esp(built)


class TestWithoutMobike:
    @pytest.fixture
    def protected(self, sites) -> Sites:
        built = sites(configuration(mobike="false"), second())
        built.send(1, 2)
        built.run(1)
        assert built.exchange(1, 2)
        return built

    def test_they_end_here_and_at_the_peer_and_are_made_anew(self, protected):
        protected.reload(1, configuration(NEW, mobike="false"))
        protected.run(1)
        r1, r2 = protected.routers[1].control, protected.routers[2].control
        assert not r1.sad.pairs()
        assert not r2.sad.pairs()
        protected.reload(2, second(NEW))
        protected.send(1, 2)
        protected.run(1)
        assert tunnel_ends(protected, 1) == {(NEW, "10.0.0.2")}
        assert_all_arrives_in_esp(protected)


def test_the_end_that_did_not_initiate_begins_anew(sites):
    """RFC 4555 §2: the initiator decides about addresses."""
    built = sites(configuration(), second())
    built.send(2, 1)
    built.run(1)
    (sa,) = built.routers[1].control.negotiation.ike_sas()
    assert sa.role is Role.RESPONDER
    built.reload(1, configuration(NEW))
    built.run(1)
    assert not built.routers[1].control.sad.pairs()
    assert not built.routers[2].control.sad.pairs()
    built.reload(2, second(NEW))
    built.send(1, 2)
    built.run(1)
    assert_all_arrives_in_esp(built)


def test_a_new_controller_of_the_other_end_carries_them_on_too(protected):
    """Its SAs lead to an address that its configuration does not name; IKE knows them."""
    protected.reload(1, configuration(NEW))
    protected.run(1)
    r2 = protected.routers[2]
    pairs = [pair.inbound.spi for pair in r2.control.sad.pairs()]
    state = r2.control.export_state(KEY, protected.now)
    r2.kill_controller()
    protected.run(1)
    r2.start_controller(state, KEY)
    protected.run(1)
    assert [pair.inbound.spi for pair in r2.control.sad.pairs()] == pairs
    assert tunnel_ends(protected, 2) == {("10.0.0.2", NEW)}
    assert_all_arrives_in_esp(protected)
