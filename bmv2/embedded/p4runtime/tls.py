"""TLS credentials from files. gRPC only says that something is wrong with them; this says what."""

from __future__ import annotations

from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from bmv2.switch_options import TlsFiles


class TlsError(Exception):
    """TLS files that cannot be used; the message names the file, never what is in it."""


def server_credentials(tls: TlsFiles) -> grpc.ServerCredentials:
    """Load the files of a server.

    Raises:
        TlsError: A file cannot be read, is not PEM, or does not belong to the others.
    """
    certificate, private_key = _read(tls.certificate), _read(tls.private_key)
    _check_pair(tls, certificate, private_key)
    client_ca = None
    if tls.client_ca is not None:
        client_ca = _read(tls.client_ca)
        _load_certificates(tls.client_ca, client_ca)
    return grpc.ssl_server_credentials(
        [(private_key, certificate)],
        root_certificates=client_ca,
        require_client_auth=client_ca is not None,
    )


def _check_pair(tls: TlsFiles, certificate: bytes, private_key: bytes) -> None:
    chain = _load_certificates(tls.certificate, certificate)
    try:
        key = load_pem_private_key(private_key, None)
    except (ValueError, TypeError):
        # The cause is left out: it may quote the key.
        raise TlsError(f"{tls.private_key}: not an unencrypted private key in PEM") from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if chain[0].public_key().public_bytes(*form) != key.public_key().public_bytes(*form):
        raise TlsError(f"{tls.private_key}: is not the key of {tls.certificate}")


def _load_certificates(path: Path, data: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError:
        raise TlsError(f"{path}: holds no certificate in PEM") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TlsError(f"{path}: {error.strerror}") from None
