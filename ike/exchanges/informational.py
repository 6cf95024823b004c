"""INFORMATIONAL: deletes, liveness checks, late errors (RFC 7296 §1.4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ike.codec.chain import find_notify
from ike.codec.delete import Delete
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u32
from ike.codec.registry import NotifyType, ProtocolId


@dataclass(frozen=True, slots=True)
class Informed:
    """What the peer's request asks for.

    `spis_out` are the peer's inbound SPIs, our outbound ones. `ends_ike_sa` comes by a Delete, or
    by AUTHENTICATION_FAILED from an initiator that did not find us to be who we have to be.
    """

    ends_ike_sa: bool
    spis_out: tuple[int, ...]


def delete_children(spis_in: Iterable[int]) -> list[Payload]:
    """Ask for the end of CHILD_SAs, by our inbound SPIs."""
    return [Delete(ProtocolId.ESP, tuple(u32(spi) for spi in spis_in))]


def delete_ike_sa() -> list[Payload]:
    """Ask for the end of the IKE SA and all its CHILD_SAs."""
    return [Delete(ProtocolId.IKE)]


def authentication_failed() -> list[Payload]:
    """Tell the responder that it is not who it has to be (§2.21.2)."""
    return [Notify(NotifyType.AUTHENTICATION_FAILED)]


def read_request(payloads: Sequence[Payload]) -> Informed:
    """Read what the peer asks for."""
    deletes = [p for p in payloads if isinstance(p, Delete)]
    spis = [spi for d in deletes if d.protocol == ProtocolId.ESP for spi in d.spis]
    return Informed(
        any(d.protocol == ProtocolId.IKE for d in deletes)
        or find_notify(payloads, NotifyType.AUTHENTICATION_FAILED) is not None,
        tuple(int.from_bytes(spi, "big") for spi in spis),
    )
