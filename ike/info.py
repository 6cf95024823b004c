"""What an operator can be shown of the engine's state."""

from __future__ import annotations

from dataclasses import dataclass

from ike.channel import Channel
from ike.config import Mode
from ike.events import Role
from ike.states import State
from ike.types import UdpAddress


@dataclass(frozen=True, slots=True)
class ChildSaInfo:
    """One pair of ESP SAs. Times are the caller's, in seconds; None: never.

    `more_selectors`: more of the offer would have been taken, in CHILD_SAs of its own (RFC 7296
    §2.9, ADDITIONAL_TS_POSSIBLE).
    """

    child: str
    spi_in: int
    spi_out: int
    suite: str
    established_at: float
    rekey_at: float | None
    more_selectors: bool = False
    mode: Mode = Mode.TUNNEL


@dataclass(frozen=True, slots=True)
class IkeSaInfo:
    """One IKE SA. Times are the caller's, in seconds; None: not yet, or never.

    `peer` is "" while the peer can be one of several, `suite` before there is one.
    """

    peer: str
    role: Role
    state: State
    initiator_spi: int
    responder_spi: int
    local: UdpAddress
    remote: UdpAddress
    suite: str
    nat_detected: bool
    established_at: float | None
    rekey_at: float | None
    children: tuple[ChildSaInfo, ...]


def unestablished(peer: str, state: State, channel: Channel) -> IkeSaInfo:
    """Describe an IKE SA on its way."""
    return IkeSaInfo(
        peer,
        channel.role,
        state,
        channel.initiator_spi,
        channel.responder_spi,
        channel.local,
        channel.remote,
        "",
        False,
        None,
        None,
        (),
    )
