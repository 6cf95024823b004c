"""Which identities a certificate is for (RFC 4945 §3.1, RFC 7296 §3.5)."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from authority import Authority, name_of
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from ike.distinguished_name import read_name
from ike.pki import identity_matches
from ike.types import Identity, IdType

NAMES = ["gw1.example", "*.wild.example", "noc@Mail.Example", "192.0.2.1", "2001:db8::1"]
GATEWAY = Authority().issue("C=CH, O=Example AG, CN=gw9.example", names=NAMES)


def named(id_type: IdType, data: bytes) -> Identity:
    return Identity(id_type, data)


@pytest.mark.parametrize(
    "text",
    [
        "gw1.example",
        "GW1.Example",
        "noc@mail.example",
        "noc@MAIL.example",
        "192.0.2.1",
        "2001:db8:0::1",
        "C=CH, O=Example AG, CN=gw9.example",
        "C=ch, O=EXAMPLE  ag, CN=GW9.example",
    ],
)
def test_an_identity_of_the_certificate(text: str) -> None:
    assert identity_matches(GATEWAY.certificate, Identity.from_text(text))


@pytest.mark.parametrize(
    "text",
    [
        "gw2.example",
        "gw1.example.",
        "gw1.example.net",
        "a.wild.example",  # wildcards mean nothing to IKE
        "*.wild.example",
        "gw9.example",  # a common name is no host name
        "NOC@mail.example",  # the local part cares for case
        "noc@other.example",
        "mail.example",
        "192.0.2.2",
        "2001:db8::2",
        "C=CH, O=Example AG",
        "O=Example AG, C=CH, CN=gw9.example",
        "CN=gw9.example",
        "C=CH, O=Example AG, CN=gw9.example, CN=x",
    ],
)
def test_another_identity(text: str) -> None:
    assert not identity_matches(GATEWAY.certificate, Identity.from_text(text))


@pytest.mark.parametrize(
    ("id_type", "data"),
    [
        (IdType.IPV4_ADDR, ip_address("2001:db8::1").packed),
        (IdType.IPV6_ADDR, ip_address("192.0.2.1").packed),
        (IdType.IPV6_ADDR, ip_address("::ffff:192.0.2.1").packed),
        (IdType.IPV4_ADDR, b"192.0.2.1"),
        (IdType.IPV4_ADDR, b"\xc0\x00\x02"),
        (IdType.FQDN, b""),
        (IdType.FQDN, b"192.0.2.1"),
        (IdType.FQDN, b"gw1.example\x00"),
        (IdType.FQDN, b"gw1.example\x00.evil"),
        (IdType.FQDN, "gw1.exämple".encode()),
        (IdType.FQDN, b"noc@mail.example"),
        (IdType.RFC822_ADDR, b"gw1.example"),
        (IdType.RFC822_ADDR, b"noc@mail.example\n"),
        (IdType.DER_ASN1_DN, b""),
        (IdType.DER_ASN1_DN, b"\x30\x00"),
        (IdType.DER_ASN1_DN, read_name("C=CH, O=Example AG, CN=gw9.example") + b"\x00"),
        (IdType.DER_ASN1_DN, read_name("C=CH, O=Example AG, CN=gw9.example")[:-1]),
        (IdType.DER_ASN1_GN, b"\x82\x0bgw1.example"),
        (IdType.KEY_ID, b""),
        (IdType.KEY_ID, b"gw1.example"),
    ],
)
def test_an_identity_of_the_wrong_form(id_type: IdType, data: bytes) -> None:
    """Short and malformed names took another implementation down (CVE-2013-6075)."""
    assert not identity_matches(GATEWAY.certificate, named(id_type, data))


def test_key_id_is_the_subject_key_identifier() -> None:
    key_id = x509.SubjectKeyIdentifier.from_public_key(GATEWAY.key.public_key()).digest
    assert identity_matches(GATEWAY.certificate, named(IdType.KEY_ID, key_id))
    assert not identity_matches(GATEWAY.certificate, named(IdType.KEY_ID, key_id[:-1]))


def test_string_types_of_a_name_do_not_count() -> None:
    """Peers encode a configured name as they like; CAs choose PrintableString or UTF8String."""
    utf8 = read_name("CN=gw1")
    assert utf8[-5:-3] == b"\x0c\x03"
    printable = utf8[:-5] + b"\x13\x03" + utf8[-3:]
    certificate = Authority().issue("CN=gw1").certificate
    assert identity_matches(certificate, named(IdType.DER_ASN1_DN, printable))


def test_a_certificate_without_names() -> None:
    """An empty subject is no name that anybody can be."""
    bare = Authority().issue("", names=["gw1.example"]).certificate
    assert identity_matches(bare, Identity.from_text("gw1.example"))
    assert not identity_matches(bare, named(IdType.DER_ASN1_DN, b"\x30\x00"))
    anonymous = Authority().issue("CN=gw1").certificate
    assert not identity_matches(anonymous, Identity.from_text("gw1"))
    assert identity_matches(anonymous, Identity.from_text("CN=gw1"))


def test_a_directory_name_among_the_alternative_names_is_not_the_subject() -> None:
    """RFC 4945 §3.1.5: the DN identity is the subject."""
    names = [x509.DirectoryName(name_of("CN=other"))]
    certificate = Authority().issue("CN=gw1", names=names).certificate
    assert not identity_matches(certificate, Identity.from_text("CN=other"))


@given(st.sampled_from(IdType), st.binary(max_size=64))
def test_random_identities_match_nothing(id_type: IdType, data: bytes) -> None:
    assert not identity_matches(GATEWAY.certificate, named(id_type, data))


def test_an_odd_certificate_matches_nothing() -> None:
    """A malformed subjectAltName must not raise."""
    broken = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"\x30\x03\x82\x05a")
    certificate = Authority().issue("CN=gw1", extensions=[(broken, False)]).certificate
    assert not identity_matches(certificate, Identity.from_text("CN=gw1"))
