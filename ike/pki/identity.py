"""Which identities a certificate is for (RFC 7296 §3.5, RFC 4945 §3.1).

| identity | must equal | compared |
|---|---|---|
| IPV4_ADDR, IPV6_ADDR | an iPAddress of subjectAltName | the address |
| FQDN | a dNSName of subjectAltName | without case; wildcards match nothing |
| RFC822_ADDR | an rfc822Name of subjectAltName | the domain part without case |
| DER_ASN1_DN | the subject | as RFC 5280 §7.1 says |
| KEY_ID | the subjectKeyIdentifier extension | byte for byte |

RFC 4945 §3.1.6 leaves KEY_ID open; a key identifier is the one opaque value in a certificate that
its CA has put there for that purpose. The common name is never taken for a host name (§3.1.2).
"""

from __future__ import annotations

from cryptography import x509

from ike.distinguished_name import fold_mailbox, parse_name, same_name
from ike.pki.errors import CertificateError
from ike.pki.parsed import ParsedCertificate
from ike.printable import printable
from ike.types import Identity, IdType

_MAX_SHOWN = 5  # names of a certificate in a message


def identity_matches(certificate: x509.Certificate, identity: Identity) -> bool:
    """Tell whether `identity` is one that the certificate is for; False if either is malformed."""
    try:
        return is_for(ParsedCertificate.of(certificate), identity)
    except CertificateError:
        return False


def is_for(certificate: ParsedCertificate, identity: Identity) -> bool:
    """Tell whether `identity` is one that the certificate is for; False if it is malformed."""
    names = certificate.extension(x509.SubjectAlternativeName) or ()
    match identity.id_type:
        case IdType.IPV4_ADDR | IdType.IPV6_ADDR:
            if len(identity.data) != (4 if identity.id_type is IdType.IPV4_ADDR else 16):
                return False
            return any(
                isinstance(name, x509.IPAddress)
                and getattr(name.value, "packed", None) == identity.data
                for name in names
            )
        case IdType.FQDN:
            host = _ascii(identity.data)
            return host is not None and any(
                isinstance(name, x509.DNSName) and name.value.lower() == host.lower()
                for name in names
                if "*" not in host
            )
        case IdType.RFC822_ADDR:
            mailbox = _ascii(identity.data)
            return mailbox is not None and any(
                isinstance(name, x509.RFC822Name)
                and fold_mailbox(name.value) == fold_mailbox(mailbox)
                for name in names
            )
        case IdType.DER_ASN1_DN:
            try:
                return same_name(parse_name(identity.data), certificate.subject)
            except ValueError:
                return False
        case IdType.KEY_ID:
            key_id = certificate.extension(x509.SubjectKeyIdentifier)
            return key_id is not None and bool(identity.data) and key_id.digest == identity.data
    return False


def show_identities(certificate: ParsedCertificate) -> str:
    """Write who a certificate is for: its subject and alternative names, safe to log."""
    shown = [certificate.title] if certificate.subject.rdns else []
    names = certificate.extension(x509.SubjectAlternativeName) or ()
    for name in names:
        if isinstance(name, x509.DNSName | x509.RFC822Name | x509.IPAddress):
            shown.append(printable(str(name.value)))
        if len(shown) > _MAX_SHOWN:
            return f"{'; '.join(shown[:_MAX_SHOWN])}; and others"
    return "; ".join(shown) or "nobody"


def _ascii(data: bytes) -> str | None:
    return data.decode("ascii") if data and data.isascii() else None
