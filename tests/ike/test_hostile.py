"""How IKE implementations fell, and unauthenticated messages: nothing falls here."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from ike_adversary import Adversary
from ike_network import LEFT, RIGHT, Network, at, left_peer, right_peer, with_key

from ike.codec.authentication import Authentication
from ike.codec.chain import find, find_notify, notifies
from ike.codec.delete import Delete
from ike.codec.header import Header
from ike.codec.identification import IdentificationInitiator
from ike.codec.key_exchange import KeyExchangePayload
from ike.codec.message import Message
from ike.codec.nonce import Nonce
from ike.codec.notify import Notify
from ike.codec.payload import Payload, UnknownPayload
from ike.codec.registry import (
    ExchangeType,
    HeaderFlag,
    NotifyType,
    PayloadType,
    ProtocolId,
    TransformType,
)
from ike.codec.security_association import Proposal, SecurityAssociation, Transform
from ike.codec.traffic_selector import (
    RawSelector,
    TrafficSelectorsInitiator,
    TrafficSelectorsResponder,
)
from ike.config import Settings
from ike.endpoint import Endpoint
from ike.events import (
    AttemptFailed,
    ChildSaDeleted,
    ChildSaEstablished,
    DeletionReason,
    FailureReason,
    IkeSaClosed,
    IkeSaEstablished,
    PeerRefused,
)
from ike.exchanges import create_child_sa
from ike.types import Datagram, UdpAddress

P256_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF


def victim() -> Endpoint:
    return Endpoint([right_peer()])


def established() -> Adversary:
    adversary = Adversary(victim())
    adversary.establish()
    events = adversary.victim.events()
    assert [type(e) for e in events] == [IkeSaEstablished, ChildSaEstablished]
    return adversary


def error_of(answer: Sequence[Payload] | None) -> NotifyType:
    assert answer is not None
    (error,) = (n for n in notifies(answer) if n.is_error)
    return NotifyType(error.notify_type)


def without(payloads: Sequence[Payload], kind: type) -> list[Payload]:
    return [p for p in payloads if not isinstance(p, kind)]


class TestFirstRequest:
    """IKE_SA_INIT from anybody: refused, and no state is left."""

    @pytest.mark.parametrize("group", [0, 1, 2, 14, 22, 1024, 1029, 1033, 65535])
    def test_key_exchange_of_an_unknown_group(self, group: int) -> None:
        """CVE-2014-9221, CVE-2015-3240."""
        adversary = Adversary(victim())
        payloads = [
            KeyExchangePayload(group, bytes(256)) if isinstance(p, KeyExchangePayload) else p
            for p in adversary.first_request()
        ]
        answer = adversary.exchange(ExchangeType.IKE_SA_INIT, payloads)
        assert error_of(answer) is NotifyType.INVALID_KE_PAYLOAD
        assert not adversary.victim.ike_sas()

    @pytest.mark.parametrize(
        "value",
        [
            bytes(32),
            bytes([1]) + bytes(31),
            bytes(31),
            bytes(33),
            bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
            bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        ],
    )
    def test_curve25519_values_that_give_a_known_secret(self, value: bytes) -> None:
        """RFC 8031 §2, CVE-2023-41913: low-order points, wrong lengths."""
        adversary = Adversary(victim())
        payloads = [
            KeyExchangePayload(31, value) if isinstance(p, KeyExchangePayload) else p
            for p in adversary.first_request()
        ]
        answer = adversary.exchange(ExchangeType.IKE_SA_INIT, payloads)
        assert error_of(answer) is NotifyType.INVALID_SYNTAX
        assert not adversary.victim.ike_sas()

    @pytest.mark.parametrize(
        "value",
        [
            bytes(64),
            bytes(63),
            b"\x04" + bytes(64),
            bytes(31) + b"\1" + bytes(31) + b"\1",
            P256_P.to_bytes(32, "big") + bytes(31) + b"\1",
            b"\xff" * 64,
        ],
    )
    def test_points_off_the_curve(self, value: bytes) -> None:
        """RFC 5903 §8, RFC 6989 §2.3."""
        adversary = Adversary(victim())
        payloads = [
            KeyExchangePayload(19, value) if isinstance(p, KeyExchangePayload) else p
            for p in adversary.first_request()
        ]
        answer = adversary.exchange(ExchangeType.IKE_SA_INIT, payloads)
        assert error_of(answer) is NotifyType.INVALID_SYNTAX
        assert not adversary.victim.ike_sas()

    @pytest.mark.parametrize("kind", [SecurityAssociation, KeyExchangePayload, Nonce])
    def test_a_missing_payload(self, kind: type) -> None:
        """CVE-2013-6467."""
        adversary = Adversary(victim())
        payloads = without(adversary.first_request(), kind)
        answer = adversary.exchange(ExchangeType.IKE_SA_INIT, payloads)
        assert error_of(answer) is NotifyType.INVALID_SYNTAX
        assert not adversary.victim.ike_sas()

    @pytest.mark.parametrize("missing", [TransformType.ENCR, TransformType.PRF, TransformType.KE])
    def test_a_proposal_without_a_type_that_it_needs(self, missing: TransformType) -> None:
        """CVE-2016-5391: a proposal without DH."""
        adversary = Adversary(victim())

        def cut(payload: Payload) -> Payload:
            if not isinstance(payload, SecurityAssociation):
                return payload
            (proposal,) = payload.proposals
            kept = tuple(t for t in proposal.transforms if t.transform_type != missing)
            return SecurityAssociation((replace(proposal, transforms=kept),))

        payloads = [cut(p) for p in adversary.first_request()]
        answer = adversary.exchange(ExchangeType.IKE_SA_INIT, payloads)
        assert error_of(answer) is NotifyType.NO_PROPOSAL_CHOSEN
        assert not adversary.victim.ike_sas()

    def test_transforms_of_a_type_that_nobody_knows(self) -> None:
        """RFC 7296 §3.3.6: the proposal is not for us."""
        adversary = Adversary(victim())

        def widen(payload: Payload) -> Payload:
            if not isinstance(payload, SecurityAssociation):
                return payload
            (proposal,) = payload.proposals
            more = (*proposal.transforms, Transform(241, 1))
            return SecurityAssociation((replace(proposal, transforms=more),))

        payloads = [widen(p) for p in adversary.first_request()]
        answer = adversary.exchange(ExchangeType.IKE_SA_INIT, payloads)
        assert error_of(answer) is NotifyType.NO_PROPOSAL_CHOSEN

    def test_an_unknown_critical_payload(self) -> None:
        """RFC 7296 §2.5."""
        adversary = Adversary(victim())
        payloads = [*adversary.first_request(), UnknownPayload(200, True, b"?")]
        answer = adversary.exchange(ExchangeType.IKE_SA_INIT, payloads)
        assert error_of(answer) is NotifyType.UNSUPPORTED_CRITICAL_PAYLOAD
        assert answer is not None
        assert notifies(answer)[0].data == bytes([200])
        assert not adversary.victim.ike_sas()

    def test_an_unknown_payload_that_is_not_critical(self) -> None:
        adversary = Adversary(victim())
        payloads = [*adversary.first_request(), UnknownPayload(200, False, b"?")]
        answer = adversary.exchange(ExchangeType.IKE_SA_INIT, payloads)
        assert answer is not None
        assert find(answer, KeyExchangePayload)

    def test_ikev1_payloads_in_an_ikev2_message(self) -> None:
        """CVE-2015-3991: types 1 to 13 are IKEv1's; here they are unknown."""
        adversary = Adversary(victim())
        payloads: list[Payload] = [UnknownPayload(t, True, bytes(24)) for t in range(1, 14)]
        answer = adversary.exchange(ExchangeType.IKE_SA_INIT, adversary.first_request() + payloads)
        assert error_of(answer) is NotifyType.UNSUPPORTED_CRITICAL_PAYLOAD

    @pytest.mark.parametrize("version", [0x10, 0x11, 0x30, 0xF0, 0x00])
    def test_another_major_version(self, version: int) -> None:
        """RFC 7296 §2.5."""
        adversary = Adversary(victim())
        header = Header(1, 0, PayloadType.SA, 2, 0x08, 7, 28, version)
        (answer,) = adversary.send_raw(header.serialize())
        message = Message.parse(answer.payload)
        assert message.header.version == 0x20
        assert message.header.is_response
        assert message.header.message_id == 7
        notify = find_notify(message.payloads, NotifyType.INVALID_MAJOR_VERSION)
        assert notify is not None
        assert notify.data == b"\x02"
        assert len(answer.payload) <= 37
        response = replace(header, flags=HeaderFlag.RESPONSE)
        assert not adversary.send_raw(response.serialize()), "no answer to an answer"

    @pytest.mark.parametrize("flags", [0, HeaderFlag.RESPONSE, 0x28])
    def test_flags_that_no_initiator_sets(self, flags: int) -> None:
        adversary = Adversary(victim())
        header = Header(adversary.spi, 0, 0, ExchangeType.IKE_SA_INIT, flags, 0, 0)
        message = Message(header, tuple(adversary.first_request())).serialize()
        for datagram in adversary.send_raw(message):
            assert error_of(Message.parse(datagram.payload).payloads)
        assert not adversary.victim.ike_sas()

    def test_a_zero_spi_or_a_later_message_id(self) -> None:
        adversary = Adversary(victim())
        for spi, message_id in ((0, 0), (5, 1)):
            header = Header(spi, 0, 0, ExchangeType.IKE_SA_INIT, 0x08, message_id, 0)
            message = Message(header, tuple(adversary.first_request())).serialize()
            assert not adversary.send_raw(message)
        assert not adversary.victim.ike_sas()


class TestHalfOpen:
    """IKE_AUTH and what comes in its stead, from whom nobody has authenticated."""

    @pytest.mark.parametrize(
        "exchange_type",
        [ExchangeType.CREATE_CHILD_SA, ExchangeType.INFORMATIONAL, ExchangeType.IKE_SESSION_RESUME],
    )
    def test_other_exchanges_before_ike_auth(self, exchange_type: ExchangeType) -> None:
        """CVE-2014-2338: rekey of an IKE SA that is not established."""
        adversary = Adversary(victim())
        adversary.init()
        assert adversary.exchange(exchange_type, adversary.child_request()) is None
        assert not adversary.victim.events()

    @pytest.mark.parametrize("kind", [IdentificationInitiator])
    def test_a_missing_identity(self, kind: type) -> None:
        adversary = Adversary(victim())
        adversary.init()
        answer = adversary.exchange(ExchangeType.IKE_AUTH, without(adversary.auth_request(), kind))
        assert error_of(answer) is NotifyType.INVALID_SYNTAX
        assert not adversary.victim.ike_sas()

    def test_no_auth_payload_is_a_wish_for_eap(self) -> None:
        adversary = Adversary(victim())
        adversary.init()
        answer = adversary.exchange(
            ExchangeType.IKE_AUTH, without(adversary.auth_request(), Authentication)
        )
        assert error_of(answer) is NotifyType.AUTHENTICATION_FAILED
        (refused,) = adversary.victim.events()
        assert isinstance(refused, PeerRefused)
        assert "EAP" in refused.detail

    @pytest.mark.parametrize("method", [0, 1, 9, 13, 14, 255])
    def test_another_authentication_method(self, method: int) -> None:
        """RFC 7619 NULL authentication among them."""
        adversary = Adversary(victim())
        adversary.init()
        payloads = [
            replace(p, method=method) if isinstance(p, Authentication) else p
            for p in adversary.auth_request()
        ]
        answer = adversary.exchange(ExchangeType.IKE_AUTH, payloads)
        assert error_of(answer) is NotifyType.AUTHENTICATION_FAILED
        assert not adversary.victim.ike_sas()

    @pytest.mark.parametrize("data", [b"", bytes(32), bytes(31), bytes(33), b"x" * 1000])
    def test_auth_data_of_any_length(self, data: bytes) -> None:
        adversary = Adversary(victim())
        adversary.init()
        payloads = [
            replace(p, data=data) if isinstance(p, Authentication) else p
            for p in adversary.auth_request()
        ]
        answer = adversary.exchange(ExchangeType.IKE_AUTH, payloads)
        assert error_of(answer) is NotifyType.AUTHENTICATION_FAILED
        assert not adversary.victim.ike_sas()

    def test_auth_over_a_swapped_nonce(self) -> None:
        adversary = Adversary(victim())
        agreement = adversary.init()
        assert adversary.auth is not None
        swapped = replace(agreement.nonces, responder=agreement.nonces.initiator)
        adversary.auth = replace(adversary.auth, agreement=replace(agreement, nonces=swapped))
        answer = adversary.exchange(ExchangeType.IKE_AUTH, adversary.auth_request())
        assert error_of(answer) is NotifyType.AUTHENTICATION_FAILED

    @pytest.mark.parametrize(
        ("id_type", "data"), [(1, b"\xc0"), (9, b"\x30"), (200, b"?"), (2, b"x" * 2048)]
    )
    def test_identities_that_are_nobodys(self, id_type: int, data: bytes) -> None:
        """CVE-2013-6075 (short DER), CVE-2025-9242 (overlong)."""
        adversary = Adversary(victim())
        adversary.init()
        payloads = [
            IdentificationInitiator(id_type, data) if isinstance(p, IdentificationInitiator) else p
            for p in adversary.auth_request()
        ]
        answer = adversary.exchange(ExchangeType.IKE_AUTH, payloads)
        assert error_of(answer) is NotifyType.AUTHENTICATION_FAILED
        (refused,) = adversary.victim.events()
        assert isinstance(refused, PeerRefused)
        assert refused.reason is FailureReason.IDENTITY_MISMATCH
        assert len(refused.detail) < 1000

    def test_an_identity_puts_nothing_into_a_log_but_itself(self) -> None:
        adversary = Adversary(victim())
        adversary.init()
        payloads = [
            IdentificationInitiator(2, b"evil\n\x1b[31m\xffname")
            if isinstance(p, IdentificationInitiator)
            else p
            for p in adversary.auth_request()
        ]
        adversary.exchange(ExchangeType.IKE_AUTH, payloads)
        (refused,) = adversary.victim.events()
        assert isinstance(refused, PeerRefused)
        assert refused.detail.isprintable()
        assert r"evil\n\x1b[31m" in refused.detail

    def test_a_wrong_key_and_its_retransmission(self) -> None:
        """CVE-2024-2357: the same answer, no crash, no second report."""
        config = left_peer()
        wrong = with_key(config, b"wrong")
        adversary = Adversary(victim(), wrong)
        adversary.init()
        adversary.channel.request(ExchangeType.IKE_AUTH, adversary.auth_request(), 1000.0)
        (request,) = adversary.channel.outbox
        answers = [adversary.send_raw(request.payload) for _ in range(3)]
        assert answers[0] == answers[1] == answers[2] != []
        assert len(adversary.victim.events()) == 1

    def test_an_unprotected_ike_auth(self) -> None:
        adversary = Adversary(victim())
        adversary.init()
        header = Header(
            adversary.spi, adversary.channel.responder_spi, 0, ExchangeType.IKE_AUTH, 0x08, 1, 0
        )
        message = Message(header, tuple(adversary.auth_request())).serialize()
        assert not adversary.send_raw(message)
        assert adversary.exchange(ExchangeType.IKE_AUTH, adversary.auth_request()) is not None
        assert len(adversary.victim.events()) == 2

    def test_a_critical_payload_inside(self) -> None:
        adversary = Adversary(victim())
        adversary.init()
        payloads = [*adversary.auth_request(), UnknownPayload(201, True, b"")]
        answer = adversary.exchange(ExchangeType.IKE_AUTH, payloads)
        assert error_of(answer) is NotifyType.UNSUPPORTED_CRITICAL_PAYLOAD
        assert not adversary.victim.ike_sas()

    @pytest.mark.parametrize(
        "selector",
        [RawSelector(8, 0, b"\xff\xff\0\0" + bytes(32)), RawSelector(9, 0, bytes(20))],
    )
    def test_selectors_of_no_type_that_we_do(self, selector: RawSelector) -> None:
        """CVE-2023-23009 was a crash here; TS_UNACCEPTABLE is the answer."""
        adversary = Adversary(victim())
        adversary.init()
        payloads = [
            TrafficSelectorsInitiator((selector,))
            if isinstance(p, TrafficSelectorsInitiator)
            else p
            for p in adversary.auth_request()
        ]
        answer = adversary.exchange(ExchangeType.IKE_AUTH, payloads)
        assert error_of(answer) is NotifyType.TS_UNACCEPTABLE
        assert len(adversary.victim.ike_sas()) == 1


class TestEstablished:
    """A peer that has authenticated, and turns on us."""

    @pytest.mark.parametrize("protocol", [0, 1, 2, 77])
    def test_rekey_sa_with_a_protocol_that_has_no_children(self, protocol: int) -> None:
        """CVE-2023-38710."""
        adversary = established()
        rekey = Notify(NotifyType.REKEY_SA, b"", protocol, bytes(4))
        answer = adversary.exchange(
            ExchangeType.CREATE_CHILD_SA, [rekey, *adversary.child_request()]
        )
        assert error_of(answer) is NotifyType.CHILD_SA_NOT_FOUND
        assert len(adversary.victim.ike_sas()[0].children) == 1

    @pytest.mark.parametrize("spi", [b"", bytes(3), b"\1\2\3\5", bytes(8)])
    def test_rekey_sa_of_a_child_that_is_not_there(self, spi: bytes) -> None:
        """RFC 7296 §2.25."""
        adversary = established()
        rekey = Notify(NotifyType.REKEY_SA, b"", ProtocolId.ESP, spi)
        answer = adversary.exchange(
            ExchangeType.CREATE_CHILD_SA, [rekey, *adversary.child_request()]
        )
        assert error_of(answer) is NotifyType.CHILD_SA_NOT_FOUND

    @pytest.mark.parametrize(
        "kind", [SecurityAssociation, Nonce, TrafficSelectorsInitiator, TrafficSelectorsResponder]
    )
    def test_a_missing_payload_ends_the_ike_sa(self, kind: type) -> None:
        """RFC 7296 §2.21.3: INVALID_SYNTAX is fatal at both ends."""
        adversary = established()
        answer = adversary.exchange(
            ExchangeType.CREATE_CHILD_SA, without(adversary.child_request(), kind)
        )
        assert error_of(answer) is NotifyType.INVALID_SYNTAX
        events = adversary.victim.events()
        assert [type(e) for e in events] == [PeerRefused, ChildSaDeleted, IkeSaClosed]
        assert isinstance(events[-1], IkeSaClosed)
        assert events[-1].reason is DeletionReason.PROTOCOL_ERROR

    def test_a_key_exchange_value_off_the_curve(self) -> None:
        adversary = established()
        proposal = Proposal(
            1,
            ProtocolId.ESP,
            bytes(4),
            (
                Transform.with_key_length(TransformType.ENCR, 20, 256),
                Transform(TransformType.KE, 19),
                Transform(TransformType.ESN, 0),
            ),
        )
        payloads = [
            SecurityAssociation((proposal,)) if isinstance(p, SecurityAssociation) else p
            for p in adversary.child_request()
        ]
        answer = adversary.exchange(
            ExchangeType.CREATE_CHILD_SA, [*payloads, KeyExchangePayload(19, bytes(64))]
        )
        assert error_of(answer) is NotifyType.INVALID_SYNTAX
        assert len(adversary.victim.ike_sas()[0].children) == 1
        answer = adversary.exchange(ExchangeType.CREATE_CHILD_SA, payloads)
        assert error_of(answer) is NotifyType.INVALID_KE_PAYLOAD

    def test_a_delete_flood(self) -> None:
        adversary = established()
        spis = tuple(n.to_bytes(4, "big") for n in range(10_000))
        answer = adversary.exchange(ExchangeType.INFORMATIONAL, [Delete(ProtocolId.ESP, spis)])
        assert answer == ()
        assert len(adversary.victim.ike_sas()[0].children) == 1

    def test_deletes_of_another_protocol(self) -> None:
        adversary = established()
        for protocol in (ProtocolId.AH, 9):
            delete = Delete(protocol, (b"\1\2\3\4",))
            assert adversary.exchange(ExchangeType.INFORMATIONAL, [delete]) == ()
        assert len(adversary.victim.ike_sas()[0].children) == 1

    def test_the_same_child_named_twice(self) -> None:
        adversary = established()
        delete = Delete(ProtocolId.ESP, (b"\1\2\3\4", b"\1\2\3\4"))
        answer = adversary.exchange(ExchangeType.INFORMATIONAL, [delete, delete])
        assert answer is not None
        (deleted,) = answer
        assert isinstance(deleted, Delete)
        assert len(deleted.spis) == 1

    def test_children_without_end(self) -> None:
        """Memory that a peer can make us use is bounded."""
        adversary = established()
        for number in range(300):
            payloads = adversary.child_request()
            answer = adversary.exchange(ExchangeType.CREATE_CHILD_SA, payloads)
            if number == 255:
                break
        assert error_of(answer) is NotifyType.NO_ADDITIONAL_SAS
        assert len(adversary.victim.ike_sas()[0].children) == 256

    def test_rekeys_without_end(self) -> None:
        """A peer that rekeys and never deletes: the old ones are bounded too."""
        small = Endpoint([right_peer()], settings=Settings(children_per_ike_sa=4))
        adversary = Adversary(small)
        adversary.establish()
        spi = 0x01020304
        for number in range(20):
            offer = create_child_sa.make_offer(
                adversary.config.children[0], 0x2000 + number, adversary.random.randbytes
            )
            rekey = create_child_sa.build_rekey(offer, adversary.random.randbytes(32), spi)
            answer = adversary.exchange(ExchangeType.CREATE_CHILD_SA, rekey)
            spi = 0x2000 + number
        assert error_of(answer) in (NotifyType.NO_ADDITIONAL_SAS, NotifyType.CHILD_SA_NOT_FOUND)
        assert len(adversary.victim.ike_sas()[0].children) == 8

    def test_ike_sas_without_end(self) -> None:
        shared = victim()
        for seed in range(12):
            Adversary(shared, seed=seed).establish()
        assert len([sa for sa in shared.ike_sas() if sa.state.name == "ESTABLISHED"]) == 8

    def test_a_request_outside_the_window_is_ignored(self) -> None:
        """RFC 7296 §2.3."""
        adversary = established()
        for skipped in (Settings().window, 30, 2**31):
            adversary.channel._requests.next_id += skipped
            assert adversary.exchange(ExchangeType.INFORMATIONAL, []) is None
            adversary.channel._requests.next_id -= skipped + 1
        assert adversary.exchange(ExchangeType.INFORMATIONAL, []) == ()

    def test_malformed_inside_the_encryption(self) -> None:
        adversary = established()
        bad = UnknownPayload(PayloadType.NONCE, False, bytes(3))
        answer = adversary.exchange(ExchangeType.INFORMATIONAL, [bad])
        assert error_of(answer) is NotifyType.INVALID_SYNTAX
        assert not adversary.victim.ike_sas()

    def test_authentication_failed_ends_the_ike_sa(self) -> None:
        """RFC 7296 §2.21.2: the initiator did not find us to be who we have to be."""
        adversary = established()
        notify = Notify(NotifyType.AUTHENTICATION_FAILED)
        assert adversary.exchange(ExchangeType.INFORMATIONAL, [notify]) == ()
        assert not adversary.victim.ike_sas()


ERRORS = [
    NotifyType.AUTHENTICATION_FAILED,
    NotifyType.NO_PROPOSAL_CHOSEN,
    NotifyType.INVALID_SYNTAX,
    NotifyType.INVALID_IKE_SPI,
    NotifyType.INVALID_MAJOR_VERSION,
    NotifyType.UNSUPPORTED_CRITICAL_PAYLOAD,
    NotifyType.TS_UNACCEPTABLE,
]


class TestUnauthenticated:
    """What anybody on the path can send tears nothing down (RFC 7296 §2.21)."""

    def forge(self, network: Network, notify: Notify, exchange_type: int = 34) -> None:
        first = Header.parse(network.sent[0].payload)
        header = Header(
            first.initiator_spi, 0, 0, exchange_type, HeaderFlag.RESPONSE, first.message_id, 0
        )
        message = Message(header, (notify,)).serialize()
        network.left.endpoint.receive(Datagram(at(RIGHT), at(LEFT), message), network.now)

    @pytest.mark.parametrize("notify_type", ERRORS)
    def test_errors_in_reply_to_ike_sa_init_are_hints(self, notify_type: NotifyType) -> None:
        network = Network()
        network.left.endpoint.initiate("net", network.now)
        network.collect()
        self.forge(network, Notify(notify_type))
        network.run()
        assert network.left.one(ChildSaEstablished)
        assert not network.left.of(AttemptFailed)

    def test_the_hint_is_the_reason_if_nothing_better_comes(self) -> None:
        network = Network()
        network.drop_all()
        network.left.endpoint.initiate("net", network.now)
        network.collect()
        self.forge(network, Notify(NotifyType.NO_PROPOSAL_CHOSEN))
        network.run(60)
        assert network.left.one(AttemptFailed).reason is FailureReason.NO_PROPOSAL_CHOSEN

    def test_invalid_ke_payload_makes_no_circles(self) -> None:
        """At most one try for each method that we offer; none that we don't."""
        network = Network()
        network.drop_all()
        network.left.endpoint.initiate("net", network.now)
        network.collect()
        for group in (19, 31, 19, 31, 14, 2, 0, 65535) * 3:
            self.forge(network, Notify(NotifyType.INVALID_KE_PAYLOAD, group.to_bytes(2, "big")))
            network.collect()
        for data in (b"", b"\0", b"\0\x13\0", bytes(300)):
            self.forge(network, Notify(NotifyType.INVALID_KE_PAYLOAD, data))
            network.collect()
        groups = []
        for datagram in network.sent:
            exchange = find(Message.parse(datagram.payload).payloads, KeyExchangePayload)
            assert exchange is not None
            groups.append(exchange.method)
        assert groups == [31, 19]

    def test_cookies_without_end(self) -> None:
        network = Network()
        network.drop_all()
        network.left.endpoint.initiate("net", network.now)
        network.collect()
        for number in range(50):
            self.forge(network, Notify(NotifyType.COOKIE, bytes([number] * 8)))
            network.collect()
        for data in (b"", bytes(65)):
            self.forge(network, Notify(NotifyType.COOKIE, data))
            network.collect()
        assert len(network.sent) == 6

    @pytest.mark.parametrize("notify_type", ERRORS)
    def test_unprotected_errors_in_reply_to_ike_auth(self, notify_type: NotifyType) -> None:
        network = Network()
        network.filter = lambda d: [(0.01, d)] if d.payload[18] == 34 else []
        network.left.endpoint.initiate("net", network.now)
        network.run(0.1)
        request = Header.parse(network.sent[-1].payload)
        assert request.exchange_type == ExchangeType.IKE_AUTH
        answer = replace(request, flags=HeaderFlag.RESPONSE, next_payload=0)
        message = Message(answer, (Notify(notify_type),)).serialize()
        network.left.endpoint.receive(Datagram(at(RIGHT), at(LEFT), message), network.now)
        network.deliver_all()
        network.run()
        assert network.left.one(ChildSaEstablished)

    @pytest.mark.parametrize("flags", [0x00, 0x08, 0x20, 0x28])
    @pytest.mark.parametrize("payload", [Delete(ProtocolId.IKE), *(Notify(t) for t in ERRORS)])
    def test_nothing_unprotected_ends_an_established_ike_sa(
        self, flags: int, payload: Payload
    ) -> None:
        network = Network()
        network.left.endpoint.initiate("net", network.now)
        network.run(5)
        sa = network.left.endpoint.ike_sas()[0]
        for exchange_type in ExchangeType:
            for message_id in range(4):
                header = Header(
                    sa.initiator_spi, sa.responder_spi, 0, exchange_type, flags, message_id, 0
                )
                message = Message(header, (payload,)).serialize()
                for source, target in ((LEFT, RIGHT), (RIGHT, LEFT)):
                    network.inject(Datagram(at(source), at(target), message))
        network.run(60)
        for node in (network.left, network.right):
            assert not node.of(ChildSaDeleted)
            assert not node.of(IkeSaClosed)

    def test_our_own_messages_reflected(self) -> None:
        network = Network()

        def reflect(datagram: Datagram) -> list[tuple[float, Datagram]]:
            back = Datagram(datagram.destination, datagram.source, datagram.payload)
            return [(0.001, back), (0.01, datagram)]

        network.filter = reflect
        network.left.endpoint.initiate("net", network.now)
        network.run(30)
        assert network.left.one(ChildSaEstablished)
        assert network.right.one(ChildSaEstablished)
        assert not network.left.of(IkeSaClosed)

    def test_a_mirror_for_a_peer(self) -> None:
        """Everything that we send comes back as if the peer had said it: no SA with ourselves."""
        network = Network()
        network.filter = lambda d: [(0.01, Datagram(d.destination, d.source, d.payload))]
        network.left.endpoint.initiate("net", network.now)
        network.run(60)
        assert not network.left.of(IkeSaEstablished)
        assert network.left.one(AttemptFailed)

    def test_an_answer_from_another_address_is_not_the_peers(self) -> None:
        network = Network()

        def elsewhere(datagram: Datagram) -> list[tuple[float, Datagram]]:
            if datagram.source.address == RIGHT:
                datagram = replace(datagram, source=UdpAddress(LEFT, 500))
            return [(0.01, datagram)]

        network.filter = elsewhere
        network.left.endpoint.initiate("net", network.now)
        network.run(60)
        assert network.left.one(AttemptFailed).reason is FailureReason.NO_ANSWER


class TestAnything:
    """`Endpoint.receive` never raises."""

    @hypothesis_settings(max_examples=2 * hypothesis_settings.default.max_examples)
    @given(st.binary(max_size=120))
    def test_any_bytes(self, data: bytes) -> None:
        endpoint = victim()
        endpoint.receive(Datagram(at(LEFT), at(RIGHT), data), 0.0)
        assert not endpoint.ike_sas()

    @hypothesis_settings(deadline=None)
    @given(st.integers(0, 5), st.data())
    def test_any_byte_changed_in_any_message(self, which: int, data: st.DataObject) -> None:
        """After it, the exchange still ends well: what was changed is retransmitted whole."""
        network = Network()
        count = iter(range(1000))

        def corrupt(datagram: Datagram) -> list[tuple[float, Datagram]]:
            if next(count) != which:
                return [(0.01, datagram)]
            changed = bytearray(datagram.payload)
            changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
            return [(0.01, replace(datagram, payload=bytes(changed)))]

        network.filter = corrupt
        network.left.endpoint.initiate("net", network.now)
        network.run(90)
        with contextlib.suppress(AssertionError):
            network.left.one(AttemptFailed)
            return
        left, right = network.left.of(ChildSaEstablished), network.right.of(ChildSaEstablished)
        assert left[-1].key_in == right[-1].key_out

    @hypothesis_settings(deadline=None)
    @given(
        st.sampled_from([35, 36, 37, 38, 43, 0, 255]),
        st.lists(
            st.builds(UnknownPayload, st.integers(1, 255), st.booleans(), st.binary(max_size=60)),
            max_size=4,
        ),
        st.booleans(),
    )
    def test_any_payloads_inside_the_encryption(
        self, exchange_type: int, payloads: list[Payload], half_open: bool
    ) -> None:
        adversary = Adversary(victim())
        adversary.init()
        if not half_open:
            adversary.exchange(ExchangeType.IKE_AUTH, adversary.auth_request())
        adversary.exchange(exchange_type, payloads)
