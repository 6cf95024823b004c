"""AES-CTR for messages (RFC 5930, with the vectors of RFC 3686)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ike_network import Network, left_peer, right_peer

from ike.config import EncryptionAlgorithm, IkeProposal, Integrity
from ike.crypto import integrity
from ike.crypto.message_cipher import message_cipher
from ike.events import ChildSaEstablished

CTR = EncryptionAlgorithm.AES_CTR


@pytest.mark.parametrize(
    ("key", "nonce", "iv", "plain", "cipher"),
    [
        (
            "AE6852F8121067CC4BF7A5765577F39E",
            "00000030",
            "0000000000000000",
            "53696E676C6520626C6F636B206D7367",
            "E4095D4FB7A7B3792D6175A3261311B8",
        ),
        (
            "7E24067817FAE0D743D6CE1F32539163",
            "006CB6DB",
            "C0543B59DA48D90B",
            "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
            "5104A106168A72D9790D41EE8EDAD388EB2E1EFC46DA57C8FCE630DF9141BE28",
        ),
        (
            "776BEFF2851DB06F4C8A0542C8696F6C6A81AF1EEC96B4D37FC1D689E6C1C104",
            "00000060",
            "DB5672C97AA8F0B2",
            "53696E676C6520626C6F636B206D7367",
            "145AD01DBF824EC7560863DC71E3E0C0",
        ),
    ],
    ids=["1", "2", "7"],
)
def test_vectors(key: str, nonce: str, iv: str, plain: str, cipher: str) -> None:
    """RFC 3686 §6."""
    check = integrity.spec(Integrity.HMAC_SHA2_256_128)
    mac_key = bytes(check.key_length)
    material = bytes.fromhex(key + nonce)
    bits = 4 * len(key)
    receiver = message_cipher(CTR, bits, material, check, mac_key, bytes)
    sealed = bytes.fromhex(iv + cipher)
    body = sealed + check.icv(mac_key, b"header" + sealed)
    assert receiver.open(b"header", body) == bytes.fromhex(plain)


def test_an_ike_sa_of_it() -> None:
    proposals = (IkeProposal(((CTR, 256),), integrity=(Integrity.HMAC_SHA2_512_256,)),)
    log: list[str] = []
    net = Network(
        replace(left_peer(), proposals=proposals), replace(right_peer(), proposals=proposals)
    )
    net.left.endpoint._env.secrets_log = log.append
    net.left.endpoint.initiate("net", net.now)
    net.run(5)
    assert net.right.one(ChildSaEstablished)
    (sa,) = net.left.endpoint.ike_sas()
    assert sa.suite.startswith("AES_CTR-256/HMAC_SHA2_512_256/")
    assert not log, "Wireshark has no such cipher"
