"""How each end proves who it is, and what else goes into the keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from ike.config.algorithms import SignatureScheme
from ike.pki import Credential, TrustStore
from ike.printable import quoted
from ike.types import Secret

MAX_PPK_ID = 1024  # bytes


@dataclass(frozen=True, slots=True)
class PresharedKey:
    """Proof by a key that both ends have (RFC 7296 §2.15)."""

    key: Secret


@dataclass(frozen=True, slots=True)
class CertificateCredential:
    """Proof by a certificate of ours and its private key.

    `schemes`: what we may sign by, best first; () is all that the key can and that is no legacy.
    `ocsp`: OCSP responses about our certificates, DER, for the peers that ask for them (RFC 4806).
    """

    credential: Credential
    schemes: tuple[SignatureScheme, ...] = ()
    ocsp: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class TrustedCertificate:
    """Proof by a certificate of the peer's that leads up to an authority which we trust.

    `schemes`: what the peer may sign by; () is all that is no legacy.
    """

    trust: TrustStore
    schemes: tuple[SignatureScheme, ...] = ()


@dataclass(frozen=True, slots=True)
class NullAuthentication:
    """No proof at all (RFC 7619): a peer is whoever answers at its address."""


LocalAuthentication = PresharedKey | CertificateCredential | NullAuthentication
RemoteAuthentication = PresharedKey | TrustedCertificate | NullAuthentication


class PpkIdType(IntEnum):
    """What a PPK_ID is (RFC 8784 §5.1)."""

    OPAQUE = 1
    FIXED = 2


@dataclass(frozen=True, slots=True)
class Ppk:
    """A postquantum preshared key (RFC 8784), which both ends know by the name `ppk_id`.

    What was recorded is safe from a quantum computer as long as nobody has the key, which ought to
    have 32 random bytes or more. Without `required`, the IKE SA is made without it too.

    Raises:
        ValueError: name or key is empty, or the name is too long.
    """

    ppk_id: bytes
    key: Secret
    required: bool = False
    id_type: PpkIdType = PpkIdType.FIXED

    def __post_init__(self) -> None:
        if not 1 <= len(self.ppk_id) <= MAX_PPK_ID:
            raise ValueError(f"a PPK's name has 1 to {MAX_PPK_ID} bytes")
        if not self.key:
            raise ValueError("a PPK without a key")

    def __str__(self) -> str:
        return f"the PPK {quoted(self.ppk_id)}"
