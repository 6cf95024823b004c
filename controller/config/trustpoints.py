"""``crypto pki trustpoint NAME``: whom we believe, and by what we prove who we are.

The files are read when the configuration is, so that what runs is what was checked.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationInfo, model_validator

from controller.config.files import read_key_file, read_private_file, read_public_file, resolve
from controller.config.scalars import OneOrMore, shown, text
from controller.config.section import Section
from ike.pki import Credential, LoadError, RevocationPolicy, RevocationSource, TrustStore
from ike.pki.loading import load_certificates, load_crls, load_ocsp
from ike.types import Secret


class RevocationMethod(StrEnum):
    """``revocation-check METHOD...``: by what, and whether it may be left out."""

    CRL = RevocationSource.CRL.value
    OCSP = RevocationSource.OCSP.value
    NONE = "none"


_FILES = {"crl_files": RevocationSource.CRL, "ocsp_response_files": RevocationSource.OCSP}


def _certificates(value: object, info: ValidationInfo) -> bytes:
    content = read_public_file(resolve(value, info))
    load_certificates(content)
    return content


def _crl(value: object, info: ValidationInfo) -> bytes:
    content = read_public_file(resolve(value, info))
    load_crls(content)
    return content


def _ocsp(value: object, info: ValidationInfo) -> bytes:
    content = read_public_file(resolve(value, info))
    load_ocsp(content)
    return content


def _private_key(value: object, info: ValidationInfo) -> Secret:
    return Secret(read_private_file(resolve(value, info)))


def _passphrase(value: object, info: ValidationInfo) -> Secret:
    return Secret(read_key_file(resolve(value, info)))


def _methods(value: object) -> list[RevocationMethod]:
    parts = value if isinstance(value, list) else [value]
    words = " ".join(text(part) for part in parts).lower().split()
    try:
        methods = [RevocationMethod(word) for word in words]
    except ValueError:
        raise ValueError(
            f"expected crl, ocsp, none, or several of them, not {shown(' '.join(words))}"
        ) from None
    if RevocationMethod.NONE in methods[:-1] or len(set(methods)) != len(methods) or not methods:
        raise ValueError("expected each of crl and ocsp once at most, and none at the end only")
    return methods


CertificatesFile = Annotated[bytes, BeforeValidator(_certificates)]
CrlFile = Annotated[bytes, BeforeValidator(_crl)]
OcspFile = Annotated[bytes, BeforeValidator(_ocsp)]
PrivateKeyFile = Annotated[Secret, BeforeValidator(_private_key)]
PassphraseFile = Annotated[Secret, BeforeValidator(_passphrase)]


class Trustpoint(Section):
    """Files, PEM or DER: authorities to believe, a certificate and key of our own, revocation."""

    ca_file: CertificatesFile | None = None
    intermediate_file: CertificatesFile | None = None
    certificate_file: CertificatesFile | None = None
    key_file: PrivateKeyFile | None = None
    key_passphrase_file: PassphraseFile | None = None
    crl_files: OneOrMore[CrlFile] | None = None
    ocsp_response_files: OneOrMore[OcspFile] | None = None
    revocation_check: Annotated[list[RevocationMethod], BeforeValidator(_methods)] = Field(
        default=[RevocationMethod.CRL, RevocationMethod.OCSP, RevocationMethod.NONE]
    )

    _credential: Credential | None = PrivateAttr(default=None)
    _trust: TrustStore | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _load(self) -> Self:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("'certificate_file' and 'key_file' go together")
        if self.key_passphrase_file is not None and self.key_file is None:
            raise ValueError("'key_passphrase_file' is for a 'key_file'")
        if self.ca_file is None and self.certificate_file is None:
            raise ValueError("expected 'ca_file', or 'certificate_file' and 'key_file', or all")
        for key, source in _FILES.items():
            if self._sources and source not in self._sources and getattr(self, key) is not None:
                raise ValueError(f"'{key}' don't count: 'revocation_check' has no {source}")
        try:
            if self.certificate_file is not None and self.key_file is not None:
                self._credential = Credential.from_pem(
                    self.certificate_file, self.key_file.reveal(), self.key_passphrase_file
                )
            if self.ca_file is not None:
                self._trust = TrustStore.from_pem(
                    self.ca_file,
                    intermediates=self.intermediate_file or b"",
                    crls=self.crl_files or (),
                    ocsp=self.ocsp_response_files or (),
                    revocation=self._revocation,
                    revocation_sources=self._sources or RevocationSource,
                )
        except LoadError as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def credential(self) -> Credential | None:
        """Our own certificate and key; None where there is none."""
        return self._credential

    @property
    def trust(self) -> TrustStore | None:
        """What the certificates of peers are checked with; None without authorities."""
        return self._trust

    @property
    def _sources(self) -> set[RevocationSource]:
        """What is checked; nothing with `none` alone, files or not."""
        return {
            RevocationSource(method)
            for method in self.revocation_check
            if method is not RevocationMethod.NONE
        }

    @property
    def _revocation(self) -> RevocationPolicy:
        if not self._sources:
            return RevocationPolicy.OFF
        if RevocationMethod.NONE in self.revocation_check:
            return RevocationPolicy.IF_AVAILABLE
        return RevocationPolicy.REQUIRED
