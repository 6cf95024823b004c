"""Paths from a peer's certificate to a trust anchor (RFC 5280 §6, RFC 4945 §5.1)."""

from __future__ import annotations

from base64 import b64decode
from datetime import datetime, timedelta

import pytest
from authority import (
    DAY,
    IPSEC_IKE,
    NOW,
    YEAR,
    Authority,
    Issued,
    key_usage,
    rsa_key,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from ike.pki import CertificateError, CertificateProblem, RevocationPolicy, TrustStore, verify
from ike.types import Identity

GW1 = Identity.from_text("gw1.example")
SECOND = timedelta(seconds=1)

# Made with OpenSSL: the library signs no certificate with SHA-1.
SHA1_ROOT = b64decode(
    "MIIBhjCCASugAwIBAgIUD1a6Fg+gb7eslbufo4uY75dZBhcwCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEUm9vdDAg"
    "Fw0yNjExMjQxMTMxNTFaGA8yMTI2MTAzMTExMzE1MVowDzENMAsGA1UEAwwEUm9vdDBZMBMGByqGSM49AgEGCCqG"
    "SM49AwEHA0IABPR4sclj0ac1S5yNhYtEBQqLoVmt30GSI+0kawUSz5wnXKppKkTOsxdrIXyWoYlg50+y9jKlsA8q"
    "JU0px8sfAAKjYzBhMB0GA1UdDgQWBBTgcaHXVCt8AlJtKlLmBdZIuq7stDAfBgNVHSMEGDAWgBTgcaHXVCt8AlJt"
    "KlLmBdZIuq7stDAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwICBDAKBggqhkjOPQQDAgNJADBGAiEAyT62"
    "x7hJbEbpfCXVyfVU7EeFRJ7Nxw10/R83MNp9k5cCIQD9gHRmCXosgG+KUf4Dq14S4Vk55Rb5G4Q9ZFYHeILK0Q=="
)
SHA1_LEAF = b64decode(
    "MIIBejCCASCgAwIBAgIUO/I/giXpTHKsnb0xze8QBYocdw4wCQYHKoZIzj0EATAPMQ0wCwYDVQQDDARSb290MCAX"
    "DTI2MTEyNDExMzE1MVoYDzIxMjUwNjE4MTEzMTUxWjAOMQwwCgYDVQQDDANndzEwWTATBgcqhkjOPQIBBggqhkjO"
    "PQMBBwNCAAQ2QY+RLGCeQa+OVkguoQzlZdEneVWENYp64DJO1ye/Qcddstg6dXfrnm5ql0XQYK84CKl2jEsTB7lE"
    "K9S7cdoeo1owWDAWBgNVHREEDzANggtndzEuZXhhbXBsZTAdBgNVHQ4EFgQUAtYL9ALX7ZrExeXebIba9wRMDWQw"
    "HwYDVR0jBBgwFoAU4HGh11QrfAJSbSpS5gXWSLqu7LQwCQYHKoZIzj0EAQNJADBGAiEAl4yP3xQCOZMytHC2NoGd"
    "wTPUTdmWugozq+v7r0LcttQCIQDdA4AomlWTMVi8Snopc4iPkPazD6O/XvOjDjAw1DGqHA=="
)


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def sub(root: Authority) -> Authority:
    return root.authority()


@pytest.fixture(scope="module")
def gateway(sub: Authority) -> Issued:
    return sub.issue(names=["gw1.example"])


def trusting(*anchors: Issued, **options: object) -> TrustStore:
    pem = b"".join(anchor.pem for anchor in anchors)
    return TrustStore.from_pem(pem, **options)  # type: ignore[arg-type]  # passed on


def refused(
    trust: TrustStore, certificates: list[bytes], at: datetime = NOW, identity: Identity = GW1
) -> CertificateError:
    with pytest.raises(CertificateError) as caught:
        verify(trust, certificates, identity, at)
    text = str(caught.value)
    assert text
    assert text.isprintable()
    return caught.value


class TestPaths:
    def test_a_path_through_an_intermediate_that_the_peer_sends(
        self, root: Authority, gateway: Issued
    ) -> None:
        leaf = verify(trusting(root), gateway.chain_der, GW1, NOW)
        assert leaf == gateway.certificate

    def test_an_intermediate_may_be_ours(
        self, root: Authority, sub: Authority, gateway: Issued
    ) -> None:
        trust = trusting(root, intermediates=sub.pem)
        assert verify(trust, [gateway.der], GW1, NOW) == gateway.certificate

    def test_an_intermediate_may_itself_be_the_anchor(
        self, sub: Authority, gateway: Issued
    ) -> None:
        assert verify(trusting(sub), [gateway.der], GW1, NOW) == gateway.certificate

    def test_certificates_after_the_leaf_come_in_any_order(self, root: Authority) -> None:
        lowest = root.authority("CN=A").authority("CN=B").authority("CN=C")
        leaf = lowest.issue(names=["gw1.example"])
        shuffled = [leaf.der, root.der, *reversed(leaf.chain_der[1:])]
        assert verify(trusting(root), shuffled, GW1, NOW) == leaf.certificate

    def test_a_missing_intermediate_is_named(
        self, root: Authority, sub: Authority, gateway: Issued
    ) -> None:
        error = refused(trusting(root), [gateway.der])
        assert error.reason is CertificateProblem.UNTRUSTED
        assert '"O=example, CN=Sub"' in str(error)

    def test_another_ca_is_not_trusted(self, gateway: Issued) -> None:
        stranger = Authority("CN=Stranger")
        assert refused(trusting(stranger), gateway.chain_der).reason is CertificateProblem.UNTRUSTED

    def test_a_look_alike_of_the_anchor_does_not_help(
        self, root: Authority, gateway: Issued
    ) -> None:
        """Same subject, same key identifier, another key."""
        key_id = x509.SubjectKeyIdentifier.from_public_key(root.key.public_key())
        forger = Authority(key=None)
        assert forger.name == root.name
        builder = (
            x509.CertificateBuilder()
            .subject_name(root.name)
            .issuer_name(root.name)
            .public_key(forger.key.public_key())
            .serial_number(root.certificate.serial_number)
            .not_valid_before(NOW - YEAR)
            .not_valid_after(NOW + YEAR)
            .add_extension(x509.BasicConstraints(True, None), critical=True)
            .add_extension(key_id, critical=False)
        )
        look_alike = Issued(builder.sign(forger.key, hashes.SHA256()), forger.key)
        leaf = forger.issue(names=["gw1.example"])
        error = refused(trusting(root), [leaf.der, look_alike.der])
        assert error.reason is CertificateProblem.UNTRUSTED
        trust = trusting(look_alike, root)
        assert verify(trust, gateway.chain_der, GW1, NOW) == gateway.certificate

    def test_a_self_signed_peer_is_not_trusted(self, root: Authority) -> None:
        peer = self_signed()
        assert refused(trusting(root), [peer.der]).reason is CertificateProblem.UNTRUSTED

    def test_a_peer_s_own_certificate_may_be_trusted(self) -> None:
        peer = self_signed()
        assert verify(trusting(peer), [peer.der], GW1, NOW) == peer.certificate

    def test_a_trusted_peer_is_no_ca(self) -> None:
        """It must not vouch for others."""
        peer = self_signed()
        issuer = Authority("CN=gw1", key=peer.key, ca=False, usage=None)
        leaf = issuer.issue("CN=gw2", names=["gw2.example"])
        error = refused(trusting(peer), [leaf.der], identity=Identity.from_text("gw2.example"))
        assert error.reason is CertificateProblem.USAGE
        assert "no CA" in str(error)

    def test_a_second_path_is_taken_where_the_first_fails(self, root: Authority) -> None:
        """A CA that is certified twice: once expired, once not (RFC 4158 §2.4)."""
        expired = root.authority(not_after=NOW - DAY)
        renewed = root.authority(key=expired.key)
        leaf = expired.issue(names=["gw1.example"])
        assert verify(trusting(root), [leaf.der, expired.der, renewed.der], GW1, NOW)

    @pytest.mark.parametrize("forged_first", [True, False])
    def test_the_reason_is_the_genuine_ca_s(self, root: Authority, forged_first: bool) -> None:
        """Not that of a look-alike that happens to be among the certificates."""
        expired = root.authority(not_after=NOW - DAY)
        look_alike = Authority("O=example, CN=Sub", not_after=NOW - DAY)
        leaf = expired.issue(names=["gw1.example"])
        authorities = [look_alike.der, expired.der]
        sent = [leaf.der, *(authorities if forged_first else reversed(authorities))]
        assert refused(trusting(root), sent).reason is CertificateProblem.EXPIRED

    def test_no_certificate(self, root: Authority) -> None:
        assert refused(trusting(root), []).reason is CertificateProblem.UNTRUSTED

    def test_the_time_needs_a_time_zone(self, root: Authority, gateway: Issued) -> None:
        with pytest.raises(ValueError, match="time zone"):
            verify(trusting(root), gateway.chain_der, GW1, NOW.replace(tzinfo=None))


def self_signed() -> Issued:
    peer = Authority(
        "CN=gw1",
        ca=False,
        basic_constraints=False,
        usage=key_usage("digital_signature"),
        extensions=[(x509.SubjectAlternativeName([x509.DNSName("gw1.example")]), False)],
    )
    return Issued(peer.certificate, peer.key)


class TestKeys:
    @pytest.mark.parametrize(
        ("ca_key", "leaf_key"),
        [
            (ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()),
            (ed448.Ed448PrivateKey.generate(), ed448.Ed448PrivateKey.generate()),
            (ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP521R1())),
            (rsa_key(), ed25519.Ed25519PrivateKey.generate()),
            (ed448.Ed448PrivateKey.generate(), rsa_key()),
        ],
        ids=["Ed25519", "Ed448", "P-384", "RSA", "Ed448 and RSA"],
    )
    def test_every_kind_of_key(self, ca_key: Issued, leaf_key: Issued) -> None:
        root = Authority(key=ca_key)  # type: ignore[arg-type]  # pytest's parameters
        leaf = root.authority().issue(names=["gw1.example"], key=leaf_key)  # type: ignore[arg-type]
        assert verify(trusting(root), leaf.chain_der, GW1, NOW) == leaf.certificate

    def test_rsassa_pss(self) -> None:
        root = Authority(key=rsa_key(), pss=True)
        leaf = root.issue(names=["gw1.example"], pss=True)
        assert verify(trusting(root), [leaf.der], GW1, NOW) == leaf.certificate

    def test_a_short_rsa_key_is_weak(self, root: Authority) -> None:
        leaf = root.issue(names=["gw1.example"], key=rsa_key(1024))
        error = refused(trusting(root), [leaf.der])
        assert error.reason is CertificateProblem.WEAK
        assert "1024 bits" in str(error)

    def test_a_short_rsa_key_of_a_ca_is_weak(self, root: Authority) -> None:
        sub = root.authority(key=rsa_key(1024))
        leaf = sub.issue(names=["gw1.example"])
        assert refused(trusting(root), leaf.chain_der).reason is CertificateProblem.WEAK

    def test_sha_1_is_weak(self) -> None:
        trust = TrustStore.from_pem(SHA1_ROOT)
        leaf = x509.load_der_x509_certificate(SHA1_LEAF)
        error = refused(trust, [SHA1_LEAF], leaf.not_valid_before_utc + DAY)
        assert error.reason is CertificateProblem.WEAK
        assert "SHA1" in str(error)

    def test_the_signature_of_an_anchor_does_not_count(self) -> None:
        """Old roots are signed with SHA-1: nothing relies on what they say of themselves."""
        root = Authority(key=rsa_key())
        with_sha256, with_sha1 = (bytes.fromhex(f"06092a864886f70d0101{n}") for n in ("0b", "05"))
        old = TrustStore.from_pem(root.der.replace(with_sha256, with_sha1))
        assert old.anchors[0].certificate != root.certificate
        leaf = root.issue(names=["gw1.example"])
        assert verify(old, [leaf.der], GW1, NOW) == leaf.certificate
        pinned = TrustStore.from_pem(SHA1_LEAF)
        at = pinned.anchors[0].not_before + DAY
        assert verify(pinned, [SHA1_LEAF], GW1, at) == pinned.anchors[0].certificate

    def test_a_curve_that_is_not_supported(self, root: Authority) -> None:
        leaf = root.issue(names=["gw1.example"], key=ec.generate_private_key(ec.SECP256K1()))
        error = refused(trusting(root), [leaf.der])
        assert error.reason is CertificateProblem.UNSUPPORTED
        assert "secp256k1" in str(error)


class TestValidity:
    def test_both_ends_are_included(self, root: Authority) -> None:
        leaf = root.issue(names=["gw1.example"], not_before=NOW, not_after=NOW + DAY)
        trust = trusting(root)
        assert verify(trust, [leaf.der], GW1, NOW)
        assert verify(trust, [leaf.der], GW1, NOW + DAY)
        early = refused(trust, [leaf.der], NOW - SECOND)
        assert early.reason is CertificateProblem.NOT_YET_VALID
        assert "2026-06-01 12:00:00 UTC" in str(early)
        late = refused(trust, [leaf.der], NOW + DAY + SECOND)
        assert late.reason is CertificateProblem.EXPIRED
        assert "2026-06-02 12:00:00 UTC" in str(late)

    def test_an_expired_intermediate(self, root: Authority) -> None:
        leaf = root.authority(not_after=NOW - DAY).issue(names=["gw1.example"])
        error = refused(trusting(root), leaf.chain_der)
        assert error.reason is CertificateProblem.EXPIRED
        assert '"O=example, CN=Sub"' in str(error)

    def test_an_expired_anchor(self) -> None:
        root = Authority(not_after=NOW - DAY)
        leaf = root.issue(names=["gw1.example"])
        assert refused(trusting(root), [leaf.der]).reason is CertificateProblem.EXPIRED

    def test_a_ca_that_is_not_yet_valid(self, root: Authority) -> None:
        leaf = root.authority(not_before=NOW + DAY).issue(names=["gw1.example"])
        assert refused(trusting(root), leaf.chain_der).reason is CertificateProblem.NOT_YET_VALID


class TestUsage:
    @pytest.mark.parametrize("bits", [("digital_signature",), ("content_commitment",)])
    def test_key_usage_for_ike(self, root: Authority, bits: tuple[str, ...]) -> None:
        """RFC 4945 §5.1.3.2."""
        leaf = root.issue(names=["gw1.example"], usage=key_usage(*bits))
        assert verify(trusting(root), [leaf.der], GW1, NOW)

    def test_no_key_usage_is_any(self, root: Authority) -> None:
        leaf = root.issue(names=["gw1.example"], usage=None, purposes=())
        assert verify(trusting(root), [leaf.der], GW1, NOW)

    def test_another_key_usage(self, root: Authority) -> None:
        leaf = root.issue(names=["gw1.example"], usage=key_usage("key_encipherment"))
        assert refused(trusting(root), [leaf.der]).reason is CertificateProblem.USAGE

    @pytest.mark.parametrize(
        "purpose",
        [
            IPSEC_IKE,
            ObjectIdentifier("1.3.6.1.5.5.8.2.2"),
            ExtendedKeyUsageOID.SERVER_AUTH,
            ExtendedKeyUsageOID.CLIENT_AUTH,
            ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
        ],
    )
    def test_extended_key_usage_for_ike(self, root: Authority, purpose: ObjectIdentifier) -> None:
        """RFC 4945 §5.1.3.12."""
        purposes = (ExtendedKeyUsageOID.CODE_SIGNING, purpose)
        leaf = root.issue(names=["gw1.example"], purposes=purposes)
        assert verify(trusting(root), [leaf.der], GW1, NOW)

    def test_another_extended_key_usage(self, root: Authority) -> None:
        leaf = root.issue(names=["gw1.example"], purposes=(ExtendedKeyUsageOID.CODE_SIGNING,))
        error = refused(trusting(root), [leaf.der])
        assert error.reason is CertificateProblem.USAGE
        assert "1.3.6.1.5.5.7.3.3" in str(error)

    def test_a_ca_bounded_to_other_purposes(self, root: Authority) -> None:
        mail = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        leaf = root.authority(extensions=[(mail, False)]).issue(names=["gw1.example"])
        assert refused(trusting(root), leaf.chain_der).reason is CertificateProblem.USAGE

    @pytest.mark.parametrize("basic", [True, False], ids=["cA false", "no basicConstraints"])
    def test_an_end_entity_that_issues(self, root: Authority, basic: bool) -> None:
        sub = root.authority(ca=False, basic_constraints=basic)
        leaf = sub.issue(names=["gw1.example"])
        error = refused(trusting(root), leaf.chain_der)
        assert error.reason is CertificateProblem.USAGE
        assert "no CA" in str(error)

    def test_a_ca_without_key_cert_sign(self, root: Authority) -> None:
        sub = root.authority(usage=key_usage("crl_sign", "digital_signature"))
        leaf = sub.issue(names=["gw1.example"])
        error = refused(trusting(root), leaf.chain_der)
        assert error.reason is CertificateProblem.USAGE
        assert "keyCertSign" in str(error)

    def test_path_length(self, root: Authority) -> None:
        """RFC 5280 §4.2.1.9."""
        last = root.authority("CN=A", path_length=0)
        leaf = last.issue(names=["gw1.example"])
        assert verify(trusting(root), leaf.chain_der, GW1, NOW)
        below = last.authority("CN=B").issue(names=["gw1.example"])
        error = refused(trusting(root), below.chain_der)
        assert error.reason is CertificateProblem.USAGE
        assert '"CN=A", which allows 0' in str(error)

    def test_a_ca_s_certificate_for_itself_does_not_count(self, root: Authority) -> None:
        """RFC 5280 §6.1.4 (l): a CA that changes its key."""
        old = root.authority("CN=A", path_length=0)
        new = old.authority("CN=A")
        leaf = new.issue(names=["gw1.example"])
        sent = [leaf.der, new.der, old.der]
        assert verify(trusting(root), sent, GW1, NOW) == leaf.certificate

    def test_path_length_of_an_anchor(self) -> None:
        root = Authority(path_length=0)
        leaf = root.authority().issue(names=["gw1.example"])
        assert refused(trusting(root), leaf.chain_der).reason is CertificateProblem.USAGE

    @pytest.mark.parametrize("where", ["leaf", "CA", "anchor"])
    def test_an_unknown_critical_extension(self, where: str) -> None:
        unknown = [(x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\5\0"), True)]
        root = Authority(extensions=unknown if where == "anchor" else ())
        sub = root.authority(extensions=unknown if where == "CA" else ())
        leaf = sub.issue(names=["gw1.example"], extensions=unknown if where == "leaf" else ())
        error = refused(trusting(root), leaf.chain_der)
        assert error.reason is CertificateProblem.UNSUPPORTED
        assert "1.2.3.4" in str(error)

    def test_an_unknown_extension_that_is_not_critical(self, root: Authority) -> None:
        unknown = [(x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\5\0"), False)]
        leaf = root.issue(names=["gw1.example"], extensions=unknown)
        assert verify(trusting(root), [leaf.der], GW1, NOW)

    def test_policies_are_accepted_unless_required(self, root: Authority) -> None:
        """RFC 5280 §6.1.1: any policy is acceptable, none is needed."""
        policy = x509.PolicyInformation(ObjectIdentifier("1.2.3.4"), None)
        policies = [(x509.CertificatePolicies([policy]), True)]
        sub = root.authority(extensions=policies)
        leaf = sub.issue(names=["gw1.example"], extensions=policies)
        assert verify(trusting(root), leaf.chain_der, GW1, NOW)
        required = x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None)
        strict = root.authority(extensions=[(required, True)])
        leaf = strict.issue(names=["gw1.example"])
        assert refused(trusting(root), leaf.chain_der).reason is CertificateProblem.UNSUPPORTED


def test_identity_is_matched(root: Authority, gateway: Issued) -> None:
    error = refused(trusting(root), gateway.chain_der, identity=Identity.from_text("gw2.example"))
    assert error.reason is CertificateProblem.IDENTITY
    assert "gw1.example, not for gw2.example" in str(error)


def test_revocation_can_be_off(root: Authority, sub: Authority, gateway: Issued) -> None:
    revoking = {"crls": [sub.crl([gateway])]}
    assert refused(trusting(root, **revoking), gateway.chain_der).reason is (
        CertificateProblem.REVOKED
    )
    trust = trusting(root, revocation=RevocationPolicy.OFF, **revoking)
    assert verify(trust, gateway.chain_der, GW1, NOW) == gateway.certificate
