"""CRLs (RFC 5280 §5, §6.3) and OCSP responses (RFC 6960, RFC 4806)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

import pytest
from authority import DAY, NOW, YEAR, Authority, Issued, key_usage, p256_key, rsa_key
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.ocsp import OCSPCertStatus, OCSPResponseBuilder, OCSPResponseStatus
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from ike.pki import (
    CertificateError,
    CertificateProblem,
    LoadError,
    RevocationPolicy,
    RevocationSource,
    TrustStore,
    verify,
)
from ike.types import Identity

GW1 = Identity.from_text("gw1.example")
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def gateway(root: Authority) -> Issued:
    return root.issue(names=["gw1.example"])


def accepted(
    root: Authority,
    leaf: Issued,
    crls: Sequence[bytes] = (),
    ocsp: Sequence[bytes] = (),
    revocation: RevocationPolicy = RevocationPolicy.REQUIRED,
    sources: Iterable[RevocationSource] = RevocationSource,
) -> None:
    """The two places where they come from, the trust store and the peer, make no difference."""
    policy = {"revocation": revocation, "revocation_sources": sources}
    ours = TrustStore.from_pem(root.pem, crls=crls, ocsp=ocsp, **policy)
    assert verify(ours, leaf.chain_der, GW1, NOW) == leaf.certificate
    bare = TrustStore.from_pem(root.pem, **policy)
    assert verify(bare, leaf.chain_der, GW1, NOW, crls=crls, ocsp=ocsp) == leaf.certificate


def refused(
    root: Authority,
    leaf: Issued,
    crls: Sequence[bytes] = (),
    ocsp: Sequence[bytes] = (),
    revocation: RevocationPolicy = RevocationPolicy.REQUIRED,
    sources: Iterable[RevocationSource] = RevocationSource,
) -> CertificateError:
    policy = {"revocation": revocation, "revocation_sources": sources}
    ours = TrustStore.from_pem(root.pem, crls=crls, ocsp=ocsp, **policy)
    bare = TrustStore.from_pem(root.pem, **policy)
    with pytest.raises(CertificateError) as from_store:
        verify(ours, leaf.chain_der, GW1, NOW)
    with pytest.raises(CertificateError) as in_band:
        verify(bare, leaf.chain_der, GW1, NOW, crls=crls, ocsp=ocsp)
    assert str(from_store.value) == str(in_band.value)
    assert str(in_band.value).isprintable()
    return in_band.value


def unknown(
    root: Authority, leaf: Issued, crls: Sequence[bytes] = (), ocsp: Sequence[bytes] = ()
) -> str:
    """Not known: refused if the status is required, accepted if it is not."""
    accepted(root, leaf, crls, ocsp, RevocationPolicy.IF_AVAILABLE)
    accepted(root, leaf, crls, ocsp, RevocationPolicy.OFF)
    error = refused(root, leaf, crls, ocsp)
    assert error.reason is CertificateProblem.REVOCATION_UNKNOWN
    return str(error)


def revoked(
    root: Authority, leaf: Issued, crls: Sequence[bytes] = (), ocsp: Sequence[bytes] = ()
) -> str:
    """Revoked: refused unless the policy is OFF."""
    accepted(root, leaf, crls, ocsp, RevocationPolicy.OFF)
    errors = [refused(root, leaf, crls, ocsp, each) for each in RevocationPolicy if each != "off"]
    assert {error.reason for error in errors} == {CertificateProblem.REVOKED}
    return str(errors[0])


class TestPolicy:
    def test_nothing_known(self, root: Authority, gateway: Issued) -> None:
        assert "no CRL or OCSP response" in unknown(root, gateway)

    def test_every_certificate_below_the_anchor_needs_a_status(self, root: Authority) -> None:
        sub = root.authority()
        leaf = sub.issue(names=["gw1.example"])
        assert '"O=example, CN=Sub"' in unknown(root, leaf, [sub.crl()])
        assert "gw1" in unknown(root, leaf, [root.crl()])
        accepted(root, leaf, [root.crl(), sub.crl()])
        accepted(root, leaf, [root.crl()], [sub.ocsp(leaf)])

    def test_a_revoked_intermediate(self, root: Authority) -> None:
        sub = root.authority()
        leaf = sub.issue(names=["gw1.example"])
        assert "Sub" in revoked(root, leaf, [root.crl([sub])])

    def test_a_trusted_peer_needs_no_status(self) -> None:
        peer = Authority(
            "CN=gw1",
            ca=False,
            usage=key_usage("digital_signature"),
            extensions=[(x509.SubjectAlternativeName([x509.DNSName("gw1.example")]), False)],
        )
        trust = TrustStore.from_pem(peer.pem, revocation=RevocationPolicy.REQUIRED)
        assert verify(trust, [peer.der], GW1, NOW) == peer.certificate

    def test_revoked_by_one_source_is_revoked(self, root: Authority, gateway: Issued) -> None:
        bad, good = OCSPCertStatus.REVOKED, OCSPCertStatus.GOOD
        revoked(root, gateway, [root.crl([gateway])], [root.ocsp(gateway, good)])
        revoked(root, gateway, [root.crl()], [root.ocsp(gateway, good), root.ocsp(gateway, bad)])
        revoked(root, gateway, [root.crl(), root.crl([gateway])])


class TestCrl:
    def test_not_listed(self, root: Authority, gateway: Issued) -> None:
        accepted(root, gateway, [root.crl([root.issue(), root.issue()])])

    def test_listed(self, root: Authority, gateway: Issued) -> None:
        text = revoked(root, gateway, [root.crl([root.issue(), gateway])])
        assert "2026-05-31 12:00:00 UTC" in text
        assert "keyCompromise" in text

    def test_pem_with_several(self, root: Authority, gateway: Issued) -> None:
        pem = root.crl(encoding=Encoding.PEM) + root.crl([gateway], encoding=Encoding.PEM)
        trust = TrustStore.from_pem(root.pem, crls=[pem])
        assert len(trust.crls) == 2
        with pytest.raises(CertificateError, match="revoked"):
            verify(trust, gateway.chain_der, GW1, NOW)

    @pytest.mark.parametrize(
        "key", [ed25519.Ed25519PrivateKey.generate(), ed448.Ed448PrivateKey.generate(), rsa_key()]
    )
    def test_every_kind_of_key(self, key: ed25519.Ed25519PrivateKey) -> None:
        root = Authority(key=key)
        leaf = root.issue(names=["gw1.example"])
        accepted(root, leaf, [root.crl()])
        revoked(root, leaf, [root.crl([leaf])])

    @pytest.mark.parametrize("listed", [True, False])
    def test_forged(self, root: Authority, gateway: Issued, listed: bool) -> None:
        forged = root.crl([gateway] if listed else (), key=p256_key())
        assert "signature" in unknown(root, gateway, [forged])

    def test_another_ca_s(self, root: Authority, gateway: Issued) -> None:
        other = Authority("CN=Other")
        assert "no CRL" in unknown(root, gateway, [other.crl([gateway])])

    def test_stale(self, root: Authority, gateway: Issued) -> None:
        stale = root.crl(next_update=NOW - HOUR)
        assert "stale since 2026-06-01 11:00:00 UTC" in unknown(root, gateway, [stale])

    def test_stale_but_listed(self, root: Authority, gateway: Issued) -> None:
        """Nobody comes back from a revocation because a file was not renewed."""
        revoked(root, gateway, [root.crl([gateway], next_update=NOW - HOUR)])

    def test_of_the_future(self, root: Authority, gateway: Issued) -> None:
        accepted(root, gateway, [root.crl(this_update=NOW + timedelta(minutes=5))])
        future = root.crl(this_update=NOW + timedelta(minutes=5, seconds=1))
        assert "not valid before" in unknown(root, gateway, [future])

    def test_a_current_one_beside_a_stale_one(self, root: Authority, gateway: Issued) -> None:
        accepted(root, gateway, [root.crl(next_update=NOW - HOUR), root.crl()])

    def test_a_ca_without_crl_sign(self) -> None:
        root = Authority(usage=key_usage("key_cert_sign"))
        leaf = root.issue(names=["gw1.example"])
        assert "cRLSign" in unknown(root, leaf, [root.crl()])

    def test_delta(self, root: Authority, gateway: Issued) -> None:
        delta = root.crl([gateway], extensions=[(x509.DeltaCRLIndicator(1), True)])
        assert "delta" in not_supported(root, gateway, delta)

    def test_indirect(self, root: Authority, gateway: Issued) -> None:
        indirect = root.crl([gateway], extensions=[(scope(indirect_crl=True), True)])
        assert "indirect" in not_supported(root, gateway, indirect)

    def test_an_unknown_critical_extension(self, root: Authority, gateway: Issued) -> None:
        strange = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\5\0")
        assert "1.2.3.4" in not_supported(
            root, gateway, root.crl([gateway], extensions=[(strange, True)])
        )
        accepted(root, gateway, [root.crl(extensions=[(strange, False)])])

    def test_scope_by_kind_of_certificate(self, root: Authority) -> None:
        users = root.crl(extensions=[(scope(only_contains_user_certs=True), True)])
        authorities = root.crl(extensions=[(scope(only_contains_ca_certs=True), True)])
        leaf = root.issue(names=["gw1.example"])
        accepted(root, leaf, [users])
        assert "only CAs" in unknown(root, leaf, [authorities])
        sub = root.authority()
        below = sub.issue(names=["gw1.example"])
        accepted(root, below, [authorities, sub.crl()])
        assert "only end entities" in unknown(root, below, [users, sub.crl()])

    def test_scope_by_reason(self, root: Authority, gateway: Issued) -> None:
        some = scope(only_some_reasons=frozenset({x509.ReasonFlags.key_compromise}))
        assert "only some reasons" in unknown(root, gateway, [root.crl(extensions=[(some, True)])])
        revoked(root, gateway, [root.crl([gateway], extensions=[(some, True)])])

    def test_scope_by_distribution_point(self, root: Authority) -> None:
        here, there = (
            [x509.UniformResourceIdentifier(f"http://crl.example/{each}")] for each in "12"
        )
        point = x509.DistributionPoint(here, None, None, None)
        points = [(x509.CRLDistributionPoints([point]), False)]
        leaf = root.issue(names=["gw1.example"], extensions=points)
        accepted(root, leaf, [root.crl(extensions=[(scope(full_name=here), True)])])
        other = root.crl(extensions=[(scope(full_name=there), True)])
        assert "distribution point" in unknown(root, leaf, [other])


def not_supported(root: Authority, leaf: Issued, crl: bytes) -> str:
    """Not read from a file; from a peer it says nothing."""
    with pytest.raises(LoadError) as of_file:
        TrustStore.from_pem(root.pem, crls=[crl])
    trust = TrustStore.from_pem(root.pem, revocation=RevocationPolicy.REQUIRED)
    with pytest.raises(CertificateError) as caught:
        verify(trust, leaf.chain_der, GW1, NOW, crls=[crl])
    assert caught.value.reason is CertificateProblem.REVOCATION_UNKNOWN
    assert str(of_file.value) in str(caught.value)
    return str(caught.value)


def scope(**options: object) -> x509.IssuingDistributionPoint:
    given = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**(given | options))  # type: ignore[arg-type]  # as given


class TestOcsp:
    @pytest.mark.parametrize("by_name", [True, False])
    @pytest.mark.parametrize("id_hash", [hashes.SHA1(), hashes.SHA256(), hashes.SHA512()])
    def test_good(
        self, root: Authority, gateway: Issued, by_name: bool, id_hash: hashes.HashAlgorithm
    ) -> None:
        response = root.ocsp(gateway, by_name=by_name, id_hash=id_hash)
        accepted(root, gateway, ocsp=[response])

    def test_revoked(self, root: Authority, gateway: Issued) -> None:
        text = revoked(root, gateway, ocsp=[root.ocsp(gateway, OCSPCertStatus.REVOKED)])
        assert "2026-06-01 11:00:00 UTC, reason keyCompromise, by OCSP" in text

    def test_not_known_to_the_responder(self, root: Authority, gateway: Issued) -> None:
        response = root.ocsp(gateway, OCSPCertStatus.UNKNOWN)
        assert "does not know" in unknown(root, gateway, ocsp=[response])

    @pytest.mark.parametrize(
        "key", [ed25519.Ed25519PrivateKey.generate(), ed448.Ed448PrivateKey.generate(), rsa_key()]
    )
    def test_every_kind_of_key(self, key: ed25519.Ed25519PrivateKey) -> None:
        root = Authority(key=key)
        leaf = root.issue(names=["gw1.example"])
        accepted(root, leaf, ocsp=[root.ocsp(leaf)])
        revoked(root, leaf, ocsp=[root.ocsp(leaf, OCSPCertStatus.REVOKED)])
        for twin_key in (p256_key(), ed25519.Ed25519PrivateKey.generate()):
            twin = Authority(key=twin_key)
            forged = root.ocsp(leaf, responder=twin, enclosed=(), by_name=True)
            assert "signature" in unknown(root, leaf, ocsp=[forged])

    @pytest.mark.parametrize("status", [OCSPCertStatus.GOOD, OCSPCertStatus.REVOKED])
    def test_forged(self, root: Authority, gateway: Issued, status: OCSPCertStatus) -> None:
        twin = Authority()
        assert twin.name == root.name
        forged = root.ocsp(gateway, status, responder=twin, enclosed=(), by_name=True)
        assert "signature" in unknown(root, gateway, ocsp=[forged])

    def test_of_another_certificate(self, root: Authority, gateway: Issued) -> None:
        other = root.ocsp(root.issue("CN=gw2"))
        assert "no CRL or OCSP response" in unknown(root, gateway, ocsp=[other])

    def test_of_the_same_serial_number_of_another_ca(
        self, root: Authority, gateway: Issued
    ) -> None:
        other = Authority("CN=Other")
        twin = other.issue(serial=gateway.certificate.serial_number)
        assert "no CRL or OCSP" in unknown(root, gateway, ocsp=[other.ocsp(twin)])

    def test_stale(self, root: Authority, gateway: Issued) -> None:
        old = root.ocsp(gateway, this_update=NOW - DAY, next_update=NOW - HOUR)
        assert "stale" in unknown(root, gateway, ocsp=[old])
        old = root.ocsp(
            gateway, OCSPCertStatus.REVOKED, this_update=NOW - DAY, next_update=NOW - HOUR
        )
        revoked(root, gateway, ocsp=[old])

    def test_without_an_end_it_lasts_a_day(self, root: Authority, gateway: Issued) -> None:
        accepted(root, gateway, ocsp=[root.ocsp(gateway, next_update=None)])
        old = root.ocsp(gateway, this_update=NOW - DAY - HOUR, next_update=None)
        assert "stale" in unknown(root, gateway, ocsp=[old])

    def test_of_the_future(self, root: Authority, gateway: Issued) -> None:
        accepted(root, gateway, ocsp=[root.ocsp(gateway, this_update=NOW + timedelta(minutes=5))])
        future = root.ocsp(gateway, this_update=NOW + timedelta(minutes=5, seconds=1))
        assert "not valid before" in unknown(root, gateway, ocsp=[future])

    @pytest.mark.parametrize("by_name", [True, False])
    def test_a_delegated_responder(self, root: Authority, gateway: Issued, by_name: bool) -> None:
        response = root.ocsp(gateway, responder=root.responder(), by_name=by_name)
        accepted(root, gateway, ocsp=[response])

    def test_a_responder_whose_certificate_is_missing(
        self, root: Authority, gateway: Issued
    ) -> None:
        response = root.ocsp(gateway, responder=root.responder(), enclosed=[root])
        assert "not enclosed" in unknown(root, gateway, ocsp=[response])

    def test_a_certificate_without_the_purpose(self, root: Authority, gateway: Issued) -> None:
        """Any peer of the CA could vouch for itself."""
        response = root.ocsp(gateway, responder=gateway)
        assert "may not sign" in unknown(root, gateway, ocsp=[response])
        server = root.responder(purposes=[ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
        response = root.ocsp(gateway, responder=server)
        assert "may not sign" in unknown(root, gateway, ocsp=[response])

    def test_a_responder_of_another_ca(self, root: Authority, gateway: Issued) -> None:
        other = Authority("CN=Other")
        response = root.ocsp(gateway, responder=other.responder())
        assert "is not by" in unknown(root, gateway, ocsp=[response])
        twin = Authority()
        assert twin.name == root.name
        response = root.ocsp(gateway, responder=twin.responder())
        assert "is not by" in unknown(root, gateway, ocsp=[response])

    def test_an_expired_responder(self, root: Authority, gateway: Issued) -> None:
        response = root.ocsp(gateway, responder=root.responder(not_after=NOW - DAY))
        assert "expired" in unknown(root, gateway, ocsp=[response])

    def test_a_revoked_responder(self, root: Authority, gateway: Issued) -> None:
        responder = root.responder()
        accepted(root, gateway, [root.crl()], [root.ocsp(gateway, responder=responder)])
        response = root.ocsp(gateway, responder=responder)
        crl = root.crl([responder], next_update=NOW - HOUR)
        assert "which is revoked" in unknown(root, gateway, [crl], [response])

    def test_a_weak_responder(self, root: Authority, gateway: Issued) -> None:
        response = root.ocsp(gateway, responder=root.responder(key=rsa_key(1024)))
        assert "1024 bits" in unknown(root, gateway, ocsp=[response])

    def test_an_error_is_no_answer(self, root: Authority, gateway: Issued) -> None:
        busy = OCSPResponseBuilder.build_unsuccessful(OCSPResponseStatus.TRY_LATER)
        der = busy.public_bytes(Encoding.DER)
        trust = TrustStore.from_pem(root.pem, revocation=RevocationPolicy.REQUIRED)
        with pytest.raises(CertificateError) as caught:
            verify(trust, gateway.chain_der, GW1, NOW, ocsp=[der])
        assert caught.value.reason is CertificateProblem.REVOCATION_UNKNOWN
        with pytest.raises(ValueError, match="TRY_LATER"):
            TrustStore.from_pem(root.pem, ocsp=[der])


class TestSources:
    """`revocation_sources`: the other kind is as good as not there, wherever it comes from."""

    @pytest.mark.parametrize(
        ("source", "other", "missing"),
        [("crl", "ocsp", "no CRL of"), ("ocsp", "crl", "no OCSP response of")],
    )
    def test_one_of_them_counts(
        self, root: Authority, gateway: Issued, source: str, other: str, missing: str
    ) -> None:
        good = {"crl": {"crls": [root.crl()]}, "ocsp": {"ocsp": [root.ocsp(gateway)]}}
        revoked = {
            "crl": {"crls": [root.crl([gateway])]},
            "ocsp": {"ocsp": [root.ocsp(gateway, OCSPCertStatus.REVOKED)]},
        }
        sources = [RevocationSource(source)]
        for given in (good[source], good[source] | revoked[other]):
            accepted(root, gateway, **given, sources=sources)
        assert missing in str(refused(root, gateway, **good[other], sources=sources))
        failure = refused(root, gateway, **revoked[source], **good[other], sources=sources)
        assert failure.reason is CertificateProblem.REVOKED

    def test_a_crl_counts_for_the_signer_of_a_response(
        self, root: Authority, gateway: Issued
    ) -> None:
        responder = root.responder()
        response = root.ocsp(gateway, responder=responder)
        crl = root.crl([responder])
        sources = [RevocationSource.OCSP]
        assert "which is revoked" in str(refused(root, gateway, [crl], [response], sources=sources))


def test_much_is_refused(root: Authority, gateway: Issued) -> None:
    trust = TrustStore.from_pem(root.pem)
    for sent in ({"crls": [root.crl()] * 9}, {"ocsp": [bytes(65536)]}):
        with pytest.raises(CertificateError) as caught:
            verify(trust, gateway.chain_der, GW1, NOW, **sent)
        assert caught.value.reason is CertificateProblem.MALFORMED


def test_what_the_peer_sends_and_cannot_be_read_counts_as_not_sent(
    root: Authority, gateway: Issued
) -> None:
    trust = TrustStore.from_pem(root.pem, revocation=RevocationPolicy.REQUIRED)
    good = root.crl()
    assert verify(trust, gateway.chain_der, GW1, NOW, crls=[b"", b"\x30\x00", good], ocsp=[b"x"])
    with pytest.raises(CertificateError, match="no CRL or OCSP"):
        verify(trust, gateway.chain_der, GW1, NOW, crls=[good[:-1]], ocsp=[b"\x30\x03\x0a\x01\x00"])


def test_the_ca_s_clock_and_ours(root: Authority) -> None:
    """A CRL of a year ago does not speak for today."""
    leaf = root.issue(names=["gw1.example"])
    old = root.crl(this_update=NOW - YEAR, next_update=NOW - YEAR + DAY)
    assert "stale" in unknown(root, leaf, [old])
