"""What we believe in: trust anchors, and what is known beside them of the certificates below."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA1, Hash
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.ocsp import OCSPResponse

from ike.pki.algorithms import weak_key
from ike.pki.crl import why_unsupported
from ike.pki.errors import LoadError
from ike.pki.loading import load_certificates, load_crls, load_ocsp
from ike.pki.parsed import MALFORMED, ParsedCertificate, quoted


class RevocationSource(StrEnum):
    """Who says whether a certificate is revoked."""

    CRL = "crl"
    OCSP = "ocsp"


class RevocationPolicy(StrEnum):
    """What a certificate needs to be accepted. A revoked one never is, unless OFF."""

    IF_AVAILABLE = "if-available"
    """What a source says that we have is honoured; none is accepted."""

    REQUIRED = "required"
    """Every certificate below the trust anchor needs a valid word of a source."""

    OFF = "off"


@dataclass(frozen=True, slots=True)
class TrustStore:
    """Trust anchors, intermediate CAs, CRLs and OCSP responses. Compares by their contents.

    Of the latter two, and of those that peers send, only `revocation_sources` count. An anchor that
    is no CA is trusted as that one peer's certificate, and for nothing below it.
    """

    anchors: tuple[ParsedCertificate, ...]
    intermediates: tuple[ParsedCertificate, ...] = ()
    crls: tuple[x509.CertificateRevocationList, ...] = field(default=(), repr=False, hash=False)
    ocsp: tuple[OCSPResponse, ...] = field(default=(), repr=False, compare=False)
    revocation: RevocationPolicy = RevocationPolicy.IF_AVAILABLE
    revocation_sources: frozenset[RevocationSource] = frozenset(RevocationSource)
    # The library's OCSP responses don't compare.
    _ocsp_der: tuple[bytes, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        encoded = tuple(response.public_bytes(Encoding.DER) for response in self.ocsp)
        object.__setattr__(self, "_ocsp_der", encoded)

    @classmethod
    def from_pem(
        cls,
        anchors: bytes,
        *,
        intermediates: bytes = b"",
        crls: Iterable[bytes] = (),
        ocsp: Iterable[bytes] = (),
        revocation: RevocationPolicy = RevocationPolicy.IF_AVAILABLE,
        revocation_sources: Iterable[RevocationSource] = RevocationSource,
    ) -> TrustStore:
        """Read a trust store from the contents of files.

        Args:
            anchors: certificates of CAs, or of single peers; PEM or DER.
            intermediates: certificates of CAs that peers may leave out; PEM or DER.
            crls: CRLs, each PEM or DER.
            ocsp: OCSP responses, each DER.
            revocation: what is asked of a certificate.
            revocation_sources: by whom it can be fulfilled; any of them will do.

        Raises:
            LoadError: one of them can't be read, an anchor's key is too weak, or a CRL is of a kind
                that is not supported (which would leave revoked certificates accepted).
        """
        trusted = load_certificates(anchors)
        for anchor in trusted:
            weak = weak_key(anchor.key)
            if weak is not None:
                raise LoadError(f"the trust anchor {anchor.title} has {weak}")
        lists = tuple(crl for content in crls for crl in load_crls(content))
        for crl in lists:
            _check_crl(crl)
        return cls(
            trusted,
            load_certificates(intermediates) if intermediates.strip() else (),
            lists,
            tuple(load_ocsp(content) for content in ocsp),
            revocation,
            frozenset(revocation_sources),
        )

    @property
    def wants_ocsp(self) -> bool:
        """Whether an OCSP response would be looked at."""
        return (
            self.revocation is not RevocationPolicy.OFF
            and RevocationSource.OCSP in self.revocation_sources
        )

    @property
    def certificate_authorities(self) -> tuple[bytes, ...]:
        """SHA-1 of each anchor's SubjectPublicKeyInfo, for CERTREQ (RFC 7296 §3.7); 20 bytes."""
        return tuple(dict.fromkeys(_key_hash(anchor) for anchor in self.anchors))


def _check_crl(crl: x509.CertificateRevocationList) -> None:
    try:
        why = why_unsupported(crl)
        issuer = quoted(crl.issuer)
    except (*MALFORMED, UnsupportedAlgorithm) as error:
        raise LoadError(f"a CRL cannot be read: {error}") from None
    if why is not None:
        raise LoadError(f"the CRL of {issuer} {why}")


def _key_hash(anchor: ParsedCertificate) -> bytes:
    # RFC 7296 fixes SHA-1 here: a hint for choosing a certificate, which nothing relies on.
    digest = Hash(SHA1())  # noqa: S303  # see above
    digest.update(anchor.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize()
