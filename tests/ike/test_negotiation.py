"""Narrowing of traffic selectors and choice of proposals (RFC 7296 §2.7, §2.9)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ike_network import child, selector

from ike.codec.registry import ProtocolId, TransformType
from ike.codec.security_association import Attribute, Proposal, SecurityAssociation, Transform
from ike.config import EncryptionAlgorithm, EspProposal, IkeProposal, Integrity, KeyExchange, Prf
from ike.proposals import (
    accept_esp,
    accept_ike,
    choose_esp,
    choose_ike,
    describe,
    offer_esp,
    offer_ike,
)
from ike.selectors import best_match, inside, intersect, narrow
from ike.types import TrafficSelector

GCM = EncryptionAlgorithm.AES_GCM_16
SPI = b"\1\2\3\4"


@st.composite
def selectors(draw: Any) -> TrafficSelector:
    addresses = sorted(draw(st.tuples(st.integers(0, 40), st.integers(0, 40))))
    ports = sorted(draw(st.tuples(st.integers(0, 30), st.integers(0, 30))))
    protocol = draw(st.sampled_from([0, 1, 6, 17]))
    address = draw(st.sampled_from([IPv4Address, IPv6Address]))
    return TrafficSelector(*map(address, addresses), protocol, *ports)


Packet = tuple[int, int, int, int]


@st.composite
def packets(draw: Any) -> Packet:
    return (
        draw(st.sampled_from([4, 6])),
        draw(st.integers(0, 40)),
        draw(st.sampled_from([1, 6, 17])),
        draw(st.integers(0, 30)),
    )


def matches(one: TrafficSelector, packet: Packet) -> bool:
    version, address, protocol, port = packet
    return (
        one.version == version
        and int(one.start_address) <= address <= int(one.end_address)
        and one.protocol in (0, protocol)
        and one.start_port <= port <= one.end_port
    )


lists = st.lists(selectors(), min_size=1, max_size=4).map(tuple)


@given(lists, lists, packets())
def test_narrowing_keeps_what_both_match_and_nothing_else(
    ours: tuple[TrafficSelector, ...],
    offered: tuple[TrafficSelector, ...],
    packet: Packet,
) -> None:
    common = narrow(ours, offered)
    wanted = any(matches(o, packet) for o in ours) and any(matches(o, packet) for o in offered)
    assert any(matches(c, packet) for c in common) is wanted
    assert inside(common, ours)
    assert inside(common, offered)


@given(selectors(), selectors())
def test_intersection_is_symmetric(one: TrafficSelector, other: TrafficSelector) -> None:
    assert intersect(one, other) == intersect(other, one)


def test_the_rank_of_matches() -> None:
    offer = (selector("10.1.0.0/16"),), (selector("10.2.0.0/16"),)
    overlap = child("overlap", "10.1.0.0/17", "10.0.0.0/8")
    narrower = child("narrower", "10.1.1.0/24", "10.2.1.0/24")
    wider = child("wider", "10.0.0.0/8", "10.0.0.0/8")
    exact = child("exact", "10.1.0.0/16", "10.2.0.0/16")
    other = child("other", "10.9.0.0/16", "10.2.0.0/16")
    order = [other, overlap, narrower, wider, exact]
    for count in range(2, 6):
        match = best_match(order[:count], *offer)
        assert match is not None
        assert match.child is order[count - 1]
    assert best_match([other], *offer) is None
    assert best_match([], *offer) is None


def ike(*encryption: tuple[EncryptionAlgorithm, int], prf: Prf = Prf.HMAC_SHA2_256) -> IkeProposal:
    return IkeProposal(encryption, (prf,))


def test_our_order_decides() -> None:
    ours = [ike((GCM, 128), (GCM, 256))]
    theirs = [ike((GCM, 256), (GCM, 128))]
    choice = choose_ike(ours, offer_ike(theirs), KeyExchange.CURVE25519)
    assert choice is not None
    assert choice.suite.key_bits == 128
    assert accept_ike(theirs, SecurityAssociation((choice.proposal,))) == (
        choice.suite,
        choice.proposal,
    )


def test_the_method_that_the_peer_has_a_value_of_saves_a_round_trip() -> None:
    for method in (KeyExchange.CURVE25519, KeyExchange.SECP256R1):
        choice = choose_ike([IkeProposal()], offer_ike([IkeProposal()]), method)
        assert choice is not None
        assert choice.suite.key_exchange is method


def test_the_number_of_the_chosen_proposal_comes_back() -> None:
    theirs = [ike((GCM, 256), prf=Prf.HMAC_SHA2_512), ike((GCM, 128))]
    choice = choose_ike([ike((GCM, 128))], offer_ike(theirs), KeyExchange.CURVE25519)
    assert choice is not None
    assert choice.proposal.number == 2


def test_integrity_none_goes_with_aead_and_any_other_does_not() -> None:
    """RFC 7296 §3.3.3."""
    (proposal,) = offer_ike([ike((GCM, 128))]).proposals
    for transform_id, good in ((0, True), (12, False)):
        more = (*proposal.transforms, Transform(TransformType.INTEG, transform_id))
        offered = SecurityAssociation((Proposal(1, ProtocolId.IKE, b"", more),))
        choice = choose_ike([ike((GCM, 128))], offered, KeyExchange.CURVE25519)
        assert (choice is not None) is good


CBC = EncryptionAlgorithm.AES_CBC
MIXED = IkeProposal(
    ((CBC, 256), (GCM, 128), (EncryptionAlgorithm.CHACHA20_POLY1305, 256)),
    integrity=(Integrity.HMAC_SHA2_256_128, Integrity.HMAC_SHA2_512_256),
)


def test_aeads_and_other_ciphers_go_in_proposals_of_their_own() -> None:
    """RFC 7296 §3.3: INTEG goes with the ciphers that are no AEAD."""
    aead, other = offer_ike([MIXED]).proposals
    assert [t.transform_id for t in aead.of_type(TransformType.ENCR)] == [20, 28]
    assert not aead.of_type(TransformType.INTEG)
    assert [t.transform_id for t in other.of_type(TransformType.ENCR)] == [12]
    assert [t.transform_id for t in other.of_type(TransformType.INTEG)] == [12, 14]
    assert (aead.number, other.number) == (1, 2)


def test_a_mixed_offer_in_our_order() -> None:
    choice = choose_ike([MIXED], offer_ike([MIXED]), KeyExchange.CURVE25519)
    assert choice is not None
    assert choice.suite.encryption is CBC
    assert choice.suite.integrity is Integrity.HMAC_SHA2_256_128
    assert choice.proposal.number == 2
    accepted = accept_ike([MIXED], SecurityAssociation((choice.proposal,)))
    assert accepted is not None
    assert accepted[0] == choice.suite


def test_a_cipher_with_one_key_length_goes_without_the_attribute() -> None:
    """RFC 7296 §3.3.5, RFC 7634 §4."""
    chacha = [IkeProposal(((EncryptionAlgorithm.CHACHA20_POLY1305, 256),))]
    (proposal,) = offer_ike(chacha).proposals
    assert proposal.of_type(TransformType.ENCR) == (Transform(TransformType.ENCR, 28),)
    choice = choose_ike(chacha, offer_ike(chacha), KeyExchange.CURVE25519)
    assert choice is not None
    assert choice.suite.key_bits == 256


def test_a_block_cipher_without_integrity_is_nobodys() -> None:
    (_, other) = offer_ike([MIXED]).proposals
    bare = tuple(t for t in other.transforms if t.transform_type != TransformType.INTEG)
    none = (*bare, Transform(TransformType.INTEG, 0))
    for transforms in (bare, none):
        offered = SecurityAssociation((Proposal(1, ProtocolId.IKE, b"", transforms),))
        assert choose_ike([MIXED], offered, KeyExchange.CURVE25519) is None


def test_the_peers_legacy_groups_are_not_taken_unasked() -> None:
    for group, good in ((2, False), (5, False), (14, True), (20, True), (32, True)):
        transforms = (
            Transform.with_key_length(TransformType.ENCR, 20, 128),
            Transform(TransformType.KE, group),
            Transform(TransformType.ESN, 0),
        )
        offered = SecurityAssociation((Proposal(1, ProtocolId.ESP, SPI, transforms),))
        chosen = choose_esp([EspProposal()], offered, SPI, group, with_key_exchange=True)
        assert (chosen is not None) is good


def test_attributes_that_we_dont_know_put_a_transform_aside() -> None:
    """RFC 7296 §3.3.6."""
    strange = Transform(TransformType.ENCR, 20, (Attribute(14, 256), Attribute(99, 1)))
    plain = Transform.with_key_length(TransformType.ENCR, 20, 128)
    esn = Transform(TransformType.ESN, 0)
    offered = SecurityAssociation((Proposal(1, ProtocolId.ESP, SPI, (strange, plain, esn)),))
    chosen = choose_esp([EspProposal()], offered, SPI, None, with_key_exchange=False)
    assert chosen is not None
    assert chosen[0].suite.key_bits == 128


@pytest.mark.parametrize(
    "change",
    [
        {"number": 0},
        {"number": 2},
        {"protocol": ProtocolId.AH},
        {"spi": b"\1\2\3"},
        {"transforms": ()},
        {"transforms": (Transform.with_key_length(1, 20, 192), Transform(5, 0))},
        {"transforms": (Transform.with_key_length(1, 20, 128), Transform(5, 1))},
        {"transforms": (Transform.with_key_length(1, 20, 128),)},
        {
            "transforms": (
                Transform.with_key_length(1, 20, 128),
                Transform.with_key_length(1, 20, 256),
                Transform(5, 0),
            )
        },
        {
            "transforms": (
                Transform.with_key_length(1, 20, 128),
                Transform(5, 0),
                Transform(4, 31),
            )
        },
    ],
)
def test_answers_that_were_not_offered(change: dict[str, Any]) -> None:
    from dataclasses import replace

    good = Proposal(
        1, ProtocolId.ESP, SPI, (Transform.with_key_length(1, 20, 128), Transform(5, 0))
    )
    ours = [EspProposal()]
    assert accept_esp(ours, SecurityAssociation((good,)), with_key_exchange=True)
    bad = replace(good, **change)
    assert accept_esp(ours, SecurityAssociation((bad,)), with_key_exchange=True) is None
    assert accept_esp(ours, SecurityAssociation((good, good)), with_key_exchange=True) is None


def test_a_key_exchange_in_ike_auth_is_nobodys() -> None:
    """RFC 7296 §1.2: no KE transform but NONE goes in IKE_AUTH."""
    pfs = [EspProposal(key_exchange=(KeyExchange.SECP256R1,))]
    offered = offer_esp(pfs, SPI, with_key_exchange=True)
    assert choose_esp(pfs, offered, SPI, 19, with_key_exchange=False) is None
    assert choose_esp(pfs, offered, SPI, 19, with_key_exchange=True)
    plain = offer_esp(pfs, SPI, with_key_exchange=False)
    assert choose_esp(pfs, plain, SPI, None, with_key_exchange=False)


def test_what_was_offered_is_named_in_bounded_length() -> None:
    text = describe(offer_ike([IkeProposal()]))
    assert "AES_GCM_16-256" in text
    assert "HMAC_SHA2_512" in text
    assert "CURVE25519" in text
    many = SecurityAssociation(offer_ike([IkeProposal()] * 60).proposals)
    assert len(describe(many)) <= 300
    strange = Proposal(1, 3, b"", (Transform(1, 3), Transform(9, 9)))
    assert describe(SecurityAssociation((strange,))) == "3DES/transform 9/9"
