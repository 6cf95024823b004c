"""Negotiation of algorithms: what we offer, what we choose, what we accept (RFC 7296 §2.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ike.codec.registry import ProtocolId, TransformType, transform_name
from ike.codec.security_association import Proposal, SecurityAssociation, Transform
from ike.config import (
    EspProposal,
    IkeProposal,
    KeyExchange,
    is_legacy,
)
from ike.crypto.suites import EspSuite, IkeSuite
from ike.origins import cite
from ike.transforms import (
    ADDITIONAL,
    NONE,
    Wanted,
    additional_transforms,
    by_kind,
    esp_suite,
    ike_suite,
    match,
    may_be_skipped,
    present,
    variants,
    wanted_esp,
    wanted_ike,
)


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

    wanted: Wanted

    @property
    def transforms(self) -> tuple[Transform, ...]:
        return tuple(t for transforms in self.wanted.values() for t in transforms)


def _wire_ike(proposals: Sequence[IkeProposal]) -> list[_WireProposal]:
    return [
        _WireProposal(wanted_ike(own, encryption, additional))
        for own in proposals
        for additional in variants(own.additional_key_exchange)
        for encryption in by_kind(own.encryption)
    ]


def _wire_esp(proposals: Sequence[EspProposal], with_key_exchange: bool) -> list[_WireProposal]:
    return [
        _WireProposal(wanted_esp(own, encryption, methods, additional))
        for own in proposals
        for methods, additional in _esp_variants(own, with_key_exchange)
        for encryption in by_kind(own.encryption)
    ]


def _esp_variants(
    own: EspProposal, with_key_exchange: bool
) -> list[tuple[tuple[KeyExchange, ...], Wanted]]:
    if not with_key_exchange:
        return [((), {})]
    return [(own.key_exchange, added) for added in variants(own.additional_key_exchange)]


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
    ours: Sequence[IkeProposal],
    offered: SecurityAssociation,
    method: int,
    spi: bytes = b"",
    with_additional: bool = True,
) -> IkeChoice | None:
    """Choose as responder; None if nothing fits.

    Our order of preference decides, but for the key exchange method: the one that the peer has
    sent a public value for saves a round trip, and is as acceptable as any that we list.

    Args:
        ours: what is configured.
        offered: the peer's SA payload.
        method: the key exchange method of the peer's KE payload.
        spi: our SPI, when an IKE SA is rekeyed.
        with_additional: whether additional key exchanges can follow: in IKE_SA_INIT the peer
            has to know IKE_INTERMEDIATE for that (RFC 9370 §2.2.1).
    """
    for own in ours:
        additional = additional_transforms(own.additional_key_exchange)
        if not with_additional:
            if not all(may_be_skipped(wanted) for wanted in additional.values()):
                continue
            additional = {}
        for encryption in own.encryption:
            wanted = wanted_ike(own, (encryption,), additional)
            wanted[TransformType.KE] = sorted(
                wanted[TransformType.KE], key=lambda t: t.transform_id != method
            )
            for proposal in offered.proposals:
                if proposal.protocol != ProtocolId.IKE:
                    continue
                chosen = match(present(wanted, proposal), proposal)
                if chosen is not None:
                    answer = Proposal(proposal.number, ProtocolId.IKE, spi, chosen)
                    return IkeChoice(ike_suite(chosen), answer)
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
                methods, additional = (
                    _exchanges(own, proposal, method) if with_key_exchange else ((), {})
                )
                wanted = wanted_esp(own, (encryption,), methods, additional)
                chosen = match(present(wanted, proposal), proposal)
                if chosen is not None:
                    answer = Proposal(proposal.number, ProtocolId.ESP, spi, chosen)
                    spi_out = int.from_bytes(proposal.spi, "big")
                    return EspChoice(esp_suite(chosen), answer), spi_out
    return None


def _exchanges(
    own: EspProposal, proposal: Proposal, method: int | None
) -> tuple[tuple[KeyExchange, ...], Wanted]:
    """Give the key exchange methods that would do, and the additional ones."""
    offered = [t.transform_id for t in proposal.of_type(TransformType.KE)]
    ours, additional = own.key_exchange, additional_transforms(own.additional_key_exchange)
    if not ours:
        # No wish of our own: the peer's, unless it can do without.
        if not offered or (NONE in offered and method is None):
            return (), {}
        ours = tuple(m for m in KeyExchange if not is_legacy(m))
        additional = {
            kind: [Transform.of(kind, NONE), *(Transform.of(kind, m) for m in ours)]
            for kind in ADDITIONAL
            if proposal.of_type(kind)
        }
    return tuple(sorted(ours, key=lambda m: m != method)), additional


def accept_ike(
    ours: Sequence[IkeProposal], answer: SecurityAssociation
) -> tuple[IkeSuite, Proposal] | None:
    """Check the responder's answer to our offer; None if it is not part of it."""
    accepted = _accept(_wire_ike(ours), answer, ProtocolId.IKE)
    return (ike_suite(accepted[0]), accepted[1]) if accepted else None


def accept_esp(
    ours: Sequence[EspProposal], answer: SecurityAssociation, with_key_exchange: bool
) -> tuple[EspSuite, int] | None:
    """Check the responder's answer to our offer, and give its inbound SPI; None if it is wrong."""
    accepted = _accept(_wire_esp(ours, with_key_exchange), answer, ProtocolId.ESP)
    if accepted is None or len(accepted[1].spi) != 4:
        return None
    return esp_suite(accepted[0]), int.from_bytes(accepted[1].spi, "big")


def _accept(
    wire: Sequence[_WireProposal], answer: SecurityAssociation, protocol: int
) -> tuple[tuple[Transform, ...], Proposal] | None:
    if len(answer.proposals) != 1:
        return None
    proposal = answer.proposals[0]
    if proposal.protocol != protocol or not 1 <= proposal.number <= len(wire):
        return None
    chosen = match(wire[proposal.number - 1].wanted, proposal)
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
    return cite(describe(offer_ike(proposals)), *(p.origin for p in proposals))


def describe_esp(proposals: Sequence[EspProposal]) -> str:
    """Name what is configured for a CHILD_SA, for an operator."""
    offer = offer_esp(proposals, bytes(4), with_key_exchange=True)
    return cite(describe(offer), *(p.origin for p in proposals))
