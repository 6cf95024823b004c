"""Whether a peer is still configured as it was when its IKE SAs were made.

The export holds no key of the configuration: authentication is compared by a keyed digest.
"""

from __future__ import annotations

from collections.abc import Iterable
from hmac import compare_digest

from cryptography.hazmat.primitives.serialization import Encoding

from ike.codec.reader import u32
from ike.config import (
    CertificateCredential,
    LocalAuthentication,
    NullAuthentication,
    PeerConfig,
    PresharedKey,
    Prf,
    RemoteAuthentication,
)
from ike.crypto.prf import compute
from ike.state.records import AttemptRecord, PeerRecord

SALT_LENGTH = 32  # bytes


def describe(
    config: PeerConfig,
    salt: bytes,
    connections: tuple[int, ...],
    attempts: tuple[AttemptRecord, ...],
) -> PeerRecord:
    """Describe a peer: its configuration, its IKE SAs by our SPIs, and its attempts."""
    return PeerRecord(
        config.name,
        str(config.local_address),
        str(config.remote_address),
        config.local_identity,
        config.remote_identity,
        _authentication(config, salt),
        config.proposals,
        connections,
        attempts,
    )


def difference(record: PeerRecord, config: PeerConfig, salt: bytes) -> str | None:
    """Tell what is configured differently now; None if nothing is that matters."""
    now = describe(config, salt, record.connections, record.attempts)
    for what, before, after in (
        ("local address", record.local_address, now.local_address),
        ("remote address", record.remote_address, now.remote_address),
        ("local identity", record.local_identity, now.local_identity),
        ("remote identity", record.remote_identity, now.remote_identity),
    ):
        if before != after:
            return f"its {what} was {before}, and is {after} now"
    if not compare_digest(record.authentication, now.authentication):
        return "its authentication is configured differently now"
    if record.proposals != now.proposals:
        return "its IKE proposals are configured differently now"
    return None


def _authentication(config: PeerConfig, salt: bytes) -> bytes:
    parts = [_material(config.local_authentication), _material(config.remote_authentication)]
    if config.ppk is not None:
        # Whether it is required, does not matter any more.
        parts.append((b"ppk", config.ppk.ppk_id, config.ppk.key.reveal()))
    return compute(Prf.HMAC_SHA2_256, salt, _joined(_joined(part) for part in parts))


def _joined(parts: Iterable[bytes]) -> bytes:
    return b"".join(u32(len(part)) + part for part in parts)


def _material(authentication: LocalAuthentication | RemoteAuthentication) -> tuple[bytes, ...]:
    """Give what makes an authentication another one; CRLs and OCSP responses come and go."""
    match authentication:
        case PresharedKey():
            return b"key", authentication.key.reveal()
        case NullAuthentication():
            return (b"null",)
        case CertificateCredential():
            chain = [c.public_bytes(Encoding.DER) for c in authentication.credential.chain]
            return b"credential", " ".join(authentication.schemes).encode(), *chain
    trust = authentication.trust
    return (
        b"trust",
        " ".join(authentication.schemes).encode(),
        " ".join((trust.revocation, *sorted(trust.revocation_sources))).encode(),
        _joined(anchor.der for anchor in trust.anchors),
        _joined(authority.der for authority in trust.intermediates),
    )
