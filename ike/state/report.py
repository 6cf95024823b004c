"""What has become of an exported state."""

from __future__ import annotations

from dataclasses import dataclass

from ike.config import EncryptionAlgorithm, Integrity, Mode
from ike.info import IkeSaInfo
from ike.types import TrafficSelector


@dataclass(frozen=True, slots=True)
class ImportedChild:
    """A pair of ESP SAs, without its keys: whoever holds them goes on using them.

    `lifetime` in seconds until the engine rekeys it; 0: never, or it is not for long anyway.
    `is_live`: it is to stay; others have been replaced, and will be deleted by one of the peers.
    """

    child: str
    peer: str
    spi_in: int
    spi_out: int
    encryption: EncryptionAlgorithm
    key_bits: int
    integrity: Integrity | None
    local_selectors: tuple[TrafficSelector, ...]
    remote_selectors: tuple[TrafficSelector, ...]
    lifetime: float
    is_live: bool
    mode: Mode


@dataclass(frozen=True, slots=True)
class CarriedOn:
    """An IKE SA that lives on; changes to its children come as events from here on."""

    info: IkeSaInfo
    children: tuple[ImportedChild, ...]


@dataclass(frozen=True, slots=True)
class NotCarriedOn:
    """An IKE SA that does not: the peer finds out by itself. `reason` is for an operator."""

    peer: str
    initiator_spi: int
    responder_spi: int
    reason: str
    children: tuple[ImportedChild, ...]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """All established IKE SAs of an exported state.

    `elapsed`: the seconds since the export, by which lifetimes have been cut; 0 where one of the
    two sides has no wall clock.
    """

    carried_on: tuple[CarriedOn, ...]
    not_carried_on: tuple[NotCarriedOn, ...]
    elapsed: float
