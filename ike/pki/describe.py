"""A certificate in one line, for operators."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from ike.pki.algorithms import PublicKey
from ike.pki.errors import CertificateError
from ike.pki.parsed import ParsedCertificate, quoted
from ike.pki.usage import show_time


def describe(certificate: x509.Certificate) -> str:
    """Write subject, issuer, serial number, validity, key and SHA-256 fingerprint in one line."""
    fingerprint = certificate.fingerprint(SHA256()).hex(":").upper()
    try:
        parsed = ParsedCertificate.of(certificate)
    except CertificateError as error:
        return f"{error}, SHA-256 {fingerprint}"
    return (
        f"subject {quoted(parsed.subject)}, issuer {quoted(parsed.issuer)},"
        f" serial number {certificate.serial_number:x},"
        f" valid from {show_time(parsed.not_before)} to {show_time(parsed.not_after)},"
        f" key {_describe_key(parsed.key)}, SHA-256 {fingerprint}"
    )


def _describe_key(key: PublicKey) -> str:
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size} bits"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA P-{key.curve.key_size}"
    return "Ed448" if isinstance(key, ed448.Ed448PublicKey) else "Ed25519"
