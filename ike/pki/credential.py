"""What we authenticate ourselves with: a certificate, what leads up to a CA, and the key."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ike.pki.algorithms import PrivateKey, PublicKey
from ike.pki.errors import LoadError
from ike.pki.limits import MAX_DEPTH
from ike.pki.loading import load_certificates, load_private_key
from ike.pki.parsed import ParsedCertificate
from ike.types import Identity, IdType, Secret


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate chain, the leaf first, and the leaf's private key.

    Two are equal if their chains are: the key is then the same. No ``repr`` shows the key.
    """

    chain: tuple[x509.Certificate, ...]
    private_key: PrivateKey = field(repr=False, compare=False)

    @classmethod
    def from_pem(
        cls, certificates: bytes, private_key: bytes, passphrase: Secret | None = None
    ) -> Credential:
        """Read a credential from the contents of files, PEM or DER.

        Args:
            certificates: the leaf and the CAs above it, in any order. The certificates that don't
                lead up from the leaf are left out, and so is a root: a peer that trusts it has it.
            private_key: PKCS #8, PKCS #1 or SEC 1.
            passphrase: what the key is encrypted with.

        Raises:
            LoadError: one of them can't be read, or the key fits none of the certificates.
        """
        found = load_certificates(certificates)
        key = load_private_key(private_key, passphrase)
        wanted = _encoded(key.public_key())
        leaf = next((each for each in found if _encoded(each.key) == wanted), None)
        if leaf is None:
            raise LoadError(f"the private key fits no certificate: not {found[0].title}")
        return cls(tuple(each.certificate for each in _chain(leaf, found)), key)

    @property
    def leaf(self) -> x509.Certificate:
        """Our own certificate."""
        return self.chain[0]

    @property
    def subject(self) -> Identity:
        """Who the certificate says we are: an identity of type DER_ASN1_DN."""
        return Identity(IdType.DER_ASN1_DN, self.leaf.subject.public_bytes())


def _chain(
    leaf: ParsedCertificate, found: tuple[ParsedCertificate, ...]
) -> tuple[ParsedCertificate, ...]:
    chain = [leaf]
    while len(chain) < MAX_DEPTH and not chain[-1].self_issued:
        issuers = (each for each in found if each not in chain and _issued(each, chain[-1]))
        issuer = next(issuers, None)
        if issuer is None or issuer.self_issued:
            break
        chain.append(issuer)
    return tuple(chain)


def _issued(issuer: ParsedCertificate, certificate: ParsedCertificate) -> bool:
    return issuer.subject == certificate.issuer and certificate.is_signed_by(issuer)


def _encoded(key: PublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
