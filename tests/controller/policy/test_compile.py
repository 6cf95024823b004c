"""Configuration to policy: what comes out, and what is refused with its place."""

import json
import re
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.config.loader import load_config, parse_config
from controller.config.problems import ConfigError
from controller.policy import limits
from controller.policy.compile import compile_policy
from controller.policy.interfaces import derived_mac_address
from controller.policy.model import Interface, ManualSa, Policy, PolicyAction, StaticRoute
from ike.config import (
    EncryptionAlgorithm,
    EspProposal,
    IkeProposal,
    Integrity,
    KeyExchange,
    PresharedKey,
    Prf,
)
from ike.types import Identity, IdType, Secret

ROOT = Path(__file__).parents[3]
GCM = EncryptionAlgorithm.AES_GCM_16

BASE = """
hostname: R1
switch: {address: "127.0.0.1:9559"}
interfaces:
  Ethernet0: {port: 1, ip_address: 10.1.0.1/24}
  Ethernet1: {port: 2, ip_address: 192.0.2.1/24, crypto_map: m}
ip_routes: [0.0.0.0/0 192.0.2.254]
access_lists: {a: [permit ip 10.1.0.0 0.0.0.255 10.2.0.0 0.0.255.255]}
transform_sets: {strong: esp-gcm 256, fast: esp-gcm 128, cbc: esp-aes esp-sha256-hmac,
                 esn: {transforms: esp-gcm 128, esn: true}}
crypto_maps:
  m:
    10: {type: ipsec-isakmp, set_peer: 192.0.2.2, set_transform_set: strong, match_address: a}
isakmp:
  keys: [{address: 192.0.2.2, key: s3cret}]
"""

MANUAL_ENTRY = {
    "type": "ipsec-manual",
    "set_peer": "192.0.2.2",
    "set_transform_set": "fast",
    "match_address": "a",
    "set_session_key": {
        "inbound": {"spi": 256, "key": "00" * 20},
        "outbound": {"spi": 257, "key": "01" * 20},
    },
}


def changed(**sections: Any) -> str:
    """The base configuration with other sections; a dict is merged into the section."""
    data = yaml.safe_load(BASE)
    for name, value in sections.items():
        data[name] = {**data.get(name, {}), **value} if isinstance(value, dict) else value
    return json.dumps(data, indent=1)


def compiled(**sections: Any) -> Policy:
    return compile_policy(parse_config(changed(**sections), "r1.yaml"))


def errors(**sections: Any) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as caught:
        compiled(**sections)
    assert all(problem.line > 0 for problem in caught.value.problems)
    return [(problem.field, problem.message) for problem in caught.value.problems]


def warnings(**sections: Any) -> list[tuple[str, str]]:
    found = compiled(**sections).warnings
    assert all(warning.line > 0 for warning in found)
    return [(warning.field, warning.message) for warning in found]


# --- the examples -------------------------------------------------------------------------


def test_the_seeds_example() -> None:
    """PM-12: crypto map, transform set, access list, interface and passive mode."""
    policy = compile_policy(load_config(ROOT / "examples" / "seed.yaml"))
    (packet_type,) = policy.packet_types
    assert packet_type.name == "xauthmap 10 192 line 1"
    assert packet_type.text == "permit ip host 209.165.202.147 host 209.165.202.145"
    assert packet_type.peer == IPv4Address("209.165.202.145")
    assert packet_type.local_address == IPv4Address("209.165.202.147")
    assert packet_type.interface == "Ethernet1/0"
    assert packet_type.transform_set == "xauthtransform"
    assert packet_type.proposals == (EspProposal(((GCM, 256),)),)
    assert packet_type.lifetime == 3600
    assert packet_type.flow.source == IPv4Network("209.165.202.147/32")
    assert packet_type.flow.destination == IPv4Network("209.165.202.145/32")
    (interface,) = policy.interfaces
    assert interface.address == IPv4Interface("209.165.202.147/27")
    assert (policy.passive_mode, policy.retry) == (True, 300)
    (peer,) = policy.peers
    assert peer.proposals == (IkeProposal(),)
    assert (peer.lifetime, peer.keepalive) == (86400, 10)


def test_the_example_of_two_sites() -> None:
    policy = compile_policy(load_config(ROOT / "examples" / "two-sites.yaml"))
    assert [packet_type.name for packet_type in policy.packet_types] == [
        "wan 10 site-b line 4",
        "wan 20 site-c line 1",
        "wan 20 site-c line 2",
        "partner 10 partner line 1",
    ]
    site_b = policy.packet_types[0]
    assert site_b.transform_set == "strong, fast"
    assert site_b.proposals == (
        EspProposal(((GCM, 256),), (KeyExchange.CURVE25519,)),
        EspProposal(((GCM, 128),), (KeyExchange.CURVE25519,)),
    )
    assert site_b.lifetime == 1800
    first, second = policy.peers
    assert first.local_identity == Identity.from_text("r1.example.com")
    assert first.remote_identity == Identity(IdType.FQDN, b"r2.example.com")
    assert first.local_authentication == PresharedKey(Secret(b"example-key-for-site-b"))
    assert first.lifetime == 28800
    assert first.keepalive == 20
    assert first.proposals[0] == IkeProposal(
        ((GCM, 256),),
        (Prf.HMAC_SHA2_512, Prf.HMAC_SHA2_384),
        (KeyExchange.CURVE25519,),
    )
    assert second.local_authentication == PresharedKey(Secret(b"example-key-for-all-others"))
    assert second.remote_identity == Identity.from_text("203.0.113.6")
    assert {warning.field.split("[")[0] for warning in policy.warnings} <= {
        "isakmp.keys",  # in a file that everybody may read, depending on the umask
        "crypto_maps.partner.10.type",
        "crypto_maps.partner.10.set_session_key.inbound.key",
        "crypto_maps.partner.10.set_session_key.outbound.key",
    }


def test_the_same_configuration_makes_the_same_policy() -> None:
    assert compiled() == compiled()


# --- limits -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("constant", "value"),
    [
        ("PACKET_TYPE_TABLE_SIZE", limits.PACKET_TYPES),
        ("SPD_TABLE_SIZE", limits.RULES),
        ("INTERFACE_TABLE_SIZE", limits.INTERFACES),
        ("ROUTE_TABLE_SIZE", limits.ROUTES),
    ],
)
def test_limits_are_those_of_the_pipeline(constant: str, value: int) -> None:
    sizes = (ROOT / "p4src" / "sizes.p4").read_text()
    found = re.search(rf"^#define {constant} (\d+)$", sizes, re.MULTILINE)
    assert found is not None
    assert int(found[1]) == value


def test_512_interfaces_and_not_one_more() -> None:
    # There are fewer ports than that.
    many = {
        f"E{n}": {"port": n % 510, "ip_address": f"172.{16 + n // 256}.{n % 256}.1/24"}
        for n in range(511)
    }
    assert ("interfaces", "513 interfaces; at most 512") in errors(interfaces=many)


@pytest.mark.slow
def test_16384_routes_and_not_one_more() -> None:
    routes = [f"10.{100 + n // 256}.{n % 256}.0/24 Null0" for n in range(16378)]
    assert len(compiled(ip_routes=[*routes[:-1], "0.0.0.0/0 192.0.2.254"]).static_routes) == 16378
    ((field, message),) = errors(ip_routes=[*routes, "0.0.0.0/0 192.0.2.254"])
    assert field == "ip_routes"
    assert message.endswith("at most 16,384 in all")


# --- interfaces ---------------------------------------------------------------------------


def test_interfaces_are_numbered_in_order() -> None:
    policy = compiled()
    assert policy.interfaces[0] == Interface(
        id=1,
        name="Ethernet0",
        port=1,
        mac_address=derived_mac_address("R1", "Ethernet0"),
        address=IPv4Interface("10.1.0.1/24"),
        mtu=1500,
        crypto_map=None,
        crypto_map_id=0,
    )
    assert (policy.interfaces[1].id, policy.interfaces[1].crypto_map_id) == (2, 1)


def test_derived_mac_addresses_are_local_unicast_and_stable() -> None:
    made = {derived_mac_address(f"R{n % 10}", f"Ethernet{n // 10}") for n in range(1000)}
    assert len(made) == 1000
    assert all(address >> 40 & 0b11 == 0b10 and address < 2**48 for address in made)
    # Neighbors remember it: it must be the same after an upgrade.
    assert f"{derived_mac_address('R1', 'Ethernet1/0'):012x}" == "1e29f034369e"


def test_a_configured_mac_address_is_kept() -> None:
    sections = {
        "Ethernet0": {"port": 1, "ip_address": "10.1.0.1/24", "mac_address": "0200.0000.0001"}
    }
    assert compiled(interfaces=sections).interfaces[0].mac_address == 0x020000000001


def test_a_port_has_one_interface() -> None:
    assert errors(interfaces={"Ethernet2": {"port": 2, "ip_address": "10.3.0.1/24"}}) == [
        ("interfaces.Ethernet2.port", "port 2 is Ethernet1's")
    ]


@pytest.mark.parametrize("address", ["10.1.0.2/24", "10.0.0.1/8", "10.1.0.129/25", "10.1.0.1/32"])
def test_networks_do_not_overlap(address: str) -> None:
    network = IPv4Interface(address).network
    assert errors(interfaces={"Ethernet2": {"port": 3, "ip_address": address}}) == [
        ("interfaces.Ethernet2.ip_address", f"{network} overlaps with 10.1.0.0/24 of Ethernet0")
    ]


# --- routes -------------------------------------------------------------------------------


def test_static_routes() -> None:
    routes = ["0.0.0.0/0 192.0.2.254", "10.8.0.0/16 Null0"]
    assert compiled(ip_routes=routes).static_routes == (
        StaticRoute(IPv4Network("0.0.0.0/0"), IPv4Address("192.0.2.254")),
        StaticRoute(IPv4Network("10.8.0.0/16"), None),
    )


@pytest.mark.parametrize(
    ("route", "message"),
    [
        ("10.8.0.0/16 172.16.0.1", "gateway 172.16.0.1 is on no connected network"),
        ("10.8.0.0/16 192.0.2.1", "192.0.2.1 is this router's own address"),
        ("10.8.0.0/16 192.0.2.255", "192.0.2.255 is no host of 192.0.2.0/24"),
        ("10.1.0.0/24 192.0.2.2", "10.1.0.0/24 is the network of Ethernet0"),
        ("0.0.0.0/0 192.0.2.3", "0.0.0.0/0 is in the list already"),
    ],
)
def test_routes_that_are_refused(route: str, message: str) -> None:
    assert errors(ip_routes=["0.0.0.0/0 192.0.2.254", route]) == [("ip_routes[1]", message)]


# --- peers --------------------------------------------------------------------------------

PEER = "crypto_maps.m.10.set_peer"


def entry(**changes: object) -> dict[str, Any]:
    """The crypto map with other values in its one entry."""
    original = yaml.safe_load(BASE)["crypto_maps"]["m"][10]
    return {"m": {10: {**original, **changes}}}


def test_a_peer_needs_a_key() -> None:
    assert errors(isakmp={"keys": []}) == [(PEER, "isakmp.keys has no key for 192.0.2.2")]


@pytest.mark.parametrize("more", [[], ["198.51.100.0/24 Null0"]])
def test_a_peer_needs_a_route(more: list[str]) -> None:
    found = errors(
        ip_routes=["10.2.0.0/16 192.0.2.254", *more],
        crypto_maps=entry(set_peer="198.51.100.1"),
        isakmp={"keys": [{"address": "0.0.0.0/0", "key": "s3cret"}]},
    )
    assert found == [(PEER, "no route to 198.51.100.1")]


def test_a_peer_is_somebody_else() -> None:
    keys = {"keys": [{"address": "0.0.0.0/0", "key": "s3cret"}]}
    ((field, message), *_) = errors(crypto_maps=entry(set_peer="10.1.0.1"), isakmp=keys)
    assert (field, message) == (PEER, "10.1.0.1 is this router's own address (Ethernet0)")


def test_the_longest_prefix_has_the_key() -> None:
    keys = [
        {"address": "192.0.2.0/24", "key": "net"},
        {"address": "192.0.2.2", "key": "host", "identity": "@#00ff"},
        {"address": "0.0.0.0/0", "key": "any"},
    ]
    (peer,) = compiled(isakmp={"keys": keys}).peers
    assert peer.local_authentication == PresharedKey(Secret(b"host"))
    assert peer.remote_identity == Identity(IdType.KEY_ID, b"\x00\xff")
    (peer,) = compiled(isakmp={"keys": [keys[0], keys[2]]}).peers
    assert peer.local_authentication == PresharedKey(Secret(b"net"))
    assert peer.remote_identity == Identity.from_text("192.0.2.2")


@pytest.mark.parametrize(
    ("identity", "expected"),
    [("address", "192.0.2.1"), ("hostname", "R1"), ("r1@example.com", "r1@example.com")],
)
def test_own_identity(identity: str, expected: str) -> None:
    isakmp = {"identity": identity, "keys": [{"address": "192.0.2.2", "key": "k"}]}
    (peer,) = compiled(isakmp=isakmp).peers
    assert peer.local_identity == Identity.from_text(expected)


def test_policies_go_by_number_and_the_shortest_lifetime_holds() -> None:
    isakmp = {
        "keys": [{"address": "192.0.2.2", "key": "k"}],
        "policies": {
            20: {"encryption": "aes-gcm 128", "prf": "sha256", "group": 19, "lifetime": 600},
            5: {"encryption": "aes-gcm 256", "prf": "sha384", "group": 31},
        },
    }
    (peer,) = compiled(isakmp=isakmp).peers
    assert peer.proposals == (
        IkeProposal(((GCM, 256),), (Prf.HMAC_SHA2_384,), (KeyExchange.CURVE25519,)),
        IkeProposal(((GCM, 128),), (Prf.HMAC_SHA2_256,), (KeyExchange.SECP256R1,)),
    )
    assert peer.lifetime == 600


def test_a_peer_is_one_for_each_local_address() -> None:
    third = {"Ethernet2": {"port": 3, "ip_address": "172.16.0.1/24", "crypto_map": "m"}}
    policy = compiled(interfaces=third)
    assert [(str(peer.address), str(peer.local_address)) for peer in policy.peers] == [
        ("192.0.2.2", "192.0.2.1"),
        ("192.0.2.2", "172.16.0.1"),
    ]
    assert [(one.id, one.crypto_map_id, one.name) for one in policy.packet_types] == [
        (1, 1, "m 10 a line 1 on Ethernet1"),
        (2, 2, "m 10 a line 1 on Ethernet2"),
    ]
    assert {rule.crypto_map_id: rule.packet_type for rule in policy.rules} == {1: 1, 2: 2}


# --- manual keys --------------------------------------------------------------------------


def manual(**changes: Any) -> dict[str, Any]:
    return {"m": {10: {**MANUAL_ENTRY, **changes}}}


def session_keys(inbound: tuple[int, str], outbound: tuple[int, str]) -> dict[str, Any]:
    names = ("inbound", "outbound")
    keys = zip(names, (inbound, outbound), strict=True)
    return {name: {"spi": spi, "key": key} for name, (spi, key) in keys}


def test_manual_keys() -> None:
    """PM-11: SAs come from manual configuration too."""
    policy = compiled(crypto_maps=manual(), isakmp={"keys": []})
    (packet_type,) = policy.packet_types
    assert packet_type.manual_in == ManualSa(256, GCM, 128, Secret(bytes(16)), Secret(bytes(4)))
    assert packet_type.manual_out == ManualSa(257, GCM, 128, Secret(b"\1" * 16), Secret(b"\1" * 4))
    assert packet_type.lifetime == 0
    assert policy.peers == ()
    assert policy.rules[0].action is PolicyAction.PROTECT
    ((field, message),) = [(warning.field, warning.message) for warning in policy.warnings]
    assert field == "crypto_maps.m.10.type"
    assert message.startswith("manual keys")


KEYS = "crypto_maps.m.10.set_session_key"


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        (
            {"set_transform_set": "strong"},
            f"{KEYS}.inbound",
            "the cipher key has 20 bytes, transform set strong (esp-gcm 256) wants 32 with a salt "
            "of 4",
        ),
        (
            {"set_transform_set": "cbc"},
            f"{KEYS}.outbound",
            "the cipher key has 20 bytes, transform set cbc (esp-aes 128 esp-sha256-hmac) wants 16",
        ),
        (
            {"set_transform_set": "cbc"},
            f"{KEYS}.inbound",
            "the authenticator has 0 bytes, transform set cbc (esp-aes 128 esp-sha256-hmac) wants "
            "32",
        ),
        (
            {"set_transform_set": "esn"},
            "crypto_maps.m.10.set_transform_set",
            "transform set esn has extended sequence numbers, which need IKE: a receiver that can "
            "start to count again has no use for them (RFC 4303 §3.3.3)",
        ),
        (
            {"set_session_key": session_keys((256, "00" * 20), (257, "00" * 20))},
            f"{KEYS}.outbound",
            "has the same key as crypto map m 10 inbound",
        ),
    ],
)
def test_manual_keys_that_are_refused(changes: dict[str, Any], field: str, message: str) -> None:
    found = errors(crypto_maps=manual(**changes))
    assert (field, message) in found
    assert "00" * 8 not in str(found)


def test_manual_keys_of_a_cipher_with_an_authenticator() -> None:
    """``set session-key inbound esp SPI cipher KEY authenticator KEY``."""
    keys = session_keys((256, "00" * 16), (257, "01" * 16))
    keys["inbound"]["authenticator_key"] = "02" * 32
    keys["outbound"]["authenticator_key"] = "03" * 32
    policy = compiled(crypto_maps=manual(set_transform_set="cbc", set_session_key=keys))
    assert policy.packet_types[0].manual_out == ManualSa(
        257,
        EncryptionAlgorithm.AES_CBC,
        128,
        Secret(b"\1" * 16),
        Secret(b""),
        Integrity.HMAC_SHA2_256_128,
        Secret(b"\3" * 32),
    )
    keys["outbound"]["authenticator_key"] = "02" * 32
    found = errors(crypto_maps=manual(set_transform_set="cbc", set_session_key=keys))
    assert found == [(f"{KEYS}.outbound", "has the same key as crypto map m 10 inbound")]


def test_manual_keys_and_spis_are_used_once() -> None:
    second = session_keys((256, "00" * 20), (257, "02" * 20))
    entries = {10: MANUAL_ENTRY, 20: {**MANUAL_ENTRY, "set_session_key": second}}
    assert errors(crypto_maps={"m": entries}) == [
        (
            "crypto_maps.m.20.set_session_key.inbound",
            "has the same key as crypto map m 10 inbound",
        ),
        (
            "crypto_maps.m.20.set_session_key.inbound.spi",
            "256 towards 192.0.2.1 is the SPI of crypto map m 10 inbound",
        ),
        (
            "crypto_maps.m.20.set_session_key.outbound.spi",
            "257 towards 192.0.2.2 is the SPI of crypto map m 10 outbound",
        ),
    ]


def test_a_manual_entry_has_one_permit_line() -> None:
    lists = {"a": ["deny ip any host 10.2.0.1", "permit ip any 10.2.0.0/16", "permit ip any any"]}
    ((field, message),) = errors(access_lists=lists, crypto_maps=manual())
    assert field == "crypto_maps.m.10.match_address"
    assert "has 2 permit lines, a manual entry takes one" in message


def test_manual_keys_serve_one_interface() -> None:
    third = {"Ethernet2": {"port": 3, "ip_address": "172.16.0.1/24", "crypto_map": "m"}}
    ((field, message),) = errors(interfaces=third, crypto_maps=manual())
    assert field == "crypto_maps.m.10.type"
    assert "bound to 2 interfaces" in message


# --- warnings -----------------------------------------------------------------------------


def test_nothing_to_warn_of() -> None:
    assert warnings() == []


def test_a_crypto_map_that_is_bound_nowhere() -> None:
    maps = {**entry(), "spare": entry()["m"], "empty": {}}
    assert warnings(crypto_maps=maps) == [
        ("crypto_maps.spare", "bound to no interface: protects nothing"),
        ("crypto_maps.empty", "bound to no interface: protects nothing"),
    ]


def test_a_peer_behind_another_interface() -> None:
    keys = {"keys": [{"address": "10.1.0.9", "key": "k"}]}
    ((field, message),) = warnings(crypto_maps=entry(set_peer="10.1.0.9"), isakmp=keys)
    assert field == PEER
    assert message == (
        "10.1.0.9 is reached through Ethernet0, but the crypto map is bound to Ethernet1"
    )


@pytest.mark.parametrize(
    ("routes", "warned"),
    [
        (["10.2.0.0/16 10.1.0.254"], True),
        (["10.2.0.0/16 Null0"], True),
        (["10.2.0.0/16 10.1.0.254", "10.2.3.0/24 192.0.2.254"], False),
        (["10.2.3.0/24 10.1.0.254", "0.0.0.0/0 192.0.2.254"], False),
        (["10.0.0.0/8 192.0.2.254"], False),
    ],
)
def test_traffic_that_never_comes_to_the_crypto_map(routes: list[str], warned: bool) -> None:
    found = warnings(ip_routes=routes)
    assert bool(found) is warned
    if warned:
        assert found[0][0] == "access_lists.a[0]"
        assert "no route to 10.2.0.0/16 leads through Ethernet1" in found[0][1]


def test_a_tcp_api_without_tls_is_a_warning() -> None:
    ((field, message),) = warnings(api={"listen": ["127.0.0.1:9560"]})
    assert field == "api.listen[0]"
    assert "every user of this machine" in message


def test_every_error_at_once() -> None:
    interfaces = {"Ethernet2": {"port": 2, "ip_address": "10.1.0.7/24"}}
    fields = [
        field for field, _ in errors(interfaces=interfaces, ip_routes=["10.9.0.0/16 172.16.0.1"])
    ]
    assert fields == [
        "interfaces.Ethernet2.port",
        "interfaces.Ethernet2.ip_address",
        "ip_routes[0]",
    ]
