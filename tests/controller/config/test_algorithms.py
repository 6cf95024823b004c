"""Algorithms under IOS's names: what each word stands for, and what is refused where."""

from typing import Any

import pytest
import yaml

from controller.config.algorithms import EspTransforms, algorithm_text, esp_transforms
from controller.config.loader import parse_config
from controller.config.problems import ConfigError, Problem
from controller.policy.compile import compile_policy
from controller.policy.model import Policy
from ike.config import EncryptionAlgorithm as Cipher
from ike.config import IkeProposal, Integrity, KeyExchange, Prf, is_legacy
from ike.crypto.encryption import is_known

BASE = """\
hostname: R1
switch: {address: "127.0.0.1:9559"}
interfaces:
  Ethernet1: {port: 2, ip_address: 192.0.2.1/24, crypto_map: m}
access_lists: {a: [permit ip 10.1.0.0 0.0.0.255 192.0.2.0 0.0.0.255]}
transform_sets: {strong: esp-gcm 256}
crypto_maps:
  m:
    10: {type: ipsec-isakmp, set_peer: 192.0.2.2, set_transform_set: strong, match_address: a}
isakmp:
  keys: [{address: 192.0.2.2, key: s3cret}]
"""


def text_with(**sections: Any) -> str:
    data = yaml.safe_load(BASE)
    for name, value in sections.items():
        data[name] = {**data[name], **value}
    return yaml.safe_dump(data, sort_keys=False)


def policy(**isakmp: Any) -> Policy:
    policies = {10: {"encryption": "aes-gcm 256", "prf": "sha256", "group": 19} | isakmp}
    return compile_policy(parse_config(text_with(isakmp={"policies": policies})))


def problem(**sections: Any) -> Problem:
    with pytest.raises(ConfigError) as caught:
        parse_config(text_with(**sections), "r1.yaml")
    (found,) = caught.value.problems
    return found


def policy_problem(**keys: Any) -> Problem:
    given = {"encryption": "aes 256", "hash": "sha256", "group": 14} | keys
    changed = {key: value for key, value in given.items() if value is not None}
    return problem(isakmp={"policies": {10: changed}})


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("aes", (Cipher.AES_CBC, 128)),
        ("aes 192", (Cipher.AES_CBC, 192)),
        ("aes-cbc-256", (Cipher.AES_CBC, 256)),
        ("AES-GCM-128", (Cipher.AES_GCM_16, 128)),
        ("aes-gcm  192", (Cipher.AES_GCM_16, 192)),
        ("aes-gcm-8 256", (Cipher.AES_GCM_8, 256)),
        ("aes-gcm-12", (Cipher.AES_GCM_12, 128)),
        ("aes-ccm 256", (Cipher.AES_CCM_16, 256)),
        ("chacha20-poly1305", (Cipher.CHACHA20_POLY1305, 256)),
        ("3des", (Cipher.TRIPLE_DES, 192)),
    ],
)
def test_ciphers(words: str, expected: tuple[Cipher, int]) -> None:
    compiled = policy(encryption=words, integrity="sha512", legacy="true")
    assert compiled.peers[0].proposals[0].encryption == (expected,)
    assert is_known(*expected)


def test_every_algorithm_of_the_engine_has_a_name() -> None:
    """Whatever is refused or agreed upon can be written as the configuration would."""
    for kind in (Integrity, Prf, KeyExchange):
        for algorithm in kind:
            if algorithm:
                assert algorithm_text(algorithm)


def test_the_order_of_preference_is_that_of_the_file() -> None:
    compiled = policy(
        encryption=["aes 256", "aes-gcm 256"],
        integrity=["sha512", "sha256"],
        prf=["sha384", "aes-xcbc"],
        group=[32, 14, 21],
    )
    assert compiled.peers[0].proposals == (
        IkeProposal(
            encryption=((Cipher.AES_CBC, 256), (Cipher.AES_GCM_16, 256)),
            prf=(Prf.HMAC_SHA2_384, Prf.AES128_XCBC),
            key_exchange=(KeyExchange.CURVE448, KeyExchange.MODP2048, KeyExchange.SECP521R1),
            integrity=(Integrity.HMAC_SHA2_512_256, Integrity.HMAC_SHA2_256_128),
        ),
    )


def test_hash_is_integrity_and_prf() -> None:
    """``hash sha256`` of IOS's older ``crypto isakmp policy``."""
    compiled = policy(encryption="aes 256", prf=None, hash=["sha256", "sha384"])
    (proposal,) = compiled.peers[0].proposals
    assert proposal.integrity == (Integrity.HMAC_SHA2_256_128, Integrity.HMAC_SHA2_384_192)
    assert proposal.prf == (Prf.HMAC_SHA2_256, Prf.HMAC_SHA2_384)


def test_an_aead_takes_no_integrity_and_the_prf_goes_with_integrity() -> None:
    (proposal,) = policy(prf=None, hash="sha512").peers[0].proposals
    assert (proposal.integrity, proposal.prf) == ((), (Prf.HMAC_SHA2_512,))
    (proposal,) = policy(encryption="aes", prf=None, integrity="aes-cmac").peers[0].proposals
    assert (proposal.integrity, proposal.prf) == ((Integrity.AES_CMAC_96,), (Prf.AES128_CMAC,))


@pytest.mark.parametrize(
    ("keys", "field", "expected"),
    [
        ({"encryption": "des"}, "encryption", "expected an encryption algorithm: 'aes 128', "),
        ({"encryption": "aes 512"}, "encryption", "not 'aes 512'"),
        ({"group": 24}, "group", "expected a Diffie-Hellman group: '2', '5', '14'"),
        ({"hash": "md5"}, "hash", "expected an integrity algorithm: 'sha256'"),
        ({"hash": None}, "", "expected 'prf' (or 'hash')"),
        ({"hash": None, "prf": "sha256"}, "", "'integrity' (or 'hash'), such as sha256, because"),
        ({"prf": "sha256"}, "", "'hash' stands for 'integrity' and 'prf'"),
    ],
)
def test_wrong_policies(keys: dict[str, Any], field: str, expected: str) -> None:
    found = policy_problem(**keys)
    assert found.field == f"isakmp.policies.10.{field}".rstrip(".")
    assert expected in found.message


@pytest.mark.parametrize(
    ("keys", "field", "name"),
    [
        ({"encryption": ["aes 256", "3des"]}, "encryption[1]", "3des"),
        ({"hash": "sha"}, "hash", "sha"),
        ({"additional_key_exchange": [31, [32, 5]]}, "additional_key_exchange[1]", "5"),
        ({"group": [14, 5]}, "group[1]", "5"),
        ({"group": 2}, "group", "2"),
        ({"hash": None, "integrity": "sha256", "prf": "sha1"}, "prf", "sha"),
    ],
)
def test_weak_algorithms_want_to_be_asked_for(keys: dict[str, Any], field: str, name: str) -> None:
    """RFC 8247: MUST NOT or SHOULD NOT; ``legacy: true`` is for the routers of the past."""
    found = policy_problem(**keys)
    assert found.line > 0
    assert found.field == f"isakmp.policies.10.{field}"
    assert found.message == f"{name} is for old peers only: it needs 'legacy: true' in the policy"
    policies = {10: {"encryption": "aes", "hash": "sha256", "group": 14} | keys | {"legacy": True}}
    policies[10] = {key: value for key, value in policies[10].items() if value is not None}
    assert parse_config(text_with(isakmp={"policies": policies})).isakmp.policies[10].legacy


def test_strong_algorithms_are_not_taken_for_weak_ones_of_the_same_number() -> None:
    """HMAC-SHA2-256 is PRF 5, and MODP-1536 is group 5."""
    assert not any(map(is_legacy, (Prf.HMAC_SHA2_256, Integrity.HMAC_SHA2_256_128)))
    assert is_legacy(KeyExchange.MODP1536)


@pytest.mark.parametrize(
    ("value", "expected", "written"),
    [
        ("esp-gcm", EspTransforms((Cipher.AES_GCM_16, 128)), "esp-gcm 128"),
        (["esp-gcm 256"], EspTransforms((Cipher.AES_GCM_16, 256)), "esp-gcm 256"),
        (
            "esp-aes 256 esp-sha256-hmac",
            EspTransforms((Cipher.AES_CBC, 256), Integrity.HMAC_SHA2_256_128),
            "esp-aes 256 esp-sha256-hmac",
        ),
        (
            ["esp-sha-hmac", "esp-3des"],
            EspTransforms((Cipher.TRIPLE_DES, 192), Integrity.HMAC_SHA1_96),
            "esp-3des esp-sha-hmac",
        ),
        (
            "esp-null esp-sha512-hmac",
            EspTransforms((Cipher.NULL, 0), Integrity.HMAC_SHA2_512_256),
            "esp-null esp-sha512-hmac",
        ),
    ],
)
def test_transform_sets(value: object, expected: EspTransforms, written: str) -> None:
    assert esp_transforms(value) == expected
    assert str(expected) == written


@pytest.mark.parametrize(
    ("value", "field", "expected"),
    [
        ("esp-aes", "t", "expected one integrity transform beside the cipher"),
        ("esp-gcm esp-sha256-hmac", "t", "this cipher protects integrity itself"),
        ("esp-gcm esp-aes", "t", "expected one cipher"),
        ("esp-sha256-hmac", "t", "expected one cipher"),
        ("ah-sha-hmac", "t", "expected transforms: 'esp-gcm 128'"),
        ({"transforms": "esp-gcm", "mode": "both"}, "t.mode", "expected tunnel or transport"),
    ],
)
def test_wrong_transform_sets(value: object, field: str, expected: str) -> None:
    found = problem(transform_sets={"t": value})
    assert found.field == f"transform_sets.{field}"
    assert expected in found.message


def test_what_the_data_plane_cannot_do_is_refused_with_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is negotiated that no switch could carry."""
    only = {(Cipher.AES_GCM_16, 256): object()}
    monkeypatch.setattr("controller.p4runtime.capabilities.ESP_ENCRYPTION", only)
    monkeypatch.setattr("controller.p4runtime.capabilities.ESP_INTEGRITY", frozenset())
    found = problem(transform_sets={"t": "esp-aes 256 esp-sha256-hmac"})
    assert (found.file, found.field) == ("r1.yaml", "transform_sets.t")
    assert found.line > 0
    assert found.message == (
        "the data plane has no esp-aes 256 esp-sha256-hmac; it has esp-gcm 256"
    )


ENTRY = {
    "type": "ipsec-isakmp",
    "set_peer": "192.0.2.2",
    "set_transform_set": "strong",
    "match_address": "a",
}


def hybrid(entry: dict[str, Any], *additional: object, **keys: object) -> dict[str, Any]:
    """The sections with additional key exchanges in the transform set that the entry names."""
    strong = {"transforms": "esp-gcm 256", "additional_key_exchange": list(additional)} | keys
    return {"crypto_maps": {"m": {10: ENTRY | entry}}, "transform_sets": {"strong": strong}}


def test_additional_key_exchanges_of_a_transform_set() -> None:
    """RFC 9370 §2.2.4: with CREATE_CHILD_SA, after that of PFS."""
    sections = hybrid({"set_pfs": "group31"}, "ml-kem-768", ["ml-kem-1024", 32, "none"])
    compiled = compile_policy(parse_config(text_with(**sections)))
    (proposal,) = compiled.packet_types[0].proposals
    assert proposal.key_exchange == (KeyExchange.CURVE25519,)
    assert proposal.additional_key_exchange == (
        (KeyExchange.ML_KEM_768,),
        (KeyExchange.ML_KEM_1024, KeyExchange.CURVE448, None),
    )


MANUAL = {
    "type": "ipsec-manual",
    "set_session_key": {"inbound": {"spi": 999}, "outbound": {"spi": 998}},
}
AT_USE = "crypto_maps.m.10.set_transform_set"


@pytest.mark.parametrize(
    ("entry", "additional", "field", "expected"),
    [
        ({}, ["ml-kem-768"], AT_USE, "it needs 'set_pfs' here"),
        (MANUAL, ["ml-kem-768"], AT_USE, "it needs an entry that IKE makes SAs for"),
        ({}, ["ml-kem-512"], "transform_sets.strong.additional_key_exchange[0]", "'ml-kem-768'"),
        ({}, [32] * 8, "transform_sets.strong.additional_key_exchange", "7"),
        (
            {"set_pfs": "group31"},
            ["ml-kem-768", [32, 5]],
            "transform_sets.strong.additional_key_exchange[1]",
            "5 is for old peers only: it needs 'legacy: true' in the transform set",
        ),
    ],
)
def test_wrong_additional_key_exchanges_of_a_transform_set(
    entry: dict[str, Any], additional: list[object], field: str, expected: str
) -> None:
    found = problem(**hybrid(entry, *additional))
    assert found.field == field
    assert expected in found.message


def test_weak_additional_key_exchanges_that_were_asked_for() -> None:
    sections = hybrid({"set_pfs": "group31"}, 5, legacy=True)
    compiled = compile_policy(parse_config(text_with(**sections)))
    (proposal,) = compiled.packet_types[0].proposals
    assert proposal.additional_key_exchange == ((KeyExchange.MODP1536,),)


def test_perfect_forward_secrecy_with_a_weak_group() -> None:
    entry = ENTRY | {"set_pfs": ["group14", "group2"]}
    found = problem(crypto_maps={"m": {10: entry}})
    assert found.field == "crypto_maps.m.10.set_pfs[1]"
    assert "it needs 'legacy: true' in the transform set" in found.message
    allowed = {"strong": {"transforms": "esp-gcm 256", "legacy": True}}
    compiled = compile_policy(
        parse_config(text_with(crypto_maps={"m": {10: entry}}, transform_sets=allowed))
    )
    (proposal,) = compiled.packet_types[0].proposals
    assert proposal.key_exchange == (KeyExchange.MODP2048, KeyExchange.MODP1024)
