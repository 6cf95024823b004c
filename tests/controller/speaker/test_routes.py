"""Longest prefix match, and the same routes for the pipeline."""

from ipaddress import IPv4Address, IPv4Interface, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.p4runtime import tables
from controller.policy.model import Interface, StaticRoute
from controller.speaker.routes import RouteError, RouteTable


def interface(number: int, address: str) -> Interface:
    return Interface(
        number, f"Ethernet{number}", number, 0x020000000000 + number, IPv4Interface(address),
        1500, None, 0,
    )  # fmt: skip


LAN = interface(1, "10.1.0.1/16")
WAN = interface(2, "192.0.2.2/30")
GATEWAY = IPv4Address("192.0.2.1")


def route(prefix: str, gateway: IPv4Address | None = GATEWAY) -> StaticRoute:
    return StaticRoute(IPv4Network(prefix), gateway)


def test_connected_destination_is_its_own_next_hop() -> None:
    host = IPv4Address("10.1.2.3")
    assert RouteTable([LAN, WAN], []).next_hop(host) == (LAN, host)


def test_longest_prefix_wins() -> None:
    other = IPv4Address("10.1.0.7")
    table = RouteTable(
        [LAN, WAN],
        [route("0.0.0.0/0"), route("172.16.0.0/12", other), route("172.16.5.0/24", None)],
    )
    assert table.next_hop(IPv4Address("8.8.8.8")) == (WAN, GATEWAY)
    assert table.next_hop(IPv4Address("172.17.0.1")) == (LAN, other)
    assert table.next_hop(IPv4Address("172.16.5.1")) is None  # Null0


def test_there_is_no_way_without_a_route() -> None:
    assert RouteTable([LAN], []).next_hop(IPv4Address("8.8.8.8")) is None


def test_connected_wins_over_static() -> None:
    host = IPv4Address("10.1.2.3")
    assert RouteTable([LAN, WAN], [route("10.1.0.0/16")]).next_hop(host) == (LAN, host)


@pytest.mark.parametrize("address", ["10.1.255.255", "10.1.0.0"])
def test_broadcast_of_a_subnet_is_not_forwarded(address: str) -> None:
    """RFC 2644."""
    table = RouteTable([LAN], [])
    assert table.next_hop(IPv4Address(address)) is None
    assert tables.route_blackhole(IPv4Network(address)) in table.entries()


def test_point_to_point_subnet_has_no_broadcast() -> None:
    """RFC 3021."""
    link = interface(3, "10.9.0.0/31")
    table = RouteTable([link], [])
    other = IPv4Address("10.9.0.1")
    assert table.next_hop(other) == (link, other)


@pytest.mark.parametrize(
    ("routes", "reason"),
    [
        ([route("172.16.0.0/12", IPv4Address("203.0.113.1"))], "no connected subnet"),
        ([route("172.16.0.0/12", IPv4Address("192.0.2.2"))], "this router itself"),
        ([route("172.16.0.0/12"), route("172.16.0.0/12", None)], "two static routes"),
    ],
)
def test_routes_that_cannot_be_are_refused(routes: list[StaticRoute], reason: str) -> None:
    with pytest.raises(RouteError, match=reason):
        RouteTable([LAN, WAN], routes)


def test_two_interfaces_on_one_subnet_are_refused() -> None:
    with pytest.raises(RouteError, match="Ethernet1 and Ethernet4"):
        RouteTable([LAN, interface(4, "10.1.0.2/16")], [])


def test_failed_replacement_changes_nothing() -> None:
    table = RouteTable([LAN, WAN], [route("0.0.0.0/0")])
    before = table.entries()
    with pytest.raises(RouteError):
        table.replace([LAN], [route("0.0.0.0/0")])
    assert table.entries() == before
    table.replace([LAN], [])
    assert table.next_hop(IPv4Address("8.8.8.8")) is None


prefixes = st.builds(
    lambda address, length: IPv4Network((address, length), strict=False),
    st.integers(0xAC100000, 0xAC10FFFF),
    st.integers(8, 32),
)


@given(st.sets(prefixes, max_size=12), st.integers(0xAC100000, 0xAC10FFFF).map(IPv4Address))
def test_pipeline_finds_the_same_next_hop(nets: set[IPv4Network], address: IPv4Address) -> None:
    """The entries, looked up as the pipeline does, agree with `next_hop`."""
    gateways = [GATEWAY, None, IPv4Address("10.1.0.9")]
    static = [StaticRoute(net, gateways[net.prefixlen % 3]) for net in nets]
    table = RouteTable([LAN, WAN], static)
    best = None
    for entry in table.entries():
        base, length = dict(entry.key.match).get("prefix", (0, 0))  # type: ignore[misc]  # lpm
        covers = address in IPv4Network((base, length))
        if covers and (best is None or length > best[0]):
            best = (length, entry)
    hop = table.next_hop(address)
    if best is None or best[1].action == "blackhole":
        assert hop is None
    else:
        params = dict(best[1].params)
        assert hop is not None
        assert hop[0].id == params["interface_id"]
        assert int(hop[1]) == params.get("gateway", int(address))
