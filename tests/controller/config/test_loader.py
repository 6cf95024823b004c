"""Configuration files: what is accepted, and every error at once with its place."""

import json
import os
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.config.algorithms import EspTransforms
from controller.config.crypto import CryptoMapType, SaLifetime
from controller.config.loader import MAX_FILE_SIZE, load_config, parse_config
from controller.config.models import Config
from controller.config.problems import ConfigError, Problem
from controller.config.scalars import Endpoint, IpRoute
from ike.config import EncryptionAlgorithm, KeyExchange, Prf
from ike.types import Identity, Secret

MINIMAL = """\
hostname: R1
switch:
  address: 127.0.0.1:9559
interfaces:
  Ethernet1/0:
    port: 1
    ip_address: 192.0.2.1/24
"""

CRYPTO = """\
access_lists:
  192:
    - permit ip any any
transform_sets:
  strong: esp-gcm 256
crypto_maps:
  m:
    10:
      type: ipsec-isakmp
      set_peer: 192.0.2.2
      set_transform_set: strong
      match_address: 192
isakmp:
  keys:
    - {address: 192.0.2.2, key: s3cret}
"""


def problems_of(text: str, directory: Path | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "r1.yaml", directory)
    return [str(problem) for problem in caught.value.problems]


def merged(text: str, **sections: object) -> str:
    """Replace sections of a configuration by others."""
    data: dict[str, Any] = yaml.safe_load(text)
    return yaml.safe_dump({**data, **sections}, sort_keys=False)


def test_defaults() -> None:
    """PM-1: passive mode is off by default; PM-4: retry is 300 s."""
    config = parse_config(MINIMAL)
    assert config.crypto_ipsec_optional.enabled is False
    assert config.crypto_ipsec_optional.retry == 300
    assert config.isakmp.keepalive == 10
    assert config.isakmp.identity == "address"
    assert config.interfaces["Ethernet1/0"].mtu == 1500
    assert (config.switch.device_id, config.switch.election_id) == (1, 1)
    assert [str(endpoint) for endpoint in config.api.listen] == ["unix:/run/p4ipsec/p4ipsec.sock"]
    assert config.debug.ike_keylog_file is None
    assert config.debug.esp_keylog_file is None


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    for name in ("ca.pem", "r1.pem", "r1.key"):
        (tmp_path / name).write_text("pem")
        (tmp_path / name).chmod(0o600)
    config = parse_config(
        """
hostname: r1.example.com
switch:
  address: unix:/run/switch.sock
  device_id: 18446744073709551615
  election_id: 7
  tls: {ca_file: ca.pem, certificate_file: r1.pem, key_file: r1.key}
api:
  listen: ["unix:/tmp/a.sock", "[2001:db8::1]:9560", 127.0.0.1:9561]
  tls: {ca_file: ca.pem, certificate_file: r1.pem, key_file: r1.key}
interfaces:
  Ethernet1/0:
    port: 0
    ip_address: 192.0.2.1 255.255.255.0
    mac_address: 0200.0000.00ff
    mtu: 9000
    crypto_map: m
ip_routes:
  - 0.0.0.0/0 192.0.2.254
  - 10.0.0.0 255.0.0.0 Null0
access_lists:
  sites: [remark all, permit tcp any any eq www]
transform_sets:
  strong: [esp-gcm 256]
  fast: esp-gcm
crypto_maps:
  m:
    20:
      type: ipsec-isakmp
      set_peer: 192.0.2.2
      set_transform_set: [strong, fast]
      match_address: sites
      set_security_association_lifetime: 120
    10:
      type: ipsec-manual
      set_peer: 192.0.2.3
      set_transform_set: fast
      match_address: sites
      set_session_key:
        inbound: {spi: 0x100, key: 0x000102030405060708090a0b0c0d0e0fa0a1a2a3}
        outbound: {spi: 257, key: "100102030405060708090a0b0c0d0e0fb0b1b2b3"}
crypto_ipsec_optional:
  enabled: yes
  retry: 60
isakmp:
  identity: hostname
  keepalive: 0
  policies:
    10: {encryption: [aes-gcm 256, aes-gcm 128], prf: sha512, group: [31, 19], lifetime: 3600}
  keys:
    - {address: 192.0.2.2, key: 0123, identity: r2.example.com}
    - {address: 10.0.0.0 255.0.0.0, key: "null"}
debug:
  ike_keylog_file: ike.log
""",
        directory=tmp_path,
    )
    assert config.switch.address == Endpoint(path="/run/switch.sock")
    assert config.switch.device_id == 2**64 - 1
    assert config.switch.tls is not None
    assert config.switch.tls.ca_file == tmp_path / "ca.pem"
    assert config.api.listen[1] == Endpoint(host="2001:db8::1", port=9560)
    interface = config.interfaces["Ethernet1/0"]
    assert interface.ip_address == IPv4Interface("192.0.2.1/24")
    assert interface.mac_address == 0x0200000000FF
    assert config.ip_routes == [
        IpRoute(IPv4Network("0.0.0.0/0"), IPv4Address("192.0.2.254")),
        IpRoute(IPv4Network("10.0.0.0/8"), None),
    ]
    fast = config.transform_sets["fast"].transforms
    assert fast == EspTransforms((EncryptionAlgorithm.AES_GCM_16, 128))
    entry = config.crypto_maps["m"][20]
    assert entry.set_transform_set == ["strong", "fast"]
    assert entry.set_security_association_lifetime == SaLifetime(seconds=120)
    manual = config.crypto_maps["m"][10]
    assert manual.type is CryptoMapType.MANUAL
    assert manual.set_session_key is not None
    assert manual.set_session_key.inbound.spi == 256
    assert manual.set_session_key.inbound.cipher == Secret(
        bytes(range(16)) + bytes.fromhex("a0a1a2a3")
    )
    assert manual.set_session_key.inbound.authenticator == Secret(b"")
    assert config.crypto_ipsec_optional.enabled is True
    policy = config.isakmp.policies[10]
    assert policy.prf == [Prf.HMAC_SHA2_512]
    assert policy.group == [KeyExchange.CURVE25519, KeyExchange.SECP256R1]
    assert config.isakmp.keys[0].secret == Secret(b"0123")
    assert config.isakmp.keys[0].identity == Identity.from_text("r2.example.com")
    assert config.isakmp.keys[1].secret == Secret(b"null")
    assert config.debug.ike_keylog_file == tmp_path / "ike.log"


def test_every_error_at_once() -> None:
    text = MINIMAL.replace("port: 1", "port: 511").replace("/24", "/33") + CRYPTO.replace(
        "match_address: 192", "match_address: 193"
    ).replace("permit ip any any", "permit ip any").replace("set_peer:", "set-peer:")
    assert problems_of(text) == [
        "r1.yaml:6:11: interfaces.Ethernet1/0.port: expected 0 to 509, not '511'",
        "r1.yaml:7:17: interfaces.Ethernet1/0.ip_address: expected 192.0.2.1/LENGTH or a "
        "contiguous mask such as 255.255.255.0, not '192.0.2.1/33'",
        "r1.yaml:10:20: access_lists.192[0]: expected the destination: any, host A.B.C.D, "
        "A.B.C.D WILDCARD or A.B.C.D/LENGTH, but the line ends here",
        "r1.yaml:15:5: crypto_maps.m.10.set_peer: is required: an IPv4 address",
        "r1.yaml:17:7: crypto_maps.m.10.set-peer: unknown key; did you mean 'set_peer'? "
        "(known: type, set_peer, set_transform_set, match_address, "
        "set_security_association_lifetime, set_pfs, set_session_key)",
        "r1.yaml:19:22: crypto_maps.m.10.match_address: access list 193 is not defined; did you "
        "mean '192'? (defined: 192)",
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("hostname: R1", "hostname: ''"), "r1.yaml:1:12: hostname: expected a host name"),
        (("hostname: R1\n", ""), "r1.yaml:1:1: hostname: is required: a host name such as R1"),
        (("port: 1", "port: [1]"), "r1.yaml:6:11: interfaces.Ethernet1/0.port: expected a single"),
        (("port: 1", "port: 0x1"), "r1.yaml:6:11: interfaces.Ethernet1/0.port: expected 0 to 509"),
        (("port: 1", "port: .nan"), "r1.yaml:6:11: interfaces.Ethernet1/0.port: expected 0 to 509"),
        (("port: 1", "port:"), "r1.yaml:6:10: interfaces.Ethernet1/0.port: is required"),
        (("192.0.2.1/24", "192.0.2.255/24"), "r1.yaml:7:17: interfaces.Ethernet1/0.ip_address: 19"),
        (("192.0.2.1/24", "224.0.0.1/24"), "r1.yaml:7:17: interfaces.Ethernet1/0.ip_address: expe"),
        (("192.0.2.1/24", "192.0.2.1"), "r1.yaml:7:17: interfaces.Ethernet1/0.ip_address: expecte"),
        (("127.0.0.1:9559", "localhost"), "r1.yaml:3:12: switch.address: expected HOST:PORT"),
        (("127.0.0.1:9559", "a:99999"), "r1.yaml:3:12: switch.address: expected HOST:PORT"),
        (("  Ethernet1/0:", "  a b:"), "r1.yaml:5:3: interfaces.a b: expected a name"),
    ],
)
def test_wrong_values(change: tuple[str, str], expected: str) -> None:
    (problem,) = problems_of(MINIMAL.replace(*change))
    assert problem.startswith(expected)


@pytest.mark.parametrize(
    ("sections", "field", "expected"),
    [
        ({"isakmp": {"keepalive": 4000}}, "isakmp.keepalive", "expected 0 to 3600 seconds"),
        ({"isakmp": {"identity": "é"}}, "isakmp.identity", "expected address, hostname, dn or"),
        ({"isakmp": []}, "isakmp", "expected a mapping"),
        ({"isakmp": {"fragmentation": 100}}, "isakmp.fragmentation", "256 to 9000 bytes, or 0"),
        ({"isakmp": {"window": 65}}, "isakmp.window", "expected 1 to 64 requests"),
        ({"isakmp": {"retransmit": {"base": 0.5}}}, "isakmp.retransmit.base", "expected 1 to 10"),
        ({"isakmp": {"retransmit": {"seconds": "1e1"}}}, "isakmp.retransmit.seconds", "0.1 to 60"),
        ({"isakmp": {"cookie_challenge": 0}}, "isakmp.cookie_challenge", "expected 1 to 40000"),
        ({"crypto_ipsec_optional": {"retry": 0}}, "crypto_ipsec_optional.retry", "1 to 86400"),
        ({"crypto_ipsec_optional": {"enabled": 2}}, "crypto_ipsec_optional.enabled", "true or fal"),
        ({"ip_routes": "0.0.0.0/0 192.0.2.2"}, "ip_routes", "expected a list"),
        ({"ip_routes": ["0.0.0.0/0"]}, "ip_routes[0]", "expected 'A.B.C.D/LENGTH GATEWAY'"),
        ({"ip_routes": ["10.0.0.1/8 192.0.2.2"]}, "ip_routes[0]", "did you mean 10.0.0.0/8?"),
        ({"ip_routes": ["10.0.0.0/8 224.0.0.1"]}, "ip_routes[0]", "expected a unicast IPv4"),
        ({"api": {"listen": []}}, "api.listen", "expected at least 1"),
        ({"api": {"listen": ["unix:"]}}, "api.listen[0]", "expected unix:PATH"),
        ({"api": {"listen": ["0.0.0.0:1"]}}, "api.listen[0]", "with 'ca_file' is required"),
        ({"api": {"listen": ["unix:/a", "unix:/a"]}}, "api.listen[1]", "named twice"),
        ({"api": {"tls": {"ca_file": "/nix"}}}, "api.tls.ca_file", "can't be read: No such file"),
        ({"transform_sets": {"t": "esp-des"}}, "transform_sets.t", "; not 'esp-des'"),
        ({"transform_sets": {"t": []}}, "transform_sets.t", "expected one cipher, such as"),
        ({"interfaces": {}}, "interfaces", "expected at least 1"),
        ({"intefaces": {}}, "intefaces", "did you mean 'interfaces'?"),
        ({"<<": {}}, "<<", "unknown key"),
    ],
)
def test_wrong_sections(sections: dict[str, Any], field: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(merged(MINIMAL, **sections))
    (problem,) = caught.value.problems
    assert problem.field == field
    assert expected in problem.message
    assert problem.line > 0


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"type": "ipsec"}, "type", "expected ipsec-isakmp or ipsec-manual"),
        ({"set_peer": "0.0.0.0"}, "set_peer", "expected a unicast IPv4 address"),
        ({"set_peer": ["192.0.2.2"]}, "set_peer", "expected a single value"),
        ({"set_transform_set": ["strong", "weak"]}, "set_transform_set[1]", "weak is not defined"),
        ({"set_transform_set": "weak"}, "set_transform_set", "(defined: strong)"),
        ({"set_transform_set": ["strong", "strong"]}, "set_transform_set[1]", "named twice"),
        (
            {"set_security_association_lifetime": 60},
            "set_security_association_lifetime.seconds",
            "120 to",
        ),
        ({"type": "ipsec-manual"}, "", "expected 'set_session_key'"),
    ],
)
def test_wrong_crypto_map_entries(changes: dict[str, Any], field: str, expected: str) -> None:
    crypto_maps = yaml.safe_load(CRYPTO)["crypto_maps"]
    crypto_maps["m"][10].update(changes)
    with pytest.raises(ConfigError) as caught:
        parse_config(merged(MINIMAL + CRYPTO, crypto_maps=crypto_maps))
    (problem,) = caught.value.problems
    assert problem.field == f"crypto_maps.m.10.{field}".rstrip(".")
    assert expected in problem.message


def test_an_undefined_crypto_map() -> None:
    text = (MINIMAL + CRYPTO).replace("port: 1\n", "port: 1\n    crypto_map: n\n")
    assert problems_of(text) == [
        "r1.yaml:7:17: interfaces.Ethernet1/0.crypto_map: crypto map n is not defined (defined: m)"
    ]


def test_sequence_numbers_are_written_one_way() -> None:
    """010 beside 10 would be the same entry twice."""
    text = (MINIMAL + CRYPTO).replace("    10:\n", "    010:\n")
    assert any("crypto_maps.m.010: expected 1 to 65535" in problem for problem in problems_of(text))


def test_two_keys_for_one_address() -> None:
    text = (MINIMAL + CRYPTO).replace(
        "    - {add", "    - {address: 192.0.2.2/32, key: a}\n    - {add"
    )
    (problem,) = problems_of(text)
    assert problem.endswith("isakmp.keys[1].address: a second key for 192.0.2.2/32")


def test_problems_can_be_json() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config("hostname: R1\nswitch: {address: 'a:1'}\ninterfaces: {e: 1}", "r1.yaml")
    assert json.loads(json.dumps([problem.as_dict() for problem in caught.value.problems])) == [
        {
            "file": "r1.yaml",
            "line": 3,
            "column": 17,
            "field": "interfaces.e",
            "message": "expected a mapping (KEY: VALUE)",
        }
    ]


# --- files --------------------------------------------------------------------------------


def load_error(path: Path) -> Problem:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    (problem,) = caught.value.problems
    return problem


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "can't be read: No such file" in str(load_error(tmp_path / "nix.yaml"))
    assert "can't be read: Is a directory" in str(load_error(tmp_path))
    assert "can't be read" in str(load_error(Path("a\0b")))


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "r1.yaml"
    path.write_bytes(b"hostname: R1\nx: \xff\n")
    problem = load_error(path)
    assert (problem.line, problem.column, problem.message) == (2, 4, "expected UTF-8")
    path.write_bytes(MINIMAL.encode("utf-16"))
    assert load_error(path).message == "expected UTF-8"


def test_a_byte_order_mark_is_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "r1.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + MINIMAL.encode())
    assert load_config(path).hostname == "R1"


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "r1.yaml"
    path.write_bytes(b"#" * (MAX_FILE_SIZE + 1))
    assert load_error(path).message == "larger than 4,194,304 bytes"


# --- keys ---------------------------------------------------------------------------------


def with_key_file(directory: Path, content: bytes, mode: int = 0o600) -> Config:
    path = directory / "r2.key"
    path.write_bytes(content)
    path.chmod(mode)
    return parse_config(
        (MINIMAL + CRYPTO).replace("key: s3cret", "key_file: r2.key"), directory=directory
    )


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"s3cret\n", b"s3cret"),
        (b"s3cret\r\n", b"s3cret"),
        (b" a b \n\n", b" a b \n"),
        (b"\xff", b"\xff"),
    ],
)
def test_a_key_file_holds_the_key_and_one_line_end(
    tmp_path: Path, content: bytes, key: bytes
) -> None:
    assert with_key_file(tmp_path, content).isakmp.keys[0].secret == Secret(key)


@pytest.mark.parametrize(
    ("content", "mode", "expected"),
    [
        (b"s3cret", 0o604, "can be read by every user (mode 0604); chmod 600 it"),
        (b"s3cret", 0o644, "can be read by every user"),
        (b"\n", 0o600, "is empty"),
        (b"s3cret" * 1000, 0o600, "is larger than 4,096 bytes"),
    ],
)
def test_key_files_that_are_refused(
    tmp_path: Path, content: bytes, mode: int, expected: str
) -> None:
    with pytest.raises(ConfigError, match=r"isakmp\.keys") as caught:
        with_key_file(tmp_path, content, mode)
    assert expected in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_key_file_has_to_be_a_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "r2.key", 0o600)
    text = (MINIMAL + CRYPTO).replace("key: s3cret", "key_file: r2.key")
    (problem,) = problems_of(text, tmp_path)
    assert problem.endswith("is not a regular file")


def test_a_session_key_file_holds_hexadecimal_digits(tmp_path: Path) -> None:
    (tmp_path / "in.key").write_text("00" * 36 + "\n")
    (tmp_path / "in.key").chmod(0o600)
    (tmp_path / "out.key").write_text("not hexadecimal\n")
    (tmp_path / "out.key").chmod(0o600)
    crypto_maps = yaml.safe_load(CRYPTO)["crypto_maps"]
    crypto_maps["m"][10]["type"] = "ipsec-manual"
    crypto_maps["m"][10]["set_session_key"] = {
        "inbound": {"spi": 256, "key_file": "in.key"},
        "outbound": {"spi": 255, "key_file": "out.key"},
    }
    problems = problems_of(merged(MINIMAL + CRYPTO, crypto_maps=crypto_maps), tmp_path)
    assert [problem.split(": ", 1)[1] for problem in problems] == [
        "crypto_maps.m.10.set_session_key.outbound.spi: expected 256 to 4294967295, not '255'",
        "crypto_maps.m.10.set_session_key.outbound.key_file: expected the key in hexadecimal "
        "digits",
    ]


@pytest.mark.parametrize("key", [{}, {"key": "a", "key_file": "/dev/null"}])
def test_one_key_is_wanted(key: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "k").write_text("b")
    (tmp_path / "k").chmod(0o600)
    if "key_file" in key:
        key["key_file"] = "k"
    isakmp = {"keys": [{"address": "192.0.2.2", **key}]}
    (problem,) = problems_of(merged(MINIMAL, isakmp=isakmp), tmp_path)
    assert "isakmp.keys[0]: expected either 'key' or 'key_file'" in problem


@pytest.mark.parametrize(
    "place",
    [
        {"keys": "s3cret"},
        {"keys": ["s3cret"]},
        {"keys": [{"address": "192.0.2.2", "key": ["s3cret"]}]},
        {"keys": [{"address": "192.0.2.2", "key": {"a": "s3cret"}}]},
        {"keys": [{"address": "192.0.2.2", "secret": "s3cret"}]},
        {"keys": [{"address": "192.0.2.2", "key": "s3cret" * 1000}]},
        {"policies": {"1": "s3cret"}, "keys": [{"key": "s3cret"}]},
    ],
)
def test_no_error_repeats_a_key(place: dict[str, Any]) -> None:
    problems = problems_of(merged(MINIMAL, isakmp=place))
    assert problems
    assert "s3cret" not in "".join(problems)


def test_no_error_repeats_a_session_key() -> None:
    crypto_maps = yaml.safe_load(CRYPTO)["crypto_maps"]
    crypto_maps["m"][10]["type"] = "ipsec-manual"
    crypto_maps["m"][10]["set_session_key"] = {
        "inbound": {"spi": 256, "key": "abcdef" * 30},
        "outbound": {"spi": 256, "key": "abcdefg" * 3, "authenticator_key": "abcdef0"},
    }
    problems = problems_of(merged(MINIMAL + CRYPTO, crypto_maps=crypto_maps))
    assert len(problems) == 3
    assert "abcdef" not in "".join(problems)


def test_a_configuration_does_not_show_its_keys() -> None:
    config = parse_config(MINIMAL + CRYPTO)
    assert "s3cret" not in repr(config) + str(config) + repr(config.document.problem((), ""))


def test_keys_in_a_file_that_everybody_can_read_are_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "r1.yaml"
    path.write_text(MINIMAL + CRYPTO)
    path.chmod(0o644)
    (warning,) = load_config(path).warnings
    assert (warning.line, warning.field) == (22, "isakmp.keys[0].key")
    assert "s3cret" not in str(warning)
    path.chmod(0o640)
    assert load_config(path).warnings == ()


def test_the_private_key_of_a_certificate_is_private(tmp_path: Path) -> None:
    for name in ("r1.pem", "r1.key"):
        (tmp_path / name).write_text("pem")
        (tmp_path / name).chmod(0o644)
    tls = {"certificate_file": "r1.pem", "key_file": "r1.key"}
    (problem,) = problems_of(merged(MINIMAL, api={"tls": tls}), tmp_path)
    assert "api.tls.key_file" in problem
    assert "can be read by every user (mode 0644)" in problem


# --- anything -----------------------------------------------------------------------------

known_keys = st.sampled_from(
    [*Config.model_fields, "keys", "policies", "10", "192", "type", "address", "tls", "listen"]
)
leaves = st.none() | st.sampled_from(
    ["", "1", "-1", "10.0.0.1", "10.0.0.1/24", "unix:/a", "m", "true", "permit ip any any", "é"]
)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(known_keys, inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(known_keys, anything, max_size=8))
def test_any_structure_is_read_or_refused(data: dict[str, object]) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        parse_config(yaml.safe_dump(data))
    except ConfigError as error:
        problems = error.problems
    # `switch` and `interfaces` can't come out right by these means.
    assert problems
    assert all(problem.message for problem in problems)
