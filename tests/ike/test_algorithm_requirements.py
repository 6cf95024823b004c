"""What RFC 8247 and RFC 8221 say that an implementation must or should have, it has."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ike_network import Network, child, left_peer, mirrored, right_peer

from ike.config import (
    EncryptionAlgorithm,
    EspProposal,
    IkeProposal,
    Integrity,
    KeyExchange,
    Prf,
    is_legacy,
)
from ike.crypto import encryption
from ike.events import ChildSaEstablished

E, P, A, K = EncryptionAlgorithm, Prf, Integrity, KeyExchange
GCM = ((E.AES_GCM_16, 256),)
CBC = ((E.AES_CBC, 256),)

IKE = {
    # RFC 8247 §2.1
    "ENCR_AES_CBC, MUST": IkeProposal(((E.AES_CBC, 256),), integrity=(A.HMAC_SHA2_256_128,)),
    "ENCR_AES_CBC, 128 bits, MUST": IkeProposal(
        ((E.AES_CBC, 128),), integrity=(A.HMAC_SHA2_256_128,)
    ),
    "ENCR_CHACHA20_POLY1305, SHOULD": IkeProposal(((E.CHACHA20_POLY1305, 256),)),
    "ENCR_AES_GCM_16, SHOULD": IkeProposal(GCM),
    "ENCR_AES_CCM_8, SHOULD": IkeProposal(((E.AES_CCM_8, 128),)),
    "ENCR_3DES, MAY": IkeProposal(((E.TRIPLE_DES, 192),), integrity=(A.HMAC_SHA1_96,)),
    # §2.2
    "PRF_HMAC_SHA2_256, MUST": IkeProposal(GCM, (P.HMAC_SHA2_256,)),
    "PRF_HMAC_SHA2_512, SHOULD+": IkeProposal(GCM, (P.HMAC_SHA2_512,)),
    "PRF_HMAC_SHA1, MUST-": IkeProposal(GCM, (P.HMAC_SHA1,)),
    "PRF_AES128_XCBC, SHOULD": IkeProposal(GCM, (P.AES128_XCBC,)),
    # §2.3
    "AUTH_HMAC_SHA2_256_128, MUST": IkeProposal(CBC, integrity=(A.HMAC_SHA2_256_128,)),
    "AUTH_HMAC_SHA2_512_256, SHOULD": IkeProposal(CBC, integrity=(A.HMAC_SHA2_512_256,)),
    "AUTH_HMAC_SHA1_96, MUST-": IkeProposal(CBC, integrity=(A.HMAC_SHA1_96,)),
    "AUTH_AES_XCBC_96, SHOULD": IkeProposal(CBC, integrity=(A.AES_XCBC_96,)),
    # §2.4
    "2048-bit MODP, MUST": IkeProposal(GCM, key_exchange=(K.MODP2048,)),
    "256-bit random ECP, SHOULD": IkeProposal(GCM, key_exchange=(K.SECP256R1,)),
    "Curve25519, RFC 8031": IkeProposal(GCM, key_exchange=(K.CURVE25519,)),
}

ESP = {
    # RFC 8221 §5
    "ENCR_NULL, MUST": EspProposal(((E.NULL, 0),), integrity=(A.HMAC_SHA2_256_128,)),
    "ENCR_AES_CBC, MUST": EspProposal(((E.AES_CBC, 256),), integrity=(A.HMAC_SHA2_256_128,)),
    "ENCR_AES_CCM_8, SHOULD": EspProposal(((E.AES_CCM_8, 128),)),
    "ENCR_AES_GCM_16, MUST": EspProposal(GCM),
    "ENCR_CHACHA20_POLY1305, SHOULD": EspProposal(((E.CHACHA20_POLY1305, 256),)),
    # §6
    "AUTH_HMAC_SHA1_96, MUST-": EspProposal(CBC, integrity=(A.HMAC_SHA1_96,)),
    "AUTH_AES_XCBC_96, SHOULD": EspProposal(CBC, integrity=(A.AES_XCBC_96,)),
    "AUTH_HMAC_SHA2_256_128, MUST": EspProposal(CBC, integrity=(A.HMAC_SHA2_256_128,)),
    "AUTH_HMAC_SHA2_512_256, SHOULD": EspProposal(CBC, integrity=(A.HMAC_SHA2_512_256,)),
    # RFC 4304
    "extended sequence numbers": EspProposal(GCM, extended_sequence_numbers=(True,)),
}


def established(ike: IkeProposal, esp: EspProposal) -> ChildSaEstablished:
    one = child("one", "10.1.0.0/16", "10.2.0.0/16", proposals=(esp,))
    net = Network(
        replace(left_peer(one), proposals=(ike,)),
        replace(right_peer(mirrored(one, "other")), proposals=(ike,)),
    )
    net.left.endpoint.initiate("one", net.now)
    net.run(5)
    made, other = net.left.one(ChildSaEstablished), net.right.one(ChildSaEstablished)
    assert (made.key_in, made.integrity_key_in) == (other.key_out, other.integrity_key_out)
    return made


@pytest.mark.parametrize("what", IKE)
def test_rfc_8247(what: str) -> None:
    established(IKE[what], EspProposal())


@pytest.mark.parametrize("what", ESP)
def test_rfc_8221(what: str) -> None:
    (encryption_algorithm, bits), *_ = ESP[what].encryption
    made = established(IkeProposal(), ESP[what])
    assert (made.encryption, made.key_bits) == (encryption_algorithm, bits)
    assert made.integrity == next(iter(ESP[what].integrity), None)
    assert made.extended_sequence_numbers is ESP[what].extended_sequence_numbers[0]


def test_what_must_not_be_there() -> None:
    """RFC 8247 §2 and RFC 8221 §5, §6: MUST NOT. DES, RC5, MD5, DES-MAC, KPDK, groups 1 and 22."""
    assert {1, 2, 4, 5, 6, 7, 8, 9}.isdisjoint(int(a) for a in E)
    assert int(P.HMAC_SHA2_256) not in {1, 3}
    assert {1, 3}.isdisjoint(int(p) for p in P)
    assert {1, 3, 4}.isdisjoint(int(i) for i in A)
    assert {1, 22, 23, 24}.isdisjoint(int(k) for k in K)


def test_what_is_weak_is_legacy() -> None:
    """SHOULD NOT, or on the way there: taken where it is asked for by name, and not unasked."""
    for weak in (E.TRIPLE_DES, P.HMAC_SHA1, A.HMAC_SHA1_96, K.MODP1024, K.MODP1536):
        assert is_legacy(weak)
    for strong in (E.AES_CBC, P.HMAC_SHA2_256, A.AES_XCBC_96, K.MODP2048, K.ML_KEM_768):
        assert not is_legacy(strong)


def test_every_cipher_has_its_lengths() -> None:
    for algorithm in E:
        fixed = encryption.fixed_key_bits(algorithm)
        sizes = (128, 192, 256) if fixed is None else (fixed,)
        for bits in sizes:
            spec = encryption.spec(algorithm, bits)
            assert spec.key_length == bits // 8
            assert spec.is_aead is encryption.is_aead(algorithm)
