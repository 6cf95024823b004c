"""Verification of certificates: whatever a peer sends, it is refused with a reason or accepted.

The input is a list of blobs, each with its length in two bytes and one that says what it is: a
certificate, a CRL or an OCSP response.
"""

from __future__ import annotations

from functools import cache

from authority import NOW, Authority
from cryptography.hazmat.primitives.asymmetric import ec

from fuzz.steering import Steering
from ike.pki import CertificateError, TrustStore, verify
from ike.types import Identity

MAX_LENGTH = 8192
_CERTIFICATE, _CRL, _OCSP = range(3)
_IDENTITY = Identity.from_text("gw1.example")


@cache
def _authorities() -> tuple[Authority, Authority]:
    # The keys are the same in every process, so that a corpus is good for the next one too.
    root_key, sub_key = (ec.derive_private_key(n, ec.SECP256R1()) for n in (12345, 67890))
    root = Authority("CN=Root", key=root_key)
    return root, root.authority("CN=Sub", key=sub_key)


@cache
def _trust() -> TrustStore:
    return TrustStore.from_pem(_authorities()[0].pem)


def one_input(data: bytes) -> None:
    """Verify a chain."""
    steering = Steering(data)
    blobs: dict[int, list[bytes]] = {_CERTIFICATE: [], _CRL: [], _OCSP: []}
    while steering.has_more:
        kind = steering.below(3)
        blobs[kind].append(steering.take(steering.number(2)))
    why = ""
    try:
        verify(_trust(), blobs[_CERTIFICATE], _IDENTITY, NOW, crls=blobs[_CRL], ocsp=blobs[_OCSP])
    except CertificateError as error:
        why = str(error)
    assert why.isprintable() or not why, "what a peer sends goes into a log as it is"


def _blob(kind: int, der: bytes) -> bytes:
    return bytes([kind]) + len(der).to_bytes(2, "big") + der


def seeds() -> list[bytes]:
    """Give chains that are good, revoked, and for somebody else."""
    _, sub = _authorities()
    found = []
    for name in ("gw1.example", "gw2.example"):
        leaf = sub.issue(f"C=CH, CN={name}", names=[name, "192.0.2.1"])
        chain = b"".join(_blob(_CERTIFICATE, der) for der in leaf.chain_der)
        revoked = _blob(_CRL, sub.crl(revoked=[leaf]))
        found += [chain, chain + revoked, chain + _blob(_OCSP, sub.ocsp(leaf))]
    return found
