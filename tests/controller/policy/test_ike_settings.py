"""Keys of ``isakmp`` that the engine takes: for all of it, for a peer, for a proposal."""

from ike.config import IkeProposal, KeyExchange, Ppk, Retransmission, Settings
from ike.types import Secret
from tests.controller.policy.test_compile import compiled

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
