"""Our own certificates and keys, and the trust store, from the contents of files."""

from __future__ import annotations

import hashlib
import pickle
from datetime import timedelta

import pytest
from authority import NOW, Authority, Issued, p256_key, rsa_key
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from ike.pki import Credential, LoadError, RevocationPolicy, TrustStore, identity_matches
from ike.pki.describe import describe
from ike.types import Identity, IdType, Secret

PASSPHRASE = Secret(b"correct horse")


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def gateway(root: Authority) -> Issued:
    return root.authority("CN=A").authority("CN=B").issue(names=["gw1.example"])


class TestCredential:
    @pytest.mark.parametrize(
        "key",
        [
            rsa_key(),
            p256_key(),
            ec.generate_private_key(ec.SECP384R1()),
            ec.generate_private_key(ec.SECP521R1()),
            ed25519.Ed25519PrivateKey.generate(),
            ed448.Ed448PrivateKey.generate(),
        ],
        ids=lambda key: type(key).__name__,
    )
    def test_every_kind_of_key(self, root: Authority, key: ed25519.Ed25519PrivateKey) -> None:
        leaf = root.issue(key=key)
        credential = Credential.from_pem(leaf.pem, leaf.key_pem)
        assert credential.leaf == leaf.certificate
        assert credential.private_key.public_key() == key.public_key()

    @pytest.mark.parametrize(
        ("encoding", "form", "passphrase"),
        [  # PKCS #1 and SEC 1 have no encrypted DER
            (Encoding.PEM, PrivateFormat.PKCS8, None),
            (Encoding.PEM, PrivateFormat.PKCS8, PASSPHRASE),
            (Encoding.PEM, PrivateFormat.TraditionalOpenSSL, None),
            (Encoding.PEM, PrivateFormat.TraditionalOpenSSL, PASSPHRASE),
            (Encoding.DER, PrivateFormat.PKCS8, None),
            (Encoding.DER, PrivateFormat.PKCS8, PASSPHRASE),
            (Encoding.DER, PrivateFormat.TraditionalOpenSSL, None),
        ],
    )
    def test_every_form_of_key(
        self,
        gateway: Issued,
        encoding: Encoding,
        form: PrivateFormat,
        passphrase: Secret | None,
    ) -> None:
        encoded = gateway.encoded_key(encoding, form, passphrase and passphrase.reveal())
        credential = Credential.from_pem(gateway.chain_pem, encoded, passphrase)
        assert credential.leaf == gateway.certificate

    def test_der_certificate(self, gateway: Issued) -> None:
        assert Credential.from_pem(gateway.der, gateway.key_pem).chain == (gateway.certificate,)

    def test_the_chain_is_put_in_order_without_root_and_strays(
        self, root: Authority, gateway: Issued
    ) -> None:
        pems = [each.public_bytes(Encoding.PEM) for each in reversed(gateway.above)]
        content = b"".join([root.pem, *pems, root.issue().pem, b"# text\n", gateway.pem])
        credential = Credential.from_pem(content, gateway.key_pem)
        assert credential.chain == (gateway.certificate, *gateway.above)

    def test_a_self_signed_leaf_stays(self) -> None:
        peer = Authority("CN=gw1", ca=False)
        assert Credential.from_pem(peer.pem, peer.key_pem).chain == (peer.certificate,)

    def test_the_subject_as_identity(self, gateway: Issued) -> None:
        credential = Credential.from_pem(gateway.pem, gateway.key_pem)
        assert credential.subject.id_type is IdType.DER_ASN1_DN
        assert str(credential.subject) == "C=CH, O=example, CN=gw1"
        assert identity_matches(credential.leaf, credential.subject)

    def test_comparison_is_by_certificates(self, root: Authority, gateway: Issued) -> None:
        one = Credential.from_pem(gateway.chain_pem, gateway.key_pem)
        other = Credential.from_pem(gateway.chain_pem, gateway.key_pem)
        assert one == other
        assert hash(one) == hash(other)
        assert one != Credential.from_pem(gateway.pem, gateway.key_pem)
        assert one != Credential.from_pem((leaf := root.issue()).pem, leaf.key_pem)

    def test_no_repr_shows_the_key(self, gateway: Issued) -> None:
        credential = Credential.from_pem(gateway.pem, gateway.key_pem)
        assert "Key" not in repr(credential)
        with pytest.raises(TypeError):
            pickle.dumps(credential)

    def test_errors_say_what_is_wrong(self, root: Authority, gateway: Issued) -> None:
        cert, key = gateway.pem, gateway.key_pem
        sealed = gateway.encoded_key(passphrase=PASSPHRASE.reveal())
        weak = root.issue(key=rsa_key(1024))
        odd = ec.generate_private_key(ec.SECP256K1())
        for certificates, private_key, passphrase, why in (
            (b"", key, None, "no certificate"),
            (b"hello", key, None, "no certificate"),
            (key, key, None, "no certificate"),
            (cert[:-60], key, None, "no certificate"),
            (cert, b"", None, "no private key"),
            (cert, cert, None, "no private key"),
            (cert, sealed, None, "encrypted, and no passphrase"),
            (cert, sealed, Secret(b"wrong"), "passphrase is wrong"),
            (cert, key, PASSPHRASE, "not encrypted"),
            (cert, root.key_pem, None, 'fits no certificate: not "C=CH, O=example, CN=gw1"'),
            (weak.pem, weak.key_pem, None, "1024 bits"),
            (root.issue(key=odd).pem, key, None, "secp256k1"),
            (cert, pkcs8(odd), None, "secp256k1"),
            (cert, pkcs8(x25519.X25519PrivateKey.generate()), None, "a X25519 key"),
        ):
            with pytest.raises(LoadError, match=why):
                Credential.from_pem(certificates, private_key, passphrase)


def pkcs8(key: ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class TestTrustStore:
    def test_bundles_are_read_once(self, root: Authority, gateway: Issued) -> None:
        other = Authority("CN=Other")
        store = TrustStore.from_pem(
            root.pem + other.pem + root.pem, intermediates=gateway.chain_pem, crls=[root.crl()]
        )
        assert [each.certificate for each in store.anchors] == [
            root.certificate,
            other.certificate,
        ]
        assert len(store.intermediates) == 3
        assert len(store.crls) == 1

    def test_it_compares_by_contents(self, root: Authority, gateway: Issued) -> None:
        crl, answer = root.crl(), root.ocsp(gateway)

        def store(**options: object) -> TrustStore:
            given = {"crls": [crl], "ocsp": [answer], **options}
            return TrustStore.from_pem(root.pem, **given)  # type: ignore[arg-type]  # passed on

        assert store() == store()
        assert hash(store()) == hash(store())
        assert store() != store(crls=[root.crl(next_update=NOW + timedelta(days=9))])
        assert store() != store(ocsp=[])
        assert store() != store(revocation=RevocationPolicy.REQUIRED)
        assert store() != store(intermediates=gateway.pem)

    def test_certificate_authorities(self, root: Authority) -> None:
        """RFC 7296 §3.7: SHA-1 of the SubjectPublicKeyInfo."""
        spki = root.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        store = TrustStore.from_pem(root.pem)
        assert store.certificate_authorities == (hashlib.sha1(spki).digest(),)

    def test_errors_say_what_is_wrong(self, root: Authority) -> None:
        delta = root.crl(extensions=[(x509.DeltaCRLIndicator(1), True)])
        for anchors, options, why in (
            (b"", {}, "no certificate"),
            (b"\x30\x00", {}, "no certificate"),
            (Authority(key=rsa_key(1024)).pem, {}, "1024 bits"),
            (root.pem, {"intermediates": b"x"}, "no certificate"),
            (root.pem, {"crls": [b"x"]}, "no CRL"),
            (root.pem, {"crls": [b""]}, "no CRL"),
            (root.pem, {"crls": [b"-----BEGIN X509 CRL-----\n!\n"]}, "no CRL"),
            (root.pem, {"crls": [delta]}, 'the CRL of "C=CH, O=example, CN=Root" is a delta CRL'),
            (root.pem, {"ocsp": [b"x"]}, "no OCSP response"),
        ):
            with pytest.raises(LoadError, match=why):
                TrustStore.from_pem(anchors, **options)  # type: ignore[arg-type]  # a test's table


class TestDescription:
    def test_one_line(self, root: Authority) -> None:
        leaf = root.issue(key=rsa_key(), serial=0xBEEF)
        text = describe(leaf.certificate)
        assert text.startswith(
            'subject "C=CH, O=example, CN=gw1", issuer "C=CH, O=example, CN=Root",'
            " serial number beef, valid from 2025-06-01 12:00:00 UTC to 2027-06-01 12:00:00 UTC,"
            " key RSA 2048 bits, SHA-256 "
        )
        digest = hashlib.sha256(leaf.der).hexdigest()
        assert text.replace(":", "").lower().endswith(digest)
        assert "key ECDSA P-256" in describe(root.certificate)

    def test_hostile_names_stay_in_the_line(self) -> None:
        attribute = x509.NameAttribute(x509.NameOID.COMMON_NAME, "gw1\nsubject \x1b[2J")
        name = x509.Name([attribute])
        certificate = (
            x509.CertificateBuilder(name, name, p256_key().public_key(), 1)
            .not_valid_before(NOW)
            .not_valid_after(NOW)
            .sign(p256_key(), hashes.SHA256())
        )
        assert describe(certificate).isprintable()

    def test_a_malformed_certificate(self, root: Authority) -> None:
        broken = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"\x30\x03\x82\x05a")
        text = describe(root.issue(extensions=[(broken, False)]).certificate)
        assert "cannot be read" in text
        assert text.isprintable()


def test_identity_of_an_address(root: Authority) -> None:
    leaf = root.issue(names=["192.0.2.1"])
    assert identity_matches(leaf.certificate, Identity.from_text("192.0.2.1"))
