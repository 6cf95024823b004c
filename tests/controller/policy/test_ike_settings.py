"""Keys of ``isakmp`` that the engine takes: for all of it, for a peer, for a proposal."""

from pathlib import Path

import pytest

from controller.config.loader import load_config
from controller.config.problems import ConfigError
from ike.config import IkeProposal, KeyExchange, Ppk, Retransmission, Settings
from ike.types import Secret
from tests.controller.policy.test_compile import changed, compiled

KEYS = [{"address": "192.0.2.2", "key": "s3cret"}]


def test_what_is_not_configured_is_the_engines_default() -> None:
    assert compiled().ike_settings == Settings()


def test_settings_of_the_engine() -> None:
    settings = compiled(
        isakmp={
            "retransmit": {"seconds": 1.5, "base": 2, "limit": 30, "tries": 4},
            "fragmentation": 0,
            "nat_keepalive": 5,
            "cookie_challenge": 7,
            "limit_max_in_negotiation_sa": 100,
            "window": 1,
        }
    ).ike_settings
    assert settings == Settings(
        retransmission=Retransmission(1.5, 2.0, 30.0, 4),
        fragment_size=0,
        nat_keepalive=5.0,
        cookie_threshold=7,
        half_open_limit=100,
        window=1,
    )


def test_settings_of_a_peer() -> None:
    profile = {
        "match_identity_address": "192.0.2.0/24",
        "ppk": {"id": "site-b", "key": "0123456789abcdef", "required": True},
    }
    (peer,) = compiled(
        isakmp={
            "reauthentication": 7200,
            "childless": True,
            "mobike": False,
            "profiles": {"b": profile},
        }
    ).peers
    assert (peer.reauthenticate, peer.childless, peer.mobike) == (7200.0, True, False)
    assert peer.ppk == Ppk(b"site-b", Secret(b"0123456789abcdef"), required=True)


def test_additional_key_exchanges_in_order_of_preference() -> None:
    """RFC 9370, with ML-KEM; the second may be left out."""
    policies = {
        10: {
            "encryption": "aes-gcm 256",
            "prf": "sha384",
            "group": 31,
            "additional_key_exchange": ["ml-kem-768", ["ml-kem-1024", 32, "none"]],
        }
    }
    (peer,) = compiled(isakmp={"keys": KEYS, "policies": policies}).peers
    (proposal,) = peer.proposals
    assert isinstance(proposal, IkeProposal)
    assert proposal.additional_key_exchange == (
        (KeyExchange.ML_KEM_768,),
        (KeyExchange.ML_KEM_1024, KeyExchange.CURVE448, None),
    )


def test_lifetimes_of_esp() -> None:
    entry = {
        "type": "ipsec-isakmp",
        "set_peer": "192.0.2.2",
        "set_transform_set": "strong",
        "match_address": "a",
        "set_security_association_lifetime": {"seconds": 600, "kilobytes": 4608000, "packets": 9},
    }
    (packet_type,) = compiled(crypto_maps={"m": {10: entry}}).packet_types
    assert packet_type.lifetime == 600
    assert packet_type.lifetime_bytes == 4608000 * 1024
    assert packet_type.lifetime_packets == 9


def test_a_secret_that_can_be_guessed_is_refused(tmp_path: Path) -> None:
    """RFC 6290 §9.1: who knows it can end IKE SAs."""
    secret = tmp_path / "qcd.secret"
    secret.write_bytes(b"x" * 15)
    secret.chmod(0o600)
    isakmp = {"keys": KEYS, "crash_detection_file": str(secret)}
    with pytest.raises(ConfigError, match=r"crash_detection_file: expected a secret of 16 bytes"):
        compiled(isakmp=isakmp)
    secret.write_bytes(b"x" * 16)
    assert compiled(isakmp=isakmp).ike_settings.qcd_secret == Secret(b"x" * 16)


def test_a_ppk_in_a_file_that_everybody_can_read_is_a_warning(tmp_path: Path) -> None:
    profile = {"match_identity_address": "192.0.2.2", "ppk": {"id": "b", "key": "0123456789abcdef"}}
    file = tmp_path / "r1.yaml"
    file.write_text(changed(isakmp={"profiles": {"b": profile}}))
    file.chmod(0o644)
    fields = [warning.field for warning in load_config(file).warnings]
    assert fields == ["isakmp.keys[0].key", "isakmp.profiles.b.ppk.key"]
