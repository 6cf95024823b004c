"""IKE_SA_INIT, IKE_AUTH and further CHILD_SAs between two endpoints (RFC 7296 §1.2, §1.3)."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from ike_network import (
    LEFT,
    RIGHT,
    Network,
    at,
    child,
    left_peer,
    mirrored,
    right_peer,
    selector,
    with_key,
)

from ike.codec.registry import ExchangeType, HeaderFlag
from ike.config import (
    EncryptionAlgorithm,
    EspProposal,
    IkeProposal,
    Integrity,
    KeyExchange,
    Prf,
    Settings,
)
from ike.crypto.encryption import is_aead, is_known
from ike.events import (
    AttemptFailed,
    ChildSaDeleted,
    ChildSaEstablished,
    DeletionReason,
    FailureReason,
    IkeSaClosed,
    IkeSaEstablished,
    PeerRefused,
    Role,
)
from ike.types import Identity

GCM = EncryptionAlgorithm.AES_GCM_16
ONE = child("one", "10.1.0.0/16", "10.2.0.0/16")
TWO = child("two", "10.3.0.0/16", "10.4.0.0/16")


def two_children(**options: object) -> Network:
    one, two = (replace(c, **options) for c in (ONE, TWO))  # type: ignore[arg-type]  # test data
    return Network(left_peer(one, two), right_peer(mirrored(one, "r-one"), mirrored(two, "r-two")))


def test_one_attempt_gives_one_pair_with_the_same_keys() -> None:
    network = Network()
    network.left.endpoint.initiate("net", network.now)
    network.run()
    left, right = network.left.one(ChildSaEstablished), network.right.one(ChildSaEstablished)
    assert (left.child, right.child) == ("net", "ten")
    assert (left.role, right.role) == (Role.INITIATOR, Role.RESPONDER)
    assert (left.spi_in, left.spi_out) == (right.spi_out, right.spi_in)
    assert (left.key_in, left.salt_in) == (right.key_out, right.salt_out)
    assert (left.key_out, left.salt_out) == (right.key_in, right.salt_in)
    assert left.key_in != left.key_out
    assert len(left.key_in) == 32
    assert len(left.salt_in) == 4
    assert left.local_selectors == right.remote_selectors
    assert not left.encapsulated
    ike = network.left.one(IkeSaEstablished)
    assert (ike.local, ike.remote) == (at(LEFT, 4500), at(RIGHT, 4500)), "RFC 4555 §3.3"
    assert len(network.sent) == 4


CIPHERS = [(a, b) for a in EncryptionAlgorithm for b in (128, 192, 256) if is_known(a, b)]
LARGE = {KeyExchange.MODP4096, KeyExchange.MODP6144, KeyExchange.MODP8192}
DEFAULT = IkeProposal(
    ((GCM, 256),),
    (Prf.HMAC_SHA2_256,),
    (KeyExchange.CURVE25519,),
    (Integrity.HMAC_SHA2_256_128,),
)


@pytest.mark.parametrize(
    "proposal",
    [
        *(replace(DEFAULT, encryption=(cipher,)) for cipher in CIPHERS),
        *(replace(DEFAULT, prf=(prf,)) for prf in Prf),
        *(replace(DEFAULT, key_exchange=(m,)) for m in KeyExchange if m not in LARGE),
        *(
            replace(
                DEFAULT, encryption=((EncryptionAlgorithm.AES_CBC, 128),), integrity=(integrity,)
            )
            for integrity in Integrity
        ),
    ],
    ids=lambda p: (
        f"{p.encryption[0][0].name}-{p.encryption[0][1]}-{p.prf[0].name}-"
        f"{p.key_exchange[0].name}-{p.integrity[0].name}"
    ),
)
def test_every_algorithm(proposal: IkeProposal) -> None:
    esp = EspProposal(proposal.encryption, proposal.key_exchange, proposal.integrity)
    one, two = (replace(c, proposals=(esp,)) for c in (ONE, TWO))
    network = Network(
        replace(left_peer(one, two), proposals=(proposal,)),
        replace(right_peer(mirrored(one, "r-one"), mirrored(two, "r-two")), proposals=(proposal,)),
    )
    for name in ("one", "two"):
        network.left.endpoint.initiate(name, network.now)
    network.run(2)
    algorithm, bits = proposal.encryption[0]
    for left, right in zip(
        network.left.of(ChildSaEstablished), network.right.of(ChildSaEstablished), strict=True
    ):
        assert (left.encryption, left.key_bits) == (algorithm, bits)
        assert 8 * len(left.key_in) == bits
        assert left.key_in == right.key_out
        assert left.salt_in == right.salt_out
        assert left.integrity_key_out == right.integrity_key_in
        assert left.integrity is (None if is_aead(algorithm) else proposal.integrity[0])
        assert bool(left.integrity_key_in) is (left.integrity is not None)
    (info,) = network.left.endpoint.ike_sas()
    assert len(info.children) == 2
    assert f"PRF_{proposal.prf[0].name}/{proposal.key_exchange[0].name}" in info.suite
    network.left.endpoint.rekey_peer("right", network.now)
    network.run(2)
    assert len(network.left.of(IkeSaEstablished)) == 2


@pytest.mark.parametrize(
    ("proposal", "why"),
    [
        (IkeProposal(((EncryptionAlgorithm.AES_CBC, 128),)), "needs an integrity"),
        (IkeProposal(((GCM, 100),)), "100 bits"),
        (
            IkeProposal(((EncryptionAlgorithm.NULL, 0),), integrity=(Integrity.HMAC_SHA2_256_128,)),
            "does not protect",
        ),
    ],
)
def test_proposals_that_make_no_sense(proposal: IkeProposal, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Network(replace(left_peer(), proposals=(proposal,)))


def test_null_encryption_with_integrity_is_for_esp() -> None:
    """RFC 8221 §5: ENCR_NULL is a MUST for ESP."""
    null = EspProposal(((EncryptionAlgorithm.NULL, 0),), integrity=(Integrity.HMAC_SHA2_512_256,))
    one = replace(ONE, proposals=(null,))
    network = Network(left_peer(one), right_peer(mirrored(one, "r-one")))
    network.left.endpoint.initiate("one", network.now)
    network.run(2)
    made = network.left.one(ChildSaEstablished)
    assert (len(made.key_in), len(made.integrity_key_in)) == (0, 64)


def with_methods(peer: object, *methods: KeyExchange) -> object:
    return replace(peer, proposals=(IkeProposal(key_exchange=methods),))  # type: ignore[type-var]  # a PeerConfig


def test_invalid_ke_payload_makes_the_initiator_try_the_other_method() -> None:
    """RFC 7296 §1.2, §1.3."""
    network = Network(
        with_methods(left_peer(), KeyExchange.CURVE25519, KeyExchange.SECP256R1),
        with_methods(right_peer(), KeyExchange.SECP256R1),
    )
    network.left.endpoint.initiate("net", network.now)
    network.run()
    assert network.left.one(ChildSaEstablished)
    assert len(network.sent) == 6
    assert "SECP256R1" in network.left.endpoint.ike_sas()[0].suite
    assert not network.right.of(PeerRefused)


def test_no_common_key_exchange_method_is_no_proposal_chosen_at_both_ends() -> None:
    network = Network(
        with_methods(left_peer(), KeyExchange.CURVE25519),
        with_methods(right_peer(), KeyExchange.SECP256R1),
    )
    network.left.endpoint.initiate("net", network.now)
    network.run(60)
    failed = network.left.one(AttemptFailed)
    assert failed.reason is FailureReason.NO_PROPOSAL_CHOSEN
    assert "CURVE25519" in failed.detail
    refused = network.right.of(PeerRefused)[0]
    assert refused.reason is FailureReason.NO_PROPOSAL_CHOSEN
    assert "CURVE25519" in refused.detail
    assert "SECP256R1" in refused.detail
    assert not network.left.endpoint.ike_sas()
    assert not network.right.endpoint.ike_sas()


@pytest.mark.parametrize("left_is_wrong", [True, False])
def test_a_wrong_pre_shared_key_is_one_clear_reason_at_each_end(left_is_wrong: bool) -> None:
    left, right = left_peer(), right_peer()
    if left_is_wrong:
        left = with_key(left, b"wrong")
    else:
        right = with_key(right, b"wrong")
    network = Network(left, right)
    network.left.endpoint.initiate("net", network.now)
    network.run(60)
    failed, refused = network.left.one(AttemptFailed), network.right.one(PeerRefused)
    assert failed.reason is refused.reason is FailureReason.AUTHENTICATION_FAILED
    assert "pre-shared key" in failed.detail
    assert refused.peer == "left"
    assert "pre-shared key" in refused.detail
    assert len(network.left.log) == len(network.right.log) == 1
    assert not network.left.endpoint.ike_sas()
    assert not network.right.endpoint.ike_sas()


def test_the_responder_knows_no_such_identity() -> None:
    left = replace(left_peer(), local_identity=Identity.from_text("mallory.example"))
    network = Network(left)
    network.left.endpoint.initiate("net", network.now)
    network.run()
    assert network.left.one(AttemptFailed).reason is FailureReason.AUTHENTICATION_FAILED
    refused = network.right.one(PeerRefused)
    assert refused.reason is FailureReason.IDENTITY_MISMATCH
    assert "mallory.example" in refused.detail
    assert "192.0.2.1" in refused.detail


def test_the_responder_is_not_who_it_is_asked_to_be() -> None:
    left = replace(left_peer(), remote_identity=Identity.from_text("bob.example"))
    network = Network(left)
    network.left.endpoint.initiate("net", network.now)
    network.run()
    assert network.left.one(AttemptFailed).reason is FailureReason.AUTHENTICATION_FAILED
    assert network.right.one(PeerRefused).reason is FailureReason.IDENTITY_MISMATCH


def test_two_peers_at_one_address_are_told_apart_by_identity() -> None:
    def one_of(name: str) -> object:
        return replace(
            with_key(
                right_peer(child(f"child-{name}", "10.2.0.0/16", "10.1.0.0/16")), name.encode()
            ),
            name=name,
            remote_identity=Identity.from_text(f"{name}.example"),
        )

    left = replace(
        with_key(left_peer(), b"beta"), local_identity=Identity.from_text("beta.example")
    )
    network = Network(left, [one_of("alpha"), one_of("beta")])
    network.left.endpoint.initiate("net", network.now)
    network.run()
    assert network.right.one(ChildSaEstablished).peer == "beta"


def test_an_fqdn_does_not_care_for_case() -> None:
    left = replace(left_peer(), local_identity=Identity.from_text("R1.Example"))
    right = replace(right_peer(), remote_identity=Identity.from_text("r1.example"))
    network = Network(left, right)
    network.left.endpoint.initiate("net", network.now)
    network.run()
    assert network.left.one(ChildSaEstablished)


def test_the_responder_narrows_to_its_configuration() -> None:
    """RFC 7296 §2.9."""
    wide = child("wide", "10.0.0.0/8", "10.0.0.0/8")
    network = Network(left_peer(wide))
    network.left.endpoint.initiate("wide", network.now)
    network.run()
    left, right = network.left.one(ChildSaEstablished), network.right.one(ChildSaEstablished)
    assert left.local_selectors == (selector("10.1.0.0/16"),) == right.remote_selectors
    assert left.remote_selectors == (selector("10.2.0.0/16"),) == right.local_selectors


def test_the_best_matching_child_is_taken() -> None:
    narrow = child("narrow", "10.1.5.0/24", "10.2.5.0/24")
    right = right_peer(
        child("all", "0.0.0.0/0", "0.0.0.0/0"),
        child("net", "10.2.0.0/16", "10.1.0.0/16"),
        mirrored(narrow, "exact"),
    )
    network = Network(left_peer(narrow), right)
    network.left.endpoint.initiate("narrow", network.now)
    network.run()
    assert network.right.one(ChildSaEstablished).child == "exact"


def test_selectors_with_nothing_in_common_leave_the_ike_sa_up() -> None:
    """RFC 7296 §1.2: the first CHILD_SA fails, the IKE SA is made."""
    network = Network(left_peer(TWO, ONE), right_peer(mirrored(ONE, "r")))
    network.left.endpoint.initiate("two", network.now)
    network.run()
    failed = network.left.one(AttemptFailed)
    assert (failed.child, failed.reason) == ("two", FailureReason.TS_UNACCEPTABLE)
    assert "10.3.0.0" in failed.detail
    assert network.right.one(PeerRefused).reason is FailureReason.TS_UNACCEPTABLE
    network.left.endpoint.initiate("one", network.now)
    network.run()
    assert network.left.one(ChildSaEstablished).child == "one"
    assert len(network.left.of(IkeSaEstablished)) == 1


def test_no_common_esp_proposal_leaves_the_ike_sa_up() -> None:
    strong = replace(ONE, proposals=(EspProposal(((GCM, 256),)),))
    weak = replace(mirrored(ONE, "r"), proposals=(EspProposal(((GCM, 128),)),))
    network = Network(left_peer(strong), right_peer(weak))
    network.left.endpoint.initiate("one", network.now)
    network.run()
    assert network.left.one(AttemptFailed).reason is FailureReason.NO_PROPOSAL_CHOSEN
    assert len(network.left.of(IkeSaEstablished)) == 1
    assert "AES_GCM_16-256" in network.right.one(PeerRefused).detail


def test_two_children_share_one_ike_sa() -> None:
    network = two_children()
    network.left.endpoint.initiate("one", network.now)
    network.left.endpoint.initiate("two", network.now)
    network.run()
    assert {e.child for e in network.left.of(ChildSaEstablished)} == {"one", "two"}
    assert {e.child for e in network.right.of(ChildSaEstablished)} == {"r-one", "r-two"}
    assert len(network.left.of(IkeSaEstablished)) == 1
    first, second = network.left.of(ChildSaEstablished)
    assert first.key_in != second.key_in
    assert len(network.sent) == 6


def test_each_end_can_make_a_child_in_the_others_ike_sa() -> None:
    network = two_children()
    network.left.endpoint.initiate("one", network.now)
    network.run()
    network.right.endpoint.initiate("r-two", network.now)
    network.run()
    second = network.left.of(ChildSaEstablished)[1]
    assert (second.child, second.role) == ("two", Role.RESPONDER)
    assert second.key_in == network.right.of(ChildSaEstablished)[1].key_out
    assert len(network.left.of(IkeSaEstablished)) == 1


@pytest.mark.parametrize(
    ("left_methods", "right_methods", "messages"),
    [
        ((KeyExchange.SECP256R1,), (KeyExchange.SECP256R1,), 2),
        ((KeyExchange.SECP256R1,), (), 2),
        ((KeyExchange.CURVE25519, KeyExchange.SECP256R1), (KeyExchange.SECP256R1,), 4),
    ],
)
def test_perfect_forward_secrecy(
    left_methods: tuple[KeyExchange, ...], right_methods: tuple[KeyExchange, ...], messages: int
) -> None:
    """RFC 7296 §1.3.1; with INVALID_KE_PAYLOAD where the first method is not the peer's."""
    left = replace(TWO, proposals=(EspProposal(key_exchange=left_methods),))
    right = replace(mirrored(TWO, "r-two"), proposals=(EspProposal(key_exchange=right_methods),))
    network = Network(left_peer(ONE, left), right_peer(mirrored(ONE, "r-one"), right))
    network.left.endpoint.initiate("one", network.now)
    network.run()
    before = len(network.sent)
    network.left.endpoint.initiate("two", network.now)
    network.run()
    made = network.left.of(ChildSaEstablished)[1]
    assert made.key_in == network.right.of(ChildSaEstablished)[1].key_out
    assert len(network.sent) - before == messages
    suites = [c.suite for c in network.left.endpoint.ike_sas()[0].children]
    assert "SECP256R1" in suites[1]


def test_perfect_forward_secrecy_that_only_we_want_is_refused() -> None:
    right = replace(
        mirrored(TWO, "r-two"), proposals=(EspProposal(key_exchange=(KeyExchange.SECP256R1,)),)
    )
    network = Network(left_peer(ONE, TWO), right_peer(mirrored(ONE, "r-one"), right))
    for name in ("one", "two"):
        network.left.endpoint.initiate(name, network.now)
    network.run()
    assert network.left.one(AttemptFailed).reason is FailureReason.NO_PROPOSAL_CHOSEN
    assert network.left.one(ChildSaEstablished).child == "one"


def test_one_of_two_packet_types_refused_leaves_the_other_alone() -> None:
    network = Network(left_peer(ONE, TWO), right_peer(mirrored(ONE, "r")))
    for name in ("one", "two"):
        network.left.endpoint.initiate(name, network.now)
    network.run(60)
    assert network.left.one(ChildSaEstablished).child == "one"
    failed = network.left.one(AttemptFailed)
    assert (failed.child, failed.reason) == ("two", FailureReason.TS_UNACCEPTABLE)
    assert not network.left.of(IkeSaClosed)


def test_a_second_initiate_does_nothing() -> None:
    network = Network()
    network.left.endpoint.initiate("net", network.now)
    network.left.endpoint.initiate("net", network.now)
    network.run()
    network.left.endpoint.initiate("net", network.now)
    network.run()
    assert len(network.left.of(ChildSaEstablished)) == 1
    assert len(network.sent) == 4


def test_an_unknown_child_is_the_callers_mistake() -> None:
    with pytest.raises(KeyError):
        Network().left.endpoint.initiate("nothing", 0.0)


class TestCancel:
    """An attempt that nobody wants any more leaves nothing behind, whenever it is given up."""

    @pytest.mark.parametrize("after", [0.0, 0.005, 0.015, 0.025, 0.035])
    def test_first_child(self, after: float) -> None:
        network = Network()
        network.left.endpoint.initiate("net", network.now)
        network.run(after)
        network.left.endpoint.cancel("net", network.now)
        network.run(60)
        assert network.left.one(AttemptFailed).reason is FailureReason.CANCELLED
        assert not network.left.of(ChildSaEstablished)
        made, deleted = network.right.of(ChildSaEstablished), network.right.of(ChildSaDeleted)
        assert len(made) == len(deleted)

    @pytest.mark.parametrize("after", [0.0, 0.005, 0.015])
    def test_further_child(self, after: float) -> None:
        network = two_children()
        network.left.endpoint.initiate("one", network.now)
        network.run()
        network.left.endpoint.initiate("two", network.now)
        network.run(after)
        network.left.endpoint.cancel("two", network.now)
        network.run(60)
        assert network.left.one(AttemptFailed).child == "two"
        assert network.left.one(ChildSaEstablished).child == "one"
        live = [c.child for c in network.right.endpoint.ike_sas()[0].children]
        assert live == ["r-one"]

    def test_one_of_two_before_the_answer(self) -> None:
        network = two_children()
        for name in ("one", "two"):
            network.left.endpoint.initiate(name, network.now)
        network.left.endpoint.cancel("one", network.now)
        network.run(60)
        assert network.left.one(ChildSaEstablished).child == "two"
        assert network.left.one(AttemptFailed).child == "one"

    def test_wanted_again_before_the_answer(self) -> None:
        network = Network()
        network.left.endpoint.initiate("net", network.now)
        network.run(0.025)
        network.left.endpoint.cancel("net", network.now)
        network.left.endpoint.initiate("net", network.now)
        network.run(60)
        assert network.left.one(ChildSaEstablished)

    def test_without_an_attempt(self) -> None:
        network = Network()
        network.left.endpoint.cancel("net", network.now)
        network.run()
        assert not network.left.log


class TestDelete:
    """RFC 7296 §1.4.1."""

    @pytest.mark.parametrize("side", ["left", "right"])
    def test_child(self, side: str) -> None:
        network = two_children()
        for name in ("one", "two"):
            network.left.endpoint.initiate(name, network.now)
        network.run()
        node, other = network.left, network.right
        if side == "right":
            node, other = other, node
        gone = node.of(ChildSaEstablished)[0]
        node.endpoint.delete_child(gone.spi_in, network.now)
        assert [type(e) for e in node.endpoint.events()] == [ChildSaDeleted]
        network.run()
        deleted = other.one(ChildSaDeleted)
        assert (deleted.spi_out, deleted.reason) == (gone.spi_in, DeletionReason.PEER)
        assert not other.of(IkeSaClosed)
        node.endpoint.initiate(gone.child, network.now)
        network.run()
        assert len(node.of(ChildSaEstablished)) == 3

    def test_peer(self) -> None:
        network = two_children()
        for name in ("one", "two"):
            network.left.endpoint.initiate(name, network.now)
        network.run()
        network.left.endpoint.delete_peer("right", network.now)
        network.run(60)
        for node, reason in (
            (network.left, DeletionReason.LOCAL),
            (network.right, DeletionReason.PEER),
        ):
            assert [e.reason for e in node.of(ChildSaDeleted)] == [reason, reason]
            assert node.one(IkeSaClosed).reason is reason
            assert isinstance(node.log[-1], IkeSaClosed)
            assert not node.endpoint.ike_sas()
            assert node.endpoint.next_deadline() is None

    @pytest.mark.parametrize("after", [0.0, 0.005, 0.015, 0.025, 0.035])
    @pytest.mark.parametrize("lost", [0, 1, 2])
    def test_peer_while_it_is_being_authenticated(self, after: float, lost: int) -> None:
        """What IKE_AUTH makes is deleted when it is there, whatever of it is lost on the way."""
        network = Network()
        network.left.endpoint.initiate("net", network.now)
        network.run(after)
        network.left.endpoint.delete_peer("right", network.now)
        on_the_wire = itertools.count()
        network.filter = lambda d: [(0.01, d)] if next(on_the_wire) >= lost else []
        network.run(3)
        assert network.left.one(AttemptFailed).reason is FailureReason.CANCELLED
        assert not network.left.of(IkeSaEstablished)
        made = network.right.of(ChildSaEstablished)
        assert bool(made) is (after > 0.02)
        assert [e.reason for e in network.right.of(IkeSaClosed)] == [DeletionReason.PEER] * len(
            made
        )
        assert len(network.right.of(ChildSaDeleted)) == len(made)
        network.run(60)
        assert network.left.endpoint.next_deadline() is None
        assert not network.left.endpoint.ike_sas()
        assert not network.right.endpoint.ike_sas()

    def test_peer_that_refuses_what_was_given_up(self) -> None:
        """Nothing is deleted that is not there."""
        network = Network(right=with_key(right_peer(), b"another"))
        network.left.endpoint.initiate("net", network.now)
        network.run(0.025)
        network.left.endpoint.delete_peer("right", network.now)
        network.run(0.1)
        assert not network.left.endpoint.ike_sas()
        assert not any(d.payload[18] == ExchangeType.INFORMATIONAL for d in network.sent)

    def test_peer_that_falls_silent_in_the_middle(self) -> None:
        network = Network()
        network.left.endpoint.initiate("net", network.now)
        network.run(0.025)
        network.left.endpoint.delete_peer("right", network.now)
        network.drop_all()
        network.run(60)
        assert network.left.endpoint.next_deadline() is None
        assert [type(e) for e in network.left.log] == [AttemptFailed]

    def test_wanted_again_while_the_old_attempt_ends(self) -> None:
        network = Network()
        network.left.endpoint.initiate("net", network.now)
        network.run(0.025)
        network.left.endpoint.delete_peer("right", network.now)
        network.left.endpoint.initiate("net", network.now)
        network.run(60)
        assert network.left.one(ChildSaEstablished)
        (here,), (there,) = (n.endpoint.ike_sas() for n in (network.left, network.right))
        assert here.initiator_spi == there.initiator_spi
        assert len(there.children) == 1

    def test_attempts_given_up_again_and_again_are_bounded(self) -> None:
        """The oldest are not waited for."""
        network = Network()
        answers = ExchangeType.IKE_AUTH, HeaderFlag.RESPONSE
        network.filter = lambda d: [] if tuple(d.payload[18:20]) == answers else [(0.01, d)]
        for _ in range(40):
            network.left.endpoint.initiate("net", network.now)
            network.run(0.025)
            network.left.endpoint.delete_peer("right", network.now)
        assert len(network.left.endpoint.ike_sas()) == 2 * Settings().ike_sas_per_peer
        network.run(60)
        assert network.left.endpoint.next_deadline() is None

    def test_shutdown_while_the_peer_is_being_authenticated(self) -> None:
        network = Network()
        network.left.endpoint.initiate("net", network.now)
        network.run(0.035)
        network.left.endpoint.shutdown(network.now)
        network.run(1)
        assert network.left.endpoint.next_deadline() is None
        assert network.right.one(IkeSaClosed).reason is DeletionReason.PEER

    def test_shutdown_tells_the_peer_with_one_datagram(self) -> None:
        network = two_children()
        for name in ("one", "two"):
            network.left.endpoint.initiate(name, network.now)
        network.run()
        before = len(network.sent)
        network.left.endpoint.shutdown(network.now)
        network.collect()
        assert len(network.sent) == before + 1
        assert network.left.endpoint.next_deadline() is None
        network.run()
        assert len(network.right.of(ChildSaDeleted)) == 2
        assert network.right.one(IkeSaClosed).reason is DeletionReason.PEER

    def test_deletes_that_cross(self) -> None:
        """RFC 7296 §1.4.1: each end answers without naming the pair again."""
        network = Network()
        network.left.endpoint.initiate("net", network.now)
        network.run()
        for node in (network.left, network.right):
            node.endpoint.delete_child(node.one(ChildSaEstablished).spi_in, network.now)
        network.run(60)
        assert network.left.one(ChildSaDeleted).reason is DeletionReason.LOCAL
        assert network.right.one(ChildSaDeleted).reason is DeletionReason.LOCAL
        assert not network.left.of(IkeSaClosed)

    def test_ike_deletes_that_cross(self) -> None:
        network = Network()
        network.left.endpoint.initiate("net", network.now)
        network.run()
        network.left.endpoint.delete_peer("right", network.now)
        network.right.endpoint.delete_peer("left", network.now)
        network.run(60)
        assert len(network.left.of(IkeSaClosed)) == len(network.right.of(IkeSaClosed)) == 1
        assert not network.left.endpoint.ike_sas()
        assert not network.right.endpoint.ike_sas()
