"""A certificate with all that can be wrong with its encoding found at one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from ike.distinguished_name import show_name
from ike.pki.algorithms import PublicKey, unsupported_key
from ike.pki.errors import CertificateError, CertificateProblem
from ike.pki.limits import MAX_CERTIFICATE_SIZE
from ike.printable import printable

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)

# What the library raises on DER that is well-formed outside and not inside. ValueError is what it
# documents; fuzzing finds KeyError for unknown TLS features, TypeError for odd names.
MALFORMED = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    RuntimeError,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True, slots=True)
class ParsedCertificate:
    """A certificate whose names, key and extensions have been read: none of them raises any more.

    Two are equal if their DER is.
    """

    der: bytes = field(repr=False)
    certificate: x509.Certificate = field(compare=False, repr=False)
    subject: x509.Name = field(compare=False, repr=False)
    issuer: x509.Name = field(compare=False, repr=False)
    key: PublicKey = field(compare=False, repr=False)
    extensions: x509.Extensions = field(compare=False, repr=False)
    signature_hash: hashes.HashAlgorithm | None = field(compare=False, repr=False)
    not_before: datetime = field(compare=False)
    not_after: datetime = field(compare=False)

    @classmethod
    def parse(cls, der: bytes) -> ParsedCertificate:
        """Read a certificate.

        Raises:
            CertificateError: MALFORMED, or UNSUPPORTED because of its key or signature algorithm.
        """
        if len(der) > MAX_CERTIFICATE_SIZE:
            raise CertificateError(
                CertificateProblem.MALFORMED,
                f"a certificate of {len(der)} bytes, {MAX_CERTIFICATE_SIZE} go",
            )
        try:
            certificate = x509.load_der_x509_certificate(der)
        except MALFORMED as error:
            raise _malformed(error) from None
        return cls.of(certificate)

    @classmethod
    def of(cls, certificate: x509.Certificate) -> ParsedCertificate:
        """Read the parts of a certificate.

        Raises:
            CertificateError: MALFORMED, or UNSUPPORTED because of its key or signature algorithm.
        """
        try:
            subject = certificate.subject
            key = certificate.public_key()
            if (unsupported := unsupported_key(key)) is not None:
                raise CertificateError(
                    CertificateProblem.UNSUPPORTED,
                    f"certificate {quoted(subject)} has {unsupported}",
                )
            return cls(
                certificate.public_bytes(Encoding.DER),
                certificate,
                subject,
                certificate.issuer,
                cast("PublicKey", key),
                certificate.extensions,
                certificate.signature_hash_algorithm,
                certificate.not_valid_before_utc,
                certificate.not_valid_after_utc,
            )
        except UnsupportedAlgorithm as error:
            raise CertificateError(
                CertificateProblem.UNSUPPORTED,
                f"a certificate has an algorithm that is not supported: {_reason(error)}",
            ) from None
        except MALFORMED as error:
            raise _malformed(error) from None

    @property
    def title(self) -> str:
        """The subject in quotes, or the serial number where the subject is empty; safe to log."""
        if self.subject.rdns:
            return quoted(self.subject)
        return f"with serial number {self.certificate.serial_number:x}"

    def extension(self, kind: type[_Extension]) -> _Extension | None:
        """Return the extension of this kind, if there is one."""
        try:
            return self.extensions.get_extension_for_class(kind).value
        except x509.ExtensionNotFound:
            return None

    def is_signed_by(self, issuer: ParsedCertificate) -> bool:
        """Check the signature with the issuer's key, and that the names chain."""
        try:
            self.certificate.verify_directly_issued_by(issuer.certificate)
        except (*MALFORMED, InvalidSignature, UnsupportedAlgorithm):
            return False
        return True

    @property
    def self_issued(self) -> bool:
        """Whether subject and issuer are the same (RFC 5280 §3.2)."""
        return self.subject == self.issuer

    @property
    def is_authority(self) -> bool:
        """Whether basicConstraints say that it is a CA."""
        constraints = self.extension(x509.BasicConstraints)
        return constraints is not None and constraints.ca


def quoted(name: x509.Name) -> str:
    """Write a name inside a sentence."""
    return f'"{show_name(name)}"'


def _malformed(error: Exception) -> CertificateError:
    return CertificateError(
        CertificateProblem.MALFORMED, f"a certificate cannot be read: {_reason(error)}"
    )


def _reason(error: Exception) -> str:
    return printable(str(error) or type(error).__name__)[:200]
