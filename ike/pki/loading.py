"""Our own certificates, keys, CRLs and OCSP responses, read from the contents of files."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_pem_private_key,
)
from cryptography.x509 import ocsp

from ike.pki.algorithms import PrivateKey, unsupported_key, weak_key
from ike.pki.errors import CertificateError, LoadError
from ike.pki.parsed import MALFORMED, ParsedCertificate
from ike.types import Secret

_PEM = b"-----BEGIN "
_PEM_CRL = b"-----BEGIN X509 CRL-----"
_PEM_CRL_END = b"-----END X509 CRL-----"


def load_certificates(content: bytes) -> tuple[ParsedCertificate, ...]:
    """Read every certificate of a PEM file, or the one of a DER file; none twice.

    Raises:
        LoadError: there is none, or one cannot be read.
    """
    try:
        if _PEM in content:
            certificates = x509.load_pem_x509_certificates(content)
        else:
            certificates = [x509.load_der_x509_certificate(content)]
        return tuple(dict.fromkeys(ParsedCertificate.of(each) for each in certificates))
    except CertificateError as error:
        raise LoadError(str(error)) from None
    except MALFORMED as error:
        raise LoadError(f"no certificate in PEM or DER: {error}") from None


def load_private_key(content: bytes, passphrase: Secret | None) -> PrivateKey:
    """Read a private key: PKCS #8 or traditional, PEM or DER, encrypted or not.

    Raises:
        LoadError: there is none, it needs another passphrase, or is of no kind that is supported.
    """
    password = passphrase.reveal() if passphrase is not None else None
    try:
        if _PEM in content:
            key = load_pem_private_key(content, password)
        else:
            key = load_der_private_key(content, password)
    except TypeError:  # the library's answer to a passphrase too many or too few
        if password is None:
            raise LoadError("the private key is encrypted, and no passphrase is given") from None
        raise LoadError("a passphrase is given, but the private key is not encrypted") from None
    except (ValueError, UnsupportedAlgorithm) as error:
        hint = "the passphrase is wrong, or this is" if password is not None else "this is"
        raise LoadError(f"{hint} no private key in PEM or DER: {error}") from None
    public = key.public_key()
    wrong = unsupported_key(public)
    if wrong is not None:
        raise LoadError(f"the private key is {wrong}")
    usable: PrivateKey = key  # type: ignore[assignment]  # its public key is of a supported kind
    wrong = weak_key(usable.public_key())
    if wrong is not None:
        raise LoadError(f"the private key is {wrong}")
    return usable


def load_crls(content: bytes) -> tuple[x509.CertificateRevocationList, ...]:
    """Read every CRL of a PEM file, or the one of a DER file.

    Raises:
        LoadError: there is none, or one cannot be read.
    """
    try:
        if _PEM_CRL not in content:
            return (x509.load_der_x509_crl(content),)
        blocks = content.split(_PEM_CRL)[1:]
        return tuple(
            x509.load_pem_x509_crl(_PEM_CRL + block.partition(_PEM_CRL_END)[0] + _PEM_CRL_END)
            for block in blocks
        )
    except MALFORMED as error:
        raise LoadError(f"no CRL in PEM or DER: {error}") from None


def load_ocsp(content: bytes) -> ocsp.OCSPResponse:
    """Read an OCSP response from DER.

    Raises:
        LoadError: it cannot be read, or it says that the responder had no answer.
    """
    try:
        response = ocsp.load_der_ocsp_response(content)
    except (*MALFORMED, UnsupportedAlgorithm) as error:
        raise LoadError(f"no OCSP response in DER: {error}") from None
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        status = response.response_status.name
        raise LoadError(f"the OCSP response holds no answer, but the error {status}")
    return response
