"""Crypto maps as table entries: what IOS does with a packet is what the entries do with it."""

import json
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.config.access_list import AccessListEntry, Action, PortMatch, parse_line
from controller.config.loader import parse_config
from controller.config.problems import ConfigError
from controller.policy.compile import compile_policy
from controller.policy.model import Flow, Policy, PolicyAction, PolicyRule, PortRange

TCP, UDP, ICMP = 6, 17, 1


class Packet(NamedTuple):
    source: IPv4Address
    destination: IPv4Address
    protocol: int = ICMP
    source_port: int = 0
    destination_port: int = 0
    later_fragment: bool = False


def packet(source: str, destination: str, protocol: int = ICMP, port: int = 0) -> Packet:
    return Packet(IPv4Address(source), IPv4Address(destination), protocol, 40000, port)


def later_fragment(source: str, destination: str, protocol: int) -> Packet:
    return Packet(IPv4Address(source), IPv4Address(destination), protocol, later_fragment=True)


def policy_of(*access_lists: list[str], interfaces: int = 1) -> Policy:
    """One crypto map with an entry for each list."""
    entries = {
        10 * number: {
            "type": "ipsec-isakmp",
            "set_peer": "192.0.2.2",
            "set_transform_set": "strong",
            "match_address": f"list{number}",
        }
        for number in range(1, len(access_lists) + 1)
    }
    data = {
        "hostname": "R1",
        "switch": {"address": "127.0.0.1:9559"},
        "interfaces": {
            f"Ethernet{number}": {
                "port": number,
                "ip_address": f"192.0.{2 + number}.1/24",
                "crypto_map": "m",
            }
            for number in range(interfaces)
        },
        "ip_routes": ["0.0.0.0/0 192.0.2.254"],
        "access_lists": {f"list{number}": lines for number, lines in enumerate(access_lists, 1)},
        "transform_sets": {"strong": "esp-gcm 256"},
        "crypto_maps": {"m": entries},
        "isakmp": {"keys": [{"address": "192.0.2.2", "key": "s3cret"}]},
    }
    return compile_policy(parse_config(json.dumps(data, indent=1)))


def decision(policy: Policy, sent: Packet, crypto_map_id: int = 1) -> str | None:
    """What the table does: the name of the packet type, or None for in the clear."""
    names = {packet_type.id: packet_type.name for packet_type in policy.packet_types}

    def matches(rule: PolicyRule) -> bool:
        flow = rule.flow
        return (
            rule.crypto_map_id == crypto_map_id
            and sent.source in flow.source
            and sent.destination in flow.destination
            and flow.protocol in (0, sent.protocol)
            and flow.source_port.low <= sent.source_port <= flow.source_port.high
            and flow.destination_port.low <= sent.destination_port <= flow.destination_port.high
            and rule.later_fragments in (None, sent.later_fragment)
        )

    best = max(filter(matches, policy.rules), key=lambda rule: rule.priority, default=None)
    if best is None or best.action is PolicyAction.BYPASS:
        return None
    assert best.action is PolicyAction.PROTECT
    return names[best.packet_type]


def on_ios(access_lists: list[list[str]], sent: Packet) -> str | None:
    """What IOS does, entry by entry and line by line."""
    for number, lines in enumerate(access_lists, start=1):
        for index, text in enumerate(lines, start=1):
            line = parse_line(text)
            if isinstance(line, AccessListEntry) and line_matches(line, sent):
                if line.action is Action.PERMIT:
                    return f"m {10 * number} list{number} line {index}"
                break
    return None


def line_matches(line: AccessListEntry, sent: Packet) -> bool:
    def port_matches(match: PortMatch | None, port: int) -> bool:
        return match is None or any(low <= port <= high for low, high in match.ranges)

    if not (sent.source in line.source and sent.destination in line.destination):
        return False
    if line.protocol not in (0, sent.protocol):
        return False
    if sent.later_fragment and (line.source_port or line.destination_port):
        return line.action is Action.PERMIT
    return port_matches(line.source_port, sent.source_port) and port_matches(
        line.destination_port, sent.destination_port
    )


# A small world, so that lines overlap in every way.
addresses = st.integers(0, 3).map(lambda low: IPv4Address(f"10.0.0.{low}"))
prefixes = st.builds(
    lambda address, length: str(IPv4Network((address, length), strict=False)),
    addresses,
    st.sampled_from([8, 30, 31, 32]),
)
port = st.integers(0, 4)


@st.composite
def lines(draw: st.DrawFn) -> str:
    action = draw(st.sampled_from(["permit", "deny"]))
    protocol = draw(st.sampled_from(["ip", "icmp", "tcp", "udp"]))
    operators = ["eq", "lt", "gt", "range"] + (["neq"] if action == "deny" else [])

    def ports() -> str:
        if protocol not in ("tcp", "udp") or draw(st.booleans()):
            return ""
        operator = draw(st.sampled_from(operators))
        if operator == "range":
            low, high = sorted((draw(port), draw(port)))
            return f" range {low} {high}"
        return f" {operator} {draw(port) + (operator == 'lt')}"

    return f"{action} {protocol} {draw(prefixes)}{ports()} {draw(prefixes)}{ports()}"


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    protocol = draw(st.sampled_from([ICMP, TCP, UDP, 50]))
    fragment = draw(st.booleans())
    has_ports = protocol in (TCP, UDP) and not fragment
    ports = (draw(port), draw(port)) if has_ports else (0, 0)
    return Packet(draw(addresses), draw(addresses), protocol, *ports, fragment)


@settings(deadline=None)
@given(
    st.lists(st.lists(lines(), max_size=5), min_size=1, max_size=4),
    st.lists(packets(), min_size=1, max_size=20),
)
def test_the_table_does_what_ios_does(access_lists: list[list[str]], sent: list[Packet]) -> None:
    policy = policy_of(*access_lists)
    for each in sent:
        assert decision(policy, each) == on_ios(access_lists, each)


@settings(deadline=None)
@given(st.lists(st.lists(lines(), max_size=5), min_size=1, max_size=4))
def test_priorities_have_no_gap_and_rules_no_copy(access_lists: list[list[str]]) -> None:
    rules = policy_of(*access_lists).rules
    assert [rule.priority for rule in rules] == list(range(len(rules), 0, -1))
    assert len({(rule.flow, rule.later_fragments) for rule in rules}) == len(rules)


# --- the cases, one by one ----------------------------------------------------------------


def test_the_seeds_list() -> None:
    """PM-12: one permit line is one rule; what it does not match is in the clear."""
    policy = policy_of(["permit ip host 209.165.202.147 host 209.165.202.145"])
    assert policy.rules == (
        PolicyRule(
            crypto_map_id=1,
            priority=1,
            flow=Flow(IPv4Network("209.165.202.147/32"), IPv4Network("209.165.202.145/32")),
            action=PolicyAction.PROTECT,
            packet_type=1,
        ),
    )
    assert decision(policy, packet("209.165.202.145", "209.165.202.147")) is None


def test_a_denied_flow_goes_on_to_the_next_entry() -> None:
    policy = policy_of(
        ["deny ip any 10.1.1.0/24", "permit ip any 10.1.0.0/16"],
        ["permit ip any host 10.1.1.7", "permit ip any 10.2.0.0/16"],
    )
    assert decision(policy, packet("10.0.0.1", "10.1.2.1")) == "m 10 list1 line 2"
    assert decision(policy, packet("10.0.0.1", "10.1.1.7")) == "m 20 list2 line 1"
    assert decision(policy, packet("10.0.0.1", "10.1.1.8")) is None
    assert decision(policy, packet("10.0.0.1", "10.2.0.1")) == "m 20 list2 line 2"


def test_a_list_that_only_denies() -> None:
    policy = policy_of(["deny ip any host 10.1.1.1"], ["permit ip any any"])
    assert decision(policy, packet("10.0.0.1", "10.1.1.1")) == "m 20 list2 line 1"
    only_deny = policy_of(["deny ip any any"])
    assert only_deny.packet_types == ()
    assert [warning.message for warning in only_deny.warnings] == [
        "access list list1 permits nothing: nothing is protected"
    ]


def test_later_fragments_of_a_protected_flow_do_not_leak() -> None:
    policy = policy_of(["permit tcp any any eq 80", "permit udp any any"])
    assert decision(policy, packet("10.0.0.1", "10.0.0.2", TCP, 80)) == "m 10 list1 line 1"
    assert decision(policy, packet("10.0.0.1", "10.0.0.2", TCP, 81)) is None
    assert decision(policy, later_fragment("10.0.0.1", "10.0.0.2", TCP)) == "m 10 list1 line 1"
    assert decision(policy, later_fragment("10.0.0.1", "10.0.0.2", UDP)) == "m 10 list1 line 2"
    assert decision(policy, later_fragment("10.0.0.1", "10.0.0.2", ICMP)) is None


def test_a_denied_port_does_not_let_fragments_of_other_ports_out() -> None:
    policy = policy_of(["deny tcp any any eq 22", "permit tcp any any"])
    assert decision(policy, packet("10.0.0.1", "10.0.0.2", TCP, 22)) is None
    assert decision(policy, later_fragment("10.0.0.1", "10.0.0.2", TCP)) == "m 10 list1 line 2"


def test_neq_denies_all_ports_but_one() -> None:
    policy = policy_of(["deny tcp any any neq 80", "permit tcp any any"])
    assert decision(policy, packet("10.0.0.1", "10.0.0.2", TCP, 80)) == "m 10 list1 line 2"
    assert decision(policy, packet("10.0.0.1", "10.0.0.2", TCP, 79)) is None
    assert decision(policy, packet("10.0.0.1", "10.0.0.2", TCP, 81)) is None


def test_neq_can_not_be_permitted() -> None:
    with pytest.raises(ConfigError, match=r"access_lists.list1\[1\]: 'neq' in a permit line"):
        policy_of(["remark x", "permit tcp any any neq 80"])


def test_a_line_that_never_matches_is_a_warning() -> None:
    policy = policy_of(["permit ip any 10.0.0.0/8"], ["permit tcp any 10.1.0.0/16 eq 80"])
    assert len(policy.rules) == 1
    assert [(warning.field, warning.message) for warning in policy.warnings] == [
        (
            "access_lists.list2[0]",
            "never matches in crypto map m 20: lines before it take all of its traffic",
        )
    ]


def test_ports_and_protocols_are_in_the_flow() -> None:
    (packet_type,) = policy_of(["permit udp 10.0.0.0 0.0.0.255 gt 1023 any range 5 9"]).packet_types
    assert packet_type.flow == Flow(
        IPv4Network("10.0.0.0/24"),
        IPv4Network("0.0.0.0/0"),
        UDP,
        PortRange(1024, 65535),
        PortRange(5, 9),
    )


def test_every_interface_has_rules_of_its_own() -> None:
    policy = policy_of(["permit ip any host 10.0.0.2"], interfaces=2)
    sent = packet("10.0.0.1", "10.0.0.2")
    assert decision(policy, sent, 1) == "m 10 list1 line 1 on Ethernet0"
    assert decision(policy, sent, 2) == "m 10 list1 line 1 on Ethernet1"
    assert [rule.priority for rule in policy.rules] == [1, 1]


# --- bounds -------------------------------------------------------------------------------


def permits(count: int) -> list[str]:
    return [f"permit ip any host 10.0.{index // 256}.{index % 256}" for index in range(count)]


@pytest.mark.slow
def test_4096_packet_types_and_not_one_more() -> None:
    assert len(policy_of(permits(4096)).packet_types) == 4096
    with pytest.raises(ConfigError, match=r"4,097 packet types .* at most 4,096"):
        policy_of(permits(4097))


@pytest.mark.slow
def test_8192_rules_and_not_one_more() -> None:
    ports = [
        f"permit tcp any host 10.0.{index // 256}.{index % 256} eq 80" for index in range(4096)
    ]
    assert len(policy_of(ports).rules) == 8192
    with pytest.raises(ConfigError, match="needs more than 8,192 table entries"):
        policy_of(["deny ip any host 10.255.0.1", *ports])


nested = [[f"deny ip any 10.0.0.0/{length}"] for length in range(8, 33)]


@pytest.mark.parametrize(
    "access_lists",
    [
        [["deny ip any 10.0.0.0/8"]] * 200,  # the same again and again
        nested,
    ],
)
def test_denies_within_denies(access_lists: list[list[str]]) -> None:
    policy = policy_of(*access_lists, ["permit ip any any"])
    name = f"m {10 * len(access_lists) + 10} list{len(access_lists) + 1} line 1"
    assert decision(policy, packet("10.0.0.1", "10.0.0.0")) == name
    assert decision(policy, packet("10.0.0.1", "10.200.0.0")) == name


@pytest.mark.parametrize(
    ("access_lists", "expected"),
    [
        ([[f"deny udp any any gt {low}"] for low in range(500)], "in more than 100 entries"),
        ([[f"deny ip host 10.9.0.{i} any" for i in range(100)], permits(100)], "than 8,192 table"),
    ],
)
def test_denies_within_denies_are_bounded(access_lists: list[list[str]], expected: str) -> None:
    with pytest.raises(ConfigError, match=rf"crypto_maps\.m: .*{expected}"):
        policy_of(*access_lists, ["permit ip any any"])
