"""Which hash algorithms may be signed with: the notify of RFC 7427 §4."""

from __future__ import annotations

from collections.abc import Iterable

from ike.codec.chain import find_notify
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u16
from ike.codec.registry import HashAlgorithm, NotifyType, value_name
from ike.config import PeerConfig, SignatureScheme, TrustedCertificate
from ike.crypto.signature import MODERN_SCHEMES, hash_of


def accepted_schemes(config: TrustedCertificate) -> tuple[SignatureScheme, ...]:
    """Return the schemes that a peer may sign by."""
    return config.schemes or MODERN_SCHEMES


def announced_hashes(config: TrustedCertificate) -> frozenset[HashAlgorithm]:
    """Return the hash algorithms that are announced to a peer.

    SHA-1 is not among them: where it is accepted at all, it is with the method that predates
    RFC 7427.
    """
    return frozenset(hash_of(s) for s in accepted_schemes(config)) - {HashAlgorithm.SHA1}


def announce(peers: Iterable[PeerConfig]) -> list[Notify]:
    """Say in IKE_SA_INIT which hashes any of `peers` may sign with; nothing if none is to sign."""
    trusted = [
        p.remote_authentication
        for p in peers
        if isinstance(p.remote_authentication, TrustedCertificate)
    ]
    hashes = sorted(frozenset().union(*(announced_hashes(t) for t in trusted)))
    if not hashes:
        return []
    return [Notify(NotifyType.SIGNATURE_HASH_ALGORITHMS, b"".join(u16(h) for h in hashes))]


def read(payloads: Iterable[Payload]) -> frozenset[int]:
    """Read which hashes the peer announces; an odd byte at the end is nobody's, and left."""
    notify = find_notify(payloads, NotifyType.SIGNATURE_HASH_ALGORITHMS)
    data = notify.data if notify is not None else b""
    pairs = zip(data[::2], data[1::2], strict=False)
    return frozenset(high << 8 | low for high, low in pairs)


def show(hashes: Iterable[int]) -> str:
    """Name hash algorithms for an operator."""
    return ", ".join(value_name(HashAlgorithm, h) for h in sorted(hashes)[:8])
