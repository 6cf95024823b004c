"""The certificates that the trustpoints name."""

from __future__ import annotations

from collections.abc import Iterator

from controller.config.models import Config
from controller.policy.model import CertificateUse, TrustpointCertificate


def compile_certificates(config: Config) -> tuple[TrustpointCertificate, ...]:
    """Return every certificate, in order of the file; of each trustpoint our own first."""
    return tuple(_certificates(config))


def _certificates(config: Config) -> Iterator[TrustpointCertificate]:
    for name, trustpoint in config.crypto_pki_trustpoints.items():
        if trustpoint.credential is not None:
            leaf, *above = trustpoint.credential.chain
            yield TrustpointCertificate(name, CertificateUse.OWN, leaf)
            for certificate in above:
                yield TrustpointCertificate(name, CertificateUse.INTERMEDIATE, certificate)
        if trustpoint.trust is not None:
            for anchor in trustpoint.trust.anchors:
                yield TrustpointCertificate(name, CertificateUse.AUTHORITY, anchor.certificate)
            for parsed in trustpoint.trust.intermediates:
                yield TrustpointCertificate(name, CertificateUse.INTERMEDIATE, parsed.certificate)
