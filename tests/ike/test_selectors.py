"""Traffic selectors on the wire: IPv4 and IPv6, narrowed as RFC 7296 §2.9 says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_network

import pytest
from ike_adversary import Adversary
from ike_network import Network, left_peer, mirrored, right_peer

from ike.codec.chain import find, find_notify
from ike.codec.payload import Payload
from ike.codec.registry import ExchangeType, NotifyType
from ike.codec.traffic_selector import (
    RawSelector,
    TrafficSelectorsInitiator,
    TrafficSelectorsResponder,
)
from ike.config import ChildConfig
from ike.endpoint import Endpoint
from ike.events import AttemptFailed, ChildSaEstablished, FailureReason, PeerRefused
from ike.selectors import MAX_SELECTORS
from ike.types import TrafficSelector


def ranges(*texts: str) -> tuple[TrafficSelector, ...]:
    """Read ``prefix`` or ``prefix protocol port``."""
    found = []
    for text in texts:
        prefix, *rest = text.split()
        network = ip_network(prefix)
        protocol, port = map(int, rest) if rest else (0, None)
        ports = (0, 65535) if port is None else (port, port)
        found.append(
            TrafficSelector(network.network_address, network.broadcast_address, protocol, *ports)
        )
    return tuple(found)


def config(name: str, local: Sequence[str], remote: Sequence[str]) -> ChildConfig:
    return ChildConfig(name, ranges(*local), ranges(*remote))


def negotiate(left: ChildConfig, *right: ChildConfig) -> Network:
    network = Network(left_peer(left), right_peer(*right))
    network.left.endpoint.initiate(left.name, network.now)
    network.run(2)
    return network


def both(network: Network) -> tuple[ChildSaEstablished, ChildSaEstablished]:
    left, right = (n.one(ChildSaEstablished) for n in (network.left, network.right))
    assert left.local_selectors == right.remote_selectors
    assert left.remote_selectors == right.local_selectors
    return left, right


def test_ipv6_in_a_tunnel() -> None:
    one = config("one", ["2001:db8:1::/48"], ["2001:db8:2::/48 17 53"])
    left, _ = both(negotiate(one, mirrored(one, "r")))
    assert left.local_selectors == one.local_selectors
    assert left.remote_selectors == one.remote_selectors


def test_both_families_in_one_child() -> None:
    one = config("one", ["10.1.0.0/16", "2001:db8:1::/48"], ["10.2.0.0/16", "2001:db8:2::/48"])
    left, _ = both(negotiate(one, mirrored(one, "r")))
    assert left.local_selectors == one.local_selectors
    assert left.remote_selectors == one.remote_selectors


def test_a_family_that_one_end_has_not_is_left_out_on_both_sides() -> None:
    wide = config("one", ["10.1.0.0/16", "2001:db8:1::/48"], ["10.2.0.0/16", "2001:db8:2::/48"])
    four = config("r", ["10.2.0.0/16"], ["10.1.0.0/16"])
    left, _ = both(negotiate(wide, four))
    assert left.local_selectors == ranges("10.1.0.0/16")
    assert left.remote_selectors == ranges("10.2.0.0/16")


@pytest.mark.parametrize(
    ("local", "remote"),
    [
        (["2001:db8:2::/48"], ["2001:db8:1::/48"]),
        (["10.2.0.0/16"], ["10.9.0.0/16"]),
        # The numbers of the addresses meet, the families don't.
        (["::a02:0/112"], ["::a01:0/112"]),
    ],
)
def test_nothing_in_common(local: list[str], remote: list[str]) -> None:
    network = negotiate(config("one", ["10.1.0.0/16"], ["10.2.0.0/16"]), config("r", local, remote))
    failed = network.left.one(AttemptFailed)
    assert failed.reason is FailureReason.TS_UNACCEPTABLE
    detail = network.right.one(PeerRefused).detail
    assert "10.1.0.0-10.1.255.255" in detail
    assert local[0].split("/")[0] in detail
    assert network.left.endpoint.ike_sas(), "the IKE SA is there all the same (§1.2)"


def test_several_selectors_on_both_sides() -> None:
    left, _ = both(
        negotiate(
            config("one", ["10.1.0.0/24", "10.1.2.0/24", "10.3.0.0/16"], ["10.2.0.0/16"]),
            config("r", ["10.2.1.0/24", "10.2.2.0/24"], ["10.1.0.0/16"]),
        )
    )
    assert left.local_selectors == ranges("10.1.0.0/24", "10.1.2.0/24")
    assert left.remote_selectors == ranges("10.2.1.0/24", "10.2.2.0/24")


def test_protocols_that_do_not_meet_across_the_sides() -> None:
    one = config("one", ["10.1.0.0/16 6 80", "10.1.0.0/16 17 53"], ["10.2.0.0/16"])
    right = config("r", ["10.2.0.0/16 6 80"], ["10.1.0.0/16"])
    left, _ = both(negotiate(one, right))
    assert left.local_selectors == ranges("10.1.0.0/16 6 80")
    assert left.remote_selectors == ranges("10.2.0.0/16 6 80")


class TestFirstSelectors:
    """The first ones may be the packet's own: what is narrowed includes them."""

    TCP = config("tcp", ["10.2.1.0/24"], ["10.1.1.0/24"])
    UDP = config("udp", ["10.2.2.0/24"], ["10.1.2.0/24"])

    def ask(self, local: Sequence[str], remote: Sequence[str]) -> tuple[Payload, ...]:
        adversary = Adversary(Endpoint([right_peer(self.TCP, self.UDP)]))
        adversary.init()
        changed = [
            replace(p, selectors=ranges(*local))
            if isinstance(p, TrafficSelectorsInitiator)
            else replace(p, selectors=ranges(*remote))
            if isinstance(p, TrafficSelectorsResponder)
            else p
            for p in adversary.auth_request()
        ]
        answer = adversary.exchange(ExchangeType.IKE_AUTH, changed)
        assert answer is not None
        return answer

    @pytest.mark.parametrize("net", [1, 2])
    def test_they_choose_among_children_that_are_narrower(self, net: int) -> None:
        answer = self.ask(
            [f"10.1.{net}.7/32 17 4000", "10.1.0.0/16"], [f"10.2.{net}.9/32 17 53", "10.2.0.0/16"]
        )
        initiator = find(answer, TrafficSelectorsInitiator)
        responder = find(answer, TrafficSelectorsResponder)
        assert initiator is not None
        assert responder is not None
        assert initiator.selectors == ranges(f"10.1.{net}.0/24")
        assert responder.selectors == ranges(f"10.2.{net}.0/24")
        assert find_notify(answer, NotifyType.ADDITIONAL_TS_POSSIBLE)

    def test_without_a_packet_the_first_configured(self) -> None:
        answer = self.ask(["10.1.0.0/16"], ["10.2.0.0/16"])
        initiator = find(answer, TrafficSelectorsInitiator)
        assert initiator is not None
        assert initiator.selectors == ranges("10.1.1.0/24")
        assert find_notify(answer, NotifyType.ADDITIONAL_TS_POSSIBLE)

    def test_what_is_taken_whole_leaves_nothing_possible(self) -> None:
        answer = self.ask(["10.1.2.0/24"], ["10.2.2.0/24"])
        assert find(answer, TrafficSelectorsInitiator)
        assert not find_notify(answer, NotifyType.ADDITIONAL_TS_POSSIBLE)

    def test_the_first_is_not_lost_where_there_are_too_many(self) -> None:
        many = [f"10.2.1.{n}/32" for n in range(0, 250, 2)]
        answer = self.ask(["10.1.1.0/24"], ["10.2.1.251/32", *many])
        responder = find(answer, TrafficSelectorsResponder)
        assert responder is not None
        assert len(responder.selectors) == MAX_SELECTORS
        assert responder.selectors[0] == ranges("10.2.1.251/32")[0]


def test_additional_selectors_possible_is_shown_at_the_initiator() -> None:
    network = negotiate(
        config("one", ["10.1.0.0/16"], ["10.2.0.0/16"]),
        config("a", ["10.2.1.0/24"], ["10.1.1.0/24"]),
        config("b", ["10.2.2.0/24"], ["10.1.2.0/24"]),
    )
    both(network)
    (sa,) = network.left.endpoint.ike_sas()
    assert sa.children[0].more_selectors


def test_a_refusal_names_selectors_in_bounded_length() -> None:
    adversary = Adversary(Endpoint([right_peer()]))
    adversary.init()
    strange = ranges(*(f"10.9.{n}.0/24" for n in range(255)))
    changed = [
        replace(p, selectors=strange) if isinstance(p, TrafficSelectorsInitiator) else p
        for p in adversary.auth_request()
    ]
    adversary.exchange(ExchangeType.IKE_AUTH, changed)
    (refused,) = [e for e in adversary.victim.events() if isinstance(e, PeerRefused)]
    assert len(refused.detail) < 600
    assert "251 more" in refused.detail


@pytest.mark.parametrize(
    "answered",
    [
        ranges("2001:db8::/32"),
        ranges("10.0.0.0/15"),
        (RawSelector(8, 0, b"\xff\xff\0\0" + bytes(32)),),
    ],
)
def test_answers_that_are_not_inside_the_offer(
    answered: tuple[TrafficSelector | RawSelector, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the peer thinks is a CHILD_SA is deleted there."""
    from ike.exchanges import child as negotiation

    network = Network()
    network.left.endpoint.initiate("net", network.now)
    monkeypatch.setattr(
        "ike.exchanges.child.best_match", _answering(negotiation.best_match, answered)
    )
    network.run(2)
    assert network.left.one(AttemptFailed).reason is FailureReason.TS_UNACCEPTABLE
    assert not network.left.of(ChildSaEstablished)
    assert len(network.right.endpoint.ike_sas()[0].children) == 0


def _answering(best_match: object, selectors: object) -> object:
    def changed(*args: object) -> object:
        return replace(best_match(*args), remote=selectors)  # type: ignore[operator, type-var]

    return changed


@pytest.mark.parametrize(
    ("local", "remote"),
    [
        (["10.1.0.0/16"], ["2001:db8::/32"]),
        (["10.1.0.0/16", "2001:db8::/32"], ["10.2.0.0/16"]),
        (["10.1.0.0/16 6 80"], ["10.2.0.0/16 17 80"]),
    ],
)
def test_selectors_without_a_counterpart_are_no_configuration(
    local: list[str], remote: list[str]
) -> None:
    with pytest.raises(ValueError, match="counterpart"):
        Endpoint([left_peer(config("one", local, remote))])


def test_a_range_has_one_family() -> None:
    with pytest.raises(ValueError, match="no range"):
        TrafficSelector(ip_network("10.0.0.0/8")[0], ip_network("2001:db8::/32")[0])
