"""Negotiation of algorithms: what we offer, what we choose, what we accept (RFC 7296 §2.7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ike.codec.registry import ProtocolId, TransformType, transform_name
from ike.codec.security_association import Proposal, SecurityAssociation, Transform
from ike.config import (
    EncryptionAlgorithm,
    EspProposal,
    IkeProposal,
    Integrity,
    KeyExchange,
    Prf,
    is_legacy,
)
from ike.crypto.encryption import fixed_key_bits, is_aead
from ike.crypto.suites import EspSuite, IkeSuite

_NONE = 0  # INTEG NONE, KE NONE, and "no extended sequence numbers"

Encryption = tuple[EncryptionAlgorithm, int]
"""A cipher and its key length in bits."""

Wanted = Mapping[int, Sequence[Transform]]
"""By transform type, what would do, in order of preference."""


@dataclass(frozen=True, slots=True)
class IkeChoice:
    """The suite that we choose as responder, and the proposal that says so."""

    suite: IkeSuite
    proposal: Proposal


@dataclass(frozen=True, slots=True)
class EspChoice:
    """The suite that we choose as responder, and the proposal that says so."""

    suite: EspSuite
    proposal: Proposal


@dataclass(frozen=True, slots=True)
class _WireProposal:
    """One proposal as it goes on the wire: AEADs and other ciphers don't mix (§3.3)."""

    wanted: dict[int, list[Transform]]

    @property
    def transforms(self) -> tuple[Transform, ...]:
        return tuple(t for transforms in self.wanted.values() for t in transforms)


def _wire_ike(proposals: Sequence[IkeProposal]) -> list[_WireProposal]:
    return [
        _WireProposal(_wanted_ike(own, encryption))
        for own in proposals
        for encryption in _by_kind(own.encryption)
    ]


def _wire_esp(proposals: Sequence[EspProposal], with_key_exchange: bool) -> list[_WireProposal]:
    return [
        _WireProposal(_wanted_esp(own, encryption, own.key_exchange if with_key_exchange else ()))
        for own in proposals
        for encryption in _by_kind(own.encryption)
    ]


def _by_kind(encryption: Sequence[Encryption]) -> list[tuple[Encryption, ...]]:
    aead = tuple(e for e in encryption if is_aead(e[0]))
    other = tuple(e for e in encryption if not is_aead(e[0]))
    return [kind for kind in (aead, other) if kind]


def offer_ike(proposals: Sequence[IkeProposal], spi: bytes = b"") -> SecurityAssociation:
    """Put our proposals for an IKE SA on the wire; `spi` only when it is rekeyed."""
    return SecurityAssociation(
        tuple(
            Proposal(number, ProtocolId.IKE, spi, wire.transforms)
            for number, wire in enumerate(_wire_ike(proposals), 1)
        )
    )


def offer_esp(
    proposals: Sequence[EspProposal], spi: bytes, with_key_exchange: bool
) -> SecurityAssociation:
    """Put our proposals for a CHILD_SA on the wire; `spi` is our inbound one."""
    return SecurityAssociation(
        tuple(
            Proposal(number, ProtocolId.ESP, spi, wire.transforms)
            for number, wire in enumerate(_wire_esp(proposals, with_key_exchange), 1)
        )
    )


def choose_ike(
    ours: Sequence[IkeProposal], offered: SecurityAssociation, method: int, spi: bytes = b""
) -> IkeChoice | None:
    """Choose as responder; None if nothing fits.

    Our order of preference decides, but for the key exchange method: the one that the peer has
    sent a public value for saves a round trip, and is as acceptable as any that we list.

    Args:
        ours: what is configured.
        offered: the peer's SA payload.
        method: the key exchange method of the peer's KE payload.
        spi: our SPI, when an IKE SA is rekeyed.
    """
    for own in ours:
        for encryption in own.encryption:
            wanted = _wanted_ike(own, (encryption,))
            wanted[TransformType.KE].sort(key=lambda t: t.transform_id != method)
            for proposal in offered.proposals:
                if proposal.protocol != ProtocolId.IKE:
                    continue
                chosen = _match(wanted, proposal)
                if chosen is not None:
                    answer = Proposal(proposal.number, ProtocolId.IKE, spi, chosen)
                    return IkeChoice(_ike_suite(chosen), answer)
    return None


def choose_esp(
    ours: Sequence[EspProposal],
    offered: SecurityAssociation,
    spi: bytes,
    method: int | None,
    with_key_exchange: bool,
) -> tuple[EspChoice, int] | None:
    """Choose as responder, and give the peer's inbound SPI too; None if nothing fits.

    Args:
        ours: what is configured.
        offered: the peer's SA payload.
        spi: our inbound SPI.
        method: the key exchange method of the peer's KE payload, None without one.
        with_key_exchange: whether this exchange can have one (not in IKE_AUTH, RFC 7296 §1.2).
    """
    for own in ours:
        for encryption in own.encryption:
            for proposal in offered.proposals:
                if proposal.protocol != ProtocolId.ESP or len(proposal.spi) != 4:
                    continue
                methods = _methods(own, proposal, method) if with_key_exchange else ()
                chosen = _match(_wanted_esp(own, (encryption,), methods), proposal)
                if chosen is not None:
                    answer = Proposal(proposal.number, ProtocolId.ESP, spi, chosen)
                    spi_out = int.from_bytes(proposal.spi, "big")
                    return EspChoice(_esp_suite(chosen), answer), spi_out
    return None


def _methods(own: EspProposal, proposal: Proposal, method: int | None) -> tuple[KeyExchange, ...]:
    offered = [t.transform_id for t in proposal.of_type(TransformType.KE)]
    ours = own.key_exchange
    if not ours:
        # No wish of our own: the peer's, unless it can do without.
        if not offered or (_NONE in offered and method is None):
            return ()
        ours = tuple(m for m in KeyExchange if not is_legacy(m))
    return tuple(sorted(ours, key=lambda m: m != method))


def accept_ike(
    ours: Sequence[IkeProposal], answer: SecurityAssociation
) -> tuple[IkeSuite, Proposal] | None:
    """Check the responder's answer to our offer; None if it is not part of it."""
    accepted = _accept(_wire_ike(ours), answer, ProtocolId.IKE)
    return (_ike_suite(accepted[0]), accepted[1]) if accepted else None


def accept_esp(
    ours: Sequence[EspProposal], answer: SecurityAssociation, with_key_exchange: bool
) -> tuple[EspSuite, int] | None:
    """Check the responder's answer to our offer, and give its inbound SPI; None if it is wrong."""
    accepted = _accept(_wire_esp(ours, with_key_exchange), answer, ProtocolId.ESP)
    if accepted is None or len(accepted[1].spi) != 4:
        return None
    return _esp_suite(accepted[0]), int.from_bytes(accepted[1].spi, "big")


def _accept(
    wire: Sequence[_WireProposal], answer: SecurityAssociation, protocol: int
) -> tuple[tuple[Transform, ...], Proposal] | None:
    if len(answer.proposals) != 1:
        return None
    proposal = answer.proposals[0]
    if proposal.protocol != protocol or not 1 <= proposal.number <= len(wire):
        return None
    chosen = _match(wire[proposal.number - 1].wanted, proposal)
    if chosen is None or len(chosen) != len(proposal.transforms):
        return None
    return chosen, proposal


def describe(offered: SecurityAssociation, limit: int = 300) -> str:
    """Name what was offered, for an operator; `limit` in characters."""
    texts = []
    for proposal in offered.proposals:
        names = []
        for transform in proposal.transforms:
            name = transform_name(transform.transform_type, transform.transform_id)
            names.append(f"{name}-{transform.key_bits}" if transform.key_bits else name)
        texts.append("/".join(names))
    text = ", ".join(texts)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def describe_ike(proposals: Sequence[IkeProposal]) -> str:
    """Name what is configured for an IKE SA, for an operator."""
    return describe(offer_ike(proposals))


def describe_esp(proposals: Sequence[EspProposal]) -> str:
    """Name what is configured for a CHILD_SA, for an operator."""
    return describe(offer_esp(proposals, bytes(4), with_key_exchange=True))


def _encryption(choices: Iterable[Encryption]) -> list[Transform]:
    return [
        Transform(TransformType.ENCR, algorithm)
        if fixed_key_bits(algorithm) is not None
        else Transform.with_key_length(TransformType.ENCR, algorithm, bits)
        for algorithm, bits in choices
    ]


def _integrity(own: IkeProposal | EspProposal, encryption: Sequence[Encryption]) -> list[Transform]:
    if all(is_aead(algorithm) for algorithm, _ in encryption):
        return []
    return [Transform(TransformType.INTEG, integrity) for integrity in own.integrity]


def _wanted_ike(own: IkeProposal, encryption: Sequence[Encryption]) -> dict[int, list[Transform]]:
    wanted: dict[int, list[Transform]] = {
        TransformType.ENCR: _encryption(encryption),
        TransformType.PRF: [Transform(TransformType.PRF, prf) for prf in own.prf],
        TransformType.INTEG: _integrity(own, encryption),
        TransformType.KE: [Transform(TransformType.KE, m) for m in own.key_exchange],
    }
    return {kind: transforms for kind, transforms in wanted.items() if transforms}


def _wanted_esp(
    own: EspProposal, encryption: Sequence[Encryption], methods: Iterable[KeyExchange]
) -> dict[int, list[Transform]]:
    wanted: dict[int, list[Transform]] = {
        TransformType.ENCR: _encryption(encryption),
        TransformType.INTEG: _integrity(own, encryption),
        TransformType.KE: [Transform(TransformType.KE, m) for m in methods],
        TransformType.ESN: [Transform(TransformType.ESN, _NONE)],
    }
    return {kind: transforms for kind, transforms in wanted.items() if transforms}


def _match(wanted: Wanted, proposal: Proposal) -> tuple[Transform, ...] | None:
    """Choose one transform of every type that the proposal has, or nothing.

    A type that we don't want must be there as NONE, and a type that we want must be there
    (RFC 7296 §3.3.6): a proposal without a key exchange is not taken for an IKE SA.
    """
    offered_types = dict.fromkeys(t.transform_type for t in proposal.transforms)
    if any(t not in offered_types for t in wanted):
        return None
    chosen = []
    for transform_type in offered_types:
        usable = [t for t in proposal.of_type(transform_type) if t.is_understood]
        acceptable = wanted.get(transform_type, [Transform(transform_type, _NONE)])
        found = next((t for t in acceptable if t in usable), None)
        if found is None:
            return None
        chosen.append(found)
    return tuple(chosen)


def _id(chosen: Iterable[Transform], transform_type: int) -> int:
    """Return what was chosen of a type; 0, which is NONE, if that is nothing."""
    return next((t.transform_id for t in chosen if t.transform_type == transform_type), _NONE)


def _cipher(chosen: Sequence[Transform]) -> tuple[EncryptionAlgorithm, int, Integrity | None]:
    transform = next(t for t in chosen if t.transform_type == TransformType.ENCR)
    algorithm = EncryptionAlgorithm(transform.transform_id)
    integrity = _id(chosen, TransformType.INTEG)
    bits = transform.key_bits or fixed_key_bits(algorithm) or 0
    return algorithm, bits, Integrity(integrity) if integrity else None


def _ike_suite(chosen: Sequence[Transform]) -> IkeSuite:
    prf, method = (_id(chosen, kind) for kind in (TransformType.PRF, TransformType.KE))
    return IkeSuite(*_cipher(chosen), Prf(prf), KeyExchange(method))


def _esp_suite(chosen: Sequence[Transform]) -> EspSuite:
    method = _id(chosen, TransformType.KE)
    return EspSuite(*_cipher(chosen), KeyExchange(method) if method else None)
