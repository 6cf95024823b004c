"""Name constraints (RFC 5280 §4.2.1.10)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from authority import NOW, Authority, general_name, name_of
from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from ike.pki import CertificateError, CertificateProblem, TrustStore, verify
from ike.types import Identity

SUBJECT = "C=CH, O=Example, CN=gw1"


def verdict(
    names: Sequence[str | x509.GeneralName],
    permitted: Sequence[str | x509.GeneralName] = (),
    excluded: Sequence[str | x509.GeneralName] = (),
    *,
    subject: str = SUBJECT,
    on_anchor: bool = False,
    critical: bool = True,
) -> str:
    """Verify a leaf below a CA with constraints; return the refusal, or an empty text."""

    def subtrees(given: Sequence[str | x509.GeneralName]) -> list[x509.GeneralName] | None:
        return [general_name(n) if isinstance(n, str) else n for n in given] or None

    constraints = x509.NameConstraints(subtrees(permitted), subtrees(excluded))
    extensions = [(constraints, critical)]
    root = Authority(extensions=extensions if on_anchor else ())
    sub = root.authority(extensions=() if on_anchor else extensions)
    leaf = sub.issue(subject, names=names)
    try:
        trust = TrustStore.from_pem(root.pem)
        verify(trust, leaf.chain_der, Identity.from_text(subject), NOW)
    except CertificateError as error:
        refusal = error
    else:
        return ""
    assert refusal.reason is CertificateProblem.USAGE
    assert "name constraints" in str(refusal)
    assert str(refusal).isprintable()
    return str(refusal)


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("gw1.example", ["gw1.example", "example", "EXAMPLE"]),
        ("192.0.2.77", ["192.0.2.0/24", "192.0.2.77/32"]),
        ("2001:db8::1", ["2001:db8::/32"]),
        ("noc@mail.example", ["noc@mail.example", "mail.example@", ".example@"]),
    ],
)
@pytest.mark.parametrize("on_anchor", [True, False])
def test_inside(name: str, inside: list[str], on_anchor: bool) -> None:
    for text in inside:
        subtree = mailbox_or(text)
        assert not verdict([name], permitted=[subtree], on_anchor=on_anchor)
        assert "excluded" in verdict([name], excluded=[subtree], on_anchor=on_anchor)


@pytest.mark.parametrize(
    ("name", "outside"),
    [
        ("gw1.example", ["w1.example", "a.gw1.example", "example.net", ".gw1.example"]),
        ("192.0.2.77", ["192.0.3.0/24", "2001:db8::/32", "::/0"]),
        ("2001:db8::1", ["2001:db9::/32", "0.0.0.0/0"]),
        (
            "noc@mail.example",
            ["NOC@mail.example", "example@", ".mail.example@", "noc@example"],
        ),
    ],
)
def test_outside(name: str, outside: list[str]) -> None:
    for text in outside:
        subtree = mailbox_or(text)
        assert "not among the permitted" in verdict([name], permitted=[subtree])
        assert not verdict([name], excluded=[subtree])


def mailbox_or(text: str) -> x509.GeneralName:
    """``host@`` stands for all mailboxes of a host (written without the sign)."""
    return x509.RFC822Name(text[:-1]) if text.endswith("@") else general_name(text)


def test_directory_names() -> None:
    assert not verdict([], permitted=["C=CH, O=example"])
    assert "not among" in verdict([], permitted=["C=CH, O=other"])
    assert "excluded" in verdict([], excluded=["C=ch"])
    assert not verdict([], excluded=["O=Example"])


def test_a_directory_name_among_the_alternative_names() -> None:
    other = x509.DirectoryName(name_of("C=DE, CN=x"))
    assert "not among" in verdict([other], permitted=["C=CH"])


def test_a_mailbox_in_the_subject() -> None:
    """Held to the constraints where there are no alternative names."""
    subject = f"{SUBJECT}, E=noc@mail.example"
    other = x509.RFC822Name("other.example")
    assert "noc@mail.example" in verdict([], permitted=[other], subject=subject)
    assert not verdict([], permitted=[x509.RFC822Name("mail.example")], subject=subject)


def test_constraints_on_other_kinds_of_names_do_not_count() -> None:
    assert not verdict(["gw1.example"], permitted=["192.0.2.0/24"])
    assert not verdict(["192.0.2.1"], excluded=["example"])


def test_every_name_counts() -> None:
    assert "10.0.0.1" in verdict(["192.0.2.1", "10.0.0.1"], permitted=["192.0.2.0/24"])


@pytest.mark.parametrize("critical", [True, False])
def test_kinds_of_names_that_are_not_understood(critical: bool) -> None:
    uri = x509.UniformResourceIdentifier("http://host.example/")
    other = x509.OtherName(ObjectIdentifier("1.2.3.4"), b"\x0c\x01a")
    for name in (uri, other):
        assert verdict([name], permitted=[name], critical=critical)
        assert verdict([name], excluded=[name], critical=critical)
        assert not verdict(["gw1.example"], permitted=[name], critical=critical)


def test_they_hold_for_all_below() -> None:
    root = Authority(extensions=[(x509.NameConstraints([general_name("C=CH")], None), True)])
    stray = root.authority("C=DE, CN=Sub")
    leaf = stray.issue(SUBJECT)
    with pytest.raises(CertificateError, match='"C=DE, CN=Sub" breaks the name constraints'):
        verify(TrustStore.from_pem(root.pem), leaf.chain_der, Identity.from_text(SUBJECT), NOW)
