"""Distinguished names: as operators write them, as certificates hold them, and when two are one.

The text form is that of strongSwan and OpenSSL: ``C=CH, O=example, CN=gw1``, the attributes in the
order in which the DER has them. (RFC 4514 turns the order round; its escapes are used here.)
"""

from __future__ import annotations

import re
from unicodedata import normalize
from warnings import catch_warnings

from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

MAX_NAME = 2048  # bytes of DER

_SHOWN: dict[ObjectIdentifier, str] = {
    NameOID.COUNTRY_NAME: "C",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.LOCALITY_NAME: "L",
    NameOID.STREET_ADDRESS: "STREET",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.ORGANIZATION_IDENTIFIER: "organizationIdentifier",
    NameOID.COMMON_NAME: "CN",
    NameOID.DOMAIN_COMPONENT: "DC",
    NameOID.USER_ID: "UID",
    NameOID.EMAIL_ADDRESS: "E",
    NameOID.SERIAL_NUMBER: "serialNumber",
    NameOID.SURNAME: "surname",
    NameOID.GIVEN_NAME: "givenName",
    NameOID.TITLE: "title",
    NameOID.DN_QUALIFIER: "dnQualifier",
    NameOID.UNSTRUCTURED_NAME: "unstructuredName",  # Cisco routers enrol with their hostname here
}
_READ = {
    **{name.lower(): oid for oid, name in _SHOWN.items()},
    "email": NameOID.EMAIL_ADDRESS,
    "emailaddress": NameOID.EMAIL_ADDRESS,
    "gn": NameOID.GIVEN_NAME,
}
_ATTRIBUTE = r"[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+"
_LOOKS_LIKE_NAME = re.compile(rf"\s*(?:{_ATTRIBUTE})\s*=")
# An escaped character, or where an attribute starts.
_TOKEN = re.compile(rf"\\.|(?:^|\s*([,+]))\s*({_ATTRIBUTE})\s*=\s*")
_TRAILING_SPACE = re.compile(r"(?<!\\)\s+$")


def looks_like_name(text: str) -> bool:
    """Tell whether a text starts as a distinguished name does: an attribute type and ``=``."""
    return _LOOKS_LIKE_NAME.match(text) is not None


def read_name(text: str) -> bytes:
    """Return the DER of a name that is written as ``C=CH, O=example, CN=gw1``.

    Special characters in a value are escaped with a backslash, as RFC 4514 says.

    Raises:
        ValueError: an attribute type is unknown, or the text or a value is not well-formed.
    """

    def standardize(match: re.Match[str]) -> str:
        separator, attribute = match.groups()
        if attribute is None:
            return match[0]
        oid = _READ.get(attribute.lower())
        if oid is None and not attribute[0].isdigit():
            raise ValueError(f"the attribute type {attribute} of a distinguished name is unknown")
        return f"{separator or ''}{oid.dotted_string if oid else attribute}="

    standard = _TRAILING_SPACE.sub("", _TOKEN.sub(standardize, text.lstrip()))
    try:
        written = x509.Name.from_rfc4514_string(standard)
        der = x509.Name(list(reversed(written.rdns))).public_bytes()
        parse_name(der)
    except (ValueError, TypeError) as error:
        reason = f": {error}" if str(error) else ""
        raise ValueError(f"not a distinguished name like C=CH, O=example, CN=gw1{reason}") from None
    return der


def parse_name(der: bytes) -> x509.Name:
    """Read a name from DER, to its last byte.

    Raises:
        ValueError: it is longer than `MAX_NAME`, empty, or not the DER of a name.
    """
    if len(der) > MAX_NAME:
        raise ValueError(f"a distinguished name of {len(der)} bytes, {MAX_NAME} go")
    try:
        # The library warns of odd lengths on standard error, which a peer could fill.
        with catch_warnings(action="ignore"):
            name = x509.Name.from_bytes(der)
    except (ValueError, TypeError, LookupError, AssertionError) as error:  # on odd value types
        raise ValueError(f"not the DER of a distinguished name: {error}") from None
    if not name.rdns:
        raise ValueError("the distinguished name is empty")
    return name


def show_name(name: x509.Name) -> str:
    """Write a name for operators and logs, in the order of its DER; nothing in it is unprintable.

    `read_name` reads it back to a name that `same_name` calls the same.
    """
    if not name.rdns:
        return "(empty)"
    text = ", ".join(rdn.rfc4514_string(_SHOWN) for rdn in name.rdns)
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else "".join(f"\\{byte:02X}" for byte in c.encode()) for c in text
    )


def same_name(one: x509.Name, other: x509.Name) -> bool:
    """Compare two names (RFC 5280 §7.1): case, inner spaces and string types do not count."""
    return _folded(one) == _folded(other)


def is_within(name: x509.Name, subtree: x509.Name) -> bool:
    """Tell whether `name` starts with all of `subtree` (RFC 5280 §4.2.1.10)."""
    base = _folded(subtree)
    return _folded(name)[: len(base)] == base


def fold_mailbox(mailbox: str) -> str:
    """Return a mailbox in the form to compare: its domain part does not care for case."""
    local, at, domain = mailbox.rpartition("@")
    return f"{local}{at}{domain.lower()}"


def _folded(name: x509.Name) -> list[list[tuple[str, str | bytes]]]:
    return [sorted(map(_fold, rdn), key=repr) for rdn in name.rdns]


def _fold(attribute: x509.NameAttribute[str | bytes]) -> tuple[str, str | bytes]:
    value = attribute.value
    if isinstance(value, str):
        if attribute.oid == NameOID.EMAIL_ADDRESS:
            value = fold_mailbox(value)
        else:
            folded = normalize("NFKC", normalize("NFKC", value).casefold())
            value = " ".join(folded.split())
    return attribute.oid.dotted_string, value
