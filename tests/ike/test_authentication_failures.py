"""What an operator is told when authentication fails, and what the peer is told: nothing.

Issue 3: the reason without a packet capture, for each thing that can be wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from authority import NOW, YEAR, Authority
from ike_authentication import (
    KEY,
    LEFT_NAME,
    NOTHING,
    RIGHT_NAME,
    certified,
    certified_pair,
    credential,
    established,
    initiated,
    left_with,
    right_with,
    root,
    trust,
)
from ike_network import Network, with_key

from ike.codec.certificate import CertificateRequest
from ike.codec.chain import find, find_notify
from ike.codec.header import Header
from ike.codec.message import Message
from ike.codec.registry import CertificateEncoding, NotifyType
from ike.config import (
    CertificateCredential,
    LocalAuthentication,
    PresharedKey,
    RemoteAuthentication,
    SignatureScheme,
)
from ike.endpoint import Endpoint
from ike.events import (
    AttemptFailed,
    DeletionReason,
    FailureReason,
    IkeSaClosed,
    IkeSaEstablished,
    PeerRefused,
)
from ike.pki import RevocationPolicy
from ike.types import NULL_IDENTITY, Secret


@dataclass(frozen=True)
class Wrong:
    """How one end proves itself, how the other end checks it, and what comes of that."""

    proof: Callable[[str], LocalAuthentication]
    check: Callable[[], RemoteAuthentication]
    reason: FailureReason
    says: str
    presented: str


def issued_with(**options: object) -> Callable[[str], LocalAuthentication]:
    def proof(name: str) -> LocalAuthentication:
        return credential(root().issue("CN=x", names=[name], **options))  # type: ignore[arg-type]  # passed on

    return proof


def revoking(name: str) -> RemoteAuthentication:
    return trust(crls=[root().crl([certified(name)])])


WRONG = {
    "another key": Wrong(
        lambda _: PresharedKey(Secret(b"another")),
        lambda: KEY,
        FailureReason.AUTHENTICATION_FAILED,
        "the pre-shared key of NAME is not the configured one",
        "pre-shared key",
    ),
    "expired": Wrong(
        issued_with(not_after=NOW - timedelta(days=3)),
        trust,
        FailureReason.CERTIFICATE_EXPIRED,
        "expired",
        "valid until 2026-05-29",
    ),
    "not yet valid": Wrong(
        issued_with(not_before=NOW + timedelta(days=3)),
        trust,
        FailureReason.CERTIFICATE_INVALID,
        "valid",
        "certificate CN=x",
    ),
    "another authority": Wrong(
        lambda name: credential(Authority("CN=Other").issue("CN=x", names=[name])),
        trust,
        FailureReason.CERTIFICATE_INVALID,
        "CN=x",
        "issued by CN=Other",
    ),
    "another name": Wrong(
        lambda _: credential(certified("mallory.example")),
        trust,
        FailureReason.IDENTITY_MISMATCH,
        "mallory.example",
        "CN=mallory.example",
    ),
    "no word about revocation": Wrong(
        lambda name: credential(certified(name)),
        lambda: trust(revocation=RevocationPolicy.REQUIRED),
        FailureReason.CERTIFICATE_INVALID,
        "CRL",
        "certificate",
    ),
    "a key for a certificate": Wrong(
        lambda _: KEY,
        trust,
        FailureReason.AUTHENTICATION_FAILED,
        "NAME authenticates by SHARED_KEY_MIC, configured is a certificate",
        "pre-shared key",
    ),
    "a certificate for a key": Wrong(
        lambda name: credential(certified(name)),
        lambda: KEY,
        FailureReason.AUTHENTICATION_FAILED,
        "NAME authenticates by ECDSA_SHA256_P256, configured is a pre-shared key",
        "certificate",
    ),
    "nothing for a key": Wrong(
        lambda _: NOTHING,
        lambda: KEY,
        FailureReason.AUTHENTICATION_FAILED,
        "NAME authenticates by NULL, configured is a pre-shared key",
        "NULL authentication",
    ),
    "nothing for a certificate": Wrong(
        lambda _: NOTHING,
        trust,
        FailureReason.AUTHENTICATION_FAILED,
        "NAME authenticates by NULL, configured is a certificate",
        "NULL authentication",
    ),
    "a key for nothing": Wrong(
        lambda _: KEY,
        lambda: NOTHING,
        FailureReason.AUTHENTICATION_FAILED,
        "NAME authenticates by SHARED_KEY_MIC, configured is no authentication",
        "pre-shared key",
    ),
    "a scheme that is not accepted": Wrong(
        lambda name: credential(certified(name, "rsa"), SignatureScheme.RSA_PKCS1_SHA2_256),
        lambda: trust(SignatureScheme.RSA_PSS_SHA2_256),
        FailureReason.AUTHENTICATION_FAILED,
        "it signs by rsa-pkcs1-sha256, configured is rsa-pss-sha256",
        "certificate",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_the_initiator(what: str) -> None:
    wrong = WRONG[what]
    network = initiated(
        left_with(wrong.proof(LEFT_NAME), KEY), right_with(KEY, wrong.check()), seconds=60
    )
    refused, failed = network.right.one(PeerRefused), network.left.one(AttemptFailed)
    assert refused.reason is wrong.reason
    assert wrong.says.replace("NAME", LEFT_NAME) in refused.detail
    assert refused.peer == "left"
    assert failed.reason is FailureReason.AUTHENTICATION_FAILED
    assert f"AUTHENTICATION_FAILED to our identity {LEFT_NAME} and" in failed.detail
    assert wrong.presented in failed.detail
    assert not network.left.endpoint.ike_sas() + network.right.endpoint.ike_sas()


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_the_responder(what: str) -> None:
    """RFC 7296 §2.21.2: it has an IKE SA by then, and is told that there is none."""
    wrong = WRONG[what]
    network = initiated(
        left_with(KEY, wrong.check()), right_with(wrong.proof(RIGHT_NAME), KEY), seconds=60
    )
    failed = network.left.one(AttemptFailed)
    assert failed.reason is wrong.reason
    assert wrong.says.replace("NAME", RIGHT_NAME) in failed.detail
    assert network.right.one(IkeSaClosed).reason is DeletionReason.PEER
    assert not network.left.of(IkeSaEstablished)
    assert not network.left.endpoint.ike_sas() + network.right.endpoint.ike_sas()


@pytest.mark.parametrize("initiator_is_revoked", [True, False])
def test_revoked(initiator_is_revoked: bool) -> None:
    left, right = certified_pair()
    if initiator_is_revoked:
        right = replace(right, remote_authentication=revoking(LEFT_NAME))
    else:
        left = replace(left, remote_authentication=revoking(RIGHT_NAME))
    network = initiated(left, right)
    failed: AttemptFailed | PeerRefused = network.left.one(AttemptFailed)
    if initiator_is_revoked:
        failed = network.right.one(PeerRefused)
    assert failed.reason is FailureReason.CERTIFICATE_REVOKED
    assert "revoked" in failed.detail


def test_a_responder_that_cannot_sign_for_this_initiator_says_so() -> None:
    """RFC 7427 §4: the initiator has announced other hashes."""
    left, right = certified_pair(right_kind="ed25519")
    network = initiated(
        replace(left, remote_authentication=trust(SignatureScheme.ECDSA_SHA2_256)), right
    )
    refused = network.right.one(PeerRefused)
    assert refused.reason is FailureReason.AUTHENTICATION_FAILED
    assert "we cannot sign" in refused.detail
    assert "SHA2_256" in refused.detail
    assert "ed25519" in refused.detail


def test_an_initiator_that_cannot_sign_for_this_responder_says_so_in_the_end() -> None:
    """In the end: what the answer lacks, somebody may have taken out of it (§2.21.1)."""
    left, right = certified_pair(left_kind="ed25519")
    network = initiated(left, replace(right, remote_authentication=KEY), seconds=60)
    failed = network.left.one(AttemptFailed)
    assert failed.reason is FailureReason.AUTHENTICATION_FAILED
    assert "we cannot sign: the peer has announced no signature hash algorithms" in failed.detail


def without_hashes(network: Network) -> None:
    """Take the announcement out of the responder's IKE_SA_INIT, as a man in the middle."""

    def strip(payload: bytes) -> bytes:
        header = Header.parse(payload)
        message = Message.parse(payload, header)
        kept = tuple(
            p
            for p in message.payloads
            if getattr(p, "notify_type", 0) != NotifyType.SIGNATURE_HASH_ALGORITHMS
        )
        assert len(kept) < len(message.payloads)
        return Message(header, kept).serialize()

    network.filter = lambda d: [
        (0.01, replace(d, payload=strip(d.payload)) if d.payload[18:20] == b"\x22\x20" else d)
    ]


def test_a_downgrade_in_the_middle_is_noticed() -> None:
    """The responder signs what it has sent, not what has arrived (RFC 7427 §5)."""
    network = Network(*certified_pair())
    without_hashes(network)
    network.left.endpoint.initiate("net", network.now)
    network.run()
    failed = network.left.one(AttemptFailed)
    assert failed.reason is FailureReason.AUTHENTICATION_FAILED
    assert "signature does not verify" in failed.detail
    assert not network.right.endpoint.ike_sas()


def first_messages(network: Network) -> list[Message]:
    return [
        Message.parse(d.payload, Header.parse(d.payload))
        for d in network.sent
        if d.payload[18] == 34
    ]


def test_what_is_asked_for_in_ike_sa_init() -> None:
    """§1.2: the responder's CERTREQ; RFC 7427 §4: both announce hashes; RFC 4806: OCSP."""
    request, response = first_messages(initiated(*certified_pair()))
    for message in (request, response):
        notify = find_notify(message.payloads, NotifyType.SIGNATURE_HASH_ALGORITHMS)
        assert notify is not None
        assert notify.data == bytes.fromhex("0002 0003 0004 0005")
    asked = [p for p in response.payloads if isinstance(p, CertificateRequest)]
    assert [(a.encoding, a.data) for a in asked] == [
        (CertificateEncoding.X509_SIGNATURE, trust().trust.certificate_authorities[0]),
        (CertificateEncoding.OCSP_CONTENT, b""),
    ]
    assert find(request.payloads, CertificateRequest) is None


def test_nothing_is_asked_for_where_nobody_signs() -> None:
    for message in first_messages(initiated(left_with(KEY, KEY), right_with(KEY, KEY))):
        assert find_notify(message.payloads, NotifyType.SIGNATURE_HASH_ALGORITHMS) is None
        assert find(message.payloads, CertificateRequest) is None


def test_many_authorities_are_not_all_asked_for() -> None:
    """IKE_SA_INIT does not go in fragments (RFC 7383 §2.5)."""
    anchors = root().pem + b"".join(Authority(f"CN={n}").pem for n in range(40))
    left, right = certified_pair()
    many = replace(trust(), trust=type(trust().trust).from_pem(anchors))
    network = initiated(left, replace(right, remote_authentication=many))
    established(network)
    assert max(len(m.serialize()) for m in first_messages(network)) < 1232


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"local_authentication": PresharedKey(Secret(b""))}, "empty"),
        ({"local_identity": NULL_IDENTITY}, "nothing to authenticate"),
        ({"remote_identity": NULL_IDENTITY}, "nothing to authenticate"),
        (
            {
                "local_authentication": credential(
                    certified(LEFT_NAME), SignatureScheme.RSA_PSS_SHA2_256
                )
            },
            "rsa-pss-sha256 is not for a key of ECDSA secp256r1",
        ),
        ({"reauthenticate": -1.0}, "before"),
    ],
)
def test_what_cannot_work_is_no_configuration(change: dict[str, object], why: str) -> None:
    config = replace(left_with(KEY, KEY), **change)  # type: ignore[arg-type]  # test data
    with pytest.raises(ValueError, match=why):
        Endpoint([config])


def test_a_certificate_needs_a_calendar() -> None:
    config, _ = certified_pair()
    with pytest.raises(ValueError, match="calendar"):
        Endpoint([config])
    Endpoint([config], wall_clock=lambda: NOW)


def test_the_time_of_the_calendar_decides() -> None:
    left, right = certified_pair()
    network = Network(left, right)
    network.right.endpoint = Endpoint([right], wall_clock=lambda: NOW + 2 * YEAR)
    network.left.endpoint.initiate("net", network.now)
    network.run()
    assert network.right.one(PeerRefused).reason is FailureReason.CERTIFICATE_EXPIRED


def test_no_key_is_shown() -> None:
    left, _ = certified_pair()
    assert isinstance(left.local_authentication, CertificateCredential)
    private = left.local_authentication.credential.private_key.private_numbers().private_value  # type: ignore[union-attr]  # P-256
    shown = repr(replace(left, remote_authentication=PresharedKey(Secret(b"hidden"))))
    assert "hidden" not in shown
    assert f"{private:x}" not in shown
    assert str(private) not in shown


def test_a_wrong_key_is_wrong_in_the_direction_that_has_it() -> None:
    left, right = left_with(KEY, KEY), right_with(KEY, KEY)
    network = initiated(
        replace(left, remote_authentication=with_key(left, b"x").local_authentication), right
    )
    assert network.left.one(AttemptFailed).reason is FailureReason.AUTHENTICATION_FAILED
    assert f"the pre-shared key of {RIGHT_NAME}" in network.left.one(AttemptFailed).detail
    assert network.right.one(IkeSaClosed).reason is DeletionReason.PEER
