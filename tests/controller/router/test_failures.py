"""Issue 3, errors: both operators see why a negotiation failed, as far as their end can know.

Each refusal names what was proposed, what was acceptable, and the line that decided; in the log
and in ``show crypto isakmp sa detail``.
"""

from ipaddress import IPv4Address

import pytest

from controller.cli.render import isakmp_detail
from controller.router import show_isakmp
from controller.router.failures import FAILURES_PER_PEER, STRANGERS, FailureLog, NegotiationFailure
from controller.status import IsakmpDetailStatus, IsakmpFailure
from ike.events import FailureReason, Role
from tests.simulation.router import SimulatedRouter
from tests.simulation.topology import Sites, site

POLICY = "isakmp:\n  policies: {{10: {{encryption: aes 256, hash: sha256, group: {group}}}}}\n"


def detail(router: SimulatedRouter) -> IsakmpDetailStatus:
    return show_isakmp.detail(router.control, router.clock.now)


def failures(router: SimulatedRouter) -> tuple[IsakmpFailure, ...]:
    (peer,) = detail(router).peers
    return peer.failures


def line(text: str, part: str) -> str:
    """Where a configuration says so."""
    (number,) = (n for n, row in enumerate(text.splitlines(), 1) if part in row)
    return f"configuration:{number}"


def negotiated(sites, left: str, right: str) -> Sites:
    two = sites(left, right)
    two.send(1, 2)
    two.run(40)
    return two


def seen(router: SimulatedRouter, failure: IsakmpFailure) -> None:
    """The log, and what the command prints, have it as well."""
    assert any(failure.detail in logged for logged in router.log())
    assert failure.detail in isakmp_detail.render(detail(router))


class TestBothEndsSeeTheReason:
    def test_wrong_preshared_key(self, sites):
        left, right = site(1, peers={2: []}), site(2, peers={1: []}, key="another")
        two = negotiated(sites, left, right)
        (ours,) = failures(two.routers[1])
        assert (ours.role, ours.reason) == ("initiator", "authentication failed")
        assert "AUTHENTICATION_FAILED to our identity 10.0.0.1 and pre-shared key" in ours.detail
        assert line(left, "keys:") in ours.detail
        (theirs,) = failures(two.routers[2])
        assert (theirs.role, theirs.reason) == ("responder", "authentication failed")
        assert theirs.detail == (
            f"the pre-shared key of 10.0.0.1 is not the configured one ({line(right, 'keys:')})"
        )
        seen(two.routers[1], ours)
        seen(two.routers[2], theirs)

    def test_no_common_proposal(self, sites):
        left = site(1, peers={2: []}).replace("isakmp:\n", POLICY.format(group=14))
        right = site(2, peers={1: []}).replace("isakmp:\n", POLICY.format(group=20))
        two = negotiated(sites, left, right)
        (ours,) = failures(two.routers[1])
        assert ours.reason == "no proposal chosen"
        assert "NO_PROPOSAL_CHOSEN to the proposals" in ours.detail
        assert line(left, "policies:") in ours.detail
        (theirs,) = failures(two.routers[2])
        assert theirs.reason == "no proposal chosen"
        assert "the peer proposed" in theirs.detail
        proposed, acceptable = theirs.detail.split("acceptable is")
        assert "MODP2048" in proposed
        assert "SECP384R1" in acceptable
        assert line(right, "policies:") in acceptable
        assert theirs.times > 1, "the same again is counted, not listed"
        seen(two.routers[1], ours)
        seen(two.routers[2], theirs)

    def test_identity_mismatch(self, sites):
        left = site(1, peers={2: []}).replace("isakmp:\n", "isakmp:\n  identity: r1.example.com\n")
        right = site(2, peers={1: []})
        two = negotiated(sites, left, right)
        (theirs,) = failures(two.routers[2])
        assert theirs.reason == "identity mismatch"
        assert theirs.detail == (
            f"the peer is r1.example.com, configured is 10.0.0.1 ({line(right, 'keys:')})"
        )
        (ours,) = failures(two.routers[1])
        assert "our identity r1.example.com" in ours.detail, "it is told no more than that"
        seen(two.routers[1], ours)
        seen(two.routers[2], theirs)

    def test_selector_mismatch(self, sites):
        other = "permit ip 10.2.0.0 0.0.255.255 10.9.0.0 0.0.255.255"
        left, right = site(1, peers={2: []}), site(2, peers={1: [other]})
        two = negotiated(sites, left, right)
        (ours,) = failures(two.routers[1])
        assert ours.reason == "traffic selectors unacceptable"
        assert ours.packet_type == "sites 20 102 line 1"
        assert "10.1.0.0-10.1.255.255 to 10.2.0.0-10.2.255.255" in ours.detail
        assert line(left, "permit ip") in ours.detail
        (theirs,) = failures(two.routers[2])
        assert theirs.reason == "traffic selectors unacceptable"
        assert f"to 10.9.0.0-10.9.255.255 ({line(right, 'permit ip')})" in theirs.detail
        seen(two.routers[1], ours)
        seen(two.routers[2], theirs)

    def test_no_answer_and_a_stranger(self, sites):
        """R2 has IPsec, but no peer R1: it keeps silent, and says so to its own operator."""
        two = negotiated(sites, site(1, peers={2: []}), site(2, peers={3: []}))
        (ours,) = failures(two.routers[1])
        assert (ours.reason, ours.detail) == (
            "no answer",
            "no answer from 10.0.0.2:500 to IKE_SA_INIT",
        )
        seen(two.routers[1], ours)
        (stranger,) = detail(two.routers[2]).strangers
        assert stranger.address == IPv4Address("10.0.0.1")
        assert stranger.failure.reason == "not a configured peer"
        assert two.routers[2].log("no peer is configured at 10.0.0.1 towards 10.0.0.2")


class TestDetail:
    def test_an_established_ike_sa(self, sites):
        two = negotiated(sites, site(1, peers={2: []}), site(2, peers={1: []}))
        (sa,) = detail(two.routers[1]).sas
        assert (sa.role, sa.state) == ("initiator", "established")
        assert (sa.local_identity, sa.remote_identity) == ("10.0.0.1", "10.0.0.2")
        assert sa.local_authentication == "pre-shared key"
        assert "fragmentation" in sa.features
        (child,) = sa.children
        assert child.packet_type == "sites 20 102 line 1"
        assert child.mode == "tunnel"
        assert sa.rekey_in is not None
        assert failures(two.routers[1]) == ()

    def test_a_peer_that_is_no_longer_configured_is_forgotten(self, sites):
        two = negotiated(sites, site(1, peers={2: []}), site(2, peers={1: []}, key="another"))
        two.reload(1, site(1, peers={3: []}))
        assert failures(two.routers[1]) == ()
        two.reload(1, site(1, peers={2: []}))
        assert failures(two.routers[1]) == ()


class TestBounds:
    """Whoever sends what: the memory of failures is bounded."""

    def failure(self, number: int) -> NegotiationFailure:
        return NegotiationFailure(
            float(number), Role.RESPONDER, FailureReason.INVALID_SYNTAX, f"malformed {number}"
        )

    def test_of_one_peer(self):
        log = FailureLog()
        for number in range(100):
            log.note("peer", self.failure(number))
        assert [failure.at for failure in log.of("peer")] == [
            float(number) for number in range(99, 99 - FAILURES_PER_PEER, -1)
        ]

    def test_of_strangers(self):
        log = FailureLog()
        for number in range(100):
            log.note_stranger(IPv4Address(number), self.failure(1))
        assert len(log.strangers()) == STRANGERS
        assert log.strangers()[0][0] == IPv4Address(99)

    @pytest.mark.parametrize("turns", [1, 5])
    def test_reasons_that_take_turns_are_counted_each(self, turns):
        log = FailureLog()
        for at in range(turns):
            for number in (1, 2):
                failure = self.failure(number)
                log.note("peer", NegotiationFailure(float(at), failure.role, failure.reason,
                                                    failure.detail))  # fmt: skip
        assert [failure.times for failure in log.of("peer")] == [turns, turns]

    def test_a_success_settles_what_failed_before(self):
        log = FailureLog()
        log.note("peer", self.failure(1))
        assert str(log.last("peer")) == "invalid message: malformed 1"
        log.succeeded("peer")
        assert log.last("peer") is None
        assert len(log.of("peer")) == 1
