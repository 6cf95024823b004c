"""Extended sequence numbers: transform type 5, and what becomes of it (RFC 7296 §3.3.2)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ike_network import Network, child, left_peer, right_peer

from ike.codec.registry import ProtocolId, TransformType
from ike.codec.security_association import Proposal, SecurityAssociation, Transform
from ike.config import EspProposal
from ike.events import AttemptFailed, ChildSaEstablished, FailureReason
from ike.proposals import accept_esp, choose_esp, describe_esp, offer_esp

SPI = b"\1\2\3\4"
Choices = tuple[bool, ...]


def network(left: Choices, right: Choices) -> Network:
    one, other = (
        replace(c, proposals=(EspProposal(extended_sequence_numbers=choices),))
        for c, choices in (
            (child("net", "10.1.0.0/16", "10.2.0.0/16"), left),
            (child("ten", "10.2.0.0/16", "10.1.0.0/16"), right),
        )
    )
    net = Network(left_peer(one), right_peer(other))
    net.left.endpoint.initiate("net", net.now)
    net.run(5)
    return net


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ((False,), (False,), False),
        ((True,), (True,), True),
        ((False,), (True, False), False),
        ((True,), (False, True), True),
        # The responder's order decides (RFC 7296 §2.7).
        ((True, False), (False, True), False),
        ((False, True), (True, False), True),
    ],
)
def test_what_is_agreed_upon(left: Choices, right: Choices, expected: bool) -> None:
    net = network(left, right)
    for node in (net.left, net.right):
        assert node.one(ChildSaEstablished).extended_sequence_numbers is expected
        ((info,),) = [sa.children for sa in node.endpoint.ike_sas()]
        assert info.suite.endswith("/ESN") is expected


@pytest.mark.parametrize(("left", "right"), [((True,), (False,)), ((False,), (True,))])
def test_nothing_in_common(left: Choices, right: Choices) -> None:
    net = network(left, right)
    failed = net.left.one(AttemptFailed)
    assert failed.reason is FailureReason.NO_PROPOSAL_CHOSEN
    assert ("NO_ESN" in failed.detail) is not left[0]


def test_it_outlives_a_rekey() -> None:
    net = network((True,), (True,))
    spi = net.left.one(ChildSaEstablished).spi_in
    net.left.endpoint.rekey_child(spi, net.now)
    net.run(5)
    for node in (net.left, net.right):
        assert [e.extended_sequence_numbers for e in node.of(ChildSaEstablished)] == [True, True]


def test_an_answer_with_both_is_none() -> None:
    ours = [EspProposal(extended_sequence_numbers=(True, False))]
    (offered,) = offer_esp(ours, SPI, with_key_exchange=False).proposals
    ids = [t.transform_id for t in offered.of_type(TransformType.ESN)]
    assert ids == [1, 0]
    gcm = offered.of_type(TransformType.ENCR)[:1]
    for kept, good in (((1,), True), ((0,), True), ((0, 1), False), ((), False), ((2,), False)):
        transforms = gcm + tuple(Transform(TransformType.ESN, n) for n in kept)
        answer = SecurityAssociation((Proposal(1, ProtocolId.ESP, SPI, transforms),))
        assert (accept_esp(ours, answer, with_key_exchange=False) is not None) is good


def test_a_proposal_that_says_nothing_of_it_is_not_taken() -> None:
    """RFC 7296 §3.3.3: ESN is mandatory for ESP."""
    ours = [EspProposal(extended_sequence_numbers=(False, True))]
    (offered,) = offer_esp(ours, SPI, with_key_exchange=False).proposals
    bare = replace(offered, transforms=offered.of_type(TransformType.ENCR))
    association = SecurityAssociation((bare,))
    assert choose_esp(ours, association, SPI, None, with_key_exchange=False) is None


def test_its_name_and_its_absence() -> None:
    assert describe_esp([EspProposal(extended_sequence_numbers=(True,))]).endswith("/ESN")
    with pytest.raises(ValueError, match="neither"):
        EspProposal(extended_sequence_numbers=())
