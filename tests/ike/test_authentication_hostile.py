"""Peers that lie about who they are: how IKE implementations fell, and what they gave away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from authority import NOW, Authority
from ike_adversary import Adversary, HostileResponder
from ike_authentication import (
    KEY,
    LEFT_NAME,
    NOTHING,
    RIGHT_NAME,
    certified,
    certified_pair,
    credential,
    left_with,
    right_with,
    root,
    trust,
)
from ike_network import left_peer, right_peer

from ike.authentication.context import AuthContext
from ike.authentication.proof import prove
from ike.codec.authentication import Authentication
from ike.codec.certificate import Certificate, CertificateRequest
from ike.codec.chain import find, find_notify
from ike.codec.identification import IdentificationInitiator, IdentificationResponder
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.registry import AuthMethod, CertificateEncoding, ExchangeType, NotifyType
from ike.config import PeerConfig, PresharedKey, SignatureScheme
from ike.crypto.keys import Nonces
from ike.endpoint import Endpoint
from ike.events import (
    AttemptFailed,
    ChildSaEstablished,
    ChildSaOffered,
    ChildSaOfferEnded,
    FailureReason,
    IkeSaEstablished,
    PeerRefused,
    Role,
)
from ike.pki import RevocationPolicy
from ike.types import IdType, Secret

CERT = CertificateEncoding.X509_SIGNATURE


def endpoint(*configs: PeerConfig) -> Endpoint:
    return Endpoint(configs, wall_clock=lambda: NOW)


def certificate_adversary(right: PeerConfig | None = None) -> Adversary:
    """An initiator that has the left router's certificate, before it authenticates."""
    left, honest = certified_pair()
    adversary = Adversary(endpoint(right or honest), left)
    adversary.init()
    return adversary


def refused(adversary: Adversary, payloads: Sequence[Payload]) -> PeerRefused:
    """Assert that the victim refuses IKE_AUTH and tells no more than that."""
    answer = adversary.exchange(ExchangeType.IKE_AUTH, payloads)
    assert answer is not None
    assert told(answer) == [Notify(NotifyType.AUTHENTICATION_FAILED)]
    (event,) = adversary.victim.events()
    assert isinstance(event, PeerRefused)
    return event


def told(answer: Sequence[Payload]) -> list[Payload]:
    """What an answer says, but for the window, which all answers say."""
    return [
        p
        for p in answer
        if not (isinstance(p, Notify) and p.notify_type == NotifyType.SET_WINDOW_SIZE)
    ]


def exchanged(payloads: Sequence[Payload], kind: type[Payload], by: Payload) -> list[Payload]:
    """Put another payload in the place of each of a kind."""
    return [by if isinstance(p, kind) else p for p in payloads]


def without(payloads: Sequence[Payload], kind: type) -> list[Payload]:
    return [p for p in payloads if not isinstance(p, kind)]


class TestNoOracle:
    """The answer is the same whatever is wrong, so that nobody learns who is known here."""

    @staticmethod
    def answers(right: PeerConfig, lefts: Sequence[PeerConfig]) -> set[tuple[object, int]]:
        found = set()
        for left in lefts:
            adversary = Adversary(endpoint(right), left)
            adversary.init()
            answer = adversary.exchange(ExchangeType.IKE_AUTH, adversary.auth_request())
            found.add((answer, len(adversary.response.packet)))
        return found

    def test_with_keys(self) -> None:
        left, right = left_with(KEY, KEY), right_with(KEY, KEY)
        wrong = PresharedKey(Secret(b"wrong"))
        lefts = [
            replace(left, local_authentication=wrong),
            replace(left, local_identity=left_peer().local_identity),
            replace(left, remote_identity=left_peer().remote_identity),
            replace(left, local_authentication=NOTHING),
            replace(left, local_authentication=credential(certified(LEFT_NAME))),
        ]
        ((answer, _),) = self.answers(right, lefts)
        assert isinstance(answer, tuple)
        assert told(answer) == [Notify(NotifyType.AUTHENTICATION_FAILED)]

    def test_with_certificates(self) -> None:
        left, right = certified_pair()
        foreign = Authority("CN=Other").issue("CN=x", names=[LEFT_NAME])
        lefts = [
            replace(left, local_authentication=credential(foreign)),
            replace(left, local_authentication=credential(certified("mallory.example"))),
            replace(left, local_identity=left_peer().local_identity),
            replace(left, local_authentication=KEY),
        ]
        ((answer, _),) = self.answers(right, lefts)
        assert isinstance(answer, tuple)
        assert told(answer) == [Notify(NotifyType.AUTHENTICATION_FAILED)]


class TestInitiator:
    def test_it_could_be_honest(self) -> None:
        """Else the refusals below would have other reasons."""
        adversary = certificate_adversary()
        adversary.exchange(ExchangeType.IKE_AUTH, adversary.auth_request())
        kinds = [type(event) for event in adversary.victim.events()]
        assert kinds == [IkeSaEstablished, ChildSaEstablished]

    @pytest.mark.parametrize("method", ["key", "certificate", "nothing"])
    @pytest.mark.parametrize("change", ["nonces", "request", "response", "sk_p", "identity"])
    def test_auth_that_covers_something_else(self, method: str, change: str) -> None:
        """§2.15: a swapped nonce, another message, the other end's SK_p, another identity."""
        left, right = {
            "key": (left_with(KEY, KEY), right_with(KEY, KEY)),
            "certificate": certified_pair(),
            "nothing": (left_with(NOTHING, NOTHING), right_with(NOTHING, NOTHING)),
        }[method]
        adversary = Adversary(endpoint(right), left)
        agreement = adversary.init()
        assert adversary.auth is not None
        auth, nonces, keys = adversary.auth, agreement.nonces, agreement.keys
        own = left.local_identity
        identification = IdentificationInitiator(own.id_type, own.data)
        changed: dict[str, AuthContext] = {
            "nonces": replace(
                auth,
                agreement=replace(agreement, nonces=Nonces(nonces.responder, nonces.initiator)),
            ),
            "request": replace(auth, request=auth.request[:-1] + b"\x00"),
            "response": replace(auth, request=auth.response),
            "sk_p": replace(
                auth, agreement=replace(agreement, keys=replace(keys, sk_pi=keys.sk_pr))
            ),
            "identity": auth,
        }
        signed = identification
        if change == "identity":
            signed = IdentificationInitiator(own.id_type, b"right.example")
        local = left.local_authentication
        _, wrong = prove(changed[change], Role.INITIATOR, signed, local)
        payloads = exchanged(adversary.auth_request(), Authentication, wrong)
        assert refused(adversary, payloads).reason is FailureReason.AUTHENTICATION_FAILED

    def test_without_auth(self) -> None:
        """It would be EAP (§2.16), which there is none of here."""
        adversary = certificate_adversary()
        event = refused(adversary, without(adversary.auth_request(), Authentication))
        assert "wants EAP, configured is a certificate" in event.detail

    def test_without_a_certificate(self) -> None:
        adversary = certificate_adversary()
        event = refused(adversary, without(adversary.auth_request(), Certificate))
        assert event.reason is FailureReason.CERTIFICATE_INVALID
        assert "sent no X.509 certificate" in event.detail

    @pytest.mark.parametrize(
        ("encoding", "data"),
        [
            (CERT, b""),
            (CERT, b"\x30\x00"),
            (CERT, b"\x30\x84\xff\xff\xff\xff"),
            (CERT, certified(LEFT_NAME).der[:-1]),
            (CERT, certified(LEFT_NAME).der + b"\x00"),
            (CERT, bytes(40_000)),
            (CertificateEncoding.HASH_AND_URL_X509, bytes(20) + b"http://192.0.2.9/"),
            (CertificateEncoding.PKCS7_X509, certified(LEFT_NAME).der),
            (CertificateEncoding.RAW_PUBLIC_KEY, bytes(91)),
            (0, b""),
            (255, b"\xff"),
        ],
        ids=[
            "empty",
            "empty sequence",
            "endless sequence",
            "cut short",
            "a byte too many",
            "long",
            "hash and URL",
            "PKCS 7",
            "raw key",
            "encoding 0",
            "encoding 255",
        ],
    )
    def test_a_certificate_that_is_none(self, encoding: int, data: bytes) -> None:
        adversary = certificate_adversary()
        payloads = exchanged(adversary.auth_request(), Certificate, Certificate(encoding, data))
        assert refused(adversary, payloads).reason is FailureReason.CERTIFICATE_INVALID

    @pytest.mark.parametrize("count", [11, 100])
    def test_endless_certificates(self, count: int) -> None:
        adversary = certificate_adversary()
        payloads = adversary.auth_request()
        (own,) = (p for p in payloads if isinstance(p, Certificate))
        at = payloads.index(own)
        small = own if count < 20 else Certificate(CERT, own.data[:100])
        payloads[at:at] = [own] + [small] * (count - 1)
        event = refused(adversary, payloads)
        assert event.reason is FailureReason.CERTIFICATE_INVALID
        assert f"{count + 1} certificates" in event.detail

    def test_endless_revocation_data(self) -> None:
        adversary = certificate_adversary()
        payloads = adversary.auth_request()
        crl = root().crl()
        payloads[1:1] = [Certificate(CertificateEncoding.CRL, crl)] * 50
        answer = adversary.exchange(ExchangeType.IKE_AUTH, payloads)
        assert answer is not None  # one way or the other, and soon
        assert len(adversary.victim.events()) in (1, 2)

    def test_the_certificate_of_somebody_else_and_an_honest_signature(self) -> None:
        """It is who signs that has to be named in the certificate."""
        adversary = certificate_adversary()
        other = Certificate(CERT, root().issue("CN=x", names=[LEFT_NAME]).der)
        event = refused(adversary, exchanged(adversary.auth_request(), Certificate, other))
        assert "signature does not verify" in event.detail

    def test_the_identity_of_somebody_else(self) -> None:
        """A good certificate, for another name than the one that is configured and claimed."""
        left, right = certified_pair()
        mallory = replace(left, local_authentication=credential(certified("mallory.example")))
        adversary = Adversary(endpoint(right), mallory)
        adversary.init()
        event = refused(adversary, adversary.auth_request())
        assert event.reason is FailureReason.IDENTITY_MISMATCH
        assert "mallory.example" in event.detail
        assert LEFT_NAME in event.detail

    def test_our_own_certificate(self) -> None:
        """Reflection: the victim's certificate and proof, back to it."""
        left, right = certified_pair()
        thief = replace(
            left,
            local_identity=right.local_identity,
            local_authentication=right.local_authentication,
        )
        adversary = Adversary(endpoint(right), thief)
        adversary.init()
        event = refused(adversary, adversary.auth_request())
        assert event.reason is FailureReason.IDENTITY_MISMATCH

    def test_a_hash_that_was_not_announced(self) -> None:
        _, right = certified_pair()
        strict = replace(right, remote_authentication=trust(SignatureScheme.ECDSA_SHA2_256))
        left = left_with(credential(certified(LEFT_NAME), SignatureScheme.ECDSA_SHA2_512), trust())
        adversary = Adversary(endpoint(strict), left)
        adversary.init()
        assert adversary.auth is not None
        adversary.auth = replace(adversary.auth, peer_hashes=frozenset(range(10)))
        event = refused(adversary, adversary.auth_request())
        assert "SHA2_512, we have announced SHA2_256" in event.detail

    @pytest.mark.parametrize("method", [0, 3, 12, 13, 14, 200, 255])
    @pytest.mark.parametrize(
        "data", [b"", b"\x00", b"\xff" * 70, bytes(4000)], ids=["empty", "0", "ones", "long"]
    )
    def test_methods_and_data_without_sense(self, method: int, data: bytes) -> None:
        adversary = certificate_adversary()
        wrong = Authentication(method, data)
        event = refused(adversary, exchanged(adversary.auth_request(), Authentication, wrong))
        assert event.reason is FailureReason.AUTHENTICATION_FAILED

    def test_nobody_with_a_name(self) -> None:
        """RFC 7619 §2.2: ID_NULL has no data; what has some is malformed."""
        adversary = certificate_adversary()
        nobody = IdentificationInitiator(IdType.NULL, b"left.example")
        payloads = exchanged(adversary.auth_request(), IdentificationInitiator, nobody)
        answer = adversary.exchange(ExchangeType.IKE_AUTH, payloads)
        assert answer is not None
        assert told(answer) == [Notify(NotifyType.INVALID_SYNTAX)]
        (event,) = adversary.victim.events()
        assert isinstance(event, PeerRefused)
        assert event.reason is FailureReason.INVALID_SYNTAX

    def test_nobody_where_somebody_is_configured(self) -> None:
        adversary = certificate_adversary()
        nobody = IdentificationInitiator(IdType.NULL, b"")
        payloads = exchanged(adversary.auth_request(), IdentificationInitiator, nobody)
        event = refused(adversary, payloads)
        assert event.detail == "the peer is anonymous, configured is left.example"

    def test_two_proofs_are_one(self) -> None:
        """The first counts: a good one behind it helps nobody."""
        adversary = certificate_adversary()
        payloads = adversary.auth_request()
        at = payloads.index(next(p for p in payloads if isinstance(p, Authentication)))
        payloads.insert(at, Authentication(AuthMethod.NULL, bytes(32)))
        refused(adversary, payloads)

    @pytest.mark.parametrize("configured", [KEY, NOTHING, "certificate"])
    def test_a_refusal_and_its_retransmission(self, configured: object) -> None:
        """CVE-2024-2357: a peer without the key that its method needs; no crash, one report."""
        left, right = certified_pair()
        remote = trust() if configured == "certificate" else configured
        right = replace(right, remote_authentication=remote)  # type: ignore[arg-type]  # of the list
        wrong = PresharedKey(Secret(b"another"))
        adversary = Adversary(endpoint(right), replace(left, local_authentication=wrong))
        adversary.init()
        adversary.channel.request(ExchangeType.IKE_AUTH, adversary.auth_request(), 1000.0)
        (request,) = adversary.channel.outbox
        answers = [adversary.send_raw(request.payload) for _ in range(3)]
        assert answers[0] == answers[1] == answers[2] != []
        assert len(adversary.victim.events()) == 1

    def test_several_requests_for_certificates_and_lookups_are_passed_over(self) -> None:
        """§3.7, and HTTP_CERT_LOOKUP_SUPPORTED (§3.10.1): we look nothing up."""
        adversary = certificate_adversary()
        extra: list[Payload] = [
            CertificateRequest(CERT, bytes(20)),
            CertificateRequest(CERT, bytes(33)),
            CertificateRequest(CertificateEncoding.OCSP_CONTENT, b""),
            CertificateRequest(99, b"?"),
            Notify(NotifyType.HTTP_CERT_LOOKUP_SUPPORTED),
            Certificate(CertificateEncoding.HASH_AND_URL_BUNDLE, b"http://192.0.2.9/"),
        ]
        adversary.exchange(ExchangeType.IKE_AUTH, [*adversary.auth_request(), *extra])
        assert isinstance(adversary.victim.events()[0], IkeSaEstablished)


class TestRevocationInBand:
    """§3.6 encoding 7, and RFC 4806: the peer brings the proof that it is not revoked."""

    @staticmethod
    def outcome(payload: Certificate | None) -> list[type]:
        _, right = certified_pair()
        required = trust(revocation=RevocationPolicy.REQUIRED)
        adversary = certificate_adversary(replace(right, remote_authentication=required))
        payloads = adversary.auth_request() + ([payload] if payload else [])
        adversary.exchange(ExchangeType.IKE_AUTH, payloads)
        return [type(event) for event in adversary.victim.events()]

    def test_a_crl(self) -> None:
        good = Certificate(CertificateEncoding.CRL, root().crl())
        assert self.outcome(good) == [IkeSaEstablished, ChildSaEstablished]

    def test_an_ocsp_response(self) -> None:
        response = root().ocsp(certified(LEFT_NAME))
        good = Certificate(CertificateEncoding.OCSP_CONTENT, response)
        assert self.outcome(good) == [IkeSaEstablished, ChildSaEstablished]

    @pytest.mark.parametrize(
        "payload",
        [
            None,
            Certificate(CertificateEncoding.CRL, b""),
            Certificate(CertificateEncoding.OCSP_CONTENT, b"\x30\x03\x0a\x01\x00"),
            Certificate(CertificateEncoding.CRL, Authority("CN=Other").crl()),
        ],
    )
    def test_nothing_of_use(self, payload: Certificate | None) -> None:
        assert self.outcome(payload) == [PeerRefused]


class TestResponder:
    @staticmethod
    def failure(
        change: str, left: PeerConfig, right: PeerConfig
    ) -> tuple[AttemptFailed, tuple[Payload, ...] | None]:
        responder = HostileResponder(endpoint(left), right)
        request = responder.requested()
        payloads = responder.good_answer()
        if change == "reflected":
            identification = find(request, IdentificationInitiator)
            assert identification is not None
            payloads = [
                IdentificationResponder(identification.id_type, identification.data),
                *(p for p in request if isinstance(p, Certificate | Authentication)),
            ]
        elif change == "reflected under its own name":
            kept = [p for p in payloads if isinstance(p, IdentificationResponder)]
            payloads = [
                *kept,
                *(p for p in request if isinstance(p, Certificate | Authentication)),
            ]
        elif change == "no AUTH":
            payloads = without(payloads, Authentication)
        elif change == "no IDr":
            payloads = without(payloads, IdentificationResponder)
        elif change == "no CERT":
            payloads = without(payloads, Certificate)
        notified = responder.answer(payloads)
        offered, ended, event = responder.victim.events()
        assert isinstance(offered, ChildSaOffered)
        assert isinstance(ended, ChildSaOfferEnded)
        assert ended.spi_in == offered.spi_in
        assert isinstance(event, AttemptFailed)
        assert not responder.victim.ike_sas()
        return event, notified

    @pytest.mark.parametrize("method", ["key", "certificate", "nothing"])
    @pytest.mark.parametrize(
        "change", ["reflected", "reflected under its own name", "no AUTH", "no IDr"]
    )
    def test_it_is_refused_and_told_so(self, method: str, change: str) -> None:
        left, right = {
            "key": (left_with(KEY, KEY), right_with(KEY, KEY)),
            "certificate": certified_pair(),
            "nothing": (left_with(NOTHING, NOTHING), right_with(NOTHING, NOTHING)),
        }[method]
        event, notified = self.failure(change, left, right)
        assert notified is not None
        assert find_notify(notified, NotifyType.AUTHENTICATION_FAILED) is not None
        assert event.reason is not FailureReason.NO_ANSWER

    def test_without_a_certificate(self) -> None:
        event, _ = self.failure("no CERT", *certified_pair())
        assert event.reason is FailureReason.CERTIFICATE_INVALID

    def test_nothing_is_not_enough_where_something_is_configured(self) -> None:
        """RFC 7619 §3: NULL must not stand in for what is configured."""
        left, right = certified_pair()
        event, _ = self.failure("", left, replace(right, local_authentication=NOTHING))
        assert f"{RIGHT_NAME} authenticates by NULL, configured is a certificate" in event.detail

    def test_a_bare_refusal_names_what_we_presented(self) -> None:
        left, right = certified_pair()
        responder = HostileResponder(endpoint(left), right)
        responder.requested()
        assert responder.answer([Notify(NotifyType.AUTHENTICATION_FAILED)]) is None
        *_, event = responder.victim.events()
        assert isinstance(event, AttemptFailed)
        assert "certificate O=example, CN=left.example" in event.detail
        assert "issued by C=CH, O=example, CN=Root" in event.detail

    @pytest.mark.parametrize("method", ["key", "certificate"])
    def test_it_could_be_honest(self, method: str) -> None:
        """Else the refusals above would have other reasons: all that lacks is the CHILD_SA."""
        left, right = certified_pair() if method == "certificate" else (left_peer(), right_peer())
        event, _ = self.failure("", left, right)
        assert event.reason is FailureReason.INVALID_SYNTAX
        assert "SecurityAssociation" in event.detail
