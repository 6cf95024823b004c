"""Certificates made to crash, mislead or exhaust: all are refused, at a bounded cost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from authority import (
    IPSEC_IKE,
    NOW,
    YEAR,
    Authority,
    Issued,
    build,
    digest_for,
    general_name,
    key_usage,
    name_of,
    p256_key,
)
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import ocsp
from cryptography.x509.ocsp import OCSPCertStatus
from hypothesis import given, settings
from hypothesis import strategies as st

from ike.pki import CertificateError, CertificateProblem, TrustStore, verify
from ike.pki.limits import MAX_CERTIFICATES, MAX_DEPTH, MAX_SIGNATURE_CHECKS, MAX_STEPS
from ike.pki.parsed import ParsedCertificate
from ike.types import Identity

GW1 = Identity.from_text("gw1.example")
ROOT = Authority()
SUB = ROOT.authority()
GATEWAY = SUB.issue(names=["gw1.example"])
TRUST = TrustStore.from_pem(ROOT.pem, crls=[ROOT.crl(), SUB.crl()])

BARE = TrustStore.from_pem(ROOT.pem)
REVOKING_CRL = SUB.crl([GATEWAY])
REVOKING = x509.load_der_x509_crl(REVOKING_CRL)
REVOKING_RESPONSE = SUB.ocsp(GATEWAY, OCSPCertStatus.REVOKED)


EXTENSIONS = [
    x509.SubjectAlternativeName([general_name("gw1.example"), general_name("192.0.2.1")]),
    x509.BasicConstraints(True, 3),
    key_usage("digital_signature", "key_cert_sign"),
    x509.ExtendedKeyUsage([IPSEC_IKE]),
    x509.NameConstraints([general_name("example")], [general_name("192.0.2.0/24")]),
    x509.CRLDistributionPoints(
        [x509.DistributionPoint([general_name("crl.example")], None, None, None)]
    ),
    x509.CertificatePolicies([x509.PolicyInformation(IPSEC_IKE, ["http://example/"])]),
    x509.PolicyConstraints(1, 1),
    x509.TLSFeature([x509.TLSFeatureType.status_request]),
    x509.AuthorityInformationAccess(
        [x509.AccessDescription(IPSEC_IKE, general_name("ocsp.example"))]
    ),
]


def malformed(
    body: bytes, oid: x509.ObjectIdentifier = x509.TLSFeature.oid
) -> tuple[x509.ExtensionType, bool]:
    return x509.UnrecognizedExtension(oid, body), False


def changed(data: bytes, position: int, change: int) -> bytes:
    copy = bytearray(data)
    copy[position % len(copy)] ^= change
    return bytes(copy)


def refused(certificates: list[bytes], trust: TrustStore = TRUST) -> CertificateError:
    with pytest.raises(CertificateError) as caught:
        verify(trust, certificates, GW1, NOW)
    assert str(caught.value).isprintable()
    return caught.value


@pytest.fixture
def signature_checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What certificates were checked, in order."""
    checks: list[str] = []
    check = ParsedCertificate.is_signed_by

    def counted(certificate: ParsedCertificate, issuer: ParsedCertificate) -> bool:
        checks.append(certificate.title)
        return check(certificate, issuer)

    monkeypatch.setattr(ParsedCertificate, "is_signed_by", counted)
    return checks


class TestChains:
    def test_twenty_certificates(self, signature_checks: list[str]) -> None:
        error = refused([GATEWAY.der] * 20)
        assert error.reason is CertificateProblem.MALFORMED
        assert str(MAX_CERTIFICATES) in str(error)
        assert not signature_checks

    def test_a_chain_of_the_greatest_depth_and_one_longer(self) -> None:
        ca = ROOT
        for depth in range(MAX_DEPTH - 2):
            ca = ca.authority(f"CN={depth}")
        leaf = ca.issue(names=["gw1.example"])
        assert len(leaf.chain_der) == MAX_DEPTH - 1
        assert verify(TRUST, leaf.chain_der, GW1, NOW) == leaf.certificate
        longer = ca.authority("CN=last").issue(names=["gw1.example"])
        error = refused(longer.chain_der)
        assert error.reason is CertificateProblem.UNTRUSTED
        assert f"longer than {MAX_DEPTH}" in str(error)

    def test_a_loop(self) -> None:
        """A certifies B, B certifies A; nobody certifies them."""
        a, b = p256_key(), p256_key()
        signing = [(x509.BasicConstraints(True, None), True)]
        names = name_of("CN=A"), name_of("CN=B")
        a_by_b = build(names[0], a, names[1], b, signing)
        b_by_a = build(names[1], b, names[0], a, signing)
        leaf = Authority("CN=A", key=a).issue(names=["gw1.example"])
        assert leaf.certificate.issuer == names[0]
        ring = [Issued(each, a).der for each in (a_by_b, b_by_a)]
        error = refused([leaf.der, *ring])
        assert error.reason is CertificateProblem.UNTRUSTED
        assert "neither a trust anchor" in str(error)  # and not: too long

    def test_self_issued_certificates_without_end(self, signature_checks: list[str]) -> None:
        """One name, many keys, each certifying the next: a path could be any permutation."""
        keys = [p256_key() for _ in range(MAX_CERTIFICATES)]
        name = name_of("CN=Loop")
        signing = [(x509.BasicConstraints(True, None), True)]
        ring = [
            build(name, key, name, issuer, signing)
            for key, issuer in zip(keys, [*keys[1:], keys[0]], strict=True)
        ]
        leaf = Authority("CN=Loop", key=keys[0]).issue(names=["gw1.example"])
        sent = [leaf.der, *(Issued(each, keys[0]).der for each in ring[: MAX_CERTIFICATES - 1])]
        assert refused(sent).reason is CertificateProblem.UNTRUSTED
        assert len(signature_checks) <= MAX_SIGNATURE_CHECKS

    def test_look_alikes_cost_little(self, signature_checks: list[str]) -> None:
        """Nine CAs of the same name and key identifier, none of them the issuer."""
        fakes = [Authority("O=example, CN=Sub").der for _ in range(MAX_CERTIFICATES - 1)]
        leaf = SUB.issue(names=["gw1.example"])
        assert refused([leaf.der, *fakes]).reason is CertificateProblem.UNTRUSTED
        assert len(signature_checks) == MAX_CERTIFICATES - 1
        sent = [leaf.der, *fakes[1:], SUB.der]
        assert verify(TRUST, sent, GW1, NOW) == leaf.certificate

    def test_the_search_stops_at_its_budget(self, signature_checks: list[str]) -> None:
        """Even where our own files hold many CAs of one name."""
        twins = b"".join(Authority("O=example, CN=Sub").pem for _ in range(40))
        trust = TrustStore.from_pem(ROOT.pem, intermediates=twins)
        error = refused([SUB.issue(names=["gw1.example"]).der], trust)
        assert error.reason is CertificateProblem.UNTRUSTED
        assert "signature checks" in str(error)
        assert len(signature_checks) == MAX_SIGNATURE_CHECKS

    def test_so_does_one_with_many_ways_over_few_signatures(
        self, signature_checks: list[str]
    ) -> None:
        """Two certificates for each CA, on six levels: 126 ways to go, 26 signatures."""
        keys = [p256_key() for _ in range(6)]
        pems = []
        above = Authority("CN=nobody").authority("CN=0", key=keys[0])
        for number, key in enumerate(keys):
            level = [above.authority(f"CN={number}", key=key) for _ in range(2)]
            pems += [each.pem for each in level]
            above = level[0]
        leaf = above.issue(names=["gw1.example"])
        trust = TrustStore.from_pem(ROOT.pem, intermediates=b"".join(pems))
        error = refused([leaf.der], trust)
        assert error.reason is CertificateProblem.UNTRUSTED
        assert f"within {MAX_STEPS} steps" in str(error)
        assert len(signature_checks) < MAX_SIGNATURE_CHECKS

    def test_a_huge_key_is_not_computed_with(self, signature_checks: list[str]) -> None:
        huge = rsa.RSAPublicNumbers(65537, (1 << 16383) + 1).public_key()
        forger = p256_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(SUB.name)
            .issuer_name(ROOT.name)
            .public_key(huge)
            .serial_number(1)
            .not_valid_before(NOW - YEAR)
            .not_valid_after(NOW + YEAR)
            .add_extension(x509.BasicConstraints(True, None), critical=True)
        )
        issuer = Issued(builder.sign(forger, digest_for(forger)), forger)
        error = refused([GATEWAY.der, issuer.der])
        assert error.reason is CertificateProblem.WEAK
        assert "16384 bits" in str(error)
        assert not signature_checks


class TestBytes:
    @pytest.mark.parametrize("der", [b"", b"\x30", b"\x30\x80", b"\x30\x84\xff\xff\xff\xff"])
    def test_a_leaf_that_cannot_be_read(self, der: bytes) -> None:
        assert refused([der]).reason is CertificateProblem.MALFORMED

    def test_trailing_bytes(self) -> None:
        assert refused([GATEWAY.der + b"\0"]).reason is CertificateProblem.MALFORMED

    def test_a_large_certificate(self) -> None:
        names = [x509.DNSName(f"gw{number}.example") for number in range(3000)]
        leaf = ROOT.issue(names=names)
        error = refused([leaf.der])
        assert error.reason is CertificateProblem.MALFORMED
        assert f"{len(leaf.der)} bytes" in str(error)

    def test_what_follows_the_leaf_may_be_anything(self) -> None:
        sent = [GATEWAY.der, b"", b"\x30\x80", bytes(65535), SUB.der]
        assert verify(TRUST, sent, GW1, NOW) == GATEWAY.certificate

    def test_an_extension_twice(self) -> None:
        """RFC 5280 §4.2; the library's builder makes none, so one is renamed."""
        odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.99"), b"\x03\x02\x07\x80")
        leaf = ROOT.issue(names=["gw1.example"], extensions=[(odd, False)])
        der = leaf.der.replace(b"\x06\x03\x55\x1d\x63", b"\x06\x03\x55\x1d\x0f")
        assert der != leaf.der
        assert refused([der]).reason is CertificateProblem.MALFORMED

    def test_names_with_control_characters_stay_out_of_messages(self) -> None:
        attribute = x509.NameAttribute(x509.NameOID.COMMON_NAME, "gw1\n\x1b[2Jtrusted")
        name = x509.Name([attribute])
        key = p256_key()
        alternatives = x509.SubjectAlternativeName([x509.DNSName("a\nb"), x509.RFC822Name("c\rd")])
        certificate = build(
            name, key, name, key, [(alternatives, False), (key_usage("digital_signature"), True)]
        )
        error = refused([Issued(certificate, key).der])
        assert error.reason is CertificateProblem.IDENTITY

    @settings(max_examples=40, deadline=None)
    @given(st.integers(0, 1), st.integers(0, 10_000), st.integers(1, 255))
    def test_a_changed_certificate_is_refused(self, which: int, position: int, change: int) -> None:
        """Neither a crash nor anything but what was signed is accepted."""
        sent = list(GATEWAY.chain_der)
        sent[which] = changed(sent[which], position, change)
        try:
            leaf = verify(TRUST, sent, GW1, NOW)
        except CertificateError as error:
            assert str(error).isprintable()  # noqa: PT017  # accepting it is right too, see below
        else:
            # The library does not care for the number of unused bits of the signature.
            assert leaf.tbs_certificate_bytes == GATEWAY.certificate.tbs_certificate_bytes
            assert leaf.signature == GATEWAY.certificate.signature

    def test_an_extension_that_the_library_stumbles_on(self) -> None:
        """It raises KeyError for a TLS feature that it does not know."""
        leaf = ROOT.issue(names=["gw1.example"], extensions=[malformed(b"\x30\x03\x02\x01\x63")])
        assert refused([leaf.der]).reason is CertificateProblem.MALFORMED

    @settings(max_examples=60, deadline=None)
    @given(st.sampled_from(EXTENSIONS), st.integers(0, 200), st.integers(0, 255), st.booleans())
    def test_changed_extensions_never_crash(
        self, whole: x509.ExtensionType, position: int, change: int, in_leaf: bool
    ) -> None:
        """Signed by a CA that we trust, so that all of the path is worked through."""
        odd = malformed(changed(whole.public_bytes(), position, change), whole.oid)
        if in_leaf:
            usage = None if whole.oid == x509.KeyUsage.oid else key_usage("digital_signature")
            purposes = () if whole.oid == x509.ExtendedKeyUsage.oid else (IPSEC_IKE,)
            names = () if whole.oid == x509.SubjectAlternativeName.oid else ["gw1.example"]
            leaf = SUB.issue(names=names, usage=usage, purposes=purposes, extensions=[odd])
        else:
            usage = None if whole.oid == x509.KeyUsage.oid else key_usage("key_cert_sign")
            basic = whole.oid != x509.BasicConstraints.oid
            sub = ROOT.authority(usage=usage, basic_constraints=basic, extensions=[odd])
            leaf = sub.issue(names=["gw1.example"])
        try:
            assert verify(BARE, leaf.chain_der, GW1, NOW) == leaf.certificate
        except CertificateError as error:
            assert str(error).isprintable()  # noqa: PT017  # either will do, but nothing else

    @settings(max_examples=20, deadline=None)
    @given(st.lists(st.binary(max_size=64), max_size=3), st.binary(max_size=64))
    def test_random_bytes_never_crash(self, certificates: list[bytes], other: bytes) -> None:
        refused(certificates)
        sent = [GATEWAY.der, *certificates, SUB.der]
        assert verify(TRUST, sent, GW1, NOW, crls=[other], ocsp=[other])

    @settings(max_examples=40, deadline=None)
    @given(st.integers(0, 10_000), st.integers(1, 255), st.booleans())
    def test_a_changed_crl_or_response_speaks_for_nobody(
        self, position: int, change: int, in_crl: bool
    ) -> None:
        """Neither a crash nor a revocation comes of it."""
        sent = [changed(REVOKING_CRL if in_crl else REVOKING_RESPONSE, position, change)]
        try:
            verify(BARE, GATEWAY.chain_der, GW1, NOW, **{"crls" if in_crl else "ocsp": sent})
        except CertificateError:
            # As above: what was signed, and the signature, are as they were.
            if in_crl:
                crl = x509.load_der_x509_crl(sent[0])
                assert crl.tbs_certlist_bytes == REVOKING.tbs_certlist_bytes
                assert crl.signature == REVOKING.signature
            else:
                response = ocsp.load_der_ocsp_response(sent[0])
                whole = ocsp.load_der_ocsp_response(REVOKING_RESPONSE)
                assert response.tbs_response_bytes == whole.tbs_response_bytes
                assert response.signature == whole.signature
