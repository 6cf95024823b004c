"""INFORMATIONAL: deletes, liveness checks, late errors (RFC 7296 §1.4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ike.codec.chain import find_notify, notifies
from ike.codec.delete import Delete
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u32
from ike.codec.registry import NotifyType, ProtocolId

_ESP_SPI_LENGTH = 4


@dataclass(frozen=True, slots=True)
class Informed:
    """What the peer's request asks for, or tells; SPIs are the peer's inbound, our outbound ones.

    Attributes:
        ends_ike_sa: by a Delete, or by AUTHENTICATION_FAILED from an initiator that did not find
            us to be who we have to be.
        gave_up: the peer could not read what we have sent (§2.21.3).
        spis_out: what it deletes.
        unknown_spis_out: ESP came to it with these, which it does not know (§1.5).
    """

    ends_ike_sa: bool
    gave_up: bool
    spis_out: tuple[int, ...]
    unknown_spis_out: tuple[int, ...]


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
        find_notify(payloads, NotifyType.INVALID_SYNTAX) is not None,
        tuple(int.from_bytes(spi, "big") for spi in spis),
        invalid_spis(payloads),
    )


def invalid_spis(payloads: Sequence[Payload]) -> tuple[int, ...]:
    """Read the SPIs that ESP came with, and that the sender does not know (INVALID_SPI, §1.5)."""
    found = (n.data for n in notifies(payloads) if n.notify_type == NotifyType.INVALID_SPI)
    return tuple(int.from_bytes(data, "big") for data in found if len(data) == _ESP_SPI_LENGTH)
