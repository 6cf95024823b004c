"""Distinguished names as identities (RFC 7296 §3.5, RFC 5280 §7.1)."""

from __future__ import annotations

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from ike.distinguished_name import MAX_NAME, is_within, parse_name, read_name, same_name
from ike.types import Identity, IdType


def name(text: str) -> x509.Name:
    return parse_name(read_name(text))


def encoded(value: bytes, tag: int, oid: bytes = b"\x55\x04\x03") -> bytes:
    """A name of one attribute, by default CN, with a value of this ASN.1 type."""
    attribute = b"\x06" + bytes([len(oid)]) + oid + bytes([tag, len(value)]) + value
    for outer in (0x30, 0x31, 0x30):
        attribute = bytes([outer, len(attribute)]) + attribute
    return attribute


class TestText:
    def test_the_order_written_is_the_order_encoded(self) -> None:
        """C=CH, O=example, CN=gw1 with PrintableString for C, UTF8String for the others."""
        identity = Identity.from_text("C=CH, O=ex, CN=gw1")
        assert identity.id_type is IdType.DER_ASN1_DN
        assert identity.data.hex() == (
            "3028310b3009060355040613024348310b3009060355040a0c024578310c300a06035504030c03677731"
        ).replace("4578", b"ex".hex())
        assert str(identity) == "C=CH, O=ex, CN=gw1"

    @pytest.mark.parametrize(
        "text",
        [
            "C=CH,O=ex,CN=gw1",
            " C = CH , O = ex , CN = gw1 ",
            "c=CH, o=ex, cn=gw1",
            "2.5.4.6=CH, 2.5.4.10=ex, 2.5.4.3=gw1",
        ],
    )
    def test_spaces_and_case_of_types_do_not_matter(self, text: str) -> None:
        assert str(Identity.from_text(text)) == "C=CH, O=ex, CN=gw1"

    @pytest.mark.parametrize(
        "text",
        [
            r"O=Example\, Inc., CN=a\=b",
            r"O=back\\slash, CN=gw1",
            "CN=gw1+serialNumber=42",
            "DC=example, DC=net, CN=gw1, E=noc@example.net",
            "unstructuredName=r1.example.net",
            "CN=Zürich",
            r"CN=\ padded\ ",
            "1.2.3.4=other",
        ],
    )
    def test_what_is_shown_can_be_read(self, text: str) -> None:
        identity = Identity.from_text(text)
        assert identity.id_type is IdType.DER_ASN1_DN
        again = Identity.from_text(str(identity))
        assert same_name(parse_name(again.data), parse_name(identity.data))

    @given(st.text('aB ,+=\\#"<>;\n\x1b\u202e\xe9\U0001f600', min_size=1, max_size=16))
    def test_any_value_is_shown_printable_and_can_be_read(self, value: str) -> None:
        attribute = x509.NameAttribute(x509.NameOID.COMMON_NAME, value)
        try:
            der = x509.Name([attribute]).public_bytes()
        except ValueError:
            return
        shown = str(Identity(IdType.DER_ASN1_DN, der))
        assert shown.isprintable()
        if value[0] != "#":
            assert same_name(parse_name(Identity.from_text(shown).data), parse_name(der))

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("CM=gw1", "attribute type CM"),
            ("C=CH, CM=gw1", "attribute type CM"),
            ("C=Switzerland", "length"),
            ("CN=gw1,", "not a distinguished name"),
            ("CN=a;b", "not a distinguished name"),
            ("O=" + "x" * MAX_NAME, "bytes"),
        ],
    )
    def test_errors_say_what_is_wrong(self, text: str, why: str) -> None:
        with pytest.raises(ValueError, match=why):
            Identity.from_text(text)

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("gw1.example", IdType.FQDN),
            ("user@gw1.example", IdType.RFC822_ADDR),
            ("@#00ff", IdType.KEY_ID),
            ("192.0.2.1", IdType.IPV4_ADDR),
            ("2001:db8::1", IdType.IPV6_ADDR),
        ],
    )
    def test_other_identities_are_what_they_were(self, text: str, kind: IdType) -> None:
        identity = Identity.from_text(text)
        assert identity.id_type is kind
        assert str(identity) == text


class TestHostile:
    @pytest.mark.parametrize("value", ["a\nb", "a\x1b[2Jb", "a\u202eb", "a\x00b", "a\u2028b"])
    def test_control_characters_do_not_reach_a_log(self, value: str) -> None:
        der = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, value)]).public_bytes()
        for identity in (
            Identity(IdType.DER_ASN1_DN, der),
            Identity(IdType.FQDN, value.encode()),
            Identity(IdType.RFC822_ADDR, value.encode()),
        ):
            assert str(identity).isprintable()

    @pytest.mark.parametrize(
        "der",
        [
            b"",
            b"\x30",
            b"\x30\x00",
            b"\x30\x80",
            b"\x30\x02\x31\x00",
            b"\x30\x84\xff\xff\xff\xff",
            encoded(b"ab", 12)[:-1],
            encoded(b"ab", 12) + b"\x00",
            encoded(b"\xff\xfe", 12),
            encoded(b"a", 3),
        ],
    )
    def test_malformed_der(self, der: bytes) -> None:
        """Short and malformed DER took another implementation down (CVE-2013-6075)."""
        with pytest.raises(ValueError, match=r"distinguished name"):
            parse_name(der)
        assert str(Identity(IdType.DER_ASN1_DN, der)).startswith("malformed name")

    @given(st.binary(max_size=80))
    def test_any_bytes_can_be_shown(self, data: bytes) -> None:
        for id_type in IdType:
            assert str(Identity(id_type, data)).isprintable()


class TestComparison:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("CN=gw1", "CN=GW1"),
            ("CN=a b", "CN=  a   b"),
            ("CN=Straße", "CN=STRASSE"),
            ("CN=gw1+OU=x", "OU=X+CN=gw1"),
            ("E=noc@Example.NET", "E=noc@example.net"),
        ],
    )
    def test_the_same(self, one: str, other: str) -> None:
        assert same_name(name(one), name(other))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("CN=gw1", "CN=gw2"),
            ("CN=gw1", "OU=gw1"),
            ("CN=gw1", "CN=gw1, CN=gw1"),
            ("C=CH, CN=gw1", "CN=gw1, C=CH"),
            ("CN=ab", "CN=a b"),
            ("CN=a+OU=b", "CN=a, OU=b"),
            ("E=NOC@example.net", "E=noc@example.net"),
        ],
    )
    def test_not_the_same(self, one: str, other: str) -> None:
        assert not same_name(name(one), name(other))

    def test_string_types_do_not_count(self) -> None:
        printable, utf8 = encoded(b"gw1", 19), encoded(b"GW1", 12)
        assert printable != utf8
        assert same_name(parse_name(printable), parse_name(utf8))

    def test_subtrees(self) -> None:
        assert is_within(name("C=CH, O=Example, CN=gw1"), name("C=ch, O=example"))
        assert not is_within(name("C=CH, O=Example2, CN=gw1"), name("C=CH, O=example"))
        assert not is_within(name("C=CH"), name("C=CH, O=example"))
