"""Every way to prove who one is that both peers have, in both roles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ike.config import PresharedKey, SignatureScheme
from ike.events import IkeSaEstablished
from ike.types import Identity, Secret
from tests.interop.lab.lab import Lab
from tests.interop.lab.scenario import PRESHARED_KEY
from tests.interop.lab.strongswan import StrongSwan
from tests.interop.matrix.cells import By, Row, both_ways, cell, table
from tests.interop.matrix.certificates import pki
from tests.interop.matrix.pair import our_peer, paired, their_connection

pytestmark = pytest.mark.interop

AREA = "Authentication"
PSK = PresharedKey(Secret(PRESHARED_KEY.encode()))
WITHOUT_RFC_7427 = (("signature_authentication", "no"),)


@dataclass(frozen=True, slots=True)
class Method:
    """A kind of key and a signature scheme, in the words of both."""

    what: str
    kind: str
    ours: SignatureScheme
    theirs: str


_METHODS = [
    *(
        Method(f"RSA PKCS#1 v1.5, SHA2-{bits}", "rsa", scheme, f"ike:rsa-sha{bits}")
        for bits, scheme in (
            (256, SignatureScheme.RSA_PKCS1_SHA2_256),
            (384, SignatureScheme.RSA_PKCS1_SHA2_384),
            (512, SignatureScheme.RSA_PKCS1_SHA2_512),
        )
    ),
    *(
        Method(f"RSA-PSS, SHA2-{bits}", "rsa", scheme, f"ike:rsa/pss-sha{bits}")
        for bits, scheme in (
            (256, SignatureScheme.RSA_PSS_SHA2_256),
            (384, SignatureScheme.RSA_PSS_SHA2_384),
            (512, SignatureScheme.RSA_PSS_SHA2_512),
        )
    ),
    Method("ECDSA P-256, SHA2-256", "p256", SignatureScheme.ECDSA_SHA2_256, "ike:ecdsa-sha256"),
    Method("ECDSA P-384, SHA2-384", "p384", SignatureScheme.ECDSA_SHA2_384, "ike:ecdsa-sha384"),
    Method("ECDSA P-521, SHA2-512", "p521", SignatureScheme.ECDSA_SHA2_512, "ike:ecdsa-sha512"),
    Method("Ed25519", "ed25519", SignatureScheme.ED25519, "ike:ed25519"),
    Method("Ed448", "ed448", SignatureScheme.ED448, "ike:ed448"),
]
_OLD_METHODS = [
    Method("RSA, SHA-1 (method 1)", "rsa", SignatureScheme.RSA_PKCS1_SHA1, "pubkey"),
    Method("ECDSA P-256 (method 9)", "p256", SignatureScheme.ECDSA_SHA2_256, "pubkey"),
    Method("ECDSA P-384 (method 10)", "p384", SignatureScheme.ECDSA_SHA2_384, "pubkey"),
    Method("ECDSA P-521 (method 11)", "p521", SignatureScheme.ECDSA_SHA2_512, "pubkey"),
]


def _methods(area: str, methods: list[Method]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("method", "by"),
        [
            pytest.param(method, by, marks=cell(area, method.what, by), id=f"{method.what}-{by}")
            for method in methods
            for by in By
        ],
    )


@pytest.fixture
def without_rfc_7427(strongswan: StrongSwan) -> Iterator[None]:
    strongswan.reload_settings(WITHOUT_RFC_7427)
    yield
    strongswan.reload_settings(())


def _authenticate(lab: Lab, strongswan: StrongSwan, method: Method, by: By) -> None:
    certificates = pki(method.kind)
    certificates.install(strongswan)
    ours = our_peer(
        local_authentication=certificates.credential(method.ours),
        remote_authentication=certificates.trust(method.ours),
    )
    theirs = their_connection(
        local_auth=(("auth", method.theirs), ("certs", "gateway.pem")),
        remote_auth=(("auth", method.theirs), ("cacerts", "root.pem")),
    )
    with paired(lab, strongswan, ours, theirs) as pair:
        pair.establish(by)
        pair.ping_both_ways()


@both_ways(AREA, "Pre-shared key")
def test_psk(matrix_lab: Lab, strongswan: StrongSwan, by: By) -> None:
    with paired(matrix_lab, strongswan, our_peer(), their_connection()) as pair:
        pair.establish(by)
        pair.ping_both_ways()


@_methods(AREA, _METHODS)
def test_signature(matrix_lab: Lab, strongswan: StrongSwan, method: Method, by: By) -> None:
    """RFC 7427, RFC 8420: both sign by the one scheme, and take no other."""
    _authenticate(matrix_lab, strongswan, method, by)


@_methods("Authentication without RFC 7427", _OLD_METHODS)
@pytest.mark.usefixtures("without_rfc_7427")
def test_old_method(matrix_lab: Lab, strongswan: StrongSwan, method: Method, by: By) -> None:
    """RFC 7296 §3.8, RFC 4754: strongSwan announces no hash algorithms."""
    before = len(strongswan.log)
    _authenticate(matrix_lab, strongswan, method, by)
    assert "N(HASH_ALG)" not in "".join(
        line for line in strongswan.log[before:].splitlines() if "generating" in line
    )


@both_ways(AREA, "We by certificate, strongSwan by pre-shared key")
def test_mixed(matrix_lab: Lab, strongswan: StrongSwan, by: By) -> None:
    """RFC 7296 §2.15: the two directions need not use the same method."""
    certificates = pki("p256")
    certificates.install(strongswan)
    ours = our_peer(local_authentication=certificates.credential(), remote_authentication=PSK)
    theirs = their_connection(remote_auth=(("auth", "pubkey"), ("cacerts", "root.pem")))
    with paired(matrix_lab, strongswan, ours, theirs) as pair:
        pair.establish(by)
        pair.ping_both_ways()


@both_ways(AREA, "We by pre-shared key, strongSwan by certificate")
def test_mixed_the_other_way(matrix_lab: Lab, strongswan: StrongSwan, by: By) -> None:
    certificates = pki("p256")
    certificates.install(strongswan)
    ours = our_peer(local_authentication=PSK, remote_authentication=certificates.trust())
    theirs = their_connection(local_auth=(("auth", "pubkey"), ("certs", "gateway.pem")))
    with paired(matrix_lab, strongswan, ours, theirs) as pair:
        pair.establish(by)
        pair.ping_both_ways()


_NAMES = {
    "fqdn": ("engine.example", "gateway.example"),
    "mailbox": ("engine@example.org", "gateway@example.org"),
    "subject": ("C=CH, O=matrix, CN=engine", "C=CH, O=matrix, CN=gateway"),
}


@table(
    "Identity in a certificate",
    [Row("FQDN", "fqdn"), Row("RFC 822 mailbox", "mailbox"), Row("distinguished name", "subject")],
)
def test_identity(matrix_lab: Lab, strongswan: StrongSwan, value: str, by: By) -> None:
    """RFC 4945 §3.1: what IDi and IDr say is in the certificate."""
    our_name, their_name = _NAMES[value]
    certificates = pki("p256", our_name=our_name, their_name=their_name)
    certificates.install(strongswan)
    ours = our_peer(
        local_identity=Identity.from_text(our_name),
        remote_identity=Identity.from_text(their_name),
        local_authentication=certificates.credential(),
        remote_authentication=certificates.trust(),
    )
    theirs = their_connection(
        local_id=f'"{their_name}"',
        remote_id=f'"{our_name}"',
        local_auth=(("auth", "pubkey"), ("certs", "gateway.pem")),
        remote_auth=(("auth", "pubkey"), ("cacerts", "root.pem")),
    )
    with paired(matrix_lab, strongswan, ours, theirs) as pair:
        pair.establish(by)
        assert pair.engine.wait_for(IkeSaEstablished).remote_identity == ours.remote_identity
        pair.ping_both_ways()


@both_ways("Fragmentation (RFC 7383)", "chain of five RSA certificates")
def test_large_chain(matrix_lab: Lab, strongswan: StrongSwan, by: By) -> None:
    """IKE_AUTH has to go in fragments both ways: each chain is larger than four datagrams."""
    certificates = pki("rsa", depth=4)
    certificates.install(strongswan)
    ours = our_peer(
        local_authentication=certificates.credential(),
        remote_authentication=certificates.trust(),
    )
    theirs = their_connection(
        local_auth=(("auth", "pubkey"), ("certs", "gateway.pem")),
        remote_auth=(("auth", "pubkey"), ("cacerts", "root.pem")),
    )
    before = len(strongswan.log)
    with paired(matrix_lab, strongswan, ours, theirs) as pair:
        pair.establish(by)
        pair.ping_both_ways()
    log = strongswan.log[before:]
    assert log.count("[ EF(") >= 8
    assert "received fragment #4 of " in log
