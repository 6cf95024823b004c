"""Name constraints (RFC 5280 §4.2.1.10): who a CA may issue certificates for.

dNSName, iPAddress, directoryName and rfc822Name are understood. Constraints on other kinds of
names refuse every certificate below that has a name of such a kind, critical or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

from cryptography import x509
from cryptography.x509.oid import NameOID

from ike.distinguished_name import fold_mailbox, is_within, show_name
from ike.pki.parsed import ParsedCertificate
from ike.printable import printable


def violation(constraints: x509.NameConstraints, certificate: ParsedCertificate) -> str | None:
    """Say which name of the certificate is not allowed, or return None."""
    permitted = tuple(constraints.permitted_subtrees or ())
    excluded = tuple(constraints.excluded_subtrees or ())
    for name in _names(certificate):
        if any(_covers(subtree, name) is not False for subtree in _same_kind(excluded, name)):
            return f"{_show(name)} is excluded"
        allowed = _same_kind(permitted, name)
        if allowed and not any(_covers(subtree, name) is True for subtree in allowed):
            return f"{_show(name)} is not among the permitted names"
    return None


def _names(certificate: ParsedCertificate) -> Iterable[x509.GeneralName]:
    if certificate.subject.rdns:
        yield x509.DirectoryName(certificate.subject)
    alternatives = certificate.extension(x509.SubjectAlternativeName)
    if alternatives is not None:
        yield from alternatives
        return
    for attribute in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS):
        yield _Mailbox(str(attribute.value))


class _Mailbox(x509.GeneralName):
    """A mailbox in a subject: RFC 5280 holds it to the rfc822Name constraints too."""

    def __init__(self, value: str) -> None:
        self._value = value

    @property
    def value(self) -> str:
        return self._value


def _same_kind(
    subtrees: Iterable[x509.GeneralName], name: x509.GeneralName
) -> list[x509.GeneralName]:
    kind = x509.RFC822Name if isinstance(name, _Mailbox) else type(name)
    return [subtree for subtree in subtrees if isinstance(subtree, kind)]


def _covers(subtree: x509.GeneralName, name: x509.GeneralName) -> bool | None:
    """Tell whether a name is in the subtree; None if such names are not understood."""
    match subtree, name:
        case x509.DirectoryName(), x509.DirectoryName():
            return is_within(name.value, subtree.value)
        case x509.DNSName(), x509.DNSName():
            return _host_within(name.value, subtree.value)
        case x509.RFC822Name(), x509.RFC822Name() | _Mailbox():
            return _mailbox_within(name.value, subtree.value)
        case x509.IPAddress(), x509.IPAddress():
            network, address = subtree.value, name.value
            if isinstance(network, IPv4Network | IPv6Network) and not isinstance(
                address, IPv4Network | IPv6Network
            ):
                return address in network
    return None


def _host_within(host: str, domain: str) -> bool:
    host, domain = host.lower().rstrip("."), domain.lower()
    if not domain:
        return True
    # A leading dot is not in RFC 5280 for hosts, but CAs write it: the hosts below the domain.
    return host == domain or host.endswith("." + domain.removeprefix("."))


def _mailbox_within(mailbox: str, subtree: str) -> bool:
    if "@" in subtree:
        return fold_mailbox(mailbox) == fold_mailbox(subtree)
    host = mailbox.rpartition("@")[2].lower()
    if subtree.startswith("."):
        return host.endswith(subtree.lower())
    return not subtree or host == subtree.lower()


def _show(name: x509.GeneralName) -> str:
    value = name.value
    if isinstance(value, x509.Name):
        return show_name(value)
    return printable(str(value))[:200]
