"""Certificates for both peers of a cell: one authority, of the kind of key that is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519

from ike.config import CertificateCredential, SignatureScheme, TrustedCertificate
from ike.pki import Credential, TrustStore
from tests.ike.authority import DAY, Authority, Issued, PrivateKey, rsa_key
from tests.interop.lab.strongswan import StrongSwan
from tests.interop.lab.topology import SITE_A, SITE_B

_KEYS: dict[str, Callable[[int], PrivateKey]] = {
    "rsa": lambda number: rsa_key(2048, number),
    "p256": lambda _: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda _: ec.generate_private_key(ec.SECP384R1()),
    "p521": lambda _: ec.generate_private_key(ec.SECP521R1()),
    "ed25519": lambda _: ed25519.Ed25519PrivateKey.generate(),
    "ed448": lambda _: ed448.Ed448PrivateKey.generate(),
}


@dataclass(frozen=True, slots=True)
class Pki:
    """An authority, those between it and the peers, and what they issued."""

    root: Authority
    between: tuple[Authority, ...]
    ours: Issued
    theirs: Issued

    def credential(self, *schemes: SignatureScheme) -> CertificateCredential:
        """Return our proof."""
        return CertificateCredential(
            Credential.from_pem(self.ours.chain_pem, self.ours.key_pem), schemes
        )

    def trust(self, *schemes: SignatureScheme) -> TrustedCertificate:
        """Return what we want of strongSwan."""
        return TrustedCertificate(TrustStore.from_pem(self.root.pem), schemes)

    def crl(self, revoked: Iterable[Issued]) -> bytes:
        """Return what the authority has revoked, as of now."""
        today = datetime.now(UTC)
        return self.root.crl(revoked, this_update=today - DAY, next_update=today + DAY)

    def install(self, strongswan: StrongSwan) -> None:
        """Give strongSwan its certificate and key, and the authorities."""
        strongswan.forget_credentials()
        strongswan.add_credential("x509", "gateway.pem", self.theirs.pem)
        strongswan.add_credential("private", "gateway.pem", self.theirs.key_pem)
        strongswan.add_credential("x509ca", "root.pem", self.root.pem)
        for number, authority in enumerate(self.between):
            strongswan.add_credential("x509ca", f"between-{number}.pem", authority.pem)


@cache
def pki(
    kind: str,
    *,
    depth: int = 0,
    our_name: str = str(SITE_A.core_address),
    their_name: str = str(SITE_B.core_address),
) -> Pki:
    """Make an authority of a kind of key, with `depth` more between it and the peers.

    A name with "=" in it is the subject; any other is the one alternative name.
    """
    make = _KEYS[kind]
    # strongSwan reads the machine's clock, so the certificates are valid by it.
    today = datetime.now(UTC)
    since, until = today - DAY, today + 30 * DAY
    root = Authority("O=matrix, CN=Root", key=make(0), not_before=since, not_after=until)
    issuer, between = root, []
    for number in range(depth):
        issuer = Authority(
            f"O=matrix, CN=Between {number}",
            key=make(3 + number),
            issuer=issuer,
            not_before=since,
            not_after=until,
        )
        between.append(issuer)
    ours, theirs = (
        issuer.issue(
            name if "=" in name else f"O=matrix, CN={name}",
            names=() if "=" in name else (name,),
            key=make(number),
            not_before=since,
            not_after=until,
        )
        for number, name in ((1, our_name), (2, their_name))
    )
    return Pki(root, tuple(between), ours, theirs)
