"""Negotiation of algorithms: what we offer, what we choose, what we accept (RFC 7296 §2.7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ike.codec.registry import ProtocolId, TransformType, transform_name
from ike.codec.security_association import Proposal, SecurityAssociation, Transform
from ike.config import EncryptionAlgorithm, EspProposal, IkeProposal, KeyExchange, Prf
from ike.crypto.suites import EspSuite, IkeSuite

_NONE = 0  # INTEG NONE, KE NONE, and "no extended sequence numbers"

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


def offer_ike(proposals: Sequence[IkeProposal], spi: bytes = b"") -> SecurityAssociation:
    """Put our proposals for an IKE SA on the wire; `spi` only when it is rekeyed."""
    return SecurityAssociation(
        tuple(
            Proposal(number, ProtocolId.IKE, spi, _flatten(_wanted_ike(p, p.encryption)))
            for number, p in enumerate(proposals, 1)
        )
    )


def offer_esp(
    proposals: Sequence[EspProposal], spi: bytes, with_key_exchange: bool
) -> SecurityAssociation:
    """Put our proposals for a CHILD_SA on the wire; `spi` is our inbound one."""
    return SecurityAssociation(
        tuple(
            Proposal(
                number,
                ProtocolId.ESP,
                spi,
                _flatten(_wanted_esp(p, p.encryption, p.key_exchange if with_key_exchange else ())),
            )
            for number, p in enumerate(proposals, 1)
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
        ours = tuple(KeyExchange)
    return tuple(sorted(ours, key=lambda m: m != method))


def accept_ike(
    ours: Sequence[IkeProposal], answer: SecurityAssociation
) -> tuple[IkeSuite, Proposal] | None:
    """Check the responder's answer to our offer; None if it is not part of it."""
    proposal = _only_proposal(answer, ProtocolId.IKE, len(ours))
    if proposal is None:
        return None
    own = ours[proposal.number - 1]
    chosen = _match(_wanted_ike(own, own.encryption), proposal)
    if chosen is None or len(chosen) != len(proposal.transforms):
        return None
    return _ike_suite(chosen), proposal


def accept_esp(
    ours: Sequence[EspProposal], answer: SecurityAssociation, with_key_exchange: bool
) -> tuple[EspSuite, int] | None:
    """Check the responder's answer to our offer, and give its inbound SPI; None if it is wrong."""
    proposal = _only_proposal(answer, ProtocolId.ESP, len(ours))
    if proposal is None or len(proposal.spi) != 4:
        return None
    own = ours[proposal.number - 1]
    methods = own.key_exchange if with_key_exchange else ()
    chosen = _match(_wanted_esp(own, own.encryption, methods), proposal)
    if chosen is None or len(chosen) != len(proposal.transforms):
        return None
    return _esp_suite(chosen), int.from_bytes(proposal.spi, "big")


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


def _encryption(choices: Iterable[tuple[EncryptionAlgorithm, int]]) -> list[Transform]:
    return [Transform.with_key_length(TransformType.ENCR, a, bits) for a, bits in choices]


def _wanted_ike(
    own: IkeProposal, encryption: Iterable[tuple[EncryptionAlgorithm, int]]
) -> dict[int, list[Transform]]:
    return {
        TransformType.ENCR: _encryption(encryption),
        TransformType.PRF: [Transform(TransformType.PRF, prf) for prf in own.prf],
        TransformType.KE: [Transform(TransformType.KE, m) for m in own.key_exchange],
    }


def _wanted_esp(
    own: EspProposal,
    encryption: Iterable[tuple[EncryptionAlgorithm, int]],
    methods: Iterable[KeyExchange],
) -> dict[int, list[Transform]]:
    wanted: dict[int, list[Transform]] = {TransformType.ENCR: _encryption(encryption)}
    exchanges = [Transform(TransformType.KE, m) for m in methods]
    if exchanges:
        wanted[TransformType.KE] = exchanges
    wanted[TransformType.ESN] = [Transform(TransformType.ESN, _NONE)]
    return wanted


def _flatten(wanted: Wanted) -> tuple[Transform, ...]:
    return tuple(t for transforms in wanted.values() for t in transforms)


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


def _only_proposal(answer: SecurityAssociation, protocol: int, count: int) -> Proposal | None:
    if len(answer.proposals) != 1:
        return None
    proposal = answer.proposals[0]
    if proposal.protocol != protocol or not 1 <= proposal.number <= count:
        return None
    return proposal


def _one(chosen: Iterable[Transform], transform_type: int) -> Transform:
    return next(t for t in chosen if t.transform_type == transform_type)


def _ike_suite(chosen: Sequence[Transform]) -> IkeSuite:
    encryption = _one(chosen, TransformType.ENCR)
    return IkeSuite(
        EncryptionAlgorithm(encryption.transform_id),
        encryption.key_bits or 0,
        Prf(_one(chosen, TransformType.PRF).transform_id),
        KeyExchange(_one(chosen, TransformType.KE).transform_id),
    )


def _esp_suite(chosen: Sequence[Transform]) -> EspSuite:
    encryption = _one(chosen, TransformType.ENCR)
    method = next((t for t in chosen if t.transform_type == TransformType.KE), None)
    return EspSuite(
        EncryptionAlgorithm(encryption.transform_id),
        encryption.key_bits or 0,
        KeyExchange(method.transform_id) if method and method.transform_id else None,
    )
