"""Transforms: what would do for an SA, which of an offer's fit, and the suite that they make.

A negotiation (`ike.proposals`) compares what is wanted with one proposal of the peer's, here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from ike.codec.registry import TransformType, is_key_exchange
from ike.codec.security_association import Proposal, Transform
from ike.config import (
    AdditionalKeyExchange,
    EncryptionAlgorithm,
    EspProposal,
    IkeProposal,
    Integrity,
    KeyExchange,
    Prf,
)
from ike.crypto.encryption import fixed_key_bits, is_aead
from ike.crypto.suites import EspSuite, IkeSuite

NONE = 0  # INTEG NONE, KE NONE, and "no extended sequence numbers"
ADDITIONAL = tuple(t for t in TransformType if t.name.startswith("ADDKE"))

Encryption = tuple[EncryptionAlgorithm, int]
"""A cipher and its key length in bits."""

Wanted = Mapping[int, Sequence[Transform]]
"""By transform type, what would do, in order of preference."""


def by_kind(encryption: Sequence[Encryption]) -> list[tuple[Encryption, ...]]:
    """Part AEADs from the other ciphers: they go in proposals of their own (RFC 7296 §3.3)."""
    aead = tuple(e for e in encryption if is_aead(e[0]))
    other = tuple(e for e in encryption if not is_aead(e[0]))
    return [kind for kind in (aead, other) if kind]


def variants(own: AdditionalKeyExchange) -> list[Wanted]:
    """Offer without them too what may be skipped: some peers know none (RFC 9370 §2.2.1)."""
    optional = own and all(None in methods for methods in own)
    return [additional_transforms(own), {}] if optional else [additional_transforms(own)]


def additional_transforms(own: AdditionalKeyExchange) -> Wanted:
    """Give ADDKE1 and those after it their transforms."""
    return {
        kind: [Transform.of(kind, NONE if method is None else method) for method in methods]
        for kind, methods in zip(ADDITIONAL, own, strict=False)
    }


def may_be_skipped(wanted: Sequence[Transform]) -> bool:
    """Tell whether NONE would do."""
    return any(t.transform_id == NONE for t in wanted)


def present(wanted: Wanted, proposal: Proposal) -> Wanted:
    """Leave out the additional key exchanges that may be skipped and that nobody proposes."""
    if wanted.keys().isdisjoint(ADDITIONAL):
        return wanted
    return {
        kind: transforms
        for kind, transforms in wanted.items()
        if kind not in ADDITIONAL or proposal.of_type(kind) or not may_be_skipped(transforms)
    }


@lru_cache(maxsize=256)  # what is configured is asked for again and again
def _of(transform_type: int, ids: tuple[int, ...]) -> tuple[Transform, ...]:
    return tuple(Transform.of(transform_type, transform_id) for transform_id in ids)


@lru_cache(maxsize=256)
def _encryption(choices: tuple[Encryption, ...]) -> tuple[Transform, ...]:
    return tuple(
        Transform.of(TransformType.ENCR, algorithm)
        if fixed_key_bits(algorithm) is not None
        else Transform.with_key_length(TransformType.ENCR, algorithm, bits)
        for algorithm, bits in choices
    )


def _integrity(
    own: IkeProposal | EspProposal, encryption: tuple[Encryption, ...]
) -> tuple[Transform, ...]:
    if all(is_aead(algorithm) for algorithm, _ in encryption):
        return ()
    return _of(TransformType.INTEG, own.integrity)


def wanted_ike(
    own: IkeProposal, encryption: tuple[Encryption, ...], additional: Wanted
) -> dict[int, Sequence[Transform]]:
    """Say what would do for an IKE SA."""
    wanted: dict[int, Sequence[Transform]] = {
        TransformType.ENCR: _encryption(encryption),
        TransformType.PRF: _of(TransformType.PRF, own.prf),
        TransformType.INTEG: _integrity(own, encryption),
        TransformType.KE: _of(TransformType.KE, own.key_exchange),
        **additional,
    }
    return {kind: transforms for kind, transforms in wanted.items() if transforms}


def wanted_esp(
    own: EspProposal,
    encryption: tuple[Encryption, ...],
    methods: tuple[KeyExchange, ...],
    additional: Wanted,
) -> dict[int, Sequence[Transform]]:
    """Say what would do for a CHILD_SA, with the key exchange `methods` and additional ones."""
    wanted: dict[int, Sequence[Transform]] = {
        TransformType.ENCR: _encryption(encryption),
        TransformType.INTEG: _integrity(own, encryption),
        TransformType.KE: _of(TransformType.KE, methods),
        TransformType.ESN: _of(TransformType.ESN, own.extended_sequence_numbers),
        **additional,
    }
    return {kind: transforms for kind, transforms in wanted.items() if transforms}


def match(wanted: Wanted, proposal: Proposal) -> tuple[Transform, ...] | None:
    """Choose one transform of every type that the proposal has, or nothing.

    A type that we don't want must be there as NONE, and a type that we want must be there
    (RFC 7296 §3.3.6): a proposal without a key exchange is not taken for an IKE SA. All key
    exchange methods differ (RFC 9370 §2.2.1).
    """
    usable: dict[int, list[Transform]] = {}
    for transform in proposal.transforms:
        of_type = usable.setdefault(transform.transform_type, [])
        if transform.is_understood:
            of_type.append(transform)
    if not wanted.keys() <= usable.keys():
        return None
    fitting: dict[int, list[Transform]] = {}
    for transform_type, offered in usable.items():
        acceptable = wanted.get(transform_type, (Transform.of(transform_type, NONE),))
        fitting[transform_type] = [t for t in acceptable if t in offered]
        if not fitting[transform_type]:
            return None
    chosen = {kind: transforms[0] for kind, transforms in fitting.items()}
    exchanges = sorted([kind for kind in fitting if is_key_exchange(kind)])
    if len(exchanges) > 1:
        methods = _distinct([fitting[kind] for kind in exchanges])
        if methods is None:
            return None
        chosen.update(zip(exchanges, methods, strict=True))
    return tuple(chosen.values())


def _distinct(choices: Sequence[Sequence[Transform]]) -> list[Transform] | None:
    """Choose one of each, no method twice, the first ones before later ones; None if one can't.

    What has turned out to lead nowhere is not tried again: the work is bounded by the subsets of
    the methods that both ends have, whatever is proposed.
    """
    hopeless: set[tuple[int, frozenset[int]]] = set()

    def choose(at: int, used: frozenset[int]) -> list[Transform] | None:
        if at == len(choices):
            return []
        if (at, used) in hopeless:
            return None
        for transform in choices[at]:
            method = transform.transform_id
            if method in used:
                continue
            rest = choose(at + 1, used if method == NONE else used | {method})
            if rest is not None:
                return [transform, *rest]
        hopeless.add((at, used))
        return None

    return choose(0, frozenset())


def _by_type(chosen: Iterable[Transform]) -> dict[int, Transform]:
    return {t.transform_type: t for t in chosen}


def _id(chosen: Mapping[int, Transform], transform_type: int) -> int:
    """Return what was chosen of a type; 0, which is NONE, if that is nothing."""
    transform = chosen.get(transform_type)
    return transform.transform_id if transform is not None else NONE


def _cipher(
    chosen: Mapping[int, Transform],
) -> tuple[EncryptionAlgorithm, int, Integrity | None]:
    transform = chosen[TransformType.ENCR]
    algorithm = EncryptionAlgorithm(transform.transform_id)
    integrity = _id(chosen, TransformType.INTEG)
    bits = transform.key_bits or fixed_key_bits(algorithm) or 0
    return algorithm, bits, Integrity(integrity) if integrity else None


def _additional_methods(chosen: Mapping[int, Transform]) -> tuple[KeyExchange, ...]:
    methods = [_id(chosen, kind) for kind in ADDITIONAL if kind in chosen]
    return tuple([KeyExchange(method) for method in methods if method != NONE])


@lru_cache(maxsize=256)  # few differ, and all SAs of one kind keep the same
def ike_suite(chosen: tuple[Transform, ...]) -> IkeSuite:
    """Read the suite of an IKE SA out of the transforms chosen."""
    of_type = _by_type(chosen)
    prf, method = _id(of_type, TransformType.PRF), _id(of_type, TransformType.KE)
    additional = _additional_methods(of_type)
    return IkeSuite(*_cipher(of_type), Prf(prf), KeyExchange(method), additional)


@lru_cache(maxsize=256)
def esp_suite(chosen: tuple[Transform, ...]) -> EspSuite:
    """Read the suite of a CHILD_SA out of the transforms chosen."""
    of_type = _by_type(chosen)
    method = _id(of_type, TransformType.KE)
    return EspSuite(
        *_cipher(of_type),
        KeyExchange(method) if method else None,
        _additional_methods(of_type),
        bool(_id(of_type, TransformType.ESN)),
    )
