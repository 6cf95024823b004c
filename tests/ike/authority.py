"""Certificate authorities for tests: certificates, CRLs and OCSP responses as a test wants them.

    root = Authority("CN=Root")
    sub = root.authority("CN=Sub")
    gateway = sub.issue("C=CH, CN=gw1", names=["gw1.example", "192.0.2.1"])
    Credential.from_pem(gateway.chain_pem, gateway.key_pem)
    TrustStore.from_pem(root.pem, crls=[sub.crl(revoked=[gateway])])

Keys are P-256 unless a test gives another. Certificates are valid a year around `NOW`.
"""

from __future__ import annotations

import inspect
import ipaddress
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from ike.distinguished_name import read_name

NOW = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
YEAR = timedelta(days=365)
DAY = timedelta(days=1)
IPSEC_IKE = ExtendedKeyUsageOID.IPSEC_IKE

PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)
_serials = itertools.count(0x1000)


@cache
def rsa_key(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    """An RSA key; made once a process, as they are slow to make."""
    return rsa.generate_private_key(65537, bits)


def p256_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def name_of(text: str) -> x509.Name:
    """A name from ``C=CH, CN=gw1``; empty from an empty text."""
    return x509.Name.from_bytes(read_name(text)) if text else x509.Name([])


def general_name(text: str) -> x509.GeneralName:
    """An address or prefix, a mailbox, a distinguished name, or a host or domain."""
    try:
        if "/" in text:
            return x509.IPAddress(ipaddress.ip_network(text))
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        pass
    if "=" in text:
        return x509.DirectoryName(name_of(text))
    return x509.RFC822Name(text) if "@" in text else x509.DNSName(text)


def key_usage(*set_bits: str) -> x509.KeyUsage:
    """A keyUsage with these bits set."""
    bits = dict.fromkeys(inspect.signature(x509.KeyUsage).parameters, False)
    assert bits.keys() >= set(set_bits)
    return x509.KeyUsage(**(bits | dict.fromkeys(set_bits, True)))


@dataclass(frozen=True)
class Issued:
    """A certificate with its key, and the CAs above it up to, not including, the root."""

    certificate: x509.Certificate
    key: PrivateKey
    above: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def chain_der(self) -> list[bytes]:
        """What a peer sends: the leaf first, no root."""
        return [self.der, *(each.public_bytes(Encoding.DER) for each in self.above)]

    @property
    def chain_pem(self) -> bytes:
        return self.pem + b"".join(each.public_bytes(Encoding.PEM) for each in self.above)

    @property
    def key_pem(self) -> bytes:
        return self.encoded_key()

    def encoded_key(
        self,
        encoding: Encoding = Encoding.PEM,
        form: PrivateFormat = PrivateFormat.PKCS8,
        passphrase: bytes | None = None,
    ) -> bytes:
        protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        return self.key.private_bytes(encoding, form, protection)


class Authority(Issued):
    """A CA; self-signed unless `Authority.authority` made it."""

    def __init__(
        self,
        subject: str = "C=CH, O=example, CN=Root",
        *,
        key: PrivateKey | None = None,
        issuer: Authority | None = None,
        path_length: int | None = None,
        ca: bool = True,
        basic_constraints: bool = True,
        usage: x509.KeyUsage | None = key_usage("key_cert_sign", "crl_sign"),  # noqa: B008  # frozen
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
        not_before: datetime = NOW - YEAR,
        not_after: datetime = NOW + YEAR,
        digest: hashes.HashAlgorithm | None = None,
        pss: bool = False,
    ) -> None:
        own = key or p256_key()
        extras = list(extensions)
        if basic_constraints:
            extras.append((x509.BasicConstraints(ca, path_length if ca else None), True))
        if usage is not None:
            extras.append((usage, True))
        certificate = build(
            name_of(subject),
            own,
            issuer.certificate.subject if issuer else name_of(subject),
            issuer.key if issuer else own,
            extras,
            not_before,
            not_after,
            digest=digest,
            pss=pss,
        )
        above = () if issuer is None or issuer.is_root else (issuer.certificate, *issuer.above)
        super().__init__(certificate, own, above)

    @property
    def is_root(self) -> bool:
        return self.certificate.issuer == self.certificate.subject

    @property
    def name(self) -> x509.Name:
        return self.certificate.subject

    def authority(self, subject: str = "O=example, CN=Sub", **options: object) -> Authority:
        """A CA below this one; options as for `Authority`."""
        return Authority(subject, issuer=self, **options)  # type: ignore[arg-type]  # passed on

    def issue(
        self,
        subject: str = "C=CH, O=example, CN=gw1",
        *,
        names: Iterable[str | x509.GeneralName] = (),
        key: PrivateKey | None = None,
        usage: x509.KeyUsage | None = key_usage("digital_signature"),  # noqa: B008  # frozen
        purposes: Iterable[ObjectIdentifier] = (IPSEC_IKE,),
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
        not_before: datetime = NOW - YEAR,
        not_after: datetime = NOW + YEAR,
        digest: hashes.HashAlgorithm | None = None,
        pss: bool = False,
        serial: int | None = None,
    ) -> Issued:
        """An end entity's certificate."""
        own = key or p256_key()
        extras = list(extensions)
        alternatives = [general_name(n) if isinstance(n, str) else n for n in names]
        if alternatives:
            extras.append((x509.SubjectAlternativeName(alternatives), not subject))
        if usage is not None:
            extras.append((usage, True))
        if purposes := list(purposes):
            extras.append((x509.ExtendedKeyUsage(purposes), False))
        certificate = build(
            name_of(subject),
            own,
            self.name,
            self.key,
            extras,
            not_before,
            not_after,
            digest=digest,
            pss=pss,
            serial=serial,
        )
        return Issued(certificate, own, () if self.is_root else (self.certificate, *self.above))

    def crl(
        self,
        revoked: Iterable[Issued] = (),
        *,
        reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise,
        this_update: datetime = NOW - DAY,
        next_update: datetime = NOW + DAY,
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
        key: PrivateKey | None = None,
        digest: hashes.HashAlgorithm | None = None,
        encoding: Encoding = Encoding.DER,
    ) -> bytes:
        """A CRL; signed with `key` instead of the CA's to forge one."""
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.name)
        builder = builder.last_update(this_update).next_update(next_update)
        for each in revoked:
            entry = x509.RevokedCertificateBuilder().revocation_date(this_update)
            entry = entry.serial_number(each.certificate.serial_number)
            builder = builder.add_revoked_certificate(
                entry.add_extension(x509.CRLReason(reason), critical=False).build()
            )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        signer = key or self.key
        return builder.sign(signer, digest or digest_for(signer)).public_bytes(encoding)

    def ocsp(
        self,
        subject: Issued,
        status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
        *,
        responder: Issued | None = None,
        this_update: datetime = NOW - timedelta(hours=1),
        next_update: datetime | None = NOW + DAY,
        enclosed: Sequence[Issued] | None = None,
        digest: hashes.HashAlgorithm | None = None,
        id_hash: hashes.HashAlgorithm | None = None,
        by_name: bool = False,
    ) -> bytes:
        """An OCSP response for one certificate of this CA.

        `responder` is a delegated one; a CA of the same name, with `by_name`, forges a response.
        """
        revoked = status is ocsp.OCSPCertStatus.REVOKED
        signer = responder or self
        where = ocsp.OCSPResponderEncoding.NAME if by_name else ocsp.OCSPResponderEncoding.HASH
        builder = ocsp.OCSPResponseBuilder().add_response(
            subject.certificate,
            self.certificate,
            id_hash or hashes.SHA256(),
            status,
            this_update,
            next_update,
            this_update if revoked else None,
            x509.ReasonFlags.key_compromise if revoked else None,
        )
        builder = builder.responder_id(where, signer.certificate)
        if enclosed is None and responder is not None:
            enclosed = [responder]
        if enclosed:
            builder = builder.certificates([each.certificate for each in enclosed])
        return builder.sign(signer.key, digest or digest_for(signer.key)).public_bytes(Encoding.DER)

    def responder(self, subject: str = "CN=OCSP", **options: object) -> Issued:
        """A delegated OCSP responder of this CA; options as for `issue`."""
        given = {"purposes": (ExtendedKeyUsageOID.OCSP_SIGNING,), **options}
        return self.issue(subject, **given)  # type: ignore[arg-type]  # passed on


def digest_for(key: PrivateKey) -> hashes.SHA256 | None:
    hashes_inside = isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    return None if hashes_inside else hashes.SHA256()


def build(
    subject: x509.Name,
    key: PrivateKey,
    issuer: x509.Name,
    issuer_key: PrivateKey,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    not_before: datetime = NOW - YEAR,
    not_after: datetime = NOW + YEAR,
    *,
    digest: hashes.HashAlgorithm | None = None,
    pss: bool = False,
    serial: int | None = None,
) -> x509.Certificate:
    """A certificate with key identifiers and just these extensions."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial or next(_serials))
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    chosen = digest or digest_for(issuer_key)
    if pss:
        assert isinstance(chosen, hashes.SHA256 | hashes.SHA384 | hashes.SHA512)
        scheme = padding.PSS(padding.MGF1(chosen), padding.PSS.DIGEST_LENGTH)
        return builder.sign(issuer_key, chosen, rsa_padding=scheme)
    return builder.sign(issuer_key, chosen)
