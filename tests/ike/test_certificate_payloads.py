"""Encodings of CERT payloads (RFC 7296 §3.6): what is taken and what is refused."""

from __future__ import annotations

import pytest
from authority import NOW, Authority

from ike.authentication.certificates import Presented, validate
from ike.authentication.verdict import Rejected
from ike.codec.certificate import Certificate
from ike.codec.registry import CertificateEncoding
from ike.pki import TrustStore
from ike.types import Identity

GW1 = Identity.from_text("gw1.example")
URL = bytes(20) + b"http://192.0.2.66/\n\x1b[2J"


@pytest.mark.parametrize(
    "encoding", [CertificateEncoding.HASH_AND_URL_X509, CertificateEncoding.HASH_AND_URL_BUNDLE]
)
def test_hash_and_url_is_never_fetched(encoding: CertificateEncoding) -> None:
    root = Authority()
    trust = TrustStore.from_pem(root.pem)
    refused = validate(trust, Presented.of([Certificate(encoding, URL)]), GW1, NOW)
    assert isinstance(refused, Rejected)
    assert f"{encoding.name}; nothing is fetched from URLs" in refused.detail
    leaf = root.issue(names=["gw1.example"])
    both = [Certificate(encoding, URL), Certificate(4, leaf.der)]
    assert validate(trust, Presented.of(both), GW1, NOW) == leaf.certificate


def test_certificates_crls_and_responses_are_told_apart() -> None:
    root = Authority()
    sub = root.authority()
    leaf = sub.issue(names=["gw1.example"])
    crl, response = root.crl(), sub.ocsp(leaf)
    presented = Presented.of(
        [
            Certificate(CertificateEncoding.CRL, crl),
            Certificate(CertificateEncoding.PKCS7_X509, b"x"),
            *(Certificate(CertificateEncoding.X509_SIGNATURE, each) for each in leaf.chain_der),
            Certificate(CertificateEncoding.OCSP_CONTENT, response),
        ]
    )
    assert presented.certificates == tuple(leaf.chain_der)
    assert presented.crls == (crl,)
    assert presented.ocsp == (response,)
    assert presented.unread == ("PKCS7_X509",)
