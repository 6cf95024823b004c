"""``crypto pki trustpoint``: files read with the configuration, each error in its place."""

from pathlib import Path

import pytest

from controller.config.authentication import AuthenticationMethod, schemes_of
from controller.config.loader import parse_config
from controller.config.problems import ConfigError
from controller.config.trustpoints import Trustpoint
from controller.policy.compile import compile_policy
from controller.policy.model import CertificateUse, Policy
from ike.config import CertificateCredential, NullAuthentication, SignatureScheme
from ike.config import TrustedCertificate as Trusted
from ike.pki import RevocationPolicy, RevocationSource
from ike.types import NULL_IDENTITY, Identity
from tests.ike.authority import Authority, Issued, p256_key, rsa_key

BASE = """\
hostname: R1
switch: {address: "127.0.0.1:9559"}
interfaces:
  Ethernet1: {port: 2, ip_address: 192.0.2.1/24, crypto_map: m}
access_lists: {a: [permit ip 10.1.0.0 0.0.0.255 192.0.2.0 0.0.0.255]}
transform_sets: {strong: esp-gcm 256}
crypto_maps:
  m:
    10: {type: ipsec-isakmp, set_peer: 192.0.2.2, set_transform_set: strong, match_address: a}
"""


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority("O=example, CN=Root")


@pytest.fixture(scope="module")
def gateway(root: Authority) -> Issued:
    return root.issue("O=example, CN=r1", names=["r1.example.com"])


@pytest.fixture
def folder(tmp_path: Path, root: Authority, gateway: Issued) -> Path:
    for name, content in {
        "ca.pem": root.pem,
        "r1.pem": gateway.chain_pem,
        "r1.key": gateway.key_pem,
        "locked.key": gateway.encoded_key(passphrase=b"open sesame"),
        "locked.pass": b"open sesame\n",
        "other.key": root.issue("CN=x", key=p256_key()).key_pem,
        "lab.crl": root.crl(),
        "r1.ocsp": root.ocsp(gateway),
        "text": b"hello",
        "empty": b"",
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        path.chmod(0o600)
    return tmp_path


def trustpoint(folder: Path, keys: str) -> Trustpoint:
    config = parse_config(f"{BASE}crypto_pki_trustpoints:\n  lab: {{{keys}}}\n", "r1.yaml", folder)
    return config.crypto_pki_trustpoints["lab"]


def compiled(folder: Path, isakmp: str, keys: str | None = None) -> Policy:
    files = keys or "ca_file: ca.pem, certificate_file: r1.pem, key_file: r1.key"
    text = f"{BASE}crypto_pki_trustpoints:\n  lab: {{{files}}}\nisakmp: {{{isakmp}}}\n"
    return compile_policy(parse_config(text, "r1.yaml", folder))


def test_all_that_a_trustpoint_can_have(folder: Path, gateway: Issued) -> None:
    loaded = trustpoint(
        folder,
        "ca_file: ca.pem, certificate_file: r1.pem, key_file: locked.key, "
        "key_passphrase_file: locked.pass, crl_files: [lab.crl], ocsp_response_files: r1.ocsp, "
        "revocation_check: crl ocsp",
    )
    assert loaded.credential is not None
    assert loaded.credential.leaf == gateway.certificate
    assert loaded.trust is not None
    assert len(loaded.trust.crls) == len(loaded.trust.ocsp) == 1
    assert loaded.trust.revocation is RevocationPolicy.REQUIRED
    assert "PRIVATE KEY" not in repr(loaded)


CRL, OCSP = RevocationSource


@pytest.mark.parametrize(
    ("words", "expected", "sources"),
    [
        ("none", RevocationPolicy.OFF, None),
        ("crl none", RevocationPolicy.IF_AVAILABLE, {CRL}),
        ("[ocsp, crl]", RevocationPolicy.REQUIRED, {CRL, OCSP}),
        ("ocsp", RevocationPolicy.REQUIRED, {OCSP}),
        ("crl ocsp none", RevocationPolicy.IF_AVAILABLE, {CRL, OCSP}),
    ],
)
def test_revocation_check(
    folder: Path, words: str, expected: RevocationPolicy, sources: set[RevocationSource] | None
) -> None:
    trust = trustpoint(folder, f"ca_file: ca.pem, revocation_check: {words}").trust
    assert trust is not None
    assert trust.revocation is expected
    assert sources is None or trust.revocation_sources == sources


def test_what_is_not_checked_may_have_files(folder: Path) -> None:
    """Somebody turns the check off for a while."""
    trust = trustpoint(folder, "ca_file: ca.pem, crl_files: lab.crl, revocation_check: none").trust
    assert trust is not None
    assert trust.revocation is RevocationPolicy.OFF


@pytest.mark.parametrize(
    ("keys", "field", "expected"),
    [
        ("ca_file: nothing.pem", "ca_file", "can't be read: No such file"),
        ("ca_file: empty", "ca_file", "is empty"),
        ("ca_file: text", "ca_file", "no certificate in PEM or DER"),
        ("ca_file: ca.pem, crl_files: [lab.crl, text]", "crl_files[1]", "no CRL in PEM or DER"),
        ("ca_file: ca.pem, ocsp_response_files: text", "ocsp_response_files", "no OCSP response"),
        ("ca_file: ca.pem, revocation_check: none crl", "revocation_check", "none at the end"),
        ("ca_file: ca.pem, revocation_check: dane", "revocation_check", "expected crl, ocsp, none"),
        (
            "ca_file: ca.pem, crl_files: lab.crl, revocation_check: ocsp",
            "",
            "'crl_files' don't count: 'revocation_check' has no crl",
        ),
        (
            "ca_file: ca.pem, ocsp_response_files: r1.ocsp, revocation_check: crl none",
            "",
            "'ocsp_response_files' don't count: 'revocation_check' has no ocsp",
        ),
        ("certificate_file: r1.pem", "", "'certificate_file' and 'key_file' go together"),
        ("revocation_check: crl", "", "expected 'ca_file', or 'certificate_file' and 'key_file'"),
        ("certificate_file: r1.pem, key_file: other.key", "", "the private key fits no certif"),
        ("certificate_file: r1.pem, key_file: locked.key", "", "is encrypted, and no passphrase"),
        ("certificate_file: r1.pem, key_file: text", "", "no private key in PEM or DER"),
    ],
)
def test_errors_have_their_place(folder: Path, keys: str, field: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        trustpoint(folder, keys)
    (problem,) = caught.value.problems
    assert problem.field == f"crypto_pki_trustpoints.lab.{field}".rstrip(".")
    assert (problem.file, problem.line) == ("r1.yaml", 11)
    assert expected in problem.message


def test_a_private_key_that_everybody_can_read_is_refused(folder: Path) -> None:
    (folder / "r1.key").chmod(0o644)
    with pytest.raises(ConfigError, match=r"key_file: .*can be read by every user"):
        trustpoint(folder, "certificate_file: r1.pem, key_file: r1.key")


def test_authentication_by_certificates(folder: Path, gateway: Issued) -> None:
    policy = compiled(folder, "authentication: signature, ca_trust_point: lab, identity: dn")
    (peer,) = policy.peers
    assert isinstance(peer.local_authentication, CertificateCredential)
    assert peer.local_authentication.credential.leaf == gateway.certificate
    assert all(s.value.startswith("ecdsa") for s in peer.local_authentication.schemes)
    assert isinstance(peer.remote_authentication, Trusted)
    assert peer.local_identity == Identity.from_text("O=example, CN=r1")
    assert peer.remote_identity == Identity.from_text("192.0.2.2")
    assert [(one.trustpoint, one.use) for one in policy.certificates] == [
        ("lab", CertificateUse.OWN),
        ("lab", CertificateUse.AUTHORITY),
    ]


def test_the_profile_of_the_longest_prefix_wins(folder: Path) -> None:
    (peer,) = compiled(
        folder,
        "keys: [{address: 0.0.0.0/0, key: k}], profiles: {"
        "all: {match_identity_address: 192.0.2.0/24, authentication: pre-share},"
        "one: {match_identity_address: 192.0.2.2, ca_trust_point: lab, identity: r2.example.com,"
        " authentication: {local: ecdsa-sig, remote: none}}}",
    ).peers
    assert isinstance(peer.local_authentication, CertificateCredential)
    assert isinstance(peer.remote_authentication, NullAuthentication)
    assert peer.remote_identity == NULL_IDENTITY
    assert peer.origin == "r1.yaml:12"


@pytest.mark.parametrize(
    ("isakmp", "files", "field", "expected"),
    [
        ("authentication: rsa-sig, ca_trust_point: lab", None, "authentication", "not for the tr"),
        ("authentication: ecdsa-sig", None, "authentication", "ecdsa-sig needs a 'ca_trust_point'"),
        (
            "authentication: {local: ecdsa-sig, remote: signature}, ca_trust_point: lab",
            "certificate_file: r1.pem, key_file: r1.key",
            "authentication",
            "signature needs a 'ca_trust_point' with a 'ca_file'",
        ),
        ("identity: dn, keys: [{address: 192.0.2.2, key: k}]", None, "identity", "'dn' is the su"),
        ("authentication: kerberos", None, "authentication", "expected one of pre-share, rsa-sig"),
        ("ca_trust_point: lba", None, "ca_trust_point", "did you mean 'lab'?"),
    ],
)
def test_what_does_not_fit_together(
    folder: Path, isakmp: str, files: str | None, field: str, expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        compiled(folder, isakmp, files)
    problem = caught.value.problems[0]
    assert problem.field == f"isakmp.{field}"
    assert expected in problem.message
    assert problem.line > 0


def test_an_identity_that_our_certificate_is_not_for_is_a_warning(folder: Path) -> None:
    """The peer would refuse it, and only its operator would see why."""
    isakmp = "authentication: signature, ca_trust_point: lab, identity: "
    (warning,) = compiled(folder, isakmp + "r9.example.com").warnings
    assert warning.message.startswith("our certificate is not for r9.example.com")
    assert compiled(folder, isakmp + "R1.example.com").warnings == ()


def test_null_authentication_is_a_warning(folder: Path) -> None:
    policy = compiled(folder, "authentication: none")
    assert any("whoever answers" in warning.message for warning in policy.warnings)
    assert policy.peers[0].local_identity == NULL_IDENTITY


def test_the_methods_of_ios_and_their_schemes() -> None:
    everything = set(SignatureScheme) - {SignatureScheme.RSA_PKCS1_SHA1}
    assert set(schemes_of(AuthenticationMethod.SIGNATURE, legacy=False)) == everything
    assert schemes_of(AuthenticationMethod.EDDSA_SIG, legacy=False) == (
        SignatureScheme.ED448,
        SignatureScheme.ED25519,
    )
    rsa = schemes_of(AuthenticationMethod.RSA_SIG, legacy=True)
    assert rsa[-1] is SignatureScheme.RSA_PKCS1_SHA1
    assert rsa_key().key_size == 2048


def test_the_example(folder: Path) -> None:
    example = Path(__file__).parents[3] / "examples" / "certificates.yaml"
    policy = compile_policy(parse_config(example.read_text(), "certificates.yaml", folder))
    assert policy.warnings == ()
    (peer,) = policy.peers
    assert str(peer.local_identity) == "r1.example.com"
    assert str(peer.remote_identity) == "r2.example.com"
