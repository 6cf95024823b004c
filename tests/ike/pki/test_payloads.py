"""CERT and CERTREQ payloads (RFC 7296 §3.6, §3.7, RFC 4806)."""

from __future__ import annotations

import hashlib

import pytest
from authority import NOW, Authority

from ike.codec.certificate import Certificate, CertificateRequest
from ike.pki import (
    CertificateError,
    CertificateProblem,
    Credential,
    RevocationPolicy,
    TrustStore,
    verify,
)
from ike.pki.payloads import (
    certificate_payloads,
    certificate_requests,
    received_certificates,
    requested_authorities,
)
from ike.types import Identity


def test_what_is_sent_verifies_where_it_is_received() -> None:
    root = Authority()
    sub = root.authority()
    gateway = sub.issue(names=["gw1.example"])
    payloads = certificate_payloads(Credential.from_pem(gateway.chain_pem, gateway.key_pem))
    assert [payload.encoding for payload in payloads] == [4, 4]
    crl, response = Certificate(7, root.crl()), Certificate(14, sub.ocsp(gateway))
    received = received_certificates([crl, *payloads, response])
    assert received.certificates == tuple(gateway.chain_der)
    trust = TrustStore.from_pem(root.pem, revocation=RevocationPolicy.REQUIRED)
    assert verify(
        trust,
        received.certificates,
        Identity.from_text("gw1.example"),
        NOW,
        crls=received.crls,
        ocsp=received.ocsp,
    )


@pytest.mark.parametrize("encoding", [12, 13])
def test_hash_and_url_is_refused(encoding: int) -> None:
    leaf = Authority().issue()
    url = Certificate(encoding, bytes(20) + b"http://evil.example/\n\x1b[2J" + b"a" * 5000)
    with pytest.raises(CertificateError, match=r"http://evil\.example/") as caught:
        received_certificates([Certificate(4, leaf.der), url])
    assert caught.value.reason is CertificateProblem.UNSUPPORTED
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_other_encodings_are_passed_over() -> None:
    leaf = Authority().issue()
    received = received_certificates([Certificate(1, b"x"), Certificate(4, leaf.der)])
    assert received.certificates == (leaf.der,)
    with pytest.raises(CertificateError, match="only PKCS7_X509, 200") as caught:
        received_certificates([Certificate(200, b"x"), Certificate(1, b"x")])
    assert caught.value.reason is CertificateProblem.UNSUPPORTED


def test_no_certificate() -> None:
    with pytest.raises(CertificateError) as caught:
        received_certificates([])
    assert caught.value.reason is CertificateProblem.UNTRUSTED


def test_requests() -> None:
    """A request names the anchors by SHA-1 of their keys, and asks for an OCSP response."""
    one, other = Authority("CN=1"), Authority("CN=2")
    trust = TrustStore.from_pem(one.pem + other.pem)
    requests = certificate_requests(trust)
    assert [(each.encoding, len(each.data)) for each in requests] == [(4, 40), (14, 0)]
    assert requested_authorities(requests) == frozenset(trust.certificate_authorities)
    off = TrustStore.from_pem(one.pem, revocation=RevocationPolicy.OFF)
    assert [each.encoding for each in certificate_requests(off)] == [4]


def test_malformed_requests_ask_for_nothing() -> None:
    digest = hashlib.sha1(b"").digest()
    requests = [CertificateRequest(4, digest + b"x"), CertificateRequest(1, digest)]
    assert requested_authorities(requests) == frozenset()
