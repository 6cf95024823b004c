"""Key derivation (RFC 7296 §2.14, §2.17, §2.18)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ike.codec.reader import u64
from ike.config import Prf
from ike.crypto.prf import compute, key_length, nonce_key, prf_plus
from ike.crypto.suites import EspSuite, IkeSuite
from ike.types import Secret


@dataclass(frozen=True, slots=True)
class IkeKeys:
    """The keys of one IKE SA; `i` is for what the initiator sends, `r` for the responder.

    SK_a* are empty with an AEAD (RFC 5282 §2). SK_e* end in the salt, where there is one.
    """

    sk_d: Secret
    sk_ai: Secret
    sk_ar: Secret
    sk_ei: Secret
    sk_er: Secret
    sk_pi: Secret
    sk_pr: Secret


@dataclass(frozen=True, slots=True)
class Nonces:
    """Both nonces of the exchange that makes an SA."""

    initiator: bytes
    responder: bytes

    @property
    def lowest(self) -> bytes:
        """The lower one: what simultaneous exchanges are compared by (RFC 7296 §2.8.1)."""
        return min(self.initiator, self.responder)

    @property
    def joined(self) -> bytes:
        """Ni | Nr."""
        return self.initiator + self.responder


def ike_keys(
    suite: IkeSuite, shared: Secret, nonces: Nonces, initiator_spi: int, responder_spi: int
) -> IkeKeys:
    """Derive the keys of a first IKE SA (§2.14): SKEYSEED = prf(Ni | Nr, g^ir)."""
    key = nonce_key(suite.prf, nonces.initiator, nonces.responder)
    skeyseed = compute(suite.prf, key, shared.reveal())
    return _expand(suite, skeyseed, nonces, initiator_spi, responder_spi)


def rekeyed_ike_keys(
    old_prf: Prf,
    old_sk_d: Secret,
    suite: IkeSuite,
    shared: Sequence[Secret],
    nonces: Nonces,
    initiator_spi: int,
    responder_spi: int,
) -> IkeKeys:
    """Derive the keys of a rekeyed IKE SA (§2.18): SKEYSEED = prf(SK_d(old), g^ir | Ni | Nr).

    The secrets of additional key exchanges follow the nonces (RFC 9370 §2.2.4).
    """
    skeyseed = compute(old_prf, old_sk_d.reveal(), _joined(shared, nonces))
    return _expand(suite, skeyseed, nonces, initiator_spi, responder_spi)


def updated_ike_keys(
    suite: IkeSuite,
    keys: IkeKeys,
    shared: Secret,
    nonces: Nonces,
    initiator_spi: int,
    responder_spi: int,
) -> IkeKeys:
    """Derive the keys after an additional key exchange (RFC 9370 §2.2.2).

    SKEYSEED(n) = prf(SK_d(n-1), SK(n) | Ni | Nr): as if the IKE SA were rekeyed with its nonces.
    """
    return rekeyed_ike_keys(
        suite.prf, keys.sk_d, suite, (shared,), nonces, initiator_spi, responder_spi
    )


def keys_with_ppk(prf: Prf, keys: IkeKeys, ppk: Secret) -> IkeKeys:
    """Mix a postquantum preshared key into SK_d, SK_pi and SK_pr (RFC 8784 §3)."""
    length = key_length(prf)
    sk_d, sk_pi, sk_pr = (
        Secret(prf_plus(prf, ppk.reveal(), key.reveal(), length))
        for key in (keys.sk_d, keys.sk_pi, keys.sk_pr)
    )
    return replace(keys, sk_d=sk_d, sk_pi=sk_pi, sk_pr=sk_pr)


def _joined(shared: Sequence[Secret], nonces: Nonces) -> bytes:
    """Return SK(0) | Ni | Nr | SK(1) | SK(2) and so on (RFC 9370 §2.2.4)."""
    first, *rest = (secret.reveal() for secret in shared) if shared else (b"",)
    return b"".join((first, nonces.joined, *rest))


def _expand(
    suite: IkeSuite, skeyseed: bytes, nonces: Nonces, initiator_spi: int, responder_spi: int
) -> IkeKeys:
    prf = key_length(suite.prf)
    integrity = suite.integrity_key_length
    cipher = suite.encryption_spec.material_length
    lengths = (prf, integrity, integrity, cipher, cipher, prf, prf)
    seed = nonces.joined + u64(initiator_spi) + u64(responder_spi)
    return IkeKeys(*_split(prf_plus(suite.prf, skeyseed, seed, sum(lengths)), lengths))


def _split(material: bytes, lengths: tuple[int, ...]) -> list[Secret]:
    parts: list[Secret] = []
    position = 0
    for length in lengths:
        parts.append(Secret(material[position : position + length]))
        position += length
    return parts


@dataclass(frozen=True, slots=True)
class DirectionKeys:
    """The keys of one ESP SA; salt and integrity key are empty where the suite has none."""

    key: Secret
    salt: Secret
    integrity_key: Secret


@dataclass(frozen=True, slots=True)
class ChildKeys:
    """The keys of a pair of ESP SAs; `initiator` is who sent the request that made it."""

    initiator: DirectionKeys
    responder: DirectionKeys


def child_keys(
    prf: Prf, sk_d: Secret, suite: EspSuite, nonces: Nonces, shared: Sequence[Secret] = ()
) -> ChildKeys:
    """Derive the keys of a CHILD_SA (§2.17): prf+(SK_d, [g^ir |] Ni | Nr).

    `shared` is g^ir, if there is one, and the secrets of the additional key exchanges, which
    follow the nonces (RFC 9370 §2.2.4).
    """
    spec = suite.encryption_spec
    lengths = (spec.key_length, spec.salt_length, suite.integrity_key_length)
    seed = _joined(shared, nonces)
    material = prf_plus(prf, sk_d.reveal(), seed, 2 * sum(lengths))
    parts = _split(material, lengths * 2)
    return ChildKeys(DirectionKeys(*parts[:3]), DirectionKeys(*parts[3:]))
