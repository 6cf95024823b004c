"""What the entries of each table say."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.p4runtime import tables
from controller.p4runtime.capabilities import ESP_ENCRYPTION, ESP_INTEGRITY, has_transforms
from controller.p4runtime.entities import Entry
from controller.p4runtime.enums import PuntReason
from controller.p4runtime.errors import EntryError, SelectorError
from controller.p4runtime.tables.meters import IKE_GROUP_RATE, PUNT_RATES
from controller.passive.events import Decision
from controller.policy.model import Flow, PolicyAction, PortRange
from ike.config import EncryptionAlgorithm, Integrity
from ike.crypto.suites import EspSuite
from ike.types import Secret, TrafficSelector
from tests.controller.p4runtime.samples import INTERFACE, RULE, SAD_IN, SAD_OUT


def match_of(entry: Entry) -> dict[str, object]:
    return dict(entry.key.match)


def test_interface_goes_in_by_port_and_out_by_id() -> None:
    way_in = tables.ingress_interface(INTERFACE)
    way_out = tables.egress_interface(INTERFACE)
    assert match_of(way_in) == {"port": 7}
    assert dict(way_in.params)["interface_id"] == 3
    assert match_of(way_out) == {"interface_id": 3}
    assert dict(way_out.params) == {
        "port": 7,
        "mtu": 1500,
        "crypto_map": 2,
    }
    assert "Ethernet1/0" in way_in.label


def test_default_route_has_no_match_field() -> None:
    assert match_of(tables.route_blackhole(IPv4Network("0.0.0.0/0"))) == {}
    assert match_of(tables.route_connected(IPv4Network("10.0.0.0/24"), 1)) == {
        "prefix": (0x0A000000, 24)
    }


def test_rule_goes_out_as_written_and_in_mirrored() -> None:
    out = tables.spd_out(RULE)
    into = tables.spd_in(RULE)
    network_1 = (0x0A010000, 0xFFFF0000)
    network_2 = (0x0A020000, 0xFFFF0000)
    assert match_of(out) == {
        "crypto_map": 2,
        "source": network_1,
        "destination": network_2,
        "protocol": (6, 0xFF),
        "destination_port": (80, 90),
        "later_fragment": (0, 1),
    }
    assert match_of(into) == {
        "crypto_map": 2,
        "source": network_2,
        "destination": network_1,
        "protocol": (6, 0xFF),
        "source_port": (80, 90),
        "later_fragment": (0, 1),
    }
    assert out.action == "protect"
    assert into.action == "expect_protection"
    assert out.params == into.params == (("packet_type", 5),)
    assert out.key.priority == 100


def test_rule_for_later_fragments_does_not_look_at_ports() -> None:
    """A later fragment has none (RFC 4301 §7)."""
    match = match_of(tables.spd_out(replace(RULE, later_fragments=True)))
    assert match["later_fragment"] == (1, 1)
    assert "destination_port" not in match
    assert "later_fragment" not in match_of(tables.spd_out(replace(RULE, later_fragments=None)))


@pytest.mark.parametrize("action", [PolicyAction.BYPASS, PolicyAction.DISCARD])
def test_rules_that_do_not_protect_carry_no_packet_type(action: PolicyAction) -> None:
    rule = replace(RULE, action=action, packet_type=0)
    for entry in (tables.spd_out(rule), tables.spd_in(rule)):
        assert entry.params == ()
        assert entry.action.endswith(f".{action}")


def test_sas_are_read_back_as_they_were_written() -> None:
    """Adoption after a restart of the controller depends on it."""
    assert tables.parse_sad_in(tables.sad_in(SAD_IN)) == SAD_IN
    assert tables.parse_sad_out(tables.sad_out(SAD_OUT)) == SAD_OUT
    manual = replace(SAD_IN, anti_replay=False)
    assert tables.parse_sad_in(tables.sad_in(manual)) == manual


def test_keys_of_128_bits_are_the_low_half() -> None:
    """`esp_cipher.p4`: the key is the low 128 bits."""
    assert dict(tables.sad_in(SAD_IN).params)["key_material"] == int.from_bytes(range(16), "big")


@pytest.mark.parametrize(
    ("encryption", "bits"), sorted(ESP_ENCRYPTION), ids=lambda value: str(int(value))
)
def test_every_suite_is_read_back(encryption: EncryptionAlgorithm, bits: int) -> None:
    for integrity in (None, *sorted(ESP_INTEGRITY)):
        if not has_transforms(encryption, bits, integrity):
            continue
        suite = EspSuite(encryption, bits, integrity)
        spec = suite.encryption_spec
        keying = tables.Keying(
            encryption,
            bits,
            Secret(bytes(range(1, spec.key_length + 1))),
            Secret(b"\x00" * spec.salt_length),
            integrity,
            Secret(bytes(range(suite.integrity_key_length))),
            extended_sequence_numbers=True,
        )
        sa = replace(SAD_IN, keying=keying)
        assert tables.parse_sad_in(tables.sad_in(sa)) == sa


def test_sa_with_a_key_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(EntryError, match="key of 32"):
        tables.sad_in(replace(SAD_IN, keying=replace(SAD_IN.keying, key_bits=256)))
    with pytest.raises(EntryError, match="salt of 4"):
        tables.sad_out(replace(SAD_OUT, keying=replace(SAD_OUT.keying, salt=Secret(b"123"))))
    wrong = replace(SAD_OUT.keying, integrity=Integrity.HMAC_SHA2_256_128)
    with pytest.raises(EntryError, match="no AES_GCM_16-256 with HMAC"):
        tables.sad_out(replace(SAD_OUT, keying=wrong))


def test_entries_of_sas_do_not_show_key_material() -> None:
    entry = tables.sad_out(SAD_OUT, "map 10 list line 1")
    key = int.from_bytes(SAD_OUT.keying.key.reveal(), "big")
    assert str(key) not in repr(entry)
    assert f"{key:x}" not in repr(entry)
    assert SAD_OUT.keying.key.reveal().hex() not in repr(SAD_OUT)
    assert "map 10 list line 1" in entry.label
    assert f"{SAD_OUT.spi:#x}" in entry.label


def test_entry_with_an_unknown_algorithm_is_not_adopted() -> None:
    entry = tables.sad_in(SAD_IN)
    for wrong, message in (
        ({"encryption": 99}, "encryption algorithm 99"),
        ({"integrity": 99}, "integrity algorithm 99"),
        ({"key_length": 127}, "AES_GCM_16-127"),
        ({"integrity": 12}, "with HMAC_SHA2_256_128"),
    ):
        params = tuple((dict(entry.params) | wrong).items())
        with pytest.raises(EntryError, match=message):
            tables.parse_sad_in(replace(entry, params=params))


def test_entry_with_a_longer_key_than_its_algorithm_is_not_adopted() -> None:
    entry = tables.sad_in(SAD_IN)
    params = tuple(
        (name, 1 << 200 if name == "key_material" else value) for name, value in entry.params
    )
    with pytest.raises(EntryError, match="key_material"):
        tables.parse_sad_in(replace(entry, params=params))


@pytest.mark.parametrize("decision", list(Decision))
def test_decisions_are_read_back(decision: Decision) -> None:
    assert tables.parse_no_sa(tables.no_sa(5, decision)) == (5, decision)


def test_clear_addresses_are_read_back() -> None:
    """Out of an idle notification too, which has the key alone."""
    address = IPv4Address("10.3.0.1")
    destination = tables.clear_destination(5, address, 300.0)
    source = tables.clear_source(6, address, 60.0)
    assert tables.parse_clear_destination(destination) == (5, address)
    assert tables.parse_clear_source(source) == (6, address)
    assert tables.parse_clear_destination(Entry(destination.key, "")) == (5, address)
    assert tables.parse_clear_source(Entry(source.key, "")) == (6, address)
    assert destination.idle_timeout == 300.0
    with pytest.raises(EntryError):
        tables.parse_clear_source(destination)


@pytest.mark.parametrize("enabled", [True, False])
def test_passive_mode_is_a_default_action(enabled: bool) -> None:
    entry = tables.passive_mode(enabled)
    assert entry.key.is_default
    assert tables.parse_passive_mode(entry) is enabled


def test_neighbor_is_read_back() -> None:
    address = IPv4Address("10.0.0.9")
    entry = tables.neighbor(INTERFACE, address, 0x020000000009)
    assert tables.parse_neighbor(entry) == (3, address, 0x020000000009)
    assert dict(entry.params)["port"] == INTERFACE.port
    assert dict(entry.params)["source_mac_address"] == INTERFACE.mac_address


# --- selectors ----------------------------------------------------------------------------


def selector(
    start: str, end: str, protocol: int = 0, ports: tuple[int, int] = (0, 65535)
) -> TrafficSelector:
    return TrafficSelector(IPv4Address(start), IPv4Address(end), protocol, *ports)


def test_selectors_are_those_of_packets_coming_in() -> None:
    """RFC 4301 §5.2: the remote selector is the source."""
    (entry,) = tables.sa_selectors(
        9, (selector("10.1.0.0", "10.1.255.255"),), (selector("10.2.0.1", "10.2.0.1"),)
    )
    assert match_of(entry) == {
        "sa_id": 9,
        "source": (0x0A020001, 0xFFFFFFFF),
        "destination": (0x0A010000, 0xFFFF0000),
    }
    assert entry.key.priority > 0  # P4Runtime wants one where a field is ternary
    assert tables.parse_selector_sa_id(entry) == 9


def test_selectors_with_ports_match_later_fragments_without_them() -> None:
    entries = tables.sa_selectors(
        9,
        (selector("10.1.0.0", "10.1.0.255", 6, (80, 80)),),
        (selector("10.2.0.0", "10.2.0.255"),),
    )
    with_ports, fragments = sorted(entries, key=lambda e: match_of(e)["later_fragment"])
    assert match_of(with_ports)["destination_port"] == (80, 80)
    assert match_of(with_ports)["later_fragment"] == (0, 1)
    assert match_of(fragments)["later_fragment"] == (1, 1)
    assert "destination_port" not in match_of(fragments)
    assert match_of(with_ports)["protocol"] == match_of(fragments)["protocol"] == (6, 0xFF)


def test_selectors_of_two_protocols_do_not_mix() -> None:
    entries = tables.sa_selectors(
        9,
        (selector("10.1.0.0", "10.1.0.0", 6), selector("10.1.0.0", "10.1.0.0", 17)),
        (selector("10.2.0.0", "10.2.0.0", 6), selector("10.2.0.0", "10.2.0.0", 17)),
    )
    assert sorted(match_of(entry)["protocol"] for entry in entries) == [(6, 0xFF), (17, 0xFF)]


def test_selectors_that_match_nothing_are_refused() -> None:
    with pytest.raises(SelectorError, match="nothing"):
        tables.sa_selectors(
            9, (selector("10.1.0.0", "10.1.0.0", 6),), (selector("10.2.0.0", "10.2.0.0", 17),)
        )


@pytest.mark.parametrize(
    "bad",
    [
        selector("10.1.0.9", "10.1.0.0"),
        selector("10.1.0.0", "10.1.0.9", 6, (65535, 0)),  # OPAQUE
        selector("10.1.0.0", "10.1.0.9", 0, (80, 80)),
        selector("10.1.0.0", "10.1.0.9", 1, (0x0800, 0x08FF)),  # ICMP type and code
        TrafficSelector(IPv6Address("2001:db8::"), IPv6Address("2001:db8::9")),
    ],
)
def test_selectors_that_the_pipeline_cannot_check_are_refused(bad: TrafficSelector) -> None:
    with pytest.raises(SelectorError):
        tables.sa_selectors(9, (bad,), (selector("10.2.0.0", "10.2.0.0"),))


def test_selectors_are_bounded() -> None:
    """A peer must not be able to fill the table with one SA."""
    ragged = selector("0.0.0.1", "255.255.255.254")
    with pytest.raises(SelectorError, match="256"):
        tables.sa_selectors(9, (ragged,), (ragged,))


addresses = st.integers(0, 2**32 - 1)


@given(st.tuples(addresses, addresses).map(sorted), addresses)
def test_prefixes_cover_exactly_the_range(bounds: list[int], probe: int) -> None:
    low, high = bounds
    remote = TrafficSelector(IPv4Address(low), IPv4Address(high))
    entries = tables.sa_selectors(1, (selector("10.0.0.0", "10.0.0.0"),), (remote,))
    for value in (probe, low, high, max(low - 1, 0), min(high + 1, 2**32 - 1)):
        hits = 0
        for entry in entries:
            base, mask = dict(entry.key.match).get("source", (0, 0))  # type: ignore[misc]  # ternary
            hits += value & mask == base
        assert hits == (low <= value <= high)


# --- meters -------------------------------------------------------------------------------


def test_every_punt_reason_is_metered() -> None:
    assert {cell.index for cell in tables.punt_meters()} == set(PuntReason) - {PuntReason.NONE}


def test_flood_of_ike_from_one_source_leaves_room_for_the_others() -> None:
    """The group of a source is metered first, well below what all IKE may take."""
    assert len(tables.ike_meters()) == 256
    assert IKE_GROUP_RATE[0] * 10 <= PUNT_RATES[PuntReason.IKE][0]


def test_no_sa_meters_are_one_a_packet_type() -> None:
    cells = tables.no_sa_meters([1, 4096])
    assert [cell.index for cell in cells] == [1, 4096]
    assert all(cell.rate <= 1 and cell.burst <= 5 for cell in cells)


def test_flow_without_restrictions_matches_by_crypto_map_only() -> None:
    anything = Flow(IPv4Network("0.0.0.0/0"), IPv4Network("0.0.0.0/0"), 0, PortRange())
    rule = replace(RULE, flow=anything, later_fragments=None)
    assert match_of(tables.spd_out(rule)) == {"crypto_map": 2}


def test_what_was_found_is_described_by_its_match() -> None:
    """A switch gives no labels back; a refusal has to name such an entry nevertheless."""
    found = replace(tables.spd_in(RULE), label="")
    assert found.description.startswith("the entry of spd_in that was found with crypto_map 2, ")
    assert f"priority {RULE.priority}" in found.description
    assert str(RULE.flow.source.network_address) in found.description
    route = replace(tables.route_connected(IPv4Network("10.0.0.0/8"), 3), label="")
    assert "prefix 10.0.0.0/8" in route.description
    inbound = replace(tables.sad_in(SAD_IN), label="")
    assert inbound.description.endswith(f"destination 192.0.2.1, spi {SAD_IN.spi}")
    assert str(int.from_bytes(SAD_IN.keying.key.reveal(), "big")) not in inbound.description
