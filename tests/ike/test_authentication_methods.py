"""Every authentication method, in both directions (RFC 7296 §2.15, RFC 7427, 4754, 8420)."""

from __future__ import annotations

from dataclasses import replace

import pytest
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

from ike.config import (
    CertificateCredential,
    LocalAuthentication,
    RemoteAuthentication,
    Settings,
    SignatureScheme,
)
from ike.events import IkeSaEstablished
from ike.pki import Credential, RevocationPolicy, RevocationSource
from ike.types import NULL_IDENTITY, Identity

METHODS = {
    "psk": lambda name: (KEY, KEY),
    "null": lambda name: (NOTHING, NOTHING),
    "rsa": lambda name: (credential(certified(name, "rsa")), trust()),
    "p256": lambda name: (credential(certified(name)), trust()),
    "ed25519": lambda name: (credential(certified(name, "ed25519")), trust()),
}


def method(kind: str, name: str) -> tuple[LocalAuthentication, RemoteAuthentication]:
    """How one end proves that it has `name`, and how the other end checks it."""
    return METHODS[kind](name)


QUICK = {("psk", "psk"), ("null", "null"), ("psk", "p256"), ("p256", "null"), ("ed25519", "p256")}
PAIRS = [
    pytest.param(left, right, marks=() if (left, right) in QUICK else pytest.mark.slow)
    for left in METHODS
    for right in METHODS
]


@pytest.mark.parametrize(("left_kind", "right_kind"), PAIRS)
def test_each_end_has_a_method_of_its_own(left_kind: str, right_kind: str) -> None:
    """§2.15: "There is no requirement that both parties use the same method"."""
    left_proof, left_check = method(left_kind, LEFT_NAME)
    right_proof, right_check = method(right_kind, RIGHT_NAME)
    network = initiated(left_with(left_proof, right_check), right_with(right_proof, left_check))
    established(network)
    assert str(network.right.one(IkeSaEstablished).remote_identity) == LEFT_NAME


@pytest.mark.parametrize(
    ("kind", "scheme"),
    [
        ("rsa", SignatureScheme.RSA_PSS_SHA2_256),
        pytest.param("rsa", SignatureScheme.RSA_PSS_SHA2_384, marks=pytest.mark.slow),
        pytest.param("rsa", SignatureScheme.RSA_PSS_SHA2_512, marks=pytest.mark.slow),
        ("rsa", SignatureScheme.RSA_PKCS1_SHA2_256),
        pytest.param("rsa", SignatureScheme.RSA_PKCS1_SHA2_384, marks=pytest.mark.slow),
        pytest.param("rsa", SignatureScheme.RSA_PKCS1_SHA2_512, marks=pytest.mark.slow),
        ("rsa", SignatureScheme.RSA_PKCS1_SHA1),
        ("p256", SignatureScheme.ECDSA_SHA2_256),
        ("p256", SignatureScheme.ECDSA_SHA2_512),
        ("p384", SignatureScheme.ECDSA_SHA2_384),
        ("p521", SignatureScheme.ECDSA_SHA2_512),
        ("ed25519", SignatureScheme.ED25519),
        ("ed448", SignatureScheme.ED448),
    ],
)
def test_each_signature_scheme_in_both_roles(kind: str, scheme: SignatureScheme) -> None:
    """With SHA-1 and RSA: as neither end announces hashes then, by the method of RFC 7296 §3.8."""
    network = initiated(
        left_with(credential(certified(LEFT_NAME, kind), scheme), trust(scheme)),
        right_with(credential(certified(RIGHT_NAME, kind), scheme), trust(scheme)),
    )
    established(network)


def test_the_best_scheme_that_the_peer_has_announced_is_taken() -> None:
    """RFC 7427 §4: here SHA2-384 alone goes, which is not what P-256 would begin with."""
    accepted = trust(SignatureScheme.ECDSA_SHA2_384)
    left, right = certified_pair()
    established(initiated(left, replace(right, remote_authentication=accepted)))


def test_a_chain_of_authorities() -> None:
    """§3.6: the leaf first; the peer trusts the root alone."""
    issuer = root().authority("CN=A").authority("CN=B")
    left, right = certified_pair()
    issued = issuer.issue("CN=left", names=[LEFT_NAME])
    established(initiated(replace(left, local_authentication=credential(issued)), right))


@pytest.mark.parametrize("initiator_has_it", [True, False])
def test_a_chain_of_6_kb_goes_in_fragments(initiator_has_it: bool) -> None:
    """RFC 7383."""
    issuer = root()
    for depth in range(4):
        subject = f"O={'x' * 60}, OU={'y' * 60}, CN={depth} " + "z" * 50
        long = ", ".join(f"OU={n:02}{'o' * 60}" for n in range(7))
        issuer = issuer.authority(f"{long}, {subject}")
    name = LEFT_NAME if initiator_has_it else RIGHT_NAME
    issued = issuer.issue("CN=leaf", names=[name])
    assert sum(map(len, issued.chain_der)) > 6000
    left, right = certified_pair()
    if initiator_has_it:
        left = replace(left, local_authentication=credential(issued))
    else:
        right = replace(right, local_authentication=credential(issued))
    network = initiated(left, right, settings=Settings(fragment_size=576))
    established(network)
    assert max(len(d.payload) for d in network.sent) <= 576


@pytest.mark.parametrize(
    ("identity", "subject", "names"),
    [
        ("192.0.2.1", "CN=x", ["192.0.2.1"]),
        ("gw@left.example", "CN=x", ["gw@left.example"]),
        ("C=CH, O=example, CN=left", "C=CH, O=example, CN=left", []),
        ("2001:db8::1", "", ["2001:db8::1"]),
    ],
)
def test_each_type_of_identity(identity: str, subject: str, names: list[str]) -> None:
    left, right = certified_pair()
    issued = root().issue(subject, names=names)
    own = Identity.from_text(identity)
    left = replace(left, local_identity=own, local_authentication=credential(issued))
    established(initiated(left, replace(right, remote_identity=own)))


def test_without_an_identity_a_peer_is_known_by_its_address() -> None:
    """RFC 7619 §2.2: ID_NULL, in one direction or in both."""
    left = replace(
        left_with(NOTHING, trust()), local_identity=NULL_IDENTITY, name="anybody at that address"
    )
    right = replace(
        right_with(credential(certified(RIGHT_NAME)), NOTHING), remote_identity=NULL_IDENTITY
    )
    established(initiated(left, right))
    both = replace(right, local_authentication=NOTHING, local_identity=NULL_IDENTITY)
    left = replace(left, remote_authentication=NOTHING, remote_identity=NULL_IDENTITY)
    established(initiated(left, both))


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_configurations_for_one_identity_the_method_decides(first: int) -> None:
    """So that a peer can go over from a key to a certificate."""
    by_key = replace(right_with(KEY, KEY), name="by key", children=())
    left, by_certificate = certified_pair()
    configs = [by_key, by_certificate]
    network = initiated(left, [configs[first], configs[1 - first]])
    assert network.right.one(IkeSaEstablished).peer == "left"


def test_an_anonymous_peer_does_not_get_what_an_identified_one_has() -> None:
    """It is who says by a method that it is nobody, whatever identity it gives (RFC 7619 §2.2)."""
    anonymous = replace(
        right_with(NOTHING, NOTHING), name="anonymous", remote_identity=NULL_IDENTITY, children=()
    )
    named = right_with(NOTHING, trust())
    network = initiated(left_with(NOTHING, NOTHING), [named, anonymous])
    assert network.right.one(IkeSaEstablished).peer == "anonymous"


def test_a_credential_read_again_is_the_same_configuration() -> None:
    """A reload must not end what it does not change."""
    left, right = certified_pair()
    network = initiated(left, right)
    issued = certified(LEFT_NAME)
    again = CertificateCredential(Credential.from_pem(issued.chain_pem, issued.key_pem))
    reread = replace(left, local_authentication=again, remote_authentication=trust())
    network.left.endpoint.set_peers([reread], network.now)
    network.run()
    established(network)


@pytest.mark.parametrize("initiator_has_it", [True, False])
def test_an_ocsp_response_beside_the_certificate(initiator_has_it: bool) -> None:
    """RFC 4806: the peer asks for it with CERTREQ, and has no other word about revocation."""
    required = trust(revocation=RevocationPolicy.REQUIRED)
    left, right = certified_pair()
    name = LEFT_NAME if initiator_has_it else RIGHT_NAME
    response = root().ocsp(certified(name))
    stapled = replace(credential(certified(name)), ocsp=(response,))
    if initiator_has_it:
        left = replace(left, local_authentication=stapled)
        right = replace(right, remote_authentication=required)
    else:
        left = replace(left, remote_authentication=required)
        right = replace(right, local_authentication=stapled)
    network = initiated(left, right)
    established(network)
    fresh = replace(stapled, ocsp=(root().ocsp(certified(name)),))
    side = network.left if initiator_has_it else network.right
    config = replace(left if initiator_has_it else right, local_authentication=fresh)
    side.endpoint.set_peers([config], network.now)
    network.run()
    established(network)


def test_no_ocsp_response_where_none_is_wanted() -> None:
    """It is for those who ask for it alone."""
    response = root().ocsp(certified(LEFT_NAME))
    left, right = certified_pair()
    left = replace(
        left, local_authentication=replace(credential(certified(LEFT_NAME)), ocsp=(response,))
    )
    lengths = []
    for wanted in (
        trust(revocation=RevocationPolicy.OFF),
        trust(revocation_sources=[RevocationSource.CRL]),
        trust(),
    ):
        network = initiated(left, replace(right, remote_authentication=wanted))
        established(network)
        lengths.append(sum(len(d.payload) for d in network.sent if d.payload[18] == 35))
    assert max(lengths[:2]) + len(response) <= lengths[2]
